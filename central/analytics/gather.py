"""Raw rows that have not been counted yet, as amounts per series, place, day and hour. Each row is taken once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, Row, and_, false, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from central.analytics.buckets import bucket_of
from central.analytics.disclosure import Amount, Cell, HeatCell, least_people
from central.analytics.hours import HOUR, day_start, hour_start, next_day
from central.analytics.recording import camera_of, source_of
from central.analytics.tables import Crossing, GroupEntry, OccupancyMinute, QueueMinute, Scan, Stay
from central.labels.tables import Label
from central.privacy.tables import SubjectConsent
from central.sales.tables import Sale, SaleLine
from central.visits.tables import Visit

FOR_EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Day of series that are carried on from day to day."""
_CHUNK = 500
ORDERED_WITHIN = timedelta(days=14)
"""An order on the site this long after a stay counts for the shelf."""


class Key(NamedTuple):
    """A series of a store."""

    series: str
    source: str
    place: str
    day: datetime


class Slot(NamedTuple):
    """One hour of a series."""

    key: Key
    hour: datetime


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the hours and days of a store lie."""

    store: str
    zone: tzinfo
    before: datetime
    """Only whole hours that are over are counted."""

    def slot(self, series: str, source: str, place: str, at: datetime) -> Slot:
        """Where something that happened at `at` is counted."""
        return Slot(Key(series, source, place, day_start(at, self.zone)), hour_start(at, self.zone))


class Amounts(defaultdict[Slot, Amount]):
    """Amounts by hour, made when first touched."""

    def __missing__(self, slot: Slot) -> Amount:
        fresh = self[slot] = Amount(slot.hour, slot.hour + HOUR)
        return fresh


async def _take(
    session: AsyncSession,
    grid: Grid,
    table: type[Stay | Crossing | OccupancyMinute | QueueMinute | GroupEntry],
    at: InstrumentedAttribute[datetime],
    *columns: InstrumentedAttribute[Any],
) -> Sequence[Row[Any]]:
    """Mark the waiting rows of whole hours as counted and return them: these alone, whatever else is being written."""
    statement = (
        update(table)
        .where(table.store == grid.store, table.counted.is_(False), at < grid.before)
        .values(counted=True)
        .returning(*columns)
        .execution_options(synchronize_session=False)
    )
    return (await session.execute(statement)).all()


async def amounts(session: AsyncSession, grid: Grid) -> Amounts:
    """Everything but heat."""
    found = Amounts()
    await _crossings(session, grid, found)
    await _stays(session, grid, found)
    await _queues(session, grid, found)
    await _groups(session, grid, found)
    return found


async def _crossings(session: AsyncSession, grid: Grid, found: Amounts) -> None:
    columns = (Crossing.line, Crossing.direction, Crossing.at, Crossing.people, Crossing.source, Crossing.camera)
    rows = await _take(session, grid, Crossing, Crossing.at, *columns)
    watched = await _watched(session, grid, [row.at for row in rows if row.source == "counter"])
    for row in rows:
        if row.source == "counter" and (row.line, hour_start(row.at, grid.zone)) in watched:
            continue  # our own camera counted this line in this hour: nobody is counted twice
        amount = found[grid.slot(row.direction, row.source, "", row.at)]
        amount.people += row.people
        amount.cameras |= {row.camera} if row.camera else frozenset()


async def _watched(session: AsyncSession, grid: Grid, times: Sequence[datetime]) -> set[tuple[str, datetime]]:
    if not times:
        return set()
    statement = select(Crossing.line, Crossing.at).where(
        Crossing.store == grid.store,
        Crossing.at >= hour_start(min(times), grid.zone),
        Crossing.at < hour_start(max(times), grid.zone) + HOUR,
        Crossing.source != "counter",
    )
    return {(line, hour_start(at, grid.zone)) for line, at in (await session.execute(statement)).all()}


async def _stays(session: AsyncSession, grid: Grid, found: Amounts) -> None:
    columns = (Stay.id, Stay.zone, Stay.visit, Stay.track, Stay.dwell_s, Stay.stopped, Stay.left_at, Stay.calibrated)
    rows = await _take(session, grid, Stay, Stay.left_at, *columns)
    if not rows:
        return
    await session.execute(
        update(Stay)
        .where(Stay.store == grid.store, Stay.counted, Stay.track.is_not(None), Stay.left_at < grid.before)
        .values(track=None)
        .execution_options(synchronize_session=False)
    )
    visits = {row.visit for row in rows if row.visit is not None}
    staff, scanned = await _staff(session, grid.store, visits), await _scanned(session, grid.store, visits)
    persons: dict[tuple[str, datetime, str, str], list[Row[Any]]] = defaultdict(list)
    for row in rows:
        if row.visit not in staff:
            who = row.visit or row.track or str(row.id)
            persons[row.zone, hour_start(row.left_at, grid.zone), source_of(row.calibrated), who].append(row)
    for (place, _, source, who), stays in persons.items():
        series = "stopped" if any(row.stopped for row in stays) else "passed"
        series = "scanned" if (who, place) in scanned else series
        _person(found[grid.slot(series, source, place, stays[0].left_at)], stays)


def _person(amount: Amount, stays: Sequence[Row[Any]]) -> None:
    """One person's time in one zone and hour. Coming back adds to the time: stays minus people would tell who did."""
    seconds = sum(row.dwell_s for row in stays)
    bucket = bucket_of(seconds)
    amount.people += 1
    amount.times[bucket] = amount.times.get(bucket, 0) + 1
    amount.sums["seconds"] = amount.sums.get("seconds", 0.0) + seconds
    amount.cameras |= {camera for row in stays if (camera := camera_of(row.track or "")) is not None}


