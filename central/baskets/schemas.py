"""Baskets as pages and the site see them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from central.catalogue.schemas import Availability
from central.sent import Sent
from contract.values import Minor, Utc

Sku = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
Quantity = Annotated[int, Field(ge=0, le=99)]
State = Literal["open", "later"]


class LineOut(BaseModel):
    """One article at its public price now. `by`: `customer`, or `consultant:NAME`."""

    sku: str
    quantity: int
    by: str
    title: dict[str, str]
    price: Minor | None
    """Null: the store sells it no more."""
    availability: Availability | None


class BasketOut(BaseModel):
    """A basket. `total`: what can be had of it, at public prices."""

    store: str
    state: State
    updated_at: Utc
    currency: str
    lines: list[LineOut]
    total: Minor


class LineIn(Sent):
    """How many of an article shall lie in the basket; 0 takes it out."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"sku": "HP-1", "quantity": 1}]})

    sku: Sku
    quantity: Quantity = 1


class SiteLine(BaseModel):
    """What the site puts into its own basket."""

    sku: str
    quantity: int


class SiteBasket(BaseModel):
    """A basket to be finished on the site, of a customer who agreed to a profile."""

    customer: str
    state: State
    updated_at: Utc
    lines: list[SiteLine]


class SiteBaskets(BaseModel):
    """`next`: ask with it again for what came later."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "baskets": [
                        {
                            "customer": "c1",
                            "state": "later",
                            "updated_at": "2026-03-02T12:00:00.000Z",
                            "lines": [{"sku": "HP-1", "quantity": 1}],
                        }
                    ],
                    "next": "1772452800000-17",
                }
            ]
        }
    )

    baskets: list[SiteBasket]
    next: str | None
