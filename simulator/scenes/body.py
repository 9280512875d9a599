"""An articulated body: a skeleton with a walking cycle, fleshed out with round cones and shaded.

A round cone (a sphere swept along a bone, its radius changing) has a closed form for its outline, depth and normal
when it is seen from far away, so a body is drawn in numpy alone, in a few milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

BODY_HEIGHT = 1.75
"""Metres, crown of the standing body."""
STRIDE = 1.4
"""Metres walked in one full cycle (two steps)."""
PHASES = 12
"""Drawn moments of a walking cycle."""
STANDING = -1
"""The phase of a body that stands."""

_THIGH, _SHIN, _UPPER_ARM, _FOREARM = 0.45, 0.43, 0.29, 0.26
_ANKLE = 0.07
_SPAN = (1.15, 2.25)
"""Width and height in metres of the drawn field."""
_FEET = 0.42
"""Metres from the bottom edge of the drawn field up to the floor under the body."""

_EDGE = 5

Point3 = tuple[float, float, float]


class Part(IntEnum):
    """What a pixel of a body shows; a look gives each its colour."""

    NONE = 0
    SKIN = 1
    HAIR = 2
    SHIRT = 3
    FOREARM = 4
    TROUSERS = 5
    SHIN = 6
    SHOES = 7


class Build(IntEnum):
    """Outlines a body can have."""

    PLAIN = 0
    LONG_HAIR = 1
    COAT = 2


@dataclass(frozen=True, slots=True)
class _Cone:
    part: Part
    a: Point3
    b: Point3
    radius_a: float
    radius_b: float


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A drawn body without colours. `foot` is the pixel of the floor point between its feet."""

    part: npt.NDArray[np.uint8]
    shade: npt.NDArray[np.uint8]
    """Brightness, 0..255."""
    alpha: npt.NDArray[np.uint8]
    foot: tuple[float, float]
    pixels_per_metre: float


def phase_of(walked: float) -> int:
    """The moment of the walking cycle after `walked` metres."""
    return int(walked / STRIDE * PHASES) % PHASES


@lru_cache(maxsize=1024)
def draw_body(
    build: Build, phase: int, turn: float, elevation: float, pixels_per_metre: float, head: bool = True
) -> Shape:
    """Draw a body seen from `elevation` radians above; `turn` 0 faces the viewer, pi/2 looks to the picture's right.

    `phase` is 0..PHASES-1, or STANDING. Without `head` the neck ends free (a photographed head goes on it).
    """
    width, height = (round(span * pixels_per_metre) for span in _SPAN)
    canvas = _Canvas(width, height, pixels_per_metre, turn, elevation)
    for cone in _cones(build, phase, head):
        canvas.add(cone)
    return canvas.finish()


def _cones(build: Build, phase: int, head: bool) -> Iterator[_Cone]:
    """The body facing +y, x to its left hand seen from behind; metres, feet on z = 0."""
    swing = 0.0 if phase == STANDING else 2 * math.pi * phase / PHASES
    legs = [_leg(side, swing + (math.pi if side > 0 else 0.0), phase == STANDING) for side in (-1, 1)]
    lift = _ANKLE - min(leg[2][2] for leg in legs)
    for leg in legs:
        hip, knee, ankle = (_up(joint, lift) for joint in leg)
        yield _Cone(Part.TROUSERS, hip, knee, 0.095, 0.065)
        yield _Cone(Part.SHIN, knee, ankle, 0.064, 0.045)
        toe = (ankle[0] * 1.15, ankle[1] + 0.15, max(0.035, ankle[2] - 0.035))
        yield _Cone(Part.SHOES, (ankle[0], ankle[1] - 0.02, ankle[2] - 0.02), toe, 0.05, 0.038)
    for side in (-1, 1):
        yield from _arm(side, swing + (0.0 if side > 0 else math.pi), phase == STANDING, lift)
    yield from (_raise(cone, lift) for cone in _torso(build))
    if head:
        yield from (_raise(cone, lift) for cone in _head(build))


def _leg(side: int, swing: float, standing: bool) -> tuple[Point3, Point3, Point3]:
    thigh = 0.0 if standing else 0.42 * math.sin(swing)
    bend = 0.02 if standing else 0.10 + 0.75 * max(0.0, math.cos(swing))
    hip = (0.09 * side, 0.0, 0.93)
    knee = (0.10 * side, _THIGH * math.sin(thigh), hip[2] - _THIGH * math.cos(thigh))
    ankle = (
        0.10 * side + (0.03 * side if standing else 0.0),
        knee[1] + _SHIN * math.sin(thigh - bend),
        knee[2] - _SHIN * math.cos(thigh - bend),
    )
    return hip, knee, ankle