async def _staff(session: AsyncSession, store: str, visits: set[str]) -> set[str]:
    names = sorted(visits)
    staff: set[str] = set()
    for start in range(0, len(names), _CHUNK):
        part = names[start : start + _CHUNK]
        statement = select(Visit.id).where(Visit.store == store, Visit.id.in_(part), Visit.method == "staff")
        staff |= set((await session.scalars(statement)).all())
    return staff


async def _queues(session: AsyncSession, grid: Grid, found: Amounts) -> None:
    columns = (QueueMinute.zone, QueueMinute.minute, QueueMinute.length_mean, QueueMinute.waits, QueueMinute.calibrated)
    for row in await _take(session, grid, QueueMinute, QueueMinute.minute, *columns):
        amount = found[grid.slot("queue", source_of(row.calibrated), row.zone, row.minute)]
        waits = cast("list[float]", row.waits["s"])
        amount.people += len(waits)
        for name, value in (("length", row.length_mean), ("minutes", 1.0), ("waited", sum(waits))):
            amount.sums[name] = amount.sums.get(name, 0.0) + value
        for seconds in waits:
            bucket = bucket_of(seconds)
            amount.times[bucket] = amount.times.get(bucket, 0) + 1


async def _groups(session: AsyncSession, grid: Grid, found: Amounts) -> None:
    rows = await _take(session, grid, GroupEntry, GroupEntry.at, GroupEntry.at, GroupEntry.size, GroupEntry.calibrated)
    for row in rows:
        amount = found[grid.slot("groups", source_of(row.calibrated), "", row.at)]
        amount.people += 1  # k groups are at least k people
        amount.sums["size"] = amount.sums.get("size", 0.0) + row.size


async def _scanned(session: AsyncSession, store: str, visits: set[str]) -> set[tuple[str, str]]:
    """(visit, zone): the visit scanned something that is labelled in the zone."""
    found: set[tuple[str, str]] = set()
    names = sorted(visits)
    for start in range(0, len(names), _CHUNK):
        statement = (
            select(Scan.visit, Label.zone)
            .join(Label, and_(Label.store == Scan.store, Label.sku == Scan.sku))
            .where(Scan.store == store, Scan.visit.in_(names[start : start + _CHUNK]), Label.zone.is_not(None))
            .where(~_refused(Scan.store, Scan.visit))
        )
        found |= {(visit, str(place)) for visit, place in (await session.execute(statement)).all()}
    return found


