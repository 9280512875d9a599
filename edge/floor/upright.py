"""How upright things stand in the picture, from the floor homography alone.

A floor homography is K [r1 r2 t] up to scale. With square pixels and the principal point in the middle, r1 and r2
being orthogonal and of one length gives the focal length, and r1 x r2 the third axis: Zhang, "A flexible new technique
for camera calibration", 2000, with one view. A camera that looks straight down leaves the focal length open.
"""

from __future__ import annotations

import math

import numpy as np

from edge.config.fields import Matrix
from edge.values import Floats, PlanPoint

_FOCAL_SHARES = (0.25, 6.0)
"""Focal lengths believed, in picture widths."""
_TALLEST_M = 2.3


class Upright:
    """Where points above the floor are seen, and what height something reaches. Metres, pixels."""

    def __init__(self, projection: Floats) -> None:
        self._projection = projection

    @staticmethod
    def of(homography: Matrix, size: tuple[int, int]) -> Upright | None:
        """From picture-to-plan homography and picture size; None when it does not tell."""
        middle = np.array([[1.0, 0, -size[0] / 2], [0, 1.0, -size[1] / 2], [0, 0, 1.0]])
        try:
            seen = middle @ np.linalg.inv(np.asarray(homography, np.float64))
        except np.linalg.LinAlgError:
            return None
        first, second = seen[:, 0], seen[:, 1]
        square = _focal_squared(first, second)
        if square is None or not _FOCAL_SHARES[0] < math.sqrt(square) / size[0] < _FOCAL_SHARES[1]:
            return None
        lens = np.diag([math.sqrt(square)] * 2 + [1.0])
        axes = np.linalg.inv(lens) @ seen
        scale = float(np.linalg.norm(axes[:, :2])) / math.sqrt(2)
        axes /= scale
        up = np.cross(axes[:, 0], axes[:, 1])
        back = np.linalg.inv(middle)
        for sign in (1.0, -1.0):
            rows = back @ lens @ np.column_stack([axes[:, 0], axes[:, 1], sign * up, axes[:, 2]])
            if _rises(rows, size):
                return Upright(rows)
        return None

    def floor_of(self, pixel: tuple[float, float], height: float) -> PlanPoint | None:
        """The place on the plan under a point seen at `height` metres."""
        columns = self._projection
        plane = np.column_stack([columns[:, 0], columns[:, 1], height * columns[:, 2] + columns[:, 3]])
        try:
            x, y, w = np.linalg.solve(plane, (pixel[0], pixel[1], 1.0)).tolist()
        except np.linalg.LinAlgError:
            return None
        return None if abs(w) < 1e-9 else (x / w, y / w)

    def pixel(self, point: PlanPoint, height: float) -> tuple[float, float]:
        """Where `height` metres above a place on the plan are seen."""
        u, v, w = (self._projection @ (point[0], point[1], height, 1.0)).tolist()
        return (u / w, v / w) if abs(w) > 1e-9 else (math.nan, math.nan)

    def height(self, point: PlanPoint, row: float) -> float | None:
        """How tall something is that stands at a place and reaches up to `row`; None for nonsense."""
        _, v, w = (self._projection @ (point[0], point[1], 0.0, 1.0)).tolist()
        rise, shrink = float(self._projection[1, 2]), float(self._projection[2, 2])
        below = rise - row * shrink
        tall = (row * w - v) / below if abs(below) > 1e-9 else math.nan
        return tall if 0.3 < tall < _TALLEST_M else None


def _focal_squared(first: Floats, second: Floats) -> float | None:
    """Least squares of the two conditions on r1 and r2."""
    apart = np.array([first[2] * second[2], first[2] ** 2 - second[2] ** 2])
    beside = np.array(
        [
            first[0] * second[0] + first[1] * second[1],
            first[0] ** 2 + first[1] ** 2 - second[0] ** 2 - second[1] ** 2,
        ]
    )
    size = float(apart @ apart)
    scale = float(np.linalg.norm(first[:2]) * np.linalg.norm(second[:2])) / 1e6**2
    if size <= max(scale**2, 1e-30):
        return None
    square = -float(apart @ beside) / size
    return square if square > 0 else None


def _rises(rows: Floats, size: tuple[int, int]) -> bool:
    """Whether up is up: a metre above the floor in the lower middle of the picture is seen higher."""
    plane = np.column_stack([rows[:, 0], rows[:, 1], rows[:, 3]])
    try:
        x, y, w = np.linalg.solve(plane, (size[0] / 2, 0.9 * size[1], 1.0)).tolist()
    except np.linalg.LinAlgError:
        return False
    _, low, deep = (rows @ (x / w, y / w, 0.0, 1.0)).tolist()
    _, high, deep_high = (rows @ (x / w, y / w, 1.0, 1.0)).tolist()
    return bool(deep * deep_high > 0 and high / deep_high < low / deep)