def _arm(side: int, swing: float, standing: bool, lift: float) -> Iterator[_Cone]:
    upper = 0.05 if standing else 0.40 * math.sin(swing)
    lower = upper + (0.25 if standing else 0.45)
    shoulder = (0.180 * side, 0.0, 1.375 + lift)
    elbow = (0.232 * side, _UPPER_ARM * math.sin(upper), shoulder[2] - _UPPER_ARM * math.cos(upper))
    hand = (0.225 * side, elbow[1] + _FOREARM * math.sin(lower), elbow[2] - _FOREARM * math.cos(lower))
    yield _Cone(Part.SHIRT, shoulder, elbow, 0.058, 0.047)
    yield _Cone(Part.FOREARM, elbow, hand, 0.047, 0.036)
    yield _Cone(Part.SKIN, hand, (hand[0], hand[1] + 0.02, hand[2] - 0.07), 0.040, 0.030)


def _torso(build: Build) -> Iterator[_Cone]:
    slim = 0.92 if build is Build.LONG_HAIR else 1.0
    yield _Cone(Part.TROUSERS, (-0.075, 0, 0.93), (0.075, 0, 0.93), 0.105, 0.105)
    for side in (-1, 0, 1):
        yield _Cone(
            Part.SHIRT, (0.062 * side * slim, 0.0, 1.0), (0.085 * side * slim, 0.0, 1.30), 0.100 * slim, 0.112 * slim
        )
        yield _Cone(Part.SHIRT, (0.03 * side, -0.01, 1.415), (0.165 * side * slim, 0.0, 1.375), 0.066, 0.060)
    yield _Cone(Part.SKIN, (0, -0.01, 1.42), (0, 0.01, 1.54), 0.054, 0.052)
    if build is Build.COAT:
        for side in (-1, 0, 1):
            yield _Cone(Part.SHIRT, (0.055 * side, 0, 1.05), (0.075 * side, 0, 0.60), 0.115, 0.135)


def _head(build: Build) -> Iterator[_Cone]:
    yield _Cone(Part.SKIN, (0, 0.02, 1.585), (0, 0.015, 1.655), 0.074, 0.088)
    yield _Cone(Part.SKIN, (0, 0.10, 1.635), (0, 0.115, 1.612), 0.012, 0.018)
    yield _Cone(Part.HAIR, (0, -0.022, 1.625), (0, -0.012, 1.662), 0.088, 0.096)
    yield _Cone(Part.HAIR, (0, 0.03, 1.700), (0, -0.01, 1.690), 0.055, 0.075)
    if build is Build.LONG_HAIR:
        yield _Cone(Part.HAIR, (0, -0.045, 1.66), (0, -0.085, 1.42), 0.095, 0.075)
        for side in (-1, 1):
            yield _Cone(Part.HAIR, (0.075 * side, -0.01, 1.66), (0.085 * side, -0.02, 1.47), 0.035, 0.030)


def _up(point: Point3, by: float) -> Point3:
    return (point[0], point[1], point[2] + by)


def _raise(cone: _Cone, by: float) -> _Cone:
    return _Cone(cone.part, _up(cone.a, by), _up(cone.b, by), cone.radius_a, cone.radius_b)


