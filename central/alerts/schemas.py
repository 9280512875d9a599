"""The arrival card."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from contract.values import Utc

State = Literal["open", "claimed", "done", "expired", "retracted"]
Kind = Literal["arrival", "call"]


class CardCustomer(BaseModel):
    """Who it is, as far as the person allowed. A guest has no id, no interests and no name of their own."""

    id: str | None
    name: str
    language: str | None
    guest: bool


class Place(BaseModel):
    """A zone of the store."""

    id: str
    name: dict[str, str]


class Article(BaseModel):
    """What a call is about."""

    sku: str
    title: dict[str, str]


class Card(BaseModel):
    """One arrival, or one call for a consultant (`kind`); a call says where (`zone`) and about what (`article`).

    `interests` are short lines for the consultant to read, `topics` bare names to say in a sentence.
    """

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
    topics: list[str] = []
    kind: Kind = "arrival"
    zone: Place | None = None
    article: Article | None = None
    version: int
