"""A lens: from a pixel of the picture to the pixel an ideal pinhole camera would have had, and back.

Pinhole: Brown's polynomial (OpenCV's calib3d, 5 or 8 coefficients). Fisheye: Kannala and Brandt 2006, 4 coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
"""(N, 2)."""
Kind = Literal["pinhole", "fisheye"]

_ROUND_TRIP_PX = 1.0
"""A polynomial has an inverse only near the picture; a point that does not come back was not undone."""
_WIDEST_DEG = 80.0
"""Farther from the axis an ideal picture would be endless."""


@dataclass(frozen=True, slots=True, eq=False)
class Lens:
    """`matrix` (3, 3) in pixels of a picture of `size` (width, height); `distortion` as OpenCV orders it."""

    kind: Kind
    size: tuple[int, int]
    matrix: Points
    distortion: Points

    def undistort(self, points: Points) -> Points:
        """(N, 2) picture pixels to ideal pixels of the same camera matrix; NaN where that cannot be told."""
        if not len(points):
            return np.empty((0, 2))
        given = np.ascontiguousarray(points, np.float64).reshape(-1, 1, 2)
        if self.kind == "fisheye":
            straight = cv2.fisheye.undistortPoints(given, self.matrix, self.distortion, P=self.matrix)
        else:
            straight = cv2.undistortPoints(given, self.matrix, self.distortion, P=self.matrix)
        ideal = np.asarray(straight, np.float64).reshape(-1, 2)
        with np.errstate(invalid="ignore", over="ignore"):
            lost = ~(np.linalg.norm(self.distort(ideal) - given[:, 0], axis=1) < _ROUND_TRIP_PX)
        ideal[lost | self._too_wide(ideal)] = np.nan
        return ideal

    def distort(self, ideal: Points) -> Points:
        """(N, 2) ideal pixels to picture pixels."""
        if not len(ideal):
            return np.empty((0, 2))
        rays = np.column_stack([self._rays(ideal), np.ones(len(ideal))]).reshape(-1, 1, 3)
        still = np.zeros(3)
        if self.kind == "fisheye":
            seen, _ = cv2.fisheye.projectPoints(rays, still, still, self.matrix, self.distortion)
        else:
            seen, _ = cv2.projectPoints(rays, still, still, self.matrix, self.distortion)
        return np.asarray(seen, np.float64).reshape(-1, 2)

    def _rays(self, ideal: Points) -> Points:
        focal = np.array([self.matrix[0, 0], self.matrix[1, 1]])
        rays: Points = (np.asarray(ideal, np.float64) - self.matrix[:2, 2]) / focal
        return rays

    def _too_wide(self, ideal: Points) -> npt.NDArray[np.bool_]:
        with np.errstate(invalid="ignore"):
            wide: npt.NDArray[np.bool_] = ~(np.linalg.norm(self._rays(ideal), axis=1) < np.tan(np.radians(_WIDEST_DEG)))
        return wide