class _Canvas:
    """Depth-buffered drawing of round cones, seen in parallel projection."""

    def __init__(self, width: int, height: int, pixels_per_metre: float, turn: float, elevation: float) -> None:
        self._scale = pixels_per_metre
        self._foot = (width / 2, height - _FEET * pixels_per_metre)
        self._depth = np.full((height, width), -np.inf, np.float32)
        self._part = np.zeros((height, width), np.uint8)
        self._shade = np.zeros((height, width), np.float32)
        self._view = _view(turn, elevation)
        light = np.array([-0.38, 0.72, 0.58])
        self._light = tuple(float(part) for part in light / np.linalg.norm(light))

    def add(self, cone: _Cone) -> None:
        a, b = self._place(cone.a), self._place(cone.b)
        radii = cone.radius_a * self._scale, cone.radius_b * self._scale
        reach = max(radii) + 1
        height, width = self._part.shape
        x1, x2 = max(0, int(min(a[0], b[0]) - reach)), min(width, int(max(a[0], b[0]) + reach) + 1)
        y1, y2 = max(0, int(min(a[1], b[1]) - reach)), min(height, int(max(a[1], b[1]) + reach) + 1)
        if x1 >= x2 or y1 >= y2:
            return
        step_x, step_y, step_z = (end - begin for begin, end in zip(a, b, strict=True))
        length2 = step_x**2 + step_y**2 or 1.0
        px = np.arange(x1, x2, dtype=np.float32)[None, :] - np.float32(a[0])
        py = np.arange(y1, y2, dtype=np.float32)[:, None] - np.float32(a[1])
        at = np.clip(px * (step_x / length2) + py * (step_y / length2), 0, 1)
        dx, dy = px - at * step_x, py - at * step_y
        radius = radii[0] + at * (radii[1] - radii[0])
        bulge2 = radius * radius - dx * dx - dy * dy
        bulge = np.sqrt(np.maximum(bulge2, 0))
        depth = a[2] + at * step_z + bulge
        field = np.s_[y1:y2, x1:x2]
        wins = (bulge2 > 0) & (depth > self._depth[field])
        lit = (dx * self._light[0] - dy * self._light[1] + bulge * self._light[2]) / radius
        self._depth[field][wins] = depth[wins]
        self._part[field][wins] = cone.part
        self._shade[field][wins] = np.clip(0.42 + 0.60 * lit, 0.15, 1.0)[wins]

    def finish(self) -> Shape:
        x1, y1, x2, y2 = self._bounds()
        drawn, light = self._part[y1:y2, x1:x2], self._shade[y1:y2, x1:x2]
        solid = (drawn > 0).astype(np.uint8) * np.uint8(255)
        alpha = np.asarray(cv2.GaussianBlur(solid, (0, 0), 0.7), np.uint8)
        # Smooth the seams between cones, and spread colour under the soft edge.
        seam = 0.0125 * self._scale
        weight = cv2.GaussianBlur(solid, (0, 0), seam).astype(np.float32) / np.float32(255) + np.float32(1e-3)
        shade = cv2.GaussianBlur(light, (0, 0), seam) / weight
        spread = np.asarray(cv2.dilate(drawn, np.ones((3, 3), np.uint8)), np.uint8)
        part = np.where(drawn > 0, drawn, spread)
        cloth = (part == Part.SHIRT) | (part == Part.TROUSERS) | (part == Part.SHIN)
        shade += _folds(self._part.shape, self._scale)[y1:y2, x1:x2] * cloth
        foot = (self._foot[0] - x1, self._foot[1] - y1)
        return Shape(part, np.clip(shade * 255, 0, 255).astype(np.uint8), alpha, foot, self._scale)

    def _bounds(self) -> tuple[int, int, int, int]:
        """What has been drawn, and a margin for the soft edge."""
        height, width = self._part.shape
        columns, rows = np.nonzero(self._part.any(axis=0))[0], np.nonzero(self._part.any(axis=1))[0]
        return (
            max(0, int(columns[0]) - _EDGE),
            max(0, int(rows[0]) - _EDGE),
            min(width, int(columns[-1]) + _EDGE),
            min(height, int(rows[-1]) + _EDGE),
        )

    def _place(self, point: Point3) -> Point3:
        x, up, near = (float(value) * self._scale for value in self._view @ np.asarray(point))
        return (self._foot[0] + x, self._foot[1] - up, near)


@lru_cache(maxsize=4)
def _folds(shape: tuple[int, int], pixels_per_metre: float) -> npt.NDArray[np.float32]:
    """Uneven brightness of cloth, the same in every picture."""
    rough = np.random.default_rng(7).normal(0, 1, shape).astype(np.float32)
    upright = cv2.GaussianBlur(rough, (0, 0), 0.014 * pixels_per_metre, sigmaY=0.06 * pixels_per_metre)
    folds = np.asarray(upright, np.float32)
    return np.asarray(folds * np.float32(0.03 / (folds.std() + 1e-6)), np.float32)


def _view(turn: float, elevation: float) -> npt.NDArray[np.float64]:
    """Rows: picture right, picture up, towards the viewer; of a body that faces +y before it turns."""
    # Facing the viewer means looking along -y of the viewer's frame: a half turn, then `turn`.
    cos_t, sin_t = math.cos(math.pi + turn), math.sin(math.pi + turn)
    cos_e, sin_e = math.cos(elevation), math.sin(elevation)
    away = np.array([sin_t, cos_t, 0.0])
    return np.array(
        [
            [cos_t, -sin_t, 0.0],
            [sin_e * away[0], sin_e * away[1], cos_e],
            [-cos_e * away[0], -cos_e * away[1], sin_e],
        ]
    )
