"""What the floor page sends: a drawing that may be unfinished anywhere."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_Number = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
Pair = tuple[_Number, _Number]
_Id = Annotated[str, Field(max_length=60)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class DraftPoint(_Part):
    """A pair, or half of one."""

    image: Pair | None = None
    floor: Pair | None = None
    note: str = Field(default="", max_length=120)


class DraftZone(_Part):
    """A zone with any number of corners. Times are kept when the file had them."""

    id: _Id
    polygon: tuple[Pair, ...] = Field(default=(), max_length=64)
    enter_s: float | None = Field(default=None, ge=0, le=86_400)
    grace_s: float | None = Field(default=None, ge=0, le=86_400)
    dwell_s: float | None = Field(default=None, ge=0, le=86_400)


class DraftLine(_Part):
    """A line, some of its points still missing."""

    id: _Id
    start: Pair | None = Field(default=None, alias="from")
    end: Pair | None = Field(default=None, alias="to")
    inside: Pair | Literal["left", "right"] | None = None


class DraftLabel(_Part):
    """A label on the plan."""

    id: _Id
    position: Pair | None = None


class DraftDrawing(_Part):
    """The plan picture that is shown; the picture itself stays in the browser."""

    name: str = Field(max_length=200)
    metres_per_pixel: float = Field(gt=0, le=10, allow_inf_nan=False)
    corner: Pair = (0.0, 0.0)


class Draft(_Part):
    """Everything on the page."""

    operator: str = Field(default="", max_length=80)
    width_m: float = Field(gt=0, le=2000, allow_inf_nan=False)
    height_m: float = Field(gt=0, le=2000, allow_inf_nan=False)
    drawing: DraftDrawing | None = None
    points: tuple[DraftPoint, ...] = Field(default=(), max_length=200)
    zones: tuple[DraftZone, ...] = Field(default=(), max_length=200)
    lines: tuple[DraftLine, ...] = Field(default=(), max_length=50)
    lane: tuple[Pair, ...] = Field(default=(), max_length=64)
    labels: tuple[DraftLabel, ...] = Field(default=(), max_length=2000)
