"""What the site is to be told, who is subscribed to it, and how each delivery stands."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey
from central.holdings import NOBODY, holds


class SiteChange(Base):
    """One thing told to the site. `id` rises and is never used again: it is the cursor of whoever pulls."""

    __tablename__ = "site_changes"
    __table_args__ = (
        UniqueConstraint("store", "kind", "reference"),
        Index("ix_site_changes_owner", "owner"),
        Index("ix_site_changes_at", "at"),
        # Without it SQLite numbers the next row like one that an erasure deleted: a cursor would step over it.
        {"sqlite_autoincrement": True, "info": holds("owner", "delete")},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    message: Mapped[str] = mapped_column(String(40), unique=True)
    """The `webhook-id`: random, the same in every try."""
    store: Mapped[str] = mapped_column(String(40))
    owner: Mapped[str] = mapped_column(String(80))
    """The subject; of an erasure `erased:<random>`, so that it outlives the person's key."""
    kind: Mapped[str] = mapped_column(String(32))
    reference: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class Subscription(Base):
    """Where a site wants to be told. `secret` is encrypted under a key of the data folder."""

    __tablename__ = "webhook_subscriptions"
    __table_args__ = (Index("ix_webhook_subscriptions_store", "store"), {"info": NOBODY})

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    url: Mapped[str] = mapped_column(String(500))
    kinds: Mapped[list[str]]
    """Empty: everything."""
    secret: Mapped[str] = mapped_column(Text)
    active: Mapped[bool]
    note: Mapped[str] = mapped_column(String(200), default="")
    """Why it was switched off by itself."""
    created_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]


class Delivery(Base):
    """One change on its way to one subscription: `open`, `done`, `dead` (tried in vain) or `dropped` (not allowed)."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("change", "subscription"),
        Index("ix_webhook_deliveries_due", "state", "next_try_at"),
        Index("ix_webhook_deliveries_subscription", "subscription", "state"),
        {"info": NOBODY},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    change: Mapped[int] = mapped_column(BigKey, ForeignKey("site_changes.id", ondelete="CASCADE"))
    subscription: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(8), default="open")
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime]
    tried_at: Mapped[datetime | None]
    status: Mapped[int | None]
    """The last answer's HTTP status."""
    error: Mapped[str | None] = mapped_column(String(200))


class EndedVisit(Base):
    """A visit that is over and will be told in a few seconds, when late news of it has come in."""

    __tablename__ = "site_pending"
    __table_args__ = (Index("ix_site_pending_due_at", "due_at"), {"info": holds("visit", "delete", export=False)})

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    visit: Mapped[str] = mapped_column(String(64), primary_key=True)
    due_at: Mapped[datetime]


class MessageTemplate(Base):
    """What a store writes to a customer after a visit, in one language."""

    __tablename__ = "message_templates"
    __table_args__ = ({"info": NOBODY},)

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    language: Mapped[str] = mapped_column(String(2), primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    saved_by: Mapped[str] = mapped_column(String(100))
    saved_at: Mapped[datetime]
