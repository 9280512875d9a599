"""Predictions, as programs see them."""

from __future__ import annotations

from pydantic import BaseModel

from contract.values import Utc


class Replenishment(BaseModel):
    """When something bought before will probably be bought again; half of the time between `from_at` and `to_at`."""

    sku: str
    last_at: Utc
    times: int
    next_at: Utc
    from_at: Utc
    to_at: Utc
    own: float
    """How much of it comes from this customer's own rhythm (0: only from others')."""


class NextPurchase(BaseModel):
    """A candidate for the next purchase; `after` is the purchase that leads to it."""

    sku: str
    score: float
    after: str | None


class Predictions(BaseModel):
    """What may be bought next."""

    replenishment: list[Replenishment] = []
    next_purchase: list[NextPurchase] = []
