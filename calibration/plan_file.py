"""The plan file: zones, entrance lines and label places of a store, as drawn in the calibration page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from calibration.records import read_record, write_record
from contract.values import Name, Point

Polygon = Annotated[tuple[Point, ...], Field(min_length=3, max_length=64)]
_Duration = Annotated[float, Field(ge=0.0, le=86_400.0, allow_inf_nan=False)]
_Size = Annotated[float, Field(gt=0, le=2000, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Drawing(_Part):
    """The picture of the plan that was used, so that it can be dropped again: it is not kept."""

    name: str = Field(max_length=200)
    metres_per_pixel: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)]
    corner: tuple[float, float] = (0.0, 0.0)
    """Pixel of the plan's north-west corner."""


class PlanZone(_Part):
    """As `zones[]` of the edge configuration."""

    id: Name
    polygon: Polygon
    enter_s: _Duration | None = None
    grace_s: _Duration | None = None
    dwell_s: _Duration | None = None
    kind: Literal["area", "queue", "staff"] | None = None
    service: Point | None = None
    service_m: Annotated[float, Field(gt=0, le=20, allow_inf_nan=False)] | None = None


class PlanLine(_Part):
    """As `lines[]` of the edge configuration."""

    id: Name
    start: Point = Field(alias="from")
    end: Point = Field(alias="to")
    inside: Point | Literal["left", "right"]
    staff: bool = False


class PlanLabel(_Part):
    """Where a shelf label hangs."""

    id: Name
    position: Point


class PlanFile(_Part):
    """What the whole store shares."""

    operator: str = Field(min_length=1, max_length=80)
    drawn_at: AwareDatetime
    width_m: _Size
    height_m: _Size
    drawing: Drawing | None = None
    zones: tuple[PlanZone, ...] = Field(default=(), max_length=200)
    lines: tuple[PlanLine, ...] = Field(default=(), max_length=50)
    labels: tuple[PlanLabel, ...] = Field(default=(), max_length=2000)


def read_plan(path: Path) -> PlanFile:
    """CalibrationError names the field that is wrong."""
    return read_record(path, PlanFile)


def plan_yaml(plan: PlanFile) -> str:
    """As written."""
    return yaml.safe_dump(write_record(plan), sort_keys=False, allow_unicode=True, default_flow_style=None)
