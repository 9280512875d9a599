"""What was received: the events, how far each outbox has come, and what could not be used."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey, JsonDict
from central.holdings import NOBODY, holds


class Event(Base):
    """One committed event. Templates are left out of `data`: they live in `templates` alone."""

    __tablename__ = "events"
    __table_args__ = (
        Index("uq_events_session_sequence", "store", "node", "session", "sequence", unique=True),
        Index("ix_events_visit", "visit"),
        Index("ix_events_received_at", "received_at"),
        Index("ix_events_subject", "subject"),
        {"info": holds("visit", "delete", also="subject")},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    event_id: Mapped[str] = mapped_column(String(64))
    store: Mapped[str] = mapped_column(String(40))
    node: Mapped[str] = mapped_column(String(40))
    session: Mapped[str] = mapped_column(String(64))
    sequence: Mapped[int] = mapped_column(BigKey)
    kind: Mapped[str] = mapped_column(String(40))
    visit: Mapped[str | None] = mapped_column(String(64))
    subject: Mapped[str | None] = mapped_column(String(64))
    """Whom the event names, when it names somebody."""
    at: Mapped[datetime]
    received_at: Mapped[datetime]
    data: Mapped[JsonDict]


class Mark(Base):
    """How far one outbox (node, session) has been committed: everything up to `high_water`, plus the ranges above."""

    __tablename__ = "ingest_marks"
    __table_args__ = ({"info": NOBODY},)

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    node: Mapped[str] = mapped_column(String(40), primary_key=True)
    session: Mapped[str] = mapped_column(String(64), primary_key=True)
    high_water: Mapped[int] = mapped_column(BigKey, default=0)
    above: Mapped[str] = mapped_column(Text, default="[]")
    received: Mapped[int] = mapped_column(BigKey, default=0)
    duplicates: Mapped[int] = mapped_column(BigKey, default=0)
    quarantined: Mapped[int] = mapped_column(BigKey, default=0)
    updated_at: Mapped[datetime]


class Quarantined(Base):
    """A message that could not be used, with the reason; the payload is cut."""

    __tablename__ = "quarantine"
    __table_args__ = (
        Index("ix_quarantine_store_reason", "store", "reason"),
        {"info": holds("mention", "delete", column="payload")},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str | None] = mapped_column(String(40))
    node: Mapped[str | None] = mapped_column(String(40))
    topic: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(String(40))
    detail: Mapped[str] = mapped_column(String(300))
    payload: Mapped[str] = mapped_column(Text)
    size: Mapped[int]
    received_at: Mapped[datetime]
