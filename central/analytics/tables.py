"""Counts and times of the floor. No row links two places of one anonymous person beyond the life of a track."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey


class Occupancy(Base):
    """Person-seconds in one cell of the plan in one minute of one camera (a part of it)."""

    __tablename__ = "occupancy"
    __table_args__ = (Index("ix_occupancy_store_minute", "store", "minute"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    camera: Mapped[str] = mapped_column(String(40))
    minute: Mapped[datetime]
    cell_m: Mapped[float]
    ix: Mapped[int]
    iy: Mapped[int]
    seconds: Mapped[float]


class Stay(Base):
    """A finished stay in a zone."""

    __tablename__ = "stays"
    __table_args__ = (
        Index("ix_stays_store_left", "store", "left_at"),
        Index("ix_stays_visit", "visit"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    zone: Mapped[str] = mapped_column(String(40))
    visit: Mapped[str | None] = mapped_column(String(64))
    dwell_s: Mapped[float]
    left_at: Mapped[datetime]
    calibrated: Mapped[bool]


class Crossing(Base):
    """Somebody crossed an entrance line."""

    __tablename__ = "crossings"
    __table_args__ = (Index("ix_crossings_store_at", "store", "at"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    line: Mapped[str] = mapped_column(String(40))
    direction: Mapped[str] = mapped_column(String(3))
    at: Mapped[datetime]
