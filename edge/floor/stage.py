"""The people of one camera: gate, detect, track, foot point, plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from edge.floor.plane import FloorPlane
from edge.motion import MotionGate
from edge.tracking.tracker import Tracker, TrackerSettings
from edge.values import FloorPosition, Frame, Image, Track
from models.detections import Detections


class PersonEngine(Protocol):
    """`models.persons.PersonDetector` offers it."""

    def detect(self, frame: Image) -> Detections: ...


@dataclass(frozen=True, slots=True)
class FloorView:
    """Where people were seen in this frame, and the published ids of tracks that ended."""

    positions: tuple[FloorPosition, ...] = ()
    ended: tuple[str, ...] = ()


def person_tracking(min_score: float, max_lost_s: float) -> TrackerSettings:
    """Tracker settings for people, from the score at which a detection is believed."""
    return TrackerSettings(high=min_score, low=0.2, new=min(min_score + 0.05, 0.95), max_lost_s=max_lost_s)


class FloorStage:
    """`run` makes the anonymous ids of this start of the node differ from those of the last."""

    def __init__(
        self, camera: str, run: str, detector: PersonEngine, plane: FloorPlane, tracking: TrackerSettings
    ) -> None:
        self._prefix = f"{camera}-{run}-"
        self._detector = detector
        self._plane = plane
        self._gate = MotionGate()
        self._tracker = Tracker(tracking)
        self.detector_calls = 0

    def step(self, frame: Frame) -> FloorView:
        """Look at one frame."""
        now = frame.captured.monotonic
        if not (self._gate.step(frame.image, now) or self._tracker.busy):
            return FloorView()
        self.detector_calls += 1
        found = self._detector.detect(frame.image)
        tracks = self._tracker.step(found.boxes, found.scores, now)
        positions = (self._place(track, frame) for track in tracks.tracks if track.seen)
        ended = tuple(f"{self._prefix}{track}" for track in tracks.ended)
        return FloorView(tuple(position for position in positions if position is not None), ended)

    def _place(self, track: Track, frame: Frame) -> FloorPosition | None:
        point = self._plane.to_plan(track.foot)
        if point is None:
            return None
        return FloorPosition(f"{self._prefix}{track.id}", point, frame.captured.monotonic)
