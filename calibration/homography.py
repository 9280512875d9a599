"""Floor homography of a camera from point pairs (Hartley & Zisserman, Multiple View Geometry, ch. 4).

Pure: numpy and OpenCV's solver, no files. Image points in pixels, floor points in metres on the store plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from calibration.errors import CalibrationError

Points = npt.NDArray[np.float64]
"""(N, 2)."""

MIN_POINTS = 4
MAX_ERROR_M = 0.5
"""Largest leave-one-out error of a valid calibration: half a zone's usual depth in front of a shelf."""
_COLLINEAR = 1e-3
_ENOUGH_TO_VOTE = 7


class Verdict(StrEnum):
    """What may be done with the result."""

    VALID = "VALID"
    UNCHECKED = "UNCHECKED"
    """Exactly four pairs: they fit by construction, so nothing says how good they are."""
    INVALID = "INVALID"


@dataclass(frozen=True, slots=True)
class FloorCalibration:
    """Homography image -> floor (3, 3) with the error of each point in metres, predicted without that point."""

    matrix: Points
    errors_m: Points
    verdict: Verdict
    suspect: int | None = None
    """Of an invalid one: the pair without which the others agree best. Its own error need not be the largest."""
    outliers: tuple[int, ...] = ()
    """Pairs that a robust fit leaves aside; told, never silently dropped."""
    folded: bool = False
    """The horizon of the fit runs between the points: no camera sees a floor like that."""

    mirrored: bool = False
    """The plan is seen as in a mirror: true of a plan whose y runs upwards, else two points are exchanged."""

    @property
    def residual_m(self) -> float | None:
        """Worst error of a pair predicted without it; None when nothing says."""
        return None if self.verdict is Verdict.UNCHECKED else float(np.max(self.errors_m))

    def to_floor(self, image_points: Points) -> Points:
        """(N, 2) pixels to (N, 2) metres."""
        return project(self.matrix, image_points)


def project(matrix: Points, points: Points) -> Points:
    """Apply a homography to (N, 2) points; points on its horizon come back as infinity."""
    homogeneous = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Points = homogeneous[:, :2] / homogeneous[:, 2:3]
    return result


def calibrate_floor(image: Points, floor: Points) -> FloorCalibration:
    """Fit image -> floor on N >= 4 pairs and judge it by leaving each pair out in turn."""
    _check(image, floor)
    matrix = _solve(image, floor)
    folded, mirrored = _folded(matrix, image), _mirrored(matrix, image)
    if len(image) == MIN_POINTS:
        verdict = Verdict.INVALID if folded else Verdict.UNCHECKED
        return FloorCalibration(matrix, np.zeros(MIN_POINTS), verdict, folded=folded, mirrored=mirrored)
    errors = np.array([_error_without(index, image, floor) for index in range(len(image))])
    if not folded and bool(np.all(errors <= MAX_ERROR_M)):
        return FloorCalibration(matrix, errors, Verdict.VALID, mirrored=mirrored)
    outliers = _outliers(image, floor)
    return FloorCalibration(matrix, errors, Verdict.INVALID, _suspect(image, floor), outliers, folded, mirrored)


def _folded(matrix: Points, image: Points) -> bool:
    depths = np.column_stack([image, np.ones(len(image))]) @ matrix[2]
    return not (np.all(depths > 0) or np.all(depths < 0))


def _mirrored(matrix: Points, image: Points) -> bool:
    depth = float(np.append(image.mean(axis=0), 1.0) @ matrix[2])
    return float(np.linalg.det(matrix)) * depth < 0


def _outliers(image: Points, floor: Points) -> tuple[int, ...]:
    """Pairs that the largest agreeing set contradicts (RANSAC, Fischler and Bolles 1981); none without a majority."""
    if len(image) < _ENOUGH_TO_VOTE:
        return ()
    matrix, agreed = cv2.findHomography(image, floor, cv2.RANSAC, MAX_ERROR_M / 2, maxIters=5000, confidence=0.9999)
    if matrix is None or agreed is None or int(agreed.sum()) * 2 <= len(image):
        return ()
    return tuple(int(index) for index in np.flatnonzero(np.ravel(agreed) == 0))


def _suspect(image: Points, floor: Points) -> int | None:
    """Index of the pair whose removal leaves the smallest misfit among the rest; of five, any four fit."""
    if len(image) <= MIN_POINTS + 1:
        return None
    misfit = []
    for index in range(len(image)):
        rest = np.arange(len(image)) != index
        fitted = project(_solve(image[rest], floor[rest]), image[rest])
        misfit.append(float(np.square(fitted - floor[rest]).sum()))
    return int(np.argmin(misfit))


def _error_without(index: int, image: Points, floor: Points) -> float:
    rest = np.arange(len(image)) != index
    if len(image) - 1 == MIN_POINTS and (_degenerate(image[rest]) or _degenerate(floor[rest])):
        rest = np.ones(len(image), dtype=bool)  # four left on a line predict nothing: judge by the fit of all
    matrix = _solve(image[rest], floor[rest])
    return float(np.linalg.norm(project(matrix, image[index : index + 1])[0] - floor[index]))


def _solve(image: Points, floor: Points) -> Points:
    matrix, _ = cv2.findHomography(image, floor, 0)
    if matrix is None or not np.all(np.isfinite(matrix)):
        raise CalibrationError("points: no homography fits them; check that each pair is the same place", "no_fit")
    return np.asarray(matrix, dtype=np.float64)


def _check(image: Points, floor: Points) -> None:
    if image.shape != floor.shape or image.ndim != 2 or image.shape[1] != 2:
        raise CalibrationError("points: every one needs image: [x, y] in pixels and floor: [x, y] in metres")
    if len(image) < MIN_POINTS:
        text = f"points: {len(image)} given, at least {MIN_POINTS} needed (6 to 10 are better)"
        raise CalibrationError(text, "few_points")
    if not (np.all(np.isfinite(image)) and np.all(np.isfinite(floor))):
        raise CalibrationError("points: numbers must be finite (a point the lens cannot undo is not)", "not_finite")
    for name, points in (("image", image), ("floor", floor)):
        if _degenerate(points):
            text = f"points: the {name} positions lie on one line; spread them over the floor in view"
            raise CalibrationError(text, f"{name}_on_a_line")


def _degenerate(points: Points) -> bool:
    """Whether fewer than four points are in general position (no three of them on a line)."""
    spread = points - points.mean(axis=0)
    scale = float(np.abs(spread).max()) or 1.0
    if np.linalg.svd(spread / scale, compute_uv=False)[-1] < _COLLINEAR:
        return True
    if len(points) > MIN_POINTS:
        return False
    for skipped in range(MIN_POINTS):
        a, b, c = np.delete(points / scale, skipped, axis=0)
        if abs((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])) < _COLLINEAR:
            return True
    return False
