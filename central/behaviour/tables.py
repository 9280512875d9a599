"""Site events, the summaries kept from them, what was refused, and how each source is doing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey
from central.holdings import NOBODY, holds


class SiteEvent(Base):
    """One event. `owner`: the subject when they were signed in, else `visitor:<hash>`; who that is, a link says."""

    __tablename__ = "site_events"
    __table_args__ = (
        UniqueConstraint("source", "message", name="uq_site_events_message"),
        Index("ix_site_events_owner_at", "owner", "at"),
        Index("ix_site_events_at", "at"),
        {"info": holds("owner", "delete")},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    source: Mapped[str] = mapped_column(String(81))
    """`store/source`: message ids are unique within it."""
    message: Mapped[str] = mapped_column(String(100))
    store: Mapped[str] = mapped_column(String(40))
    owner: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(40))
    """Name in the vocabulary, `Page`, `Identify` or `Other`."""
    at: Mapped[datetime]
    received_at: Mapped[datetime]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class SiteInterest(Base):
    """The summary of one owner's events (behaviour.summary), brought forward with every batch."""

    __tablename__ = "site_interests"
    __table_args__ = (
        Index("ix_site_interests_updated_at", "updated_at"),
        {"info": holds("owner", "delete")},
    )

    owner: Mapped[str] = mapped_column(String(80), primary_key=True)
    updated_at: Mapped[datetime]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)


class SiteQuarantine(Base):
    """An event that could not be used, and why. Its content is kept only when it is known whose key to seal it with."""

    __tablename__ = "site_quarantine"
    __table_args__ = (
        Index("ix_site_quarantine_store", "store"),
        Index("ix_site_quarantine_received_at", "received_at"),
        Index("ix_site_quarantine_owner", "owner"),
        {"info": holds("owner", "delete")},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    source: Mapped[str] = mapped_column(String(81))
    store: Mapped[str] = mapped_column(String(40))
    field: Mapped[str] = mapped_column(String(120))
    reason: Mapped[str] = mapped_column(String(200))
    size: Mapped[int]
    received_at: Mapped[datetime]
    owner: Mapped[str | None] = mapped_column(String(80))
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)


class SiteSource(Base):
    """What came from one source so far."""

    __tablename__ = "site_sources"
    __table_args__ = (Index("ix_site_sources_store", "store"), {"info": NOBODY})

    source: Mapped[str] = mapped_column(String(81), primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    accepted: Mapped[int] = mapped_column(BigKey, default=0)
    duplicate: Mapped[int] = mapped_column(BigKey, default=0)
    rejected: Mapped[int] = mapped_column(BigKey, default=0)
    withheld: Mapped[int] = mapped_column(BigKey, default=0)
    last_at: Mapped[datetime]
