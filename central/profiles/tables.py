"""Customers, the pseudonyms they are known by on the wire, and their log-in to their own page."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey
from central.holdings import holds


class Customer(Base):
    """What the retailer knows. `subject` is the only link to what cameras and scanners report."""

    __tablename__ = "customers"
    __table_args__ = ({"info": holds("subject", "delete")},)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    store: Mapped[str] = mapped_column(String(40), index=True)
    subject: Mapped[str] = mapped_column(String(64), unique=True)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    """profiles.schemas.ProfileData: name, interests as imported, ids elsewhere; under the person's key."""
    language: Mapped[str] = mapped_column(String(2), default="en")
    bonuses_minor: Mapped[int] = mapped_column(BigKey, default=0)
    discount_share: Mapped[float] = mapped_column(default=0.0)


class LoginCode(Base):
    """A one-time code for the customer's page (only its hash is kept)."""

    __tablename__ = "customer_login_codes"
    __table_args__ = ({"info": holds("customer", "delete", export=False)},)

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    customer: Mapped[str] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    expires_at: Mapped[datetime]


class CustomerSession(Base):
    """A browser logged in to the customer's own page."""

    __tablename__ = "customer_sessions"
    __table_args__ = ({"info": holds("customer", "delete", export=False)},)

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    customer: Mapped[str] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    csrf: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime]
