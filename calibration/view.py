"""Which part of the floor a calibrated camera sees, and where a place of the plan appears in its picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from shapely import LineString, Polygon, box, make_valid

from calibration.errors import CalibrationError
from calibration.lens.model import Lens

Points = npt.NDArray[np.float64]
_STEPS = 24
"""Points along each edge of the picture: a lens bends it."""
_FARTHEST_DEPTHS = 20.0
"""Floor this many times farther than the nearest is a few pixels high: nobody can be placed there."""


@dataclass(frozen=True, slots=True, eq=False)
class FloorView:
    """`matrix`: ideal (undistorted) pixels to plan metres; `size` (width, height) of the picture it was made with."""

    matrix: Points
    size: tuple[int, int]
    lens: Lens | None = None
    anchor: tuple[float, float] | None = None
    """A pixel that surely shows floor, such as a calibration point; the lower middle when not given."""

    def to_plan(self, pixels: Points) -> Points:
        """(N, 2) picture pixels to metres; NaN above the horizon or where the lens cannot be undone."""
        ideal = self.lens.undistort(pixels) if self.lens is not None else np.asarray(pixels, np.float64).reshape(-1, 2)
        homogeneous = np.column_stack([ideal, np.ones(len(ideal))]) @ self._matrix.T
        with np.errstate(divide="ignore", invalid="ignore"):
            plan: Points = homogeneous[:, :2] / homogeneous[:, 2:]
        plan[~(homogeneous[:, 2] > 0)] = np.nan
        return plan

    def to_picture(self, places: Points) -> Points:
        """(N, 2) metres to picture pixels, possibly outside the picture; NaN behind the camera."""
        homogeneous = np.column_stack([places, np.ones(len(places))]) @ np.linalg.inv(self._matrix).T
        with np.errstate(divide="ignore", invalid="ignore"):
            ideal: Points = homogeneous[:, :2] / homogeneous[:, 2:]
        ideal[~(homogeneous[:, 2] > 0)] = np.nan
        if self.lens is None:
            return ideal
        back = self.lens.distort(np.nan_to_num(ideal, nan=0.0))
        with np.errstate(invalid="ignore"):
            wrong = ~(np.linalg.norm(self.lens.undistort(back) - ideal, axis=1) < 1.0)
        back[wrong] = np.nan
        return back

    def area(self) -> Polygon:
        """What is seen of the floor, metres. CalibrationError when the matrix shows no floor at all."""
        width, height = self.size
        border = _border(width, height)
        ideal = self.lens.undistort(border) if self.lens is not None else border
        seen = Polygon(ideal[np.isfinite(ideal).all(axis=1)])
        below = seen.intersection(self._half_plane(ideal)) if seen.is_valid else make_valid(seen)
        if not isinstance(below, Polygon) or below.is_empty:
            raise CalibrationError("homography: the camera sees no floor with it")
        ring = _dense(np.asarray(below.exterior.coords)[:-1])
        homogeneous = np.column_stack([ring, np.ones(len(ring))]) @ self._matrix.T
        area = make_valid(Polygon(homogeneous[:, :2] / homogeneous[:, 2:]))
        parts = [part for part in getattr(area, "geoms", [area]) if isinstance(part, Polygon)]
        return Polygon(max(parts, key=lambda part: part.area).exterior) if parts else Polygon()

    def grid(self, bounds: tuple[float, float, float, float], step: float = 1.0) -> list[list[tuple[float, float]]]:
        """The metres of the plan as lines in the picture, for a person to compare with the floor."""
        area = self.area().intersection(box(*bounds))
        if area.is_empty:
            return []
        left, top, right, bottom = area.bounds
        most = 60
        lines = [
            LineString([(x, top), (x, bottom)]) for x in np.arange(np.ceil(left / step) * step, right, step)[:most]
        ]
        lines += [
            LineString([(left, y), (right, y)]) for y in np.arange(np.ceil(top / step) * step, bottom, step)[:most]
        ]
        parts = [line.intersection(area) for line in lines]
        pieces = [piece for part in parts for piece in getattr(part, "geoms", [part])]
        drawn = [self._drawn(piece, step) for piece in pieces if isinstance(piece, LineString) and piece.length > 0]
        return [line for line in drawn if len(line) > 1]

    def _drawn(self, line: LineString, step: float) -> list[tuple[float, float]]:
        places = np.array(
            [line.interpolate(along).coords[0] for along in np.arange(0, line.length + step / 4, step / 4)]
        )
        pixels = self.to_picture(places)
        return [(round(float(x), 1), round(float(y), 1)) for x, y in pixels if np.isfinite(x) and np.isfinite(y)]

    @property
    def _matrix(self) -> Points:
        """Scaled so that the floor is in front (w > 0) at the anchor."""
        low = np.array([self.anchor or (self.size[0] / 2, self.size[1] - 1.0)])
        ideal = self.lens.undistort(low)[0] if self.lens is not None else low[0]
        depth = float(self.matrix[2] @ (ideal[0], ideal[1], 1.0))
        return -self.matrix if depth < 0 else self.matrix

    def _half_plane(self, ideal: Points) -> Polygon:
        """The part of the ideal picture that is floor, not too far away."""
        finite = ideal[np.isfinite(ideal).all(axis=1)]
        depth = np.column_stack([finite, np.ones(len(finite))]) @ self._matrix[2]
        a, b, c = self._matrix[2]
        least = float(depth.max()) / _FARTHEST_DEPTHS
        reach = float(np.abs(finite).max()) * 4 + 10
        normal = np.array([a, b])
        length = float(np.linalg.norm(normal))
        if length < 1e-12:
            return Polygon([(-reach, -reach), (reach, -reach), (reach, reach), (-reach, reach)])
        normal = normal / length
        foot = normal * ((least - c) / length)
        along = np.array([-normal[1], normal[0]])
        far = 4 * reach
        corners = [foot - along * far, foot + along * far, foot + along * far + normal * far]
        return Polygon([*map(tuple, corners), tuple(foot - along * far + normal * far)])


def _border(width: float, height: float) -> Points:
    corners = np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)], np.float64)
    return _dense(corners)


def _dense(corners: Points) -> Points:
    """More points along every edge of a closed ring."""
    following = np.roll(corners, -1, axis=0)
    shares = np.linspace(0, 1, _STEPS, endpoint=False)[:, None]
    return np.vstack([start + (end - start) * shares for start, end in zip(corners, following, strict=True)])
