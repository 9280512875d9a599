"""From sightings of the board to a lens, and a judgement of both (Zhang 2000; Kannala and Brandt 2006 for fisheye)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from calibration.errors import CalibrationError
from calibration.lens.board import Sighting
from calibration.lens.coverage import Coverage, coverage_of
from calibration.lens.model import Kind, Lens

MIN_PICTURES = 8
LIMIT_PX = 0.6
"""Root mean square reprojection error of a good calibration of a picture 1280 wide; in proportion for wider ones."""
_BLUNDER_PX = 2.0
_BLUNDER_TIMES = 3.0
_MIN_TILTED = 3
_TILT_DEG = 12.0
"""Boards that all face the camera cannot tell focal length from distance."""
_FOCAL_DOUBT = 0.01


@dataclass(frozen=True, slots=True)
class LensCalibration:
    """`errors_px` of each picture that was kept; no `faults`: VALID."""

    lens: Lens
    rms_px: float
    errors_px: dict[str, float]
    dropped: tuple[str, ...]
    coverage: Coverage
    faults: tuple[str, ...]

    @property
    def valid(self) -> bool:
        """Fit for use."""
        return not self.faults


@dataclass(frozen=True, slots=True)
class _Fit:
    lens: Lens
    rms: float
    errors: tuple[float, ...]
    tilts: tuple[float, ...]
    focal_doubt: float


def solve_lens(sightings: Sequence[Sighting], size: tuple[int, int], kind: Kind) -> LensCalibration:
    """Fit, drop pictures that plainly do not belong (moved while taken), fit again, judge."""
    if len(sightings) < MIN_PICTURES:
        raise CalibrationError(
            f"the board was found in {len(sightings)} pictures, {MIN_PICTURES} are needed (15 to 30 are better)"
        )
    fit = _fit(sightings, size, kind)
    limit = max(_BLUNDER_PX, _BLUNDER_TIMES * float(np.median(fit.errors)))
    kept = [one for one, error in zip(sightings, fit.errors, strict=True) if error <= limit]
    dropped = tuple(one.name for one, error in zip(sightings, fit.errors, strict=True) if error > limit)
    if dropped and len(kept) >= MIN_PICTURES:
        fit = _fit(kept, size, kind)
    else:
        kept, dropped = list(sightings), ()
    coverage = coverage_of(kept, size)
    errors = {one.name: error for one, error in zip(kept, fit.errors, strict=True)}
    return LensCalibration(fit.lens, fit.rms, errors, dropped, coverage, tuple(_faults(fit, coverage, size)))


def limit_px(width: int) -> float:
    """The gate for a picture of this width."""
    return LIMIT_PX * max(1.0, width / 1280)


def _faults(fit: _Fit, coverage: Coverage, size: tuple[int, int]) -> list[str]:
    found = []
    limit = limit_px(size[0])
    if fit.rms > limit:
        found.append(f"error of {fit.rms:.2f} px is over {limit:.2f} px: a flat board, sharp pictures, nothing moving")
    found += coverage.faults()
    if sum(tilt >= _TILT_DEG for tilt in fit.tilts) < _MIN_TILTED:
        found.append(f"hold the board at an angle in at least {_MIN_TILTED} pictures (tilt it by 20 to 40 degrees)")
    if fit.focal_doubt > _FOCAL_DOUBT:
        found.append(
            f"focal length is uncertain by {fit.focal_doubt:.1%}: more pictures, tilted and at several distances"
        )
    return found


def _fit(sightings: Sequence[Sighting], size: tuple[int, int], kind: Kind) -> _Fit:
    try:
        return _fisheye(sightings, size) if kind == "fisheye" else _pinhole(sightings, size)
    except cv2.error:
        raise CalibrationError(
            "no lens explains these pictures: check --board (squares are counted, not corners) and --fisheye"
        ) from None


def _pinhole(sightings: Sequence[Sighting], size: tuple[int, int]) -> _Fit:
    places, pixels = [one.board for one in sightings], [one.pixels for one in sightings]
    rms, matrix, distortion, turns, _, deviations, _, errors = cv2.calibrateCameraExtended(
        places, pixels, size, np.eye(3), np.zeros(5)
    )
    doubt = float(np.max(np.asarray(deviations).ravel()[:2] / (matrix[0, 0], matrix[1, 1])))
    lens = Lens("pinhole", size, np.asarray(matrix, np.float64), np.asarray(distortion, np.float64).ravel())
    return _Fit(lens, float(rms), tuple(float(e) for e in np.ravel(errors)), _tilts(turns), doubt)


def _fisheye(sightings: Sequence[Sighting], size: tuple[int, int]) -> _Fit:
    """OpenCV's solver needs a focal length to start from; an equidistant half-circle, then wider, then narrower."""
    failure: cv2.error | None = None
    for factor in (1.0, 0.7, 1.4):
        try:
            return _fisheye_from(max(size) / np.pi * factor, sightings, size)
        except cv2.error as error:
            failure = error
    assert failure is not None
    raise failure


def _fisheye_from(focal: float, sightings: Sequence[Sighting], size: tuple[int, int]) -> _Fit:
    places = [one.board.reshape(1, -1, 3).astype(np.float64) for one in sightings]
    pixels = [one.pixels.reshape(1, -1, 2).astype(np.float64) for one in sightings]
    flags = cv2.CALIB_RECOMPUTE_EXTRINSIC | cv2.CALIB_FIX_SKEW | cv2.CALIB_USE_INTRINSIC_GUESS
    criteria = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 100, 1e-8)
    guess = np.array([[focal, 0, (size[0] - 1) / 2], [0, focal, (size[1] - 1) / 2], [0, 0, 1.0]])
    rms, matrix, distortion, turns, moves = cv2.fisheye.calibrate(
        places, pixels, size, guess, np.zeros(4), flags=flags, criteria=criteria
    )
    lens = Lens("fisheye", size, np.asarray(matrix, np.float64), np.asarray(distortion, np.float64).ravel())
    errors = []
    for board, seen, turn, move in zip(places, pixels, turns, moves, strict=True):
        again, _ = cv2.fisheye.projectPoints(board.reshape(-1, 1, 3), turn, move, lens.matrix, lens.distortion)
        errors.append(float(np.sqrt(np.square(again.reshape(-1, 2) - seen[0]).sum(axis=1).mean())))
    return _Fit(lens, float(rms), tuple(errors), _tilts(turns), 0.0)


def _tilts(turns: Sequence[object]) -> tuple[float, ...]:
    """Angle between the board's normal and the camera's axis, degrees, of each picture."""
    normals = [np.asarray(cv2.Rodrigues(np.asarray(turn, np.float64).reshape(3, 1))[0])[2, 2] for turn in turns]
    return tuple(float(np.degrees(np.arccos(np.clip(abs(normal), 0, 1)))) for normal in normals)
