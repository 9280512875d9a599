"""What the audit page can ask for, without HTTP. One thread calls it; frames live here and nowhere else."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import cv2
from pydantic import BaseModel, ConfigDict, Field

from calibration.audit.compare import Comparison, Crossing, Stay, Stretch, compare
from calibration.audit.events import NodeEvents, read_events
from calibration.audit.file import VALID_DAYS, AuditFile, audit_yaml
from calibration.errors import CalibrationError
from calibration.records import write_text
from calibration.source import Image, Source, Stream
from contract.clock import Clock
from contract.quality import count_class, dwell_class

Json = dict[str, object]
_AHEAD_S = 4.0
"""So far ahead it is quicker to read on than to search."""
_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 82)
_WIDEST = 1280
_SHORTEST_S = 10.0


class Counted(BaseModel):
    """What the person counted; seconds of the footage."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operator: str = Field(default="", max_length=80)
    line: str = Field(default="", max_length=60)
    zone: str = Field(default="", max_length=60)
    watched: tuple[tuple[float, float], ...] = Field(max_length=1000)
    crossings: tuple[tuple[float, Literal["in", "out"]], ...] = Field(default=(), max_length=20_000)
    stays: tuple[tuple[float, float], ...] = Field(default=(), max_length=20_000)


@dataclass(frozen=True, slots=True)
class Task:
    """What is audited. `start`: wall time of the first picture of a recording."""

    camera: str
    source: Source
    events: Path
    start: datetime
    out: Path
    operator: str = ""


class AuditDesk:
    """Frames, comparison, result."""

    def __init__(self, task: Task, clock: Clock) -> None:
        self._task = task
        self._clock = clock
        self._open = ExitStack()
        self._stream: Stream | None = None
        self._at = -1.0
        self._shown: tuple[bytes, float] | None = None
        self._begun = clock.now()

    def start(self) -> Json:
        """What can be counted."""
        events = self._events()
        return {
            "camera": self._task.camera, "operator": self._task.operator, "live": self._task.source.live,
            "duration": round(self._footage().duration, 2), "lines": sorted(events.crossings),
            "zones": sorted(events.stays), "unreadable": events.unreadable, "uncalibrated": events.uncalibrated,
        }  # fmt: skip

    def frame(self, wanted: float) -> tuple[bytes, float]:
        """The first frame at or after a second of the footage, as JPEG, and its second; the newest of a live camera."""
        stream = self._footage()
        if self._shown is not None and not stream.source.live and abs(wanted - self._shown[1]) < 0.5 / stream.fps:
            return self._shown
        if not stream.source.live and not self._at - 0.01 <= wanted <= self._at + _AHEAD_S:
            stream.seek(max(0.0, wanted - 0.001))
            self._at = -1.0
        picture, at = self._next(stream)
        while not stream.source.live and at < wanted - 0.5 / stream.fps:
            picture, at = self._next(stream)
        self._at, self._shown = at, (_packed(picture), at)
        return self._shown

    def compare(self, counted: Counted) -> Json:
        """The node's errors over what was watched."""
        found = self._compared(counted)
        now = self._clock.now()
        audit = self._record(counted, found).audit
        return {
            "count": None if found.count is None else found.count.model_dump(),
            "dwell": None if found.dwell is None else found.dwell.model_dump(),
            "classes": {"count": count_class(audit, now), "dwell": dwell_class(audit, now)},
            "missed": _rounded(found.missed), "extra": _rounded(found.extra),
            "missed_stays": _rounded(found.missed_stays), "extra_stays": _rounded(found.extra_stays),
        }  # fmt: skip

    def save(self, counted: Counted) -> Json:
        """Write the audit file."""
        if not counted.operator.strip():
            raise CalibrationError("operator: say who counted", "no_operator")
        found = self._compared(counted)
        if found.count is None and found.dwell is None:
            raise CalibrationError("nobody was counted: there is nothing to say", "nothing")
        write_text(self._task.out, audit_yaml(self._record(counted, found)))
        return {"file": str(self._task.out)}

    def close(self) -> None:
        """Let the footage go."""
        self._open.close()

    def _compared(self, counted: Counted) -> Comparison:
        watched = [Stretch(a, b) for a, b in counted.watched if b > a]
        if sum(part.end - part.start for part in watched) < _SHORTEST_S:
            raise CalibrationError(f"watch at least {_SHORTEST_S:.0f} seconds", "too_short")
        events = self._events()
        person = [Crossing(at, way) for at, way in counted.crossings], [Stay(a, b) for a, b in counted.stays if b > a]
        return compare(watched, person, (events.crossings.get(counted.line, []), events.stays.get(counted.zone, [])))

    def _record(self, counted: Counted, found: Comparison) -> AuditFile:
        now = self._clock.now()
        return AuditFile(
            camera=self._task.camera, operator=counted.operator.strip() or "?", audited_at=now,
            until=now + timedelta(days=VALID_DAYS), footage=self._task.source.name[:200],
            events=self._task.events.name[:200], count=found.count, dwell=found.dwell,
            watched_s=round(sum(max(0.0, b - a) for a, b in counted.watched), 1),
        )  # fmt: skip

    def _events(self) -> NodeEvents:
        return read_events(self._task.events, self._begun if self._task.source.live else self._task.start)

    def _footage(self) -> Stream:
        if self._stream is None:
            self._stream = self._open.enter_context(self._task.source.open())
            self._begun = self._clock.now()
        return self._stream

    def _next(self, stream: Stream) -> tuple[Image, float]:
        if stream.source.live:
            picture = stream.read()
            at = (self._clock.now() - self._begun).total_seconds()
        else:
            picture = stream.read()
            at = stream.seconds
        if picture is None:
            raise CalibrationError("the recording is over", "over")
        return picture, at


def _packed(picture: Image) -> bytes:
    height, width = picture.shape[:2]
    if width > _WIDEST:
        small = cv2.resize(picture, (_WIDEST, round(height * _WIDEST / width)), interpolation=cv2.INTER_AREA)
        return cv2.imencode(".jpg", small, _JPEG)[1].tobytes()
    return cv2.imencode(".jpg", picture, _JPEG)[1].tobytes()


def _rounded(moments: tuple[float, ...]) -> list[float]:
    return [round(at, 2) for at in moments]
