"""Quotes, the ledger of what was shown and charged, the till's answers, and the rules a store wrote."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey
from central.holdings import NOBODY, holds


class Quote(Base):
    """One personal price for one visit and SKU. Armed once it was seen (a label confirmed it, or the customer's own
    page showed it); redeemed once.
    """

    __tablename__ = "quotes"
    __table_args__ = (
        UniqueConstraint("store", "visit", "sku"),
        Index("ix_quotes_label_armed", "store", "label", "armed_at"),
        Index("ix_quotes_subject_sku", "subject", "sku"),
        {"info": holds("subject", "delete")},
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    visit: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(64))
    sku: Mapped[str] = mapped_column(String(64))
    label: Mapped[str | None] = mapped_column(String(40))
    """Null: shown on the customer's own page only."""
    price: Mapped[int] = mapped_column(BigKey)
    public: Mapped[int] = mapped_column(BigKey)
    bonus_minor: Mapped[int] = mapped_column(BigKey, default=0)
    """Part of the difference that comes off the customer's bonuses when the quote is redeemed."""
    currency: Mapped[str] = mapped_column(String(3))
    reasons: Mapped[list[str]]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    signature: Mapped[str] = mapped_column(String(100))
    armed_at: Mapped[datetime | None]
    shown_until: Mapped[datetime | None]
    """When it left the last label; null while armed means it may still be on one."""
    receipt: Mapped[str | None] = mapped_column(String(64))
    charged: Mapped[int | None] = mapped_column(BigKey)


class QuoteDiscount(Base):
    """What one rule took off in one quote."""

    __tablename__ = "quote_discounts"
    __table_args__ = (Index("ix_quote_discounts_campaign", "campaign"), {"info": NOBODY})

    quote: Mapped[str] = mapped_column(ForeignKey("quotes.id", ondelete="CASCADE"), primary_key=True)
    rule: Mapped[str] = mapped_column(String(40), primary_key=True)
    campaign: Mapped[str | None] = mapped_column(String(40))
    off: Mapped[int] = mapped_column(BigKey)


class CampaignUse(Base):
    """A campaign's discount that was really charged; stays when the person behind it was erased."""

    __tablename__ = "campaign_uses"
    __table_args__ = (
        Index("ix_campaign_uses_campaign", "store", "campaign"),
        {"info": holds("subject", "detach", blank=("subject",))},
    )

    quote: Mapped[str] = mapped_column(String(64), primary_key=True)
    rule: Mapped[str] = mapped_column(String(40), primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    campaign: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str | None] = mapped_column(String(64))
    off: Mapped[int] = mapped_column(BigKey)
    at: Mapped[datetime]


class PriceOccasion(Base):
    """A visit stood before a product and could have been given a price: what the rules knew. Dry runs replay these."""

    __tablename__ = "price_occasions"
    __table_args__ = (
        Index("ix_price_occasions_at", "store", "at"),
        {"info": holds("subject", "delete")},
    )

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    visit: Mapped[str] = mapped_column(String(64), primary_key=True)
    sku: Mapped[str] = mapped_column(String(64), primary_key=True)
    subject: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    """The facts (central.pricing.facts), under the person's key."""


class PriceRuleset(Base):
    """A rule file as it was activated; the newest of a store is in force, older ones show what was."""

    __tablename__ = "price_rulesets"
    __table_args__ = (Index("ix_price_rulesets_store", "store"), {"info": NOBODY})

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(Text)
    activated_by: Mapped[str] = mapped_column(String(100))
    activated_at: Mapped[datetime]


class DayCondition(Base):
    """A fact of the day that rules may ask for, such as the weather."""

    __tablename__ = "day_conditions"
    __table_args__ = ({"info": NOBODY},)

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[str] = mapped_column(String(80))
    until: Mapped[datetime]


class LedgerEntry(Base):
    """What happened to a price: quoted, shown (sent to a label), confirmed (it was seen), charged, voided."""

    __tablename__ = "price_ledger"
    __table_args__ = (
        Index("ix_price_ledger_sku_at", "store", "sku", "at"),
        Index("ix_price_ledger_visit", "visit"),
        {"info": holds("visit", "detach", blank=("visit",))},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    sku: Mapped[str] = mapped_column(String(64))
    label: Mapped[str | None] = mapped_column(String(40))
    place: Mapped[str] = mapped_column(String(8), default="label", server_default="label")
    """`label`, `phone` or `till`."""
    visit: Mapped[str | None] = mapped_column(String(64))
    quote: Mapped[str | None] = mapped_column(String(64))
    variant: Mapped[str] = mapped_column(String(10))
    step: Mapped[str] = mapped_column(String(10))
    price: Mapped[int] = mapped_column(BigKey)
    at: Mapped[datetime]


class Redemption(Base):
    """The till's answer for one receipt line: asked again, it is given again."""

    __tablename__ = "redemptions"
    __table_args__ = ({"info": NOBODY},)

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    receipt: Mapped[str] = mapped_column(String(64), primary_key=True)
    sku: Mapped[str] = mapped_column(String(64), primary_key=True)
    quote: Mapped[str | None] = mapped_column(String(64))
    charged: Mapped[int] = mapped_column(BigKey)
    """The first piece."""
    public: Mapped[int] = mapped_column(BigKey)
    """Every further piece."""
    quantity: Mapped[int] = mapped_column(default=1, server_default="1")
    currency: Mapped[str] = mapped_column(String(3))
    redeemed: Mapped[bool]
    at: Mapped[datetime]
    voided_at: Mapped[datetime | None]
    offline: Mapped[bool] = mapped_column(default=False, server_default=false())
    conflict: Mapped[str | None] = mapped_column(String(80))
    """Why an offline redemption should not have happened; the money was taken, so it is kept and shown."""
