"""What a person detector makes of the floor without drawing it: boxes from geometry, with a detector's faults.

Misses that last (a hidden person is missed for as long as he is hidden), boxes that end where somebody or a shelf
stands before the feet, boxes swallowed by non-maximum suppression, jitter that is correlated over time, false boxes.
The faults are chosen, not fitted; docs/floor.md, "With the real detector", sets them beside NanoDet's on rendered days.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.boxes import suppress
from models.detections import Detections
from simulator.scenes.floor_backdrop import fixtures, silhouette
from simulator.scenes.looks import LOOKS
from simulator.scenes.pinhole import Pinhole
from simulator.scenes.plan import STORE, StorePlan
from simulator.scenes.route import FloorPose
from simulator.scenes.ways import passes

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_ROWS, _COLUMNS = 12, 5
_WIDTH_M = 0.5
_JITTER = 0.022
"""Standard deviation of a box edge, in box heights."""
_JITTER_MEMORY = 0.6
_MISS_MEMORY = 0.75
_SEEN_SHARE, _SEEN = (0.0, 0.12, 0.3, 0.5, 0.75, 1.0), (0.0, 0.02, 0.3, 0.75, 0.96, 0.985)
"""How often somebody is found of whom that share can be seen."""
_FALSE_PER_FRAME = 0.004
_FALSE_LASTS = 0.7
_NMS = 0.6


@dataclass(slots=True)
class _Mood:
    """What carries over from frame to frame for one person."""

    jitter: Floats
    luck: float


@dataclass(frozen=True, slots=True)
class _Body:
    name: str
    box: Floats
    depth: float
    grid: Floats
    open: Mask


def second_camera(size: tuple[int, int] = (1280, 720)) -> Pinhole:
    """A camera in the corner opposite to the door, looking at it: it sees most of what the first one sees."""
    return Pinhole((9.9, 6.9, 2.9), math.radians(20), 0.586 * size[0], size, yaw=math.radians(112))


class FloorEyes:
    """One camera and its detector. `look` must be called with rising times."""

    def __init__(self, camera: Pinhole, seed: int, plan: StorePlan = STORE) -> None:
        self.camera = camera
        self._rng = np.random.default_rng(seed)
        things = [(shelf.footprint, shelf.height) for shelf in plan.shelves] + fixtures(plan)
        self._things = [
            (footprint, silhouette(camera, footprint, height) > 127)
            for footprint, height in things
            if all(camera.depth(x, y, 0.0) > 0.3 for x, y in footprint)
        ]
        self._moods: dict[str, _Mood] = {}
        self._bodies: dict[str, tuple[tuple[int, float, float], _Body | None]] = {}
        self._false: list[Floats] = []

    def look(self, people: Sequence[tuple[str, FloorPose]]) -> Detections:
        """Detections of one frame."""
        found_bodies = [self._body(name, pose) for name, pose in people]
        bodies = sorted((body for body in found_bodies if body is not None), key=lambda body: -body.depth)
        found: list[tuple[Floats, float]] = []
        for number, body in enumerate(bodies):
            visible = body.open.copy()
            for nearer in bodies[number + 1 :]:
                visible &= ~_covered(body.grid, nearer.box)
            seen = self._see(body, visible)
            if seen is not None:
                found.append(seen)
        found += [(box, float(self._rng.uniform(0.4, 0.6))) for box in self._phantoms()]
        if not found:
            return Detections.empty()
        boxes = np.array([box for box, _ in found], np.float32)
        scores = np.array([score for _, score in found], np.float32)
        keep = suppress(boxes, scores, _NMS)
        return Detections(boxes[keep], scores[keep])

    def _body(self, name: str, pose: FloorPose) -> _Body | None:
        """Who has not moved is where he was: most people stand most of the time."""
        key = (pose.figure, pose.x, pose.y)
        if name not in self._bodies or self._bodies[name][0] != key:
            self._bodies[name] = key, self._figure(name, pose)
        return self._bodies[name][1]

    def _figure(self, name: str, pose: FloorPose) -> _Body | None:
        depth = self.camera.depth(pose.x, pose.y, 0.9)
        if depth < 0.8:
            return None
        height = LOOKS[pose.figure % len(LOOKS)].height
        foot, crown = self.camera.project([(pose.x, pose.y, 0.0), (pose.x, pose.y, height)])
        half = self.camera.focal / depth * _WIDTH_M / 2
        middle = (foot[0] + crown[0]) / 2
        lean = abs(foot[0] - crown[0]) / 2
        box = np.array([middle - half - lean, crown[1], middle + half + lean, foot[1]])
        us = np.linspace(box[0], box[2], _COLUMNS + 2)[1:-1]
        vs = np.linspace(box[1], box[3], _ROWS)
        grid = np.stack(np.meshgrid(us, vs), axis=-1)
        return _Body(name, box, depth, grid, self._open(grid, pose))

    def _open(self, grid: Floats, pose: FloorPose) -> Mask:
        """Which points of the figure lie in the picture with no furniture before them."""
        width, height = self.camera.size
        inside = (grid[..., 0] >= 0) & (grid[..., 0] < width) & (grid[..., 1] >= 0) & (grid[..., 1] < height)
        eye = (self.camera.position[0], self.camera.position[1])
        u = np.clip(grid[..., 0], 0, width - 1).astype(int)
        v = np.clip(grid[..., 1], 0, height - 1).astype(int)
        for footprint, mask in self._things:
            if passes(eye, (pose.x, pose.y), footprint):
                inside &= ~mask[v, u]
        return np.asarray(inside, np.bool_)

    def _see(self, body: _Body, visible: Mask) -> tuple[Floats, float] | None:
        mood = self._moods.setdefault(body.name, _Mood(np.zeros(4), 0.0))
        mood.jitter = _JITTER_MEMORY * mood.jitter + math.sqrt(1 - _JITTER_MEMORY**2) * self._rng.normal(0, 1, 4)
        mood.luck = _MISS_MEMORY * mood.luck + math.sqrt(1 - _MISS_MEMORY**2) * float(self._rng.normal())
        share = float(visible.mean())
        chance = float(np.interp(share, _SEEN_SHARE, _SEEN))
        if 0.5 * (1 + math.erf(mood.luck / math.sqrt(2))) >= chance:
            return None
        box = _seen_part(body, visible)
        box = box + mood.jitter * _JITTER * (body.box[3] - body.box[1])
        width, height = self.camera.size
        box = np.clip(box, 0, [width, height, width, height])
        if box[2] - box[0] < 4 or box[3] - box[1] < 8:
            return None
        return box, float(np.clip(0.35 + 0.5 * share + self._rng.normal(0, 0.05), 0.2, 0.95))

    def _phantoms(self) -> list[Floats]:
        self._false = [box for box in self._false if self._rng.random() < _FALSE_LASTS]
        if self._rng.random() < _FALSE_PER_FRAME:
            width, height = self.camera.size
            foot = self._rng.uniform((0.1 * width, 0.5 * height), (0.9 * width, 0.95 * height))
            tall = float(self._rng.uniform(0.15, 0.4)) * height
            self._false.append(np.array([foot[0] - tall / 6, foot[1] - tall, foot[0] + tall / 6, foot[1]]))
        return self._false


def _covered(grid: Floats, box: Floats) -> Mask:
    """Points behind somebody nearer, whose body fills four fifths of the width of the box."""
    inset = 0.1 * (box[2] - box[0])
    u, v = grid[..., 0], grid[..., 1]
    return np.asarray((u > box[0] + inset) & (u < box[2] - inset) & (v > box[1]) & (v < box[3]), np.bool_)


def _seen_part(body: _Body, visible: Mask) -> Floats:
    """The box a detector draws round what can be seen: its sides guess half of what is hidden."""
    rows = np.nonzero(visible.mean(axis=1) >= 0.4)[0]
    columns = np.nonzero(visible.mean(axis=0) >= 0.25)[0]
    if not len(rows) or not len(columns):
        return body.box.copy()
    step = (body.box[3] - body.box[1]) / (_ROWS - 1)
    across = (body.box[2] - body.box[0]) / _COLUMNS
    part = np.array(
        [
            body.box[0] + across * columns[0],
            body.box[1] + step * rows[0],
            body.box[0] + across * (columns[-1] + 1),
            body.box[1] + step * rows[-1],
        ]
    )
    share = np.array([0.5, 1.0, 0.5, 1.0])
    return np.asarray(share * part + (1 - share) * body.box)
