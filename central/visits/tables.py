"""Visits and the evidence each one stands on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey
from central.holdings import holds


class Visit(Base):
    """One stay of one participating person. Every column but the key may come late or never."""

    __tablename__ = "visits"
    __table_args__ = (
        Index("ix_visits_store_seen", "store", "first_seen_at"),
        Index("ix_visits_subject", "subject"),
        {"info": holds("subject", "detach", blank=("subject",))},
    )

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    node: Mapped[str] = mapped_column(String(40))
    first_seen_at: Mapped[datetime]
    """When central first heard of it (its own clock)."""
    started_at: Mapped[datetime | None]
    x: Mapped[float | None]
    y: Mapped[float | None]
    method: Mapped[str | None] = mapped_column(String(16))
    subject: Mapped[str | None] = mapped_column(String(64))
    stage: Mapped[str | None] = mapped_column(String(16))
    outcome: Mapped[str | None] = mapped_column(String(16))
    confidence: Mapped[float | None]
    identified_at: Mapped[datetime | None]
    first_usable_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(String(16))
    duration_s: Mapped[float | None]


class Evidence(Base):
    """One identification that was reported for a visit; the visit's identity is concluded from all of them."""

    __tablename__ = "visit_evidence"
    __table_args__ = (Index("ix_visit_evidence_visit", "store", "visit"), {"info": holds("subject", "delete")})

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    visit: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(64))
    method: Mapped[str] = mapped_column(String(16))
    device: Mapped[str] = mapped_column(String(40))
    stage: Mapped[str] = mapped_column(String(16))
    outcome: Mapped[str] = mapped_column(String(16))
    confidence: Mapped[float]
    margin: Mapped[float]
    first_usable_at: Mapped[datetime]
    at: Mapped[datetime]
