"""A recording through the real pipeline, as fast as it decodes, with the recording's own times.

The same recording and configuration give the same bytes: clock, ids and session come from the input.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TextIO

from contract.channels import Address, channel_for
from contract.clock import ManualClock
from contract.codec import Envelope, encode
from edge.config.model import EdgeConfig
from edge.config.problems import ConfigError, Problem
from edge.gallery import Gallery
from edge.policy import judge
from edge.process import limit_threads
from edge.schedule import FairSchedule
from edge.values import Emission, Frame, Instant
from edge.vision_node import Vision, VisionCounters
from hardware.cameras.base import CameraFrame
from hardware.cameras.file import FileCamera
from hardware.cameras.options import FileOptions
from hardware.errors import EndOfRecording

RECORDED_AT = datetime(2000, 1, 1, tzinfo=UTC)
"""Wall time of the first frame of a recording that does not say (`source.recorded_at`): plainly not a real date."""
_TICK_S = 0.5
_TELL_EVERY = 250


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What was read and what came of it."""

    frames: int
    analysed: int
    seconds: float
    events: int
    counters: VisionCounters


def replay(
    config: EdgeConfig,
    camera_id: str,
    video: Path,
    out: TextIO,
    progress: TextIO | None = None,
    gallery: Gallery | None = None,
) -> ReplayReport:
    """Run `camera_id` on `video`; one CloudEvent a line to `out`, progress to `progress`.

    Errors: ConfigError (no such camera), hardware.errors.PermanentError (file), models.errors.MisconfiguredError.
    """
    camera = config.camera(camera_id)
    if camera is None:
        known = ", ".join(one.id for one in config.cameras) or "none"
        raise ConfigError(
            [Problem(("cameras",), 0, f"there is no camera {camera_id!r}; cameras of this file: {known}")]
        )
    limit_threads()
    recorded_at = camera.source.recorded_at if isinstance(camera.source, FileOptions) else None
    only = config.model_copy(update={"cameras": (camera,)})
    return _Replay(only, video, recorded_at or RECORDED_AT, gallery).run(out, progress)


class _Replay:
    def __init__(self, config: EdgeConfig, video: Path, recorded_at: datetime, gallery: Gallery | None) -> None:
        self._config = config
        self._camera = config.cameras[0]
        self._source = FileCamera(
            FileOptions(path=video, pace="fast", recorded_at=recorded_at), ManualClock(recorded_at, 0.0)
        )
        self._video = video
        start = Instant(0.0, recorded_at)
        document = config.policy.document.read_bytes() if config.policy.document else None
        decision = judge(config.policy, config.store, _operator_key(config), document, recorded_at)
        held = gallery or Gallery()
        self._session = "replay-" + _digest(f"{self._camera.id}/{video.name}")
        ids = count(1)
        self._vision = Vision.build(
            config, decision, held, start, run="r0", new_id=lambda: _digest(f"{self._session}/{next(ids)}")
        )
        self._sequence = 0

    def run(self, out: TextIO, progress: TextIO | None) -> ReplayReport:
        schedule = FairSchedule({self._camera.id: self._camera.analysed_fps})
        frames = analysed = 0
        next_tick = _TICK_S
        now = Instant(0.0, RECORDED_AT)
        for picture in self._pictures():
            frames += 1
            now = Instant(picture.captured_monotonic, picture.captured_at)
            if now.monotonic >= next_tick:
                next_tick = now.monotonic + _TICK_S
                self._write(self._vision.tick(now), now, out)
            if schedule.pick((self._camera.id,), now.monotonic) is not None:
                analysed += 1
                self._write(self._vision.frame(Frame(self._camera.id, picture.image, now)), now, out)
            if progress is not None and frames % _TELL_EVERY == 0:
                print(f"{self._video.name}: {now.monotonic:.1f} s, {self._sequence} events", file=progress, flush=True)
        counters = self._vision.counters()
        self._write(self._vision.shutdown(now), now, out)
        if progress is not None:
            print(f"{self._video.name}: done, {frames} frames, {self._sequence} events", file=progress, flush=True)
        return ReplayReport(frames, analysed, now.monotonic, self._sequence, counters)

    def _pictures(self) -> Iterator[CameraFrame]:
        self._source.open()
        try:
            while True:
                yield self._source.read()
        except EndOfRecording:
            return
        finally:
            self._source.close()

    def _write(self, emissions: list[Emission], now: Instant, out: TextIO) -> None:
        address = Address(self._config.store, self._config.node, "status")
        for event in emissions:
            self._sequence += 1
            envelope = Envelope(
                id=f"{self._session}-{self._sequence}",
                source=address.source,
                type=channel_for(event).event_type,
                time=now.wall,
                session=self._session,
                sequence=self._sequence,
            )
            out.write(encode(envelope, event).decode() + "\n")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _operator_key(config: EdgeConfig) -> bytes | None:
    if config.trust is None or config.trust.operator_key is None:
        return None
    return base64.b64decode(config.trust.operator_key)
