"""Files of the floor calibration: the points an installer writes, and the result the edge configuration names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from calibration.background import Background
from calibration.homography import FloorCalibration, Verdict, calibrate_floor
from calibration.lens.file import LensFile
from calibration.records import read_record, write_record
from calibration.view import FloorView
from contract.values import Name

Pair = tuple[float, float]
Points = npt.NDArray[np.float64]
_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_Row = tuple[_Finite, _Finite, _Finite]
_Pixels = Annotated[int, Field(ge=16, le=20_000)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PointPair(_Part):
    """One place, seen twice: pixels in the camera's picture, metres on the store plan."""

    image: Pair
    floor: Pair
    note: str = ""
    error_m: float | None = None
    """Of a result: how far off this pair is when predicted from the others."""


class FloorPoints(_Part):
    """What the installer measured."""

    camera: str
    operator: str = Field(min_length=1)
    points: tuple[PointPair, ...]
    image_size: tuple[_Pixels, _Pixels] | None = None


class FloorError(_Part):
    """Of points predicted without themselves, metres."""

    median: _Finite
    worst: _Finite


class FloorFile(_Part):
    """A calibrated floor camera. `homography` takes undistorted pixels to metres of the plan."""

    camera: Name
    operator: str = Field(min_length=1, max_length=80)
    calibrated_at: AwareDatetime
    verdict: Literal["VALID", "UNCHECKED", "INVALID"]
    reasons: tuple[str, ...] = ()
    error_m: FloorError | None = None
    homography: tuple[_Row, _Row, _Row]
    image_size: tuple[_Pixels, _Pixels] | None = None
    lane: Annotated[tuple[tuple[_Share, _Share], ...], Field(min_length=3, max_length=64)] | None = None
    """Consent lane in fractions of the picture (entrance cameras)."""
    points: tuple[PointPair, ...] = Field(min_length=4)
    lens: LensFile | None = None
    background: Background | None = None

    @property
    def matrix(self) -> Points:
        """(3, 3)."""
        return np.array(self.homography, np.float64)

    @property
    def pixels(self) -> Points:
        """(N, 2) picture pixels of the points."""
        return np.array([pair.image for pair in self.points], np.float64)

    @property
    def residual_m(self) -> float | None:
        """Worst error; None when nothing says."""
        return self.error_m.worst if self.error_m is not None and self.verdict != "UNCHECKED" else None

    def view(self) -> FloorView | None:
        """What the camera sees; None when the file does not tell the size of its pictures."""
        if self.image_size is None:
            return None
        anchor = self.points[int(np.argmax(self.pixels[:, 1]))].image
        return FloorView(self.matrix, self.image_size, None if self.lens is None else self.lens.lens, anchor)


def read_points(path: Path) -> FloorPoints:
    """YAML to points; CalibrationError names the field that is wrong."""
    return read_record(path, FloorPoints)


def read_floor(path: Path) -> FloorFile:
    """A result; CalibrationError names the field that is wrong."""
    return read_record(path, FloorFile)


def solve(pairs: Sequence[PointPair], lens: LensFile | None) -> FloorCalibration:
    """Calibrate on undistorted points. A lens that cannot undo a point makes it count as not finite."""
    image = np.array([pair.image for pair in pairs], np.float64).reshape(-1, 2)
    floor = np.array([pair.floor for pair in pairs], np.float64).reshape(-1, 2)
    return calibrate_floor(lens.lens.undistort(image) if lens is not None else image, floor)


def floor_file(
    points: FloorPoints,
    result: FloorCalibration,
    at: datetime,
    *,
    lens: LensFile | None = None,
    lane: tuple[Pair, ...] | None = None,
    background: Background | None = None,
) -> FloorFile:
    """What is written down about a result."""
    told = result.verdict is not Verdict.UNCHECKED
    pairs = tuple(
        pair.model_copy(update={"error_m": round(float(error), 3) if told else None})
        for pair, error in zip(points.points, result.errors_m, strict=True)
    )
    error = FloorError(
        median=round(float(np.median(result.errors_m)), 3), worst=round(float(np.max(result.errors_m)), 3)
    )
    rows = [tuple(float(f"{value:.9g}") for value in row) for row in result.matrix]
    return FloorFile.model_validate({
        "camera": points.camera, "operator": points.operator, "calibrated_at": at, "verdict": str(result.verdict),
        "reasons": reasons(result), "error_m": error if told else None, "homography": rows,
        "image_size": points.image_size, "lane": lane, "points": pairs, "lens": lens, "background": background,
    })  # fmt: skip


def reasons(result: FloorCalibration) -> tuple[str, ...]:
    """Why it is not VALID, in words."""
    if result.verdict is Verdict.VALID:
        return ()
    if result.folded:
        return ("the horizon runs between the points: two of them are exchanged or far off",)
    if result.verdict is Verdict.UNCHECKED:
        return ("four points always fit; measure at least one more so that the error is known",)
    worst = float(np.max(result.errors_m))
    marked = result.outliers or (() if result.suspect is None else (result.suspect,))
    text = f"the points do not agree on one floor: worst error {worst:.2f} m"
    if not marked:
        return (f"{text}; measure one more to find out which is wrong",)
    return (f"{text}; measure again: point {', '.join(str(index + 1) for index in marked)}",)


def floor_yaml(record: FloorFile) -> str:
    """As written; the unreadable part, the background's descriptors, comes last."""
    return yaml.safe_dump(write_record(record), sort_keys=False, allow_unicode=True, default_flow_style=None, width=118)


def result_yaml(points: FloorPoints, result: FloorCalibration, at: datetime) -> str:
    """The calibration without a lens, as YAML."""
    return floor_yaml(floor_file(points, result, at))
