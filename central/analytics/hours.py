"""The store's own hours and days as instants: the fixed grid on which everything is counted and asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

HOUR = timedelta(hours=1)


@lru_cache(maxsize=256)
def zone_of(timezone: str) -> tzinfo:
    """The zone of that name, or UTC when there is none."""
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def hour_start(at: datetime, zone: tzinfo) -> datetime:
    """Beginning of the local hour `at` lies in. The two hours 02:00 of an autumn night are two different hours."""
    offset = at.astimezone(zone).utcoffset() or timedelta(0)
    local = at.astimezone(UTC).replace(tzinfo=None) + offset
    return (local.replace(minute=0, second=0, microsecond=0) - offset).replace(tzinfo=UTC)


def hour_end(at: datetime, zone: tzinfo) -> datetime:
    """The first beginning of an hour at or after `at`."""
    start = hour_start(at, zone)
    return start if start == at else start + HOUR


def day_start(at: datetime, zone: tzinfo) -> datetime:
    """Midnight where the store is; where clocks skip midnight, the first instant of that day."""
    local = at.astimezone(zone)
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)


def next_day(day: datetime, zone: tzinfo) -> datetime:
    """Beginning of the day after the one that begins at `day`: 23, 24 or 25 hours later."""
    return day_start(day + timedelta(hours=36), zone)


def days_within(start: datetime, end: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """The longest run of whole days inside [start, end), as instants; empty (equal) when there is none."""
    first = day_start(start, zone)
    first = first if first >= start else next_day(first, zone)
    last = day_start(end, zone)
    return (first, last) if first < last else (first, first)
