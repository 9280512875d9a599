"""What managers see of the floor's past: answers made of published figures alone, and so safe to add and subtract."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from central.analytics import reading
from central.analytics.buckets import COUNT, ends, grouped, percentile, spread
from central.analytics.hours import HOUR, next_day
from central.analytics.reading import Asked, Found
from central.analytics.schemas import (
    Bucket,
    Cell,
    Comparison,
    Dwell,
    DwellZone,
    Footfall,
    Funnel,
    FunnelZone,
    Heatmap,
    HourOfDay,
    QueueHour,
    Queues,
    QueueZone,
    Share,
    Side,
    SideZone,
)
from central.analytics.shelf import Total, cell_of

DEFAULT_CELL = 0.25
SMALLEST_SHARE = 0.07
"""Times are drawn in groups that hold at least this part of everybody."""
STOPPED = ("stopped", "scanned")
PEOPLE = ("passed", *STOPPED)
"""Everybody in a zone is in one of these: who only passed, who stopped, who scanned something."""


async def heatmap(session: AsyncSession, asked: Asked, hour: int | None = None) -> Heatmap:
    """Person-seconds per cell; `hour`: in this local hour of each day only."""
    if hour is None:
        found = await reading.read(session, asked, "heat")
    else:
        found = await reading.read_hours_of_day(session, asked, hour, "heat")
    sizes = {place: float(place) for place in found.places("heat")}
    cell_m = max(sizes.values(), default=DEFAULT_CELL)
    cells: dict[tuple[int, int], float] = {}
    for place, size in sizes.items():
        for packed, seconds in found.totals["heat", place].cells.items():
            cell = cell_of(packed)
            if size != cell_m:  # finer cells are folded into the coarsest
                cell = (int(cell[0] * size // cell_m), int(cell[1] * size // cell_m))
            cells[cell] = cells.get(cell, 0.0) + seconds
    rows: list[Cell] = [(ix, iy, round(seconds, 1)) for (ix, iy), seconds in sorted(cells.items())]
    return Heatmap.model_validate({**found.head(), "cell_m": cell_m, "cells": rows})


async def dwell(session: AsyncSession, asked: Asked) -> Dwell:
    """Stays that ended in the interval, by zone."""
    found = await reading.read(session, asked, *PEOPLE)
    zones = [_zone(place, found) for place in found.places(*PEOPLE)]
    return Dwell.model_validate({**found.head(), "zones": zones})


def _times(found: Found, place: str, *series: str) -> list[float]:
    """Stays per bucket. Series are spread one by one: each is a part of the axis of its own."""
    counts = [0.0] * COUNT
    for one in series:
        total = found.total(place, one)
        seconds = total.sums.get("seconds", total.sums.get("waited", 0.0))
        part = spread(total.groups, seconds / total.people if total.people else 1.0)
        counts = [have + more for have, more in zip(counts, part, strict=True)]
    return counts


def _zone(place: str, found: Found) -> DwellZone:
    whole, counts = found.total(place, *PEOPLE), _times(found, place, *PEOPLE)
    return DwellZone(
        zone=place,
        stays=whole.people,
        p50_s=round(percentile(counts, 0.5), 1),
        p90_s=round(percentile(counts, 0.9), 1),
        total_s=round(whole.sums.get("seconds", 0.0), 1),
        distribution=_distribution(counts, found.asked.rules.k),
    )


def _distribution(counts: Sequence[float], k: int) -> list[Share]:
    whole = {bucket: int(count) for bucket, count in enumerate(counts)}
    shares = []
    for first, last in grouped(whole, max(k, round(sum(counts) * SMALLEST_SHARE))):
        stays = round(sum(counts[first : last + 1]))
        if stays >= k:
            shares.append(Share(from_s=ends(first)[0], to_s=ends(last)[1], stays=stays))
    return shares


async def footfall(session: AsyncSession, asked: Asked, by: Literal["hour", "day"]) -> Footfall:
    """People who came in and went out per hour or day; empty buckets are left out."""
    found = await reading.read(session, asked, "in", "out", "groups")
    buckets = await (_by_hour(session, found) if by == "hour" else _by_day(session, found))
    groups = found.total("", "groups")
    answer = {
        **found.head(),
        "by": by,
        "entered": found.total("", "in").people,
        "left": found.total("", "out").people,
        "groups": groups.people or None,
        "group_size": round(groups.sums.get("size", 0.0) / groups.people, 1) if groups.people else None,
        "buckets": buckets,
    }
    return Footfall.model_validate(answer)


async def _by_hour(session: AsyncSession, found: Found) -> list[Bucket]:
    buckets: dict[datetime, Bucket] = {}
    for row in await reading.hourly(session, found.asked, found.source, "in", "out"):
        bucket = buckets.setdefault(row.until, Bucket(at=row.until - HOUR, since=row.start, until=row.until))
        bucket.since = min(bucket.since, row.start)
        _count(bucket, row.series, row.people)
    return [buckets[until] for until in sorted(buckets)]


async def _by_day(session: AsyncSession, found: Found) -> list[Bucket]:
    buckets: dict[datetime, Bucket] = {}
    for row in await reading.daily(session, found.asked, found.source, "in", "out"):
        after = next_day(row.day, found.asked.zone)
        bucket = buckets.setdefault(row.day, Bucket(at=row.day, since=row.day, until=after))
        _count(bucket, row.series, row.people)
    return [buckets[day] for day in sorted(buckets)]


def _count(bucket: Bucket, series: str, people: int) -> None:
    if series == "in":
        bucket.entered += people
    else:
        bucket.left += people


async def funnel(session: AsyncSession, asked: Asked) -> Funnel:
    """How far people went in each zone."""
    found = await reading.read(session, asked, *PEOPLE, "bought", "ordered")
    zones = [
        FunnelZone(
            zone=place,
            passed=found.total(place, *PEOPLE).people or None,
            stopped=found.total(place, *STOPPED).people or None,
            scanned=found.total(place, "scanned").people or None,
            bought=found.total(place, "bought").people or None,
            ordered=found.total(place, "ordered").people or None,
        )
        for place in found.places(*PEOPLE, "bought", "ordered")
    ]
    return Funnel.model_validate({**found.head(), "zones": zones})


async def queues(session: AsyncSession, asked: Asked) -> Queues:
    """Waiting in the marked zones."""
    found = await reading.read(session, asked, "queue")
    hours: dict[str, list[QueueHour]] = defaultdict(list)
    for row in await reading.hourly(session, asked, found.source, "queue"):
        one = Total()
        one.add(row.people, row.sums)
        names = {"at": row.until - HOUR, "since": row.start, "until": row.until}
        hours[row.place].append(QueueHour.model_validate({**names, **_waiting(one)}))
    zones = []
    for place in found.places("queue"):
        counts = _times(found, place, "queue")
        percentiles = {"wait_p50_s": round(percentile(counts, 0.5), 1), "wait_p90_s": round(percentile(counts, 0.9), 1)}
        whole = {"zone": place, "hours": hours[place], **percentiles, **_waiting(found.total(place, "queue"))}
        zones.append(QueueZone.model_validate(whole))
    return Queues.model_validate({**found.head(), "zones": zones})


def _waiting(total: Total) -> dict[str, float]:
    minutes, served = total.sums.get("minutes", 0.0), total.people
    return {
        "served": served,
        "wait_mean_s": round(total.sums.get("waited", 0.0) / served, 1) if served else 0.0,
        "length_mean": round(total.sums.get("length", 0.0) / minutes, 2) if minutes else 0.0,
    }


async def compare(session: AsyncSession, sides: Sequence[Asked]) -> Comparison:
    """Stores or intervals beside each other: each side for itself, there is no sum over stores that could be split."""
    return Comparison(sides=[await side(session, asked) for asked in sides])


async def side(session: AsyncSession, asked: Asked) -> Side:
    """One store in one interval."""
    found = await reading.read(session, asked, "in", "groups", *PEOPLE)
    hours: dict[int, int] = defaultdict(int)
    dates = set()
    for row in await reading.hourly(session, asked, found.source, "in"):
        local = (row.until - HOUR).astimezone(asked.zone)
        hours[local.hour] += row.people
        dates.add(local.date())
    entered, days = found.total("", "in").people, max(1, len(dates))
    zones = []
    for place in found.places(*PEOPLE):
        whole, stopped = found.total(place, *PEOPLE).people, found.total(place, *STOPPED).people
        times = _times(found, place, *PEOPLE)
        zones.append(
            SideZone(
                zone=place,
                people=whole,
                stopped_share=round(stopped / whole, 3) if whole else None,
                p50_s=round(percentile(times, 0.5), 1),
            )
        )
    answer = {
        **found.head(),
        "store": asked.store,
        "days": days,
        "entered": entered,
        "entered_per_day": round(entered / days, 1),
        "groups": found.total("", "groups").people or None,
        "hours": [HourOfDay(hour=hour, entered=people) for hour, people in sorted(hours.items())],
        "zones": zones,
    }
    return Side.model_validate(answer)
