"""From a picture to the plan: a foot point, without the lens's distortion, times the floor homography."""

from __future__ import annotations

from math import isfinite

import numpy as np

from calibration.lens.model import Lens
from edge.config.fields import Matrix
from edge.floor.upright import Upright
from edge.values import Box, PlanPoint, Spread

_FARTHEST_M = 900.0


class FloorPlane:
    """3x3 homography, picture pixels (u, v, 1) to plan metres (x, y, w).

    With a lens the pixels are those of an ideal picture: `straight` takes a person's box there, the picture stays.
    """

    def __init__(self, homography: Matrix, lens: Lens | None = None) -> None:
        self._homography = homography
        self._lens = lens
        self._rows = np.asarray(homography, np.float64)
        self._back = np.linalg.pinv(self._rows)

    def straight(self, box: Box) -> Box | None:
        """A person's box as an ideal lens would show it, by foot and head; None where the lens hides where that is."""
        if self._lens is None:
            return box
        middle, half = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        places = np.array([(middle, box[3]), (middle, box[1]), (box[0], half), (box[2], half)])
        (foot_x, foot_y), (_, head_y), (left, _), (right, _) = self._lens.undistort(places).tolist()
        if not (isfinite(foot_x) and isfinite(foot_y)):
            return None
        if not (isfinite(head_y) and isfinite(left) and isfinite(right)):
            head_y, left, right = foot_y - (box[3] - box[1]), box[0], box[2]
        wide = (right - left) / 2
        return foot_x - wide, head_y, foot_x + wide, foot_y

    def to_plan(self, pixel: tuple[float, float]) -> PlanPoint | None:
        """Metres; None for a point at or near the horizon, or absurdly far away."""
        x, y, w = (self._rows @ (pixel[0], pixel[1], 1.0)).tolist()
        if not abs(w) > 1e-9:
            return None
        point = x / w, y / w
        return point if self.near(point) else None

    def near(self, point: PlanPoint) -> bool:
        """Whether a place is not absurdly far away."""
        return all(abs(part) < _FARTHEST_M for part in point)

    def pixel(self, point: PlanPoint) -> tuple[float, float]:
        """Where a place on the plan is seen; it may lie outside the picture."""
        u, v, w = (self._back @ (point[0], point[1], 1.0)).tolist()
        return (u / w, v / w) if abs(w) > 1e-12 else (0.0, 0.0)

    def upright(self, size: tuple[int, int]) -> Upright | None:
        """How people stand in a picture of that size, as far as the homography tells."""
        return Upright.of(self._homography, size)

    def spread(self, pixel: tuple[float, float], deviation: tuple[float, float]) -> Spread:
        """What an error of so many pixels (standard deviations of u and v) means in metres there, to first order."""
        x, y, w = (self._rows @ (pixel[0], pixel[1], 1.0)).tolist()
        slopes = (self._rows[:2, :2] * w - np.outer((x, y), self._rows[2, :2])) / (w * w)
        (xx, xy), (_, yy) = (slopes * np.square(deviation)) @ slopes.T
        return float(xx), float(xy), float(yy)
