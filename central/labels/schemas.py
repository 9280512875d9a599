"""What each label shows."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from contract.commands import LabelContent
from contract.values import Point, Utc

Variant = Literal["public", "personal", "unknown"]


class Wanted(BaseModel):
    """What the label was last asked to show."""

    variant: Literal["public", "personal"]
    content: LabelContent


class LabelOut(BaseModel):
    """One label: what is on the glass as the glass confirmed it, and what was asked of it."""

    id: str
    node: str
    zone: str | None
    sku: str
    width_px: int
    height_px: int
    position: Point | None
    variant: Variant
    state: Literal["pending", "shown", "failed", "unreachable", "battery_low", "unknown"]
    since: Utc | None
    battery_mv: int | None
    content: LabelContent | None
    wanted: Wanted | None
    quote: str | None
