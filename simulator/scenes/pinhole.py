"""A pinhole camera over a floor: metres to pixels, and the homography back.

World axes: x right, y away, z up (metres, right-handed seen from above). Model: Hartley & Zisserman, Multiple View
Geometry, ch. 6, without lens distortion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pinhole:
    """Looks along +y when `yaw` is 0 (positive turns left) and down by `pitch`, both in radians."""

    position: tuple[float, float, float]
    pitch: float
    focal: float
    """Focal length in pixels."""
    size: tuple[int, int]
    """Width and height of the picture in pixels."""
    yaw: float = 0.0

    def axes(self) -> Vector:
        """3x3, rows: image right, image down, forward; in world coordinates."""
        cos_y, sin_y = math.cos(self.yaw), math.sin(self.yaw)
        cos_p, sin_p = math.cos(self.pitch), math.sin(self.pitch)
        return np.array(
            [
                [cos_y, sin_y, 0.0],
                [sin_p * sin_y, -sin_p * cos_y, -cos_p],
                [-cos_p * sin_y, cos_p * cos_y, -sin_p],
            ]
        )

    def project(self, points: npt.ArrayLike) -> Vector:
        """World points (..., 3) in metres to pixels (..., 2); points must lie before the camera."""
        local = (np.asarray(points, np.float64) - self.position) @ self.axes().T
        scale = self.focal / local[..., 2:3]
        return np.asarray(local[..., :2] * scale + self._centre(), np.float64)

    def depth(self, x: float, y: float, z: float) -> float:
        """Metres along the optical axis; negative behind the camera."""
        return float(self.axes()[2] @ (np.array([x, y, z]) - self.position))

    def elevation(self, x: float, y: float, z: float) -> float:
        """Angle in radians by which the camera looks down on a point."""
        away = math.hypot(x - self.position[0], y - self.position[1])
        return math.atan2(self.position[2] - z, away)

    def azimuth(self, x: float, y: float) -> float:
        """Direction on the plan from the camera to a floor point, radians, 0 = +x."""
        return math.atan2(y - self.position[1], x - self.position[0])

    def floor_to_image(self) -> Vector:
        """3x3 homography from floor metres (x, y, 1) to pixels."""
        axes = self.axes()
        shift = -axes @ np.asarray(self.position)
        intrinsic = np.array([[self.focal, 0, self._centre()[0]], [0, self.focal, self._centre()[1]], [0, 0, 1.0]])
        return np.asarray(intrinsic @ np.column_stack([axes[:, 0], axes[:, 1], shift]), np.float64)

    def image_to_floor(self) -> Vector:
        """3x3 homography from pixels (u, v, 1) to floor metres, scaled so that its last element is 1."""
        inverse = np.linalg.inv(self.floor_to_image())
        return np.asarray(inverse / inverse[2, 2], np.float64)

    def _centre(self) -> Vector:
        return np.array([self.size[0] / 2, self.size[1] / 2])
