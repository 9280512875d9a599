"""Files of the floor calibration: the points an installer writes, the result the edge configuration takes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calibration.errors import CalibrationError
from calibration.homography import FloorCalibration

Pair = tuple[float, float]


class PointPair(BaseModel):
    """One place, seen twice: pixels in the camera's picture, metres on the store plan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: Pair
    floor: Pair
    note: str = ""


class FloorPoints(BaseModel):
    """What the installer measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    camera: str
    operator: str = Field(min_length=1)
    points: tuple[PointPair, ...]


def read_points(path: Path) -> FloorPoints:
    """YAML to points; CalibrationError names the field that is wrong."""
    try:
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CalibrationError(f"{path}: not YAML: {error}") from None
    try:
        return FloorPoints.model_validate(body)
    except ValidationError as error:
        problems = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
        raise CalibrationError(f"{path}: " + "; ".join(problems)) from None


def result_yaml(points: FloorPoints, result: FloorCalibration, at: datetime) -> str:
    """The calibration as readable YAML; `homography` goes into the camera's section of the edge configuration."""
    body = {
        "camera": points.camera,
        "operator": points.operator,
        "calibrated_at": at.isoformat(timespec="seconds"),
        "verdict": str(result.verdict),
        "points": len(points.points),
        "error_m": {
            "median": round(float(np.median(result.errors_m)), 3),
            "worst": round(float(np.max(result.errors_m)), 3),
        },
        "homography": [[float(f"{value:.9g}") for value in row] for row in result.matrix],
    }
    return yaml.safe_dump(body, sort_keys=False, allow_unicode=True, default_flow_style=None)
