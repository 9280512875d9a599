"""Arrival cards and the numbered stream of their changes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey
from central.holdings import holds


class Alert(Base):
    """One card per visit and kind. Names are not copied here: a card is drawn from the profile when it is looked at.

    `kind`: `arrival`, or `call` when the customer asked for a consultant; then `zone` is where, `sku` what about.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        UniqueConstraint("store", "visit", "kind"),
        Index("ix_alerts_store_state", "store", "state"),
        Index("ix_alerts_visit", "visit"),
        {"info": holds("subject", "delete")},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    visit: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16), default="arrival", server_default="arrival")
    zone: Mapped[str | None] = mapped_column(String(40))
    sku: Mapped[str | None] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(64), index=True)
    method: Mapped[str] = mapped_column(String(16))
    confidence: Mapped[float]
    stage: Mapped[str] = mapped_column(String(16))
    first_usable_at: Mapped[datetime]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16))
    claimed_by: Mapped[str | None] = mapped_column(String(80))
    claimed_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)


class AlertChange(Base):
    """A line of the event stream: an open page that lost the connection asks for what came after its last one."""

    __tablename__ = "alert_changes"
    __table_args__ = (
        Index("ix_alert_changes_store_id", "store", "id"),
        {"info": holds("alert", "delete", export=False)},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    alert: Mapped[int] = mapped_column(BigKey)
    event: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]
