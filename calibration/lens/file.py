"""The lens file: readable YAML that `python -m calibration camera` writes and the edge reads."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from calibration.lens.board import Board
from calibration.lens.model import Kind, Lens
from calibration.lens.solve import LensCalibration
from calibration.records import read_record, write_record
from contract.values import Name

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Focal = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class LensError(BaseModel):
    """Reprojection error in pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rms: _Finite
    worst_picture: _Finite


class LensFile(BaseModel):
    """Everything that is known about a lens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    camera: Name
    operator: str = Field(min_length=1, max_length=80)
    calibrated_at: AwareDatetime
    verdict: Annotated[str, Field(pattern="^(VALID|INVALID)$")]
    faults: tuple[str, ...] = ()
    board: str
    pictures: int = Field(ge=1)
    image_size: tuple[Annotated[int, Field(ge=16)], Annotated[int, Field(ge=16)]]
    error_px: LensError
    coverage: _Finite
    kind: Kind
    focal: tuple[_Focal, _Focal]
    """fx, fy in pixels."""
    centre: tuple[_Finite, _Finite]
    distortion: tuple[_Finite, ...] = Field(max_length=14)

    @model_validator(mode="after")
    def _coefficients(self) -> LensFile:
        allowed = (4,) if self.kind == "fisheye" else (4, 5, 8, 12, 14)
        if len(self.distortion) not in allowed:
            raise ValueError(f"distortion: a {self.kind} lens has {' or '.join(map(str, allowed))} coefficients")
        return self

    @property
    def lens(self) -> Lens:
        """To compute with."""
        (fx, fy), (cx, cy) = self.focal, self.centre
        matrix = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
        return Lens(self.kind, self.image_size, matrix, np.array(self.distortion))


def lens_file(camera: str, operator: str, board: Board, result: LensCalibration, at: datetime) -> LensFile:
    """What is written down about a result."""
    matrix = result.lens.matrix
    return LensFile(
        camera=camera,
        operator=operator,
        calibrated_at=at,
        verdict="VALID" if result.valid else "INVALID",
        faults=result.faults,
        board=str(board),
        pictures=len(result.errors_px),
        image_size=result.lens.size,
        error_px=LensError(rms=round(result.rms_px, 4), worst_picture=round(max(result.errors_px.values()), 4)),
        coverage=round(result.coverage.share, 3),
        kind=result.lens.kind,
        focal=(_short(matrix[0, 0]), _short(matrix[1, 1])),
        centre=(_short(matrix[0, 2]), _short(matrix[1, 2])),
        distortion=tuple(_short(value) for value in result.lens.distortion),
    )


def read_lens(path: Path) -> LensFile:
    """CalibrationError names the field that is wrong."""
    return read_record(path, LensFile)


def lens_yaml(record: LensFile) -> str:
    """As written."""
    return yaml.safe_dump(write_record(record), sort_keys=False, allow_unicode=True, default_flow_style=None)


def _short(value: float) -> float:
    return float(f"{value:.9g}")
