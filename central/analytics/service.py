"""What managers see of the floor. Summed in SQL that both databases understand; times are milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import BigInteger, case, func, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from central.analytics.disclosure import enough_people
from central.analytics.schemas import Bucket, Dwell, DwellZone, Footfall, Heatmap, Live, LiveHeat, LiveZone
from central.analytics.tables import Crossing, Occupancy, Stay
from central.effects import Effects, Origin
from central.labels.service import FORGET_TRACK
from central.labels.tables import Presence
from central.visits.service import LIVE_FOR
from central.visits.tables import Visit
from contract.events import FloorOccupancy, LineCrossed, ZoneLeft

DEFAULT_CELL = 0.25
LIVE_HEAT = timedelta(minutes=5)


def occupied(effects: Effects, origin: Origin, event: FloorOccupancy) -> None:
    """A minute of heat."""
    minute = origin.true(event.minute)
    effects.rows[Occupancy].extend(
        {
            "store": origin.store,
            "camera": event.camera,
            "minute": minute,
            "cell_m": event.cell_m,
            "ix": ix,
            "iy": iy,
            "seconds": seconds,
        }
        for ix, iy, seconds in event.cells
    )


def stayed(effects: Effects, origin: Origin, event: ZoneLeft) -> None:
    """A finished stay."""
    effects.rows[Stay].append(
        {
            "store": origin.store,
            "zone": event.zone,
            "visit": event.visit,
            "dwell_s": event.dwell_s,
            "left_at": origin.true(event.at),
            "calibrated": event.calibrated,
        }
    )


def crossed(effects: Effects, origin: Origin, event: LineCrossed) -> None:
    """Somebody came or went."""
    effects.rows[Crossing].append(
        {"store": origin.store, "line": event.line, "direction": event.direction, "at": origin.true(event.at)}
    )


async def heatmap(session: AsyncSession, store: str, start: datetime, end: datetime) -> Heatmap:
    """Person-seconds per cell in [start, end)."""
    seconds = func.sum(Occupancy.seconds)
    statement = (
        select(Occupancy.cell_m, Occupancy.ix, Occupancy.iy, seconds)
        .where(Occupancy.store == store, Occupancy.minute >= start, Occupancy.minute < end)
        .group_by(Occupancy.cell_m, Occupancy.ix, Occupancy.iy)
        .order_by(Occupancy.ix, Occupancy.iy)
    )
    rows = [(row[0], row[1], row[2], row[3]) for row in (await session.execute(statement)).all()]
    cell_m = max((row[0] for row in rows), default=DEFAULT_CELL)
    # Cameras may report finer cells than the coarsest one: those are folded into it.
    cells: dict[tuple[int, int], float] = {}
    for size, ix, iy, total in rows:
        place = (int(ix * size // cell_m), int(iy * size // cell_m))
        cells[place] = cells.get(place, 0.0) + total
    found = [(ix, iy, round(total, 3)) for (ix, iy), total in sorted(cells.items())]
    return Heatmap(start=start, end=end, cell_m=cell_m, cells=enough_people(found))


async def dwell(session: AsyncSession, store: str, start: datetime, end: datetime) -> Dwell:
    """Stays that ended in [start, end), by zone, with nearest-rank percentiles."""
    ranked = (
        select(
            Stay.zone,
            Stay.dwell_s,
            func.row_number().over(partition_by=Stay.zone, order_by=Stay.dwell_s).label("place"),
            func.count().over(partition_by=Stay.zone).label("stays"),
        )
        .where(Stay.store == store, Stay.left_at >= start, Stay.left_at < end)
        .subquery()
    )

    # Nearest rank r = ceil(n p / 100): the greatest row with place < n p / 100 + 1.
    p50 = func.max(case((ranked.c.place * 100 < ranked.c.stays * 50 + 100, ranked.c.dwell_s)))
    p90 = func.max(case((ranked.c.place * 100 < ranked.c.stays * 90 + 100, ranked.c.dwell_s)))
    statement = (
        select(ranked.c.zone, func.max(ranked.c.stays), p50, p90, func.sum(ranked.c.dwell_s))
        .group_by(ranked.c.zone)
        .order_by(ranked.c.zone)
    )
    zones = [
        DwellZone(zone=zone, stays=stays, p50_s=round(half, 3), p90_s=round(most, 3), total_s=round(total, 3))
        for zone, stays, half, most, total in (await session.execute(statement)).all()
    ]
    return Dwell(start=start, end=end, zones=enough_people(zones))


async def footfall(
    session: AsyncSession, store: str, start: datetime, end: datetime, by: Literal["hour", "minute"]
) -> Footfall:
    """People who came in and went out per hour or minute; empty buckets are left out."""
    width = 3_600_000 if by == "hour" else 60_000
    at = type_coerce(Crossing.at, BigInteger)
    bucket = (at - at % width).label("bucket")
    statement = (
        select(
            bucket,
            func.sum(case((Crossing.direction == "in", 1), else_=0)),
            func.sum(case((Crossing.direction == "out", 1), else_=0)),
        )
        .where(Crossing.store == store, Crossing.at >= start, Crossing.at < end)
        .group_by("bucket")
        .order_by("bucket")
    )
    buckets = [
        Bucket(at=datetime.fromtimestamp(ms / 1000, UTC), entered=entered, left=left)
        for ms, entered, left in (await session.execute(statement)).all()
    ]
    return Footfall(start=start, end=end, by=by, buckets=enough_people(buckets))


async def live(session: AsyncSession, store: str, now: datetime, day_start: datetime) -> Live:
    """Who is where now, as counts: identities are not positions."""
    here = (Presence.store == store, Presence.left_at.is_(None), Presence.touched_at > now - FORGET_TRACK)
    statement = (
        select(Presence.zone, func.count(), func.count(Presence.visit)).where(*here).group_by(Presence.zone)
    ).order_by(Presence.zone)
    zones = [LiveZone(zone=zone, people=n, identified=m) for zone, n, m in (await session.execute(statement)).all()]
    people = await session.scalar(select(func.count(func.distinct(Presence.track))).where(*here))
    visits = await session.scalar(
        select(func.count())
        .select_from(Visit)
        .where(Visit.store == store, Visit.ended_at.is_(None), Visit.first_seen_at > now - LIVE_FOR)
    )
    today = await footfall(session, store, day_start, now + timedelta(minutes=1), "hour")
    heat = await heatmap(session, store, now - LIVE_HEAT, now + timedelta(minutes=1))
    return Live(
        at=now,
        zones=zones,
        people=people or 0,
        visits_open=visits or 0,
        entered_today=sum(bucket.entered for bucket in today.buckets),
        left_today=sum(bucket.left for bucket in today.buckets),
        heat=LiveHeat(cell_m=heat.cell_m, cells=heat.cells),
    )
