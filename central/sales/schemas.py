"""A sale as it is told to us and as it is read."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Channel = Literal["till", "site"]


class SaleLineIn(BaseModel):
    """One article; `price` in minor units a piece, as charged."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sku: str = Field(min_length=1, max_length=64)
    quantity: int = Field(default=1, ge=1, le=10_000)
    price: int = Field(ge=0, le=10**12)
    quote: str | None = Field(default=None, max_length=64)


class SaleIn(BaseModel):
    """A whole sale. The same (channel, scope, id) again adds lines that are new and changes nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channel: Channel
    scope: str = Field(min_length=1, max_length=40)
    id: str = Field(min_length=1, max_length=64)
    store: str = Field(min_length=1, max_length=40)
    subject: str | None = Field(default=None, max_length=64)
    visit: str | None = Field(default=None, max_length=64)
    currency: str = Field(min_length=3, max_length=3)
    at: datetime
    lines: tuple[SaleLineIn, ...] = Field(min_length=1, max_length=1000)


class SaleLineOut(BaseModel):
    """One article of a sale that was kept."""

    model_config = ConfigDict(from_attributes=True)

    sku: str
    quantity: int
    price: int
    quote: str | None


class SaleOut(BaseModel):
    """A sale that was kept."""

    model_config = ConfigDict(from_attributes=True)

    channel: Channel
    id: str
    store: str
    visit: str | None
    currency: str
    at: datetime
    lines: list[SaleLineOut] = []