def _refused(store: InstrumentedAttribute[str], visit: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """Behind the visit is somebody who did not agree to be counted: what they did one after the other is theirs."""
    agreed = func.coalesce(SubjectConsent.purposes["analytics"].as_boolean(), false())
    known = select(Visit.id).outerjoin(SubjectConsent, SubjectConsent.subject == Visit.subject)
    return known.where(Visit.store == store, Visit.id == visit, Visit.subject.is_not(None), ~agreed).exists()


def _disagreed(subject: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    agreed = func.coalesce(SubjectConsent.purposes["analytics"].as_boolean(), false())
    return ~select(SubjectConsent.subject).where(SubjectConsent.subject == subject, agreed).exists()


async def bought(session: AsyncSession, grid: Grid, day: datetime) -> Amounts:
    """Visits that stopped in a zone and bought, on that day, something that is labelled there."""
    of_sale = and_(SaleLine.channel == Sale.channel, SaleLine.scope == Sale.scope, SaleLine.sale == Sale.id)
    stopped = and_(Stay.visit == Sale.visit, Stay.store == Sale.store, Stay.stopped)
    labelled = and_(Label.store == Sale.store, Label.zone == Stay.zone, Label.sku == SaleLine.sku)
    statement = (
        select(Stay.zone, Sale.visit)
        .select_from(Sale)
        .join(SaleLine, of_sale)
        .join(Stay, stopped)
        .join(Label, labelled)
        .where(Sale.store == grid.store, Sale.at >= day, Sale.at < next_day(day, grid.zone), Sale.visit.is_not(None))
        .where(~_refused(Sale.store, Sale.visit))
        .distinct()
    )
    found = Amounts()
    after = next_day(day, grid.zone)
    for place, _ in (await session.execute(statement)).all():
        slot = Slot(Key("bought", "camera", place, FOR_EVER), after - HOUR)
        amount = found[slot]
        amount.start, amount.until, amount.people = day, after, amount.people + 1
    return found


async def ordered(session: AsyncSession, grid: Grid, day: datetime) -> Amounts:
    """People who ordered on the site, on that day, what is labelled in a zone where they had stopped shortly before."""
    of_sale = and_(SaleLine.channel == Sale.channel, SaleLine.scope == Sale.scope, SaleLine.sale == Sale.id)
    came = and_(Visit.subject == Sale.subject, Visit.store == grid.store)
    stopped = and_(Stay.visit == Visit.id, Stay.store == Visit.store, Stay.stopped, Stay.left_at <= Sale.at)
    labelled = and_(Label.store == Stay.store, Label.zone == Stay.zone, Label.sku == SaleLine.sku)
    after = next_day(day, grid.zone)
    statement = (
        select(Stay.zone, Sale.subject, Stay.left_at, Sale.at)
        .select_from(Sale)
        .join(SaleLine, of_sale)
        .join(Visit, came)
        .join(Stay, stopped)
        .join(Label, labelled)
        .where(Sale.channel == "site", Sale.at >= day, Sale.at < after, Sale.subject.is_not(None))
        .where(~_disagreed(Sale.subject))
    )
    rows = (await session.execute(statement)).all()
    people = {(place, subject) for place, subject, left_at, at in rows if at - left_at <= ORDERED_WITHIN}
    found = Amounts()
    for place, _ in people:
        amount = found[Slot(Key("ordered", "camera", place, FOR_EVER), after - HOUR)]
        amount.start, amount.until, amount.people = day, after, amount.people + 1
    return found


async def heat(session: AsyncSession, grid: Grid) -> dict[Slot, tuple[dict[Cell, HeatCell], frozenset[str]]]:
    """Person-seconds per cell and hour, with the cameras that saw them."""
    columns = (
        OccupancyMinute.camera,
        OccupancyMinute.minute,
        OccupancyMinute.cell_m,
        OccupancyMinute.cells,
        OccupancyMinute.calibrated,
    )
    seen: dict[Slot, dict[str, dict[Cell, HeatCell]]] = defaultdict(lambda: defaultdict(dict))
    for row in await _take(session, grid, OccupancyMinute, OccupancyMinute.minute, *columns):
        slot = grid.slot("heat", source_of(row.calibrated), f"{row.cell_m:g}", row.minute)
        _minute(seen[slot][row.camera], cast("list[tuple[int, int, float, int | None]]", row.cells["cells"]))
    return {slot: (_together(cameras.values()), frozenset(cameras)) for slot, cameras in seen.items()}


def _minute(cells: dict[Cell, HeatCell], told: Iterable[tuple[int, int, float, int | None]]) -> None:
    for ix, iy, seconds, people in told:
        cell = cells.setdefault((ix, iy), HeatCell())
        cell.seconds += seconds
        # A node that does not tell people: one person cannot spend more than the minute in it.
        cell.people = max(cell.people, math.ceil(seconds / 60)) if people is None else cell.people + people


def _together(cameras: Iterable[dict[Cell, HeatCell]]) -> dict[Cell, HeatCell]:
    """Cameras may see the same people: seconds are divided between them by the node, people are not."""
    found: dict[Cell, HeatCell] = {}
    for cells in cameras:
        for place, one in cells.items():
            have = found.setdefault(place, HeatCell())
            have.seconds += one.seconds
            have.people = least_people((have.people, one.people))
    return found
