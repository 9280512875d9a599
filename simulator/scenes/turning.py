"""Turned heads: a flat picture of a face, warped as a head that turns aside or looks down would show it.

The picture is laid over a simple relief (an elliptic cylinder with a nose), the relief is turned about the neck, and
seen from the front again: the far cheek is foreshortened and at last hidden behind the nose, the near side is stretched
over what the photograph never showed. It invents no face; what a profile would show beyond that it can not know.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from simulator.scenes.heads import FACE_CENTRE, FACE_WIDTH, HEAD_SIZE

Image = npt.NDArray[np.uint8]
Grid = npt.NDArray[np.float32]

_EASE_S = 0.35
"""Seconds in which a head turns."""
_HALF_WIDTH, _HALF_HEIGHT = 0.66, 1.0
"""Half axes of the head, in widths of the face."""
_DEPTH = 0.60
"""From the axis of the neck to the cheeks."""
_NECK = 0.95
"""So far below the middle of the face the neck keeps its place when the head nods."""
_NOSE, _NOSE_WIDE, _NOSE_TALL, _NOSE_BELOW = 0.16, 0.10, 0.18, 0.06
"""Height of the nose over the cheeks, its spread, and how far below the middle of the face its tip is."""
_ACROSS, _DOWN = 0.28, 0.40
"""Widths by which the box that a detector draws moves, over the sine of the angle (measured on these heads)."""
_NOWHERE = 1e3
_STEP_DEG = 3
"""Angles are rounded to this, so that the warps can be kept."""


@dataclass(frozen=True, slots=True)
class Gaze:
    """Degrees: `yaw` to the right of the picture, `pitch` downwards; both 0 into the camera."""

    yaw: float = 0.0
    pitch: float = 0.0

    @property
    def straight(self) -> bool:
        """Whether the rounded angles are 0."""
        return _rounded(self.yaw) == 0 and _rounded(self.pitch) == 0


STRAIGHT = Gaze()


@dataclass(frozen=True, slots=True)
class Glance:
    """A head that is turned by these degrees from `begin` to `end` (seconds of the walk), and turns in between."""

    begin: float
    end: float
    yaw: float = 0.0
    pitch: float = 0.0

    def share(self, t: float) -> float:
        """0 before and after, 1 in between, smoothly."""
        inside = min(t - self.begin, self.end - t) / _EASE_S + 0.5
        eased = min(max(inside, 0.0), 1.0)
        return eased * eased * (3 - 2 * eased)


def gaze_at(glances: Sequence[Glance], t: float) -> Gaze:
    """Where somebody looks at second `t` of the walk."""
    yaw = sum(glance.yaw * glance.share(t) for glance in glances)
    pitch = sum(glance.pitch * glance.share(t) for glance in glances)
    return Gaze(yaw, pitch)


def turned(sprite: Image, gaze: Gaze) -> Image:
    """The head sprite (BGRA, full or half size) of somebody who looks there."""
    size = sprite.shape[1] / HEAD_SIZE[0]
    for angle, aside in ((_rounded(gaze.yaw), True), (_rounded(gaze.pitch), False)):
        if angle:
            columns, rows = _warp(angle, aside, size)
            sprite = np.asarray(cv2.remap(sprite, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT))
    return sprite


def moved(gaze: Gaze) -> tuple[float, float]:
    """How far the middle of the face goes to the right and down in the picture, in widths of the face."""
    across, down = (math.sin(math.radians(_rounded(angle))) for angle in (gaze.yaw, gaze.pitch))
    return _ACROSS * across, _DOWN * down


def _rounded(angle: float) -> int:
    return round(angle / _STEP_DEG) * _STEP_DEG


@lru_cache(maxsize=256)
def _warp(angle: int, aside: bool, size: float) -> tuple[Grid, Grid]:
    """Where in the picture each pixel of the turned head comes from: its columns and rows."""
    across, down = np.meshgrid(*(_places(number, size) for number in (0, 1)))
    depth = _relief(across, down)
    along = across if aside else down.T
    front = depth if aside else depth.T
    half = _HALF_WIDTH if aside else _HALF_HEIGHT
    if angle < 0:
        along, front = -along[:, ::-1], front[:, ::-1]
    source = _sources(along, front, math.radians(abs(angle)), half, still=math.inf if aside else _NECK)
    if angle < 0:
        source = -source[:, ::-1]
    if not aside:
        source = source.T
    unit, middle = FACE_WIDTH * size, [centre * size for centre in FACE_CENTRE]
    columns = (source if aside else across) * unit + middle[0]
    rows = (down if aside else source) * unit + middle[1]
    return np.asarray(columns, np.float32), np.asarray(rows, np.float32)


def _places(number: int, size: float) -> npt.NDArray[np.float64]:
    """Distance of each column (0) or row (1) from the middle of the face, in widths of the face."""
    length = round(HEAD_SIZE[number] * size)
    return np.asarray((np.arange(length) - FACE_CENTRE[number] * size) / (FACE_WIDTH * size))


def _relief(across: npt.NDArray[np.float64], down: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How far before the axis of the neck the head is there, in widths of the face."""
    skull = _DEPTH * np.sqrt(np.clip(1 - (across / _HALF_WIDTH) ** 2 - (down / _HALF_HEIGHT) ** 2, 0, 1))
    nose = _NOSE * np.exp(-((across / _NOSE_WIDE) ** 2) - ((down - _NOSE_BELOW) / _NOSE_TALL) ** 2)
    return np.asarray(skull + nose)


def _sources(
    along: npt.NDArray[np.float64], depth: npt.NDArray[np.float64], angle: float, half: float, still: float
) -> npt.NDArray[np.float64]:
    """For every place of each line, the place of the picture that is seen there after a turn towards +.

    `along`, `depth`: places and relief of the picture. From `still` on nothing moves: the neck stays on the body.
    """
    place = along * math.cos(angle) + depth * math.sin(angle)
    # the side that comes into view: stretched to where the back of the head is, which stays where it was
    near = np.clip((-along / half - 0.35) / 0.65, 0, 1)
    place -= near * near * (3 - 2 * near) * half * (1 - math.cos(angle))
    rest = np.clip((along - still) / 0.3 + 1, 0, 1)
    place += rest * (along - place)
    # what lies further along is further from the camera now: where it comes back it is hidden
    place = np.maximum.accumulate(place, axis=1) + 1e-6 * np.arange(place.shape[1])
    rows = (
        np.interp(wanted, seen, origin, left=origin[0], right=_NOWHERE)
        for wanted, seen, origin in zip(along, place, along, strict=True)
    )
    return np.stack(list(rows))
