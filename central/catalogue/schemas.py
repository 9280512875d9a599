"""Stores and their plan, as pages and programs see them."""

from __future__ import annotations

from pydantic import BaseModel

from contract.values import Point


class ZoneOut(BaseModel):
    """A zone on the plan; `name` by language."""

    id: str
    name: dict[str, str]
    polygon: list[Point]


class LineOut(BaseModel):
    """An entrance line."""

    id: str
    start: Point
    end: Point


class CameraOut(BaseModel):
    """Where a camera hangs."""

    id: str
    node: str
    position: Point | None = None


class PlanOut(BaseModel):
    """Size of the plan in metres; `svg` is the address of a drawing or null."""

    width_m: float
    height_m: float
    svg: str | None = None


class LabelPlace(BaseModel):
    """Where a label hangs and what it stands for."""

    id: str
    node: str
    zone: str | None
    sku: str
    width_px: int
    height_px: int
    position: Point | None


class StoreName(BaseModel):
    """Enough to choose a store."""

    id: str
    name: str


class StoreOut(StoreName):
    """A store with its plan."""

    region: str
    currency: str
    language: str
    timezone: str
    plan: PlanOut
    zones: list[ZoneOut]
    lines: list[LineOut]
    cameras: list[CameraOut]
    labels: list[LabelPlace]
