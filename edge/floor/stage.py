"""The people of one camera: gate, detect, track, foot point, plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from edge.floor.backdrop import Backdrop
from edge.floor.beginnings import Beginnings
from edge.floor.plane import FloorPlane
from edge.floor.sights import Sights
from edge.floor.stature import StatureModel
from edge.floor.still import StillThings
from edge.motion import MotionGate
from edge.values import Box, Floats, FloorPosition, Frame, Image, PlanPoint, Track, TrackSet
from models.detections import Detections
from tracking.tracker import Tracker, TrackerSettings

_FOOT_SHARE, _FOOT_PX = 0.035, 1.5
"""Standard deviation of a foot point in the picture: share of the height of the box, and pixels."""
_APART = 0.2
"""Share of the smaller of two boxes that may lie in the other while both still are clear of each other."""
_EDGE_SHARE = 0.08
"""Share of its height within which a box that ends near the lower edge of the picture may go on below it."""

_BORDER_PX = 4.0


class PersonEngine(Protocol):
    """`models.persons.PersonDetector` offers it."""

    def detect(self, frame: Image) -> Detections: ...


@dataclass(frozen=True, slots=True)
class FloorView:
    """Where people were seen in this frame, and the published ids of tracks that ended.

    `earlier`: of tracks that are new in this frame, where they had been seen first, before they were confirmed.
    """

    positions: tuple[FloorPosition, ...] = ()
    ended: tuple[str, ...] = ()
    earlier: tuple[FloorPosition, ...] = ()


class FloorStage:
    """`run` makes the anonymous ids of this start of the node differ from those of the last."""

    def __init__(
        self, camera: str, run: str, detector: PersonEngine, plane: FloorPlane, tracking: TrackerSettings
    ) -> None:
        self._prefix = f"{camera}-{run}-"
        self._detector = detector
        self._plane = plane
        self._gate = MotionGate()
        self._backdrop = Backdrop()
        self._sights = Sights(tracking.high)
        self._tracker = Tracker(tracking)
        self._beginnings = Beginnings()
        self._still = StillThings()
        self._newest = 0
        self._stature: StatureModel | None = None
        self._size: tuple[int, int] | None = None
        self.detector_calls = 0

    def step(self, frame: Frame) -> FloorView:
        """Look at one frame."""
        now = frame.captured.monotonic
        # Whoever is held back as furniture does not keep the detector busy.
        if not self._gate.step(frame.picture, now) and len(self._tracker) <= len(self._still):
            return FloorView()
        self.detector_calls += 1
        found = self._sights.step(self._detector.detect(frame.image), self._backdrop, self._gate.view, frame.size)
        self._beginnings.add(found.boxes, now)
        tracks = self._people(self._tracker.step(found.boxes, found.scores, now), frame.size, now)
        stature = self._statures(frame.image)
        clear = _clear(tracks.tracks)
        positions = (
            self._place(track, alone, stature, now)
            for track, alone in zip(tracks.tracks, clear, strict=True)
            if track.seen
        )
        view = FloorView(
            tuple(position for position in positions if position is not None),
            tuple(f"{self._prefix}{track}" for track in tracks.ended),
            self._begun(tracks.tracks, stature),
        )
        if stature is not None:
            for ended in tracks.ended:
                stature.forget(ended)
        return view

    def _people(self, tracks: TrackSet, size: tuple[int, int], now: float) -> TrackSet:
        """Without those that are taken for furniture."""
        held = {track for track in tracks.ended if self._still.holds(track)}
        self._still.step(tracks, self._gate.cells, size, now)
        people = tuple(track for track in tracks.tracks if not self._still.holds(track.id))
        if self._gate.view is not None:
            self._backdrop.learn(self._gate.view, (track.box for track in people), self._gate.cells, size, now)
        return TrackSet(people, tuple(track for track in tracks.ended if track not in held))

    def _statures(self, image: Image) -> StatureModel | None:
        """What is known of heights; None when the homography does not tell how people stand in the picture."""
        size = (image.shape[1], image.shape[0])
        if size != self._size:
            self._size = size
            upright = self._plane.upright(size)
            self._stature = None if upright is None else StatureModel(upright)
        return self._stature

    def _begun(self, tracks: tuple[Track, ...], stature: StatureModel | None) -> tuple[FloorPosition, ...]:
        """First sights of the tracks that got their number now."""
        found = []
        for track in tracks:
            begun = self._beginnings.of(track.box) if track.id > self._newest else None
            if begun is not None:
                at, box = begun
                place = self._place(Track(track.id, box, track.score, False, at), False, stature, at)
                found.append(place)
        self._newest = max([self._newest, *(track.id for track in tracks)])
        return tuple(place for place in found if place is not None)

    def _place(self, track: Track, alone: bool, stature: StatureModel | None, now: float) -> FloorPosition | None:
        box = self._plane.straight(track.box)
        if box is None:
            return None
        tall = box[3] - box[1]
        foot = ((box[0] + box[2]) / 2, box[3])
        deviation = _FOOT_SHARE * tall + _FOOT_PX
        name = f"{self._prefix}{track.id}"
        edge = self._at_edge(track.box)
        if stature is None or self._size is None:
            point = self._plane.to_plan(foot)
            return None if point is None else self._position(name, point, foot, deviation, now, alone, edge)
        out_of_picture = track.box[3] >= self._size[1] - _EDGE_SHARE * tall - _FOOT_PX
        stand = None if out_of_picture else stature.whole(track.id, box, alone)
        if stand is None:
            stand = stature.from_head(track.id, box)
        if stand is None or not self._plane.near(stand.point):
            point = self._plane.to_plan(foot)
            return None if point is None else self._position(name, point, foot, 3 * deviation, now, alone, edge)
        # A head that is wrong by so many metres moves the foot as many pixels as that height is tall in the picture.
        deviation *= 1.0 + stand.deviation_m / stand.height_m / _FOOT_SHARE
        foot = self._plane.pixel(stand.point)
        return self._position(name, stand.point, foot, deviation, now, alone, edge)

    def _at_edge(self, box: Box) -> bool:
        """Whether a box touches the border of the picture on any side but the upper one."""
        width, height = self._size or (0, 0)
        return box[0] <= _BORDER_PX or box[2] >= width - _BORDER_PX or box[3] >= height - _BORDER_PX

    def _position(
        self,
        name: str,
        point: PlanPoint,
        foot: tuple[float, float],
        deviation: float,
        now: float,
        alone: bool,
        edge: bool,
    ) -> FloorPosition:
        return FloorPosition(name, point, now, self._plane.spread(foot, (deviation, deviation)), alone, edge)


def _clear(tracks: tuple[Track, ...]) -> list[bool]:
    """Which boxes hardly overlap with any other, those of people just lost from sight included."""
    if not tracks:
        return []
    boxes: Floats = np.array([track.box for track in tracks])
    sides = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    shared = np.clip(sides, 0, None).prod(axis=2)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    share = shared / np.minimum(areas[:, None], areas[None, :])
    np.fill_diagonal(share, 0.0)
    return [bool(row.max() < _APART) for row in share]
