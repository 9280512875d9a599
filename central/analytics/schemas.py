"""Aggregates as pages draw them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from contract.values import Utc

Cell = tuple[int, int, float]
"""(column, row, person-seconds)."""


class Interval(BaseModel):
    """[from, to)."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    start: Utc = Field(alias="from")
    end: Utc = Field(alias="to")


class Heatmap(Interval):
    """Person-seconds per square cell of `cell_m` metres."""

    cell_m: float
    cells: list[Cell]


class DwellZone(BaseModel):
    """Stays in one zone."""

    zone: str
    stays: int
    p50_s: float
    p90_s: float
    total_s: float


class Dwell(Interval):
    """Dwell per zone."""

    zones: list[DwellZone]


class Bucket(BaseModel):
    """One hour or minute."""

    at: Utc
    entered: int
    left: int


class Footfall(Interval):
    """Counts over the entrance lines."""

    by: Literal["hour", "minute"]
    buckets: list[Bucket]


class LiveZone(BaseModel):
    """People in a zone now."""

    zone: str
    people: int
    identified: int


class LiveHeat(BaseModel):
    """The last five minutes."""

    cell_m: float
    cells: list[Cell]


class Live(BaseModel):
    """The floor now. `people` counts tracks in zones, not people between them."""

    at: Utc
    zones: list[LiveZone]
    people: int
    visits_open: int
    entered_today: int
    left_today: int
    heat: LiveHeat
