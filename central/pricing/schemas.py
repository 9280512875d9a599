"""Quotes, the ledger and the till."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from central.sent import Sent, SentTime
from contract.values import Minor, Name, Token, Utc


class DiscountOut(BaseModel):
    """What one rule took off (`discount` is the customer's own), in minor units."""

    rule: str
    campaign: str | None
    off: Minor


class QuoteOut(BaseModel):
    """A personal price. `armed`: a label confirmed it, so it will be charged if asked for in time."""

    id: str
    visit: str
    sku: str
    label: str | None
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
    bonus_minor: Minor
    discounts: list[DiscountOut]
    signature: str


class LedgerOut(BaseModel):
    """One line of the price ledger. `place` is where: on a label, on the customer's phone, at the till."""

    id: int
    at: Utc
    sku: str
    label: str | None
    place: Literal["label", "phone", "till"]
    visit: str | None
    quote: str | None
    variant: Literal["public", "personal"]
    step: Literal["quoted", "shown", "confirmed", "charged", "voided"]
    price: Minor


class LedgerLineOut(BaseModel):
    """A line with what led to it: for a personal price the whole life of its quote, else the public prices on labels.

    `quote` is null for a public price, and when the customer has erased themselves since.
    """

    line: LedgerOut
    quote: QuoteOut | None
    signature_fits: bool | None
    """Whether central's key signed the quote as it stands here."""
    receipt: str | None
    behind: list[LedgerOut]


LONGEST_DRY_RUN_DAYS = 366
"""No occasion is kept for longer."""
Sku = Annotated[str, Field(min_length=1, max_length=64, examples=["HP-200"])]
Receipt = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+$", examples=["till-3:20418"])]
Quantity = Annotated[int, Field(ge=1, le=10_000)]


class VerifyIn(Sent):
    """What the till asks: an article, and by what the customer is known (one of the four, or none)."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"store": "shop", "sku": "HP-1", "visit": "v1"}]}
    )

    store: Name
    sku: Sku
    quote: Token | None = None
    visit: Token | None = None
    subject: Token | None = None
    customer: Annotated[str | None, Field(max_length=64)] = None


class VerifyOut(BaseModel):
    """What `redeem` would charge now."""

    charged: Minor
    public: Minor
    currency: str
    quote: str | None
    redeemable_until: Utc | None


class RedeemIn(VerifyIn):
    """The line of a receipt."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"store": "shop", "sku": "HP-1", "visit": "v1", "receipt": "R-1", "quantity": 1}]
        },
    )

    receipt: Receipt
    quantity: Quantity = 1


class RedeemOut(BaseModel):
    """What to charge: `charged` for the first piece, `public` for every further one, `total` for all."""

    sku: str
    charged: Minor
    public: Minor
    quantity: int
    total: Minor
    currency: str
    quote: str | None
    redeemed: bool
    receipt: str
    voided: bool = False
    conflict: str | None = None


class VoidIn(Sent):
    """A receipt, or one article of it, that is taken back."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"store": "shop", "receipt": "R-1"}]})

    store: Name
    receipt: Receipt
    sku: Sku | None = None


class VoidOut(BaseModel):
    """The lines as they are now."""

    receipt: str
    voided: list[RedeemOut]


class OfflineSaleIn(Sent):
    """A line sold on a quote's code while central could not be asked. It has happened: it is never refused."""

    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, Field(min_length=1, max_length=1200)]
    receipt: Receipt
    sku: Sku
    charged: Annotated[int, Field(ge=0, le=10**12)]
    at: SentTime


class ReconcileIn(Sent):
    """The journal of a till that was offline."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "store": "shop",
                    "lines": [
                        {
                            "code": "VQ1.abc",
                            "receipt": "R-2",
                            "sku": "HP-1",
                            "charged": 18000,
                            "at": "2026-03-02T12:00:00Z",
                        }
                    ],
                }
            ]
        },
    )

    store: Name
    lines: Annotated[list[OfflineSaleIn], Field(min_length=1, max_length=1000)]


class ReconcileOut(BaseModel):
    """One answer a line, in order; `conflict` says what should not have happened."""

    lines: list[RedeemOut]


class KitOut(BaseModel):
    """What a till keeps to check quotes by itself (docs/till.md)."""

    store: str
    key: str
    """Ed25519, base64 of 32 raw bytes."""
    code_prefix: str
    window_s: int


class RulesOut(BaseModel):
    """A rule file and when it came into force."""

    store: str
    text: str
    activated_by: str | None
    activated_at: Utc | None


class RulesIn(Sent):
    """A rule file, as YAML text."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"text": "version: 1\nrules:\n  - {id: morning, title: {en: Good morning}, give: {share: 0.05}}\n"}
            ]
        },
    )

    text: Annotated[str, Field(max_length=256_000)]


class DryRunIn(RulesIn):
    """A rule file to try on what happened in the last days."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "text": "version: 1\nrules:\n  - {id: morning, title: {en: Good morning}, give: {share: 0.05}}\n",
                    "days": 30,
                }
            ]
        },
    )

    days: Annotated[int, Field(ge=1, le=LONGEST_DRY_RUN_DAYS)] = 30
    listed: Annotated[int, Field(ge=0, le=1000)] = 100
    """Single occasions listed in `changes`, the newest ones."""


class RuleUse(BaseModel):
    """How often a rule would have counted, and what it would have cost."""

    rule: str
    times: int
    off: Minor


class ChangeOut(BaseModel):
    """One occasion that would have another price, the public one where there was no personal. Nobody is named: `visit`
    is the same as in quotes and in the ledger.
    """

    at: Utc
    visit: str
    sku: str
    public: Minor
    price_now: Minor
    price_then: Minor
    reasons_now: list[str]
    """Rules, `discount` (the customer's own), `bonuses`, and the limits that counted."""
    reasons_then: list[str]


class DryRunOut(BaseModel):
    """The same occasions under the rules in force and under the new ones. Money in minor units."""

    occasions: int
    unreadable: int
    """Of customers who were erased meanwhile."""
    withheld: int
    """Of customers who took back a purpose that a personal price needs."""
    quotes_now: int
    quotes_then: int
    off_now: Minor
    off_then: Minor
    cheaper: int
    dearer: int
    at_margin_floor: int
    at_discount_limit: int
    lowest_share: float | None
    """The lowest personal price, as a share of its public price."""
    rules: list[RuleUse]
    unused: list[str]
    """Rules that never counted."""
    changes: list[ChangeOut]
    """The occasions behind `cheaper` and `dearer`, newest first."""


class ConditionIn(Sent):
    """A fact of the day."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"value": "rain", "until": "2026-03-02T20:00:00Z"}]}
    )

    value: Annotated[str, Field(min_length=1, max_length=80)]
    until: SentTime


class ConditionOut(BaseModel):
    """A fact of the day and until when it holds."""

    name: str
    value: str
    until: Utc
