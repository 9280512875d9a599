"""Customers, the pseudonyms they are known by on the wire, and their log-in to their own page."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey, JsonDict


class Customer(Base):
    """What the retailer knows. `subject` is the only link to what cameras and scanners report."""

    __tablename__ = "customers"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    store: Mapped[str] = mapped_column(String(40), index=True)
    subject: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    language: Mapped[str] = mapped_column(String(2), default="en")
    interests: Mapped[list[str]]
    bonuses_minor: Mapped[int] = mapped_column(BigKey, default=0)
    discount_share: Mapped[float] = mapped_column(default=0.0)
    external_ids: Mapped[JsonDict]


class LoginCode(Base):
    """A one-time code for the customer's page (only its hash is kept)."""

    __tablename__ = "customer_login_codes"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    customer: Mapped[str] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    expires_at: Mapped[datetime]


class CustomerSession(Base):
    """A browser logged in to the customer's own page."""

    __tablename__ = "customer_sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    customer: Mapped[str] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    csrf: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime]
