"""From a picture to the plan: a foot point times the floor homography."""

from __future__ import annotations

import numpy as np

from edge.config.fields import Matrix
from edge.values import PlanPoint

_FARTHEST_M = 900.0


class FloorPlane:
    """3x3 homography, picture pixels (u, v, 1) to plan metres (x, y, w)."""

    def __init__(self, homography: Matrix) -> None:
        self._rows = np.asarray(homography, np.float64)

    def to_plan(self, pixel: tuple[float, float]) -> PlanPoint | None:
        """Metres; None for a point at or near the horizon, or absurdly far away."""
        x, y, w = (self._rows @ (pixel[0], pixel[1], 1.0)).tolist()
        if not abs(w) > 1e-9:
            return None
        point = x / w, y / w
        return point if all(abs(part) < _FARTHEST_M for part in point) else None
