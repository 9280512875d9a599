"""How good a face picture is, 0..1, from its size, sharpness and pose."""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.values import Box, Image

Flaw = Literal["", "small", "edge", "hidden", "blurred", "turned"]

_HIDDEN = 0.2
"""Share of a face that the box of a nearer one may cover; heads are larger than the boxes of their faces."""
_FULL_WIDTH_PX = 90.0
_PATCH = 64
_BLURRED = 0.006
"""Laplacian variance over grey variance: sharp faces measure 0.12 to 0.9, a blur of 1/20 of the face 0.006."""
_HALF_SHARP = 0.02
_NOSE_DEPTH = 0.6
"""The nose stands about 0.6 eye distances before the eyes: its sideways shift over that is tan(yaw)."""
_PITCH_FRONTAL = 0.5
_PITCH_UP, _PITCH_DOWN = 0.35, 0.3
"""How far from there the nose stands when a head looks up or down too far; looking down hides more of a face."""
_YAW_LIMIT_DEG = 38.0


@dataclass(frozen=True, slots=True)
class Pose:
    """Degrees to the side (0 is frontal), and where the nose stands between eyes (0) and mouth (1)."""

    yaw: float
    nose: float


@dataclass(frozen=True, slots=True)
class Quality:
    """`flaw` says why a shot is unusable; empty when it is usable."""

    score: float
    flaw: Flaw = ""


def cut_off(box: Box, image: Image) -> bool:
    """Whether the frame cuts the face: the box leaves the picture by more than a twentieth of its width."""
    height, width = image.shape[:2]
    slack = 0.05 * (box[2] - box[0])
    return box[0] < -slack or box[1] < -slack or box[2] > width + slack or box[3] > height + slack


def hidden(box: Box, others: Iterable[Box]) -> bool:
    """Whether a nearer face, which is a larger one, stands before this one."""
    area = (box[2] - box[0]) * (box[3] - box[1])
    for other in others:
        wide = min(box[2], other[2]) - max(box[0], other[0])
        tall = min(box[3], other[3]) - max(box[1], other[1])
        if other[2] - other[0] > box[2] - box[0] and min(wide, tall) > 0 and wide * tall > _HIDDEN * area:
            return True
    return False


def sharpness(image: Image, box: Box) -> float:
    """Laplacian variance over grey variance of the face at 64x64; 0 for an empty cut."""
    height, width = image.shape[:2]
    x1, y1 = max(0, int(box[0])), max(0, int(box[1]))
    x2, y2 = min(width, int(box[2])), min(height, int(box[3]))
    if x2 - x1 < 8 or y2 - y1 < 8:
        return 0.0
    grey = cv2.cvtColor(image[y1:y2, x1:x2], cv2.COLOR_BGR2GRAY)
    patch = cv2.resize(grey, (_PATCH, _PATCH), interpolation=cv2.INTER_AREA)
    edges = cv2.Laplacian(patch, cv2.CV_32F)
    return _variance(edges) / max(_variance(patch), 1.0)


def _variance(values: cv2.typing.MatLike) -> float:
    return float(cv2.meanStdDev(values)[1][0, 0]) ** 2


def pose(five: NDArray[np.float32]) -> Pose:
    """Pose from five points; a degenerate set counts as fully turned."""
    # plain numbers: on five points numpy's calls cost more than the arithmetic
    left, right, nose, mouth_left, mouth_right = (complex(x, y) for x, y in five.tolist())
    across = right - left
    eye_distance = abs(across)
    if not cmath.isfinite(left + right + nose + mouth_left + mouth_right) or eye_distance < 1.0:
        return Pose(90.0, _PITCH_FRONTAL)
    across /= eye_distance
    eyes = (left + right) / 2
    # turned so that the eyes are level: real part along them, imaginary part down the face
    at = (nose - eyes) * across.conjugate()
    drop = (((mouth_left + mouth_right) / 2 - eyes) * across.conjugate()).imag
    level = at.imag / drop if drop > 1.0 else 2.0
    return Pose(math.degrees(math.atan(at.real / eye_distance / _NOSE_DEPTH)), level)


def before_landmarks(image: Image, box: Box, min_px: float) -> tuple[Flaw, float]:
    """Cheap checks that need no model: the flaw, and the sharpness where it was measured."""
    if not box[2] - box[0] >= min_px:
        return "small", 0.0
    if cut_off(box, image):
        return "edge", 0.0
    measured = sharpness(image, box)
    return ("blurred" if measured < _BLURRED else ""), measured


def rate(width: float, sharp: float, turned: Pose) -> Quality:
    """Weighted geometric mean of size, sharpness and pose."""
    size = min(1.0, width / _FULL_WIDTH_PX)
    focus = sharp / (sharp + _HALF_SHARP)
    straight = facing(turned)
    score = size**0.35 * focus**0.3 * straight**0.35
    return Quality(score, "" if straight > 0.0 else "turned")


def facing(turned: Pose) -> float:
    """1 for a face that looks into the camera, 0 for one that is turned or bowed too far."""
    aside = max(0.0, 1.0 - (turned.yaw / _YAW_LIMIT_DEG) ** 2)
    nodded = turned.nose - _PITCH_FRONTAL
    return aside * max(0.0, 1.0 - (nodded / (_PITCH_DOWN if nodded > 0 else _PITCH_UP)) ** 2)
