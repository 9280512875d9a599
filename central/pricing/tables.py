"""Quotes, the ledger of what was shown and charged, and the till's answers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey


class Quote(Base):
    """One personal price for one visit and SKU. Armed once a label confirmed it; redeemed once."""

    __tablename__ = "quotes"
    __table_args__ = (
        UniqueConstraint("store", "visit", "sku"),
        Index("ix_quotes_label_armed", "store", "label", "armed_at"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    visit: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(64))
    sku: Mapped[str] = mapped_column(String(64))
    label: Mapped[str] = mapped_column(String(40))
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


class LedgerEntry(Base):
    """What happened to a price: quoted, shown (sent to a label), confirmed (on the glass), charged."""

    __tablename__ = "price_ledger"
    __table_args__ = (Index("ix_price_ledger_sku_at", "store", "sku", "at"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    sku: Mapped[str] = mapped_column(String(64))
    label: Mapped[str | None] = mapped_column(String(40))
    visit: Mapped[str | None] = mapped_column(String(64))
    quote: Mapped[str | None] = mapped_column(String(64))
    variant: Mapped[str] = mapped_column(String(10))
    step: Mapped[str] = mapped_column(String(10))
    price: Mapped[int] = mapped_column(BigKey)
    at: Mapped[datetime]


class Redemption(Base):
    """The till's answer for one receipt line: asked again, it is given again."""

    __tablename__ = "redemptions"

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    receipt: Mapped[str] = mapped_column(String(64), primary_key=True)
    sku: Mapped[str] = mapped_column(String(64), primary_key=True)
    quote: Mapped[str | None] = mapped_column(String(64))
    charged: Mapped[int] = mapped_column(BigKey)
    public: Mapped[int] = mapped_column(BigKey)
    currency: Mapped[str] = mapped_column(String(3))
    redeemed: Mapped[bool]
    at: Mapped[datetime]
