"""Accounts of people who work in a store, their sessions, and tokens of machines."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey
from central.holdings import NOBODY


class StaffMember(Base):
    """A local account. `store` null: all stores."""

    __tablename__ = "staff"
    __table_args__ = ({"info": NOBODY},)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    store: Mapped[str | None] = mapped_column(String(40))
    password_hash: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool] = mapped_column(default=True)


class StaffSession(Base):
    """A browser logged in; only the hash of its token is kept."""

    __tablename__ = "staff_sessions"
    __table_args__ = ({"info": NOBODY},)

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    staff: Mapped[int] = mapped_column(BigKey, ForeignKey("staff.id", ondelete="CASCADE"))
    csrf: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class MachineToken(Base):
    """A bearer token of a till, a site or a report; only its hash is kept."""

    __tablename__ = "machine_tokens"
    __table_args__ = ({"info": NOBODY},)

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))
    store: Mapped[str] = mapped_column(String(40))
    source: Mapped[str | None] = mapped_column(String(40))
    """Which site or app, for `site` (its server) and `public` (a write key anybody can read in the page)."""
    created_at: Mapped[datetime]
