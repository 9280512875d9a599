"""Counts and times of the floor. Raw rows wait to be counted once; figures are what the gate let through.

No row links two places of one anonymous person beyond the life of a track.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, BigKey, JsonDict
from central.holdings import NOBODY, holds

_UNCOUNTED = text("NOT counted")


def _waiting(name: str, at: str) -> Index:
    """The rows that are still to be counted."""
    return Index(name, "store", at, sqlite_where=_UNCOUNTED, postgresql_where=_UNCOUNTED)


class Stay(Base):
    """A finished stay in a zone. `track` is forgotten when the stay has been counted."""

    __tablename__ = "stays"
    __table_args__ = (
        Index("ix_stays_store_left", "store", "left_at"),
        Index("ix_stays_visit", "visit"),
        _waiting("ix_stays_waiting", "left_at"),
        {"info": holds("visit", "detach", blank=("visit",))},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    zone: Mapped[str] = mapped_column(String(40))
    visit: Mapped[str | None] = mapped_column(String(64))
    track: Mapped[str | None] = mapped_column(String(64))
    dwell_s: Mapped[float]
    stopped: Mapped[bool] = mapped_column(server_default=text("false"))
    """The stay reached the zone's dwell threshold."""
    left_at: Mapped[datetime]
    calibrated: Mapped[bool]
    counted: Mapped[bool] = mapped_column(server_default=text("false"))


class Crossing(Base):
    """Somebody crossed an entrance line, or a counter said that `people` did."""

    __tablename__ = "crossings"
    __table_args__ = (
        Index("ix_crossings_store_at", "store", "at"),
        _waiting("ix_crossings_waiting", "at"),
        {"info": NOBODY},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    line: Mapped[str] = mapped_column(String(40))
    direction: Mapped[str] = mapped_column(String(3))
    at: Mapped[datetime]
    people: Mapped[int] = mapped_column(server_default=text("1"))
    source: Mapped[str] = mapped_column(String(12), server_default=text("'camera'"))
    """`camera`, `uncalibrated` (a camera whose metres are not to be trusted) or `counter`."""
    camera: Mapped[str | None] = mapped_column(String(40))
    counted: Mapped[bool] = mapped_column(server_default=text("false"))


class OccupancyMinute(Base):
    """Person-seconds in cells of the plan in one minute of one camera (a part of it); gone once counted."""

    __tablename__ = "occupancy_minutes"
    __table_args__ = (Index("ix_occupancy_minutes_store_minute", "store", "minute"), {"info": NOBODY})

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    camera: Mapped[str] = mapped_column(String(40))
    minute: Mapped[datetime]
    cell_m: Mapped[float]
    cells: Mapped[JsonDict]
    """{"cells": [[column, row, person-seconds, people or null], ...]}"""
    calibrated: Mapped[bool]
    counted: Mapped[bool] = mapped_column(server_default=text("false"))


class QueueMinute(Base):
    """One minute of a marked queue."""

    __tablename__ = "queue_minutes"
    __table_args__ = (Index("ix_queue_minutes_store_minute", "store", "minute"), {"info": NOBODY})

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    zone: Mapped[str] = mapped_column(String(40))
    minute: Mapped[datetime]
    length_mean: Mapped[float]
    length_max: Mapped[int]
    length: Mapped[int]
    waits: Mapped[JsonDict]
    """{"s": [seconds, ...]}"""
    calibrated: Mapped[bool]
    counted: Mapped[bool] = mapped_column(server_default=text("false"))


class GroupEntry(Base):
    """A buying unit came in; gone once counted."""

    __tablename__ = "group_entries"
    __table_args__ = (Index("ix_group_entries_store_at", "store", "at"), {"info": NOBODY})

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    size: Mapped[int]
    calibrated: Mapped[bool]
    counted: Mapped[bool] = mapped_column(server_default=text("false"))


class Scan(Base):
    """A known visit scanned a product; gone after a day."""

    __tablename__ = "zone_scans"
    __table_args__ = (
        Index("ix_zone_scans_store_at", "store", "at"),
        Index("ix_zone_scans_visit", "visit"),
        {"info": holds("visit", "delete")},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    sku: Mapped[str] = mapped_column(String(64))
    visit: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class CounterMark(Base):
    """The last totals of another counter."""

    __tablename__ = "counter_marks"
    __table_args__ = ({"info": NOBODY},)

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    node: Mapped[str] = mapped_column(String(40), primary_key=True)
    device: Mapped[str] = mapped_column(String(40), primary_key=True)
    line: Mapped[str] = mapped_column(String(40), primary_key=True)
    since: Mapped[datetime]
    entered: Mapped[int] = mapped_column(BigKey)
    left: Mapped[int] = mapped_column(BigKey)
    at: Mapped[datetime]


class CalibrationRecord(Base):
    """What was said about how far a camera can be trusted, from `at` until the next record."""

    __tablename__ = "camera_calibrations"
    __table_args__ = ({"info": NOBODY},)

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    node: Mapped[str] = mapped_column(String(40), primary_key=True)
    camera: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    said: Mapped[JsonDict]
    """The event as it came: reason, residual, drift, audit."""


class Held(Base):
    """What the gate holds back of one series until there are enough people. Never shown."""

    __tablename__ = "analytics_held"
    __table_args__ = ({"info": NOBODY},)

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    series: Mapped[str] = mapped_column(String(12), primary_key=True)
    source: Mapped[str] = mapped_column(String(12), primary_key=True)
    place: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[datetime] = mapped_column(primary_key=True)
    """The store's day it belongs to: a series begins anew each day. 1970 for those that go on for ever."""
    start: Mapped[datetime]
    until: Mapped[datetime]
    people: Mapped[int]
    sums: Mapped[JsonDict]


class Figure(Base):
    """A published figure: hours roll-up. Written by the gate alone; never changed."""

    __tablename__ = "analytics_figures"
    __table_args__ = (Index("ix_analytics_figures_store_until", "store", "series", "until"), {"info": NOBODY})

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    store: Mapped[str] = mapped_column(String(40))
    series: Mapped[str] = mapped_column(String(12))
    source: Mapped[str] = mapped_column(String(12))
    place: Mapped[str] = mapped_column(String(40))
    day: Mapped[datetime]
    start: Mapped[datetime]
    until: Mapped[datetime]
    people: Mapped[int]
    sums: Mapped[JsonDict]


class DayFigure(Base):
    """The figures of one day, added up; made anew from them whenever one is added."""

    __tablename__ = "analytics_days"
    __table_args__ = ({"info": NOBODY},)

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    series: Mapped[str] = mapped_column(String(12), primary_key=True)
    day: Mapped[datetime] = mapped_column(primary_key=True)
    """The day in which the figures ended."""
    source: Mapped[str] = mapped_column(String(12), primary_key=True)
    place: Mapped[str] = mapped_column(String(40), primary_key=True)
    people: Mapped[int]
    sums: Mapped[JsonDict]


class Progress(Base):
    """How far a store's days have been looked through for sales."""

    __tablename__ = "analytics_progress"
    __table_args__ = ({"info": NOBODY},)

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    sales_until: Mapped[datetime]


class StoreRules(Base):
    """What a store has set otherwise than usual."""

    __tablename__ = "analytics_rules"
    __table_args__ = ({"info": NOBODY},)

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    k: Mapped[int]
    event_days: Mapped[float]
    hours_days: Mapped[int]
    """How long figures by the hour are kept; those by the day stay."""
