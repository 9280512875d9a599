"""The arrival card."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from contract.values import Utc

State = Literal["open", "claimed", "done", "expired", "retracted"]


class CardCustomer(BaseModel):
    """Who it is, as far as the person allowed. A guest has no id, no interests and no name of their own."""

    id: str | None
    name: str
    language: str | None
    guest: bool


class Card(BaseModel):
    """One arrival."""

    id: int
    visit: str
    store: str
    customer: CardCustomer
    method: str
    confidence: float
    stage: str
    state: State
    first_usable_at: Utc
    created_at: Utc
    claimed_by: str | None
    claimed_at: Utc | None
    expires_at: Utc
    interests: list[str]
    version: int
