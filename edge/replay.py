"""A recording through the real pipeline, as fast as it decodes, with the recording's own times.

The same recording and configuration give the same bytes: clock, ids and session come from the input.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from contract.channels import Address, channel_for
from contract.clock import ManualClock
from contract.codec import Envelope, encode
from edge.config.model import EdgeConfig
from edge.config.problems import ConfigError, Problem
from edge.config.vision import CameraConfig
from edge.gallery import Gallery
from edge.policy import PolicyDecision, judge
from edge.process import limit_threads
from edge.schedule import FairSchedule
from edge.values import Emission, Frame, Instant
from edge.vision_node import Vision, VisionCounters
from hardware.cameras.base import CameraFrame
from hardware.cameras.file import FileCamera
from hardware.cameras.options import FileOptions
from hardware.errors import EndOfRecording

if TYPE_CHECKING:
    from edge.vision.ports import TrackWatch

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
    cpu_s: float = 0.0
    """CPU seconds of the pipeline, without decoding; 0 unless a CPU clock was given."""


def replay(
    config: EdgeConfig,
    camera_id: str,
    video: Path,
    out: TextIO,
    progress: TextIO | None = None,
    gallery: Gallery | None = None,
    watch: TrackWatch | None = None,
    cpu_clock: Callable[[], float] = lambda: 0.0,
) -> ReplayReport:
    """Run `camera_id` on `video`; one CloudEvent a line to `out`, progress to `progress`.

    `watch` looks on (evaluations), `cpu_clock` answers CPU seconds of this process.

    Errors: ConfigError (no such camera), hardware.errors.PermanentError (file), models.errors.MisconfiguredError.
    """
    camera = config.camera(camera_id)
    if camera is None:
        known = ", ".join(one.id for one in config.cameras) or "none"
        raise ConfigError(
            [Problem(("cameras",), 0, f"there is no camera {camera_id!r}; cameras of this file: {known}")]
        )
    limit_threads()
    recorded_at = time_of(camera)
    only = config.model_copy(update={"cameras": (camera,)})
    return _Replay(only, video, recorded_at, gallery, watch, cpu_clock).run(out, progress)


def time_of(camera: CameraConfig) -> datetime:
    """Wall time of the first frame of a recording that stands for this camera."""
    recorded_at = camera.source.recorded_at if isinstance(camera.source, FileOptions) else None
    return recorded_at or RECORDED_AT


class _Replay:
    def __init__(
        self,
        config: EdgeConfig,
        video: Path,
        recorded_at: datetime,
        gallery: Gallery | None,
        watch: TrackWatch | None,
        cpu_clock: Callable[[], float],
    ) -> None:
        self._config = config
        self._cpu_clock = cpu_clock
        self._cpu_s = 0.0
        self._camera = config.cameras[0]
        self._source = FileCamera(
            FileOptions(path=video, pace="fast", recorded_at=recorded_at), ManualClock(recorded_at, 0.0)
        )
        self._video = video
        start = Instant(0.0, recorded_at)
        decision = policy_at(config, recorded_at)
        held = gallery or Gallery()
        self._session = "replay-" + _digest(f"{self._camera.id}/{video.name}")
        ids = count(1)
        self._vision = Vision.build(
            config, decision, held, start, run="r0", new_id=lambda: _digest(f"{self._session}/{next(ids)}"),
            watch=watch,
        )  # fmt: skip
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
                before = self._cpu_clock()
                emitted = self._vision.frame(Frame(self._camera.id, picture.image, now))
                self._cpu_s += self._cpu_clock() - before
                self._write(emitted, now, out)
            if progress is not None and frames % _TELL_EVERY == 0:
                print(f"{self._video.name}: {now.monotonic:.1f} s, {self._sequence} events", file=progress, flush=True)
        counters = self._vision.counters()
        self._write(self._vision.shutdown(now), now, out)
        if progress is not None:
            print(f"{self._video.name}: done, {frames} frames, {self._sequence} events", file=progress, flush=True)
        return ReplayReport(frames, analysed, now.monotonic, self._sequence, counters, self._cpu_s)

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


def policy_at(config: EdgeConfig, when: datetime) -> PolicyDecision:
    """What the configured policy grants at the time of the recording."""
    document = config.policy.document.read_bytes() if config.policy.document else None
    return judge(config.policy, config.store, _operator_key(config), document, when)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _operator_key(config: EdgeConfig) -> bytes | None:
    if config.trust is None or config.trust.operator_key is None:
        return None
    return base64.b64decode(config.trust.operator_key)
