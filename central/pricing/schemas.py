"""Quotes, the ledger and the till."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from contract.values import Minor, Name, Token, Utc


class QuoteOut(BaseModel):
    """A personal price. `armed`: a label confirmed it, so it will be charged if asked for in time."""

    id: str
    visit: str
    sku: str
    label: str
    price: Minor
    public: Minor
    currency: str
    state: Literal["quoted", "armed", "redeemed", "expired"]
    issued_at: Utc
    expires_at: Utc
    armed_at: Utc | None
    shown_until: Utc | None
    charged: Minor | None
    receipt: str | None
    reasons: list[str]
    signature: str


class LedgerOut(BaseModel):
    """One line of the price ledger."""

    at: Utc
    sku: str
    label: str | None
    visit: str | None
    quote: str | None
    variant: Literal["public", "personal"]
    step: Literal["quoted", "shown", "confirmed", "charged"]
    price: Minor


class RedeemIn(BaseModel):
    """What the till asks: the line of a receipt, and by what the customer is known (one of three, or none)."""

    model_config = ConfigDict(extra="forbid")

    store: Name
    sku: Annotated[str, Field(min_length=1, max_length=64)]
    receipt: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+$")]
    quote: Token | None = None
    visit: Token | None = None
    subject: Token | None = None


class RedeemOut(BaseModel):
    """What to charge."""

    charged: Minor
    public: Minor
    currency: str
    quote: str | None
    redeemed: bool
    receipt: str
