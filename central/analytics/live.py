"""The floor now, for those who stand in it: nothing here is kept, and no identity has a position."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.analytics.schemas import Cell, Live, LiveHeat, LiveQueue, LiveZone
from central.analytics.tables import Crossing, OccupancyMinute, QueueMinute
from central.labels.service import FORGET_TRACK
from central.labels.tables import Presence
from central.visits.service import LIVE_FOR
from central.visits.tables import Visit

LIVE_HEAT = timedelta(minutes=5)
LIVE_QUEUE = timedelta(minutes=5)
DEFAULT_CELL = 0.25


async def live(session: AsyncSession, store: str, now: datetime, day_start: datetime) -> Live:
    """Who is where now, as counts."""
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
    came, went = await _today(session, store, now, day_start)
    return Live(
        at=now,
        zones=zones,
        people=people or 0,
        visits_open=visits or 0,
        entered_today=came,
        left_today=went,
        queues=await _queues(session, store, now),
        heat=await _heat(session, store, now),
    )


async def _today(session: AsyncSession, store: str, now: datetime, day_start: datetime) -> tuple[int, int]:
    """In and out since midnight, by our cameras; by other counters where there are none."""
    statement = (
        select(Crossing.direction, Crossing.source, func.sum(Crossing.people))
        .where(Crossing.store == store, Crossing.at >= day_start, Crossing.at < now + timedelta(minutes=1))
        .group_by(Crossing.direction, Crossing.source)
    )
    own, other = {"in": 0, "out": 0}, {"in": 0, "out": 0}
    for direction, source, people in (await session.execute(statement)).all():
        (other if source == "counter" else own)[direction] += int(people)
    chosen = own if any(own.values()) else other
    return chosen["in"], chosen["out"]


async def _queues(session: AsyncSession, store: str, now: datetime) -> list[LiveQueue]:
    statement = (
        select(QueueMinute.zone, QueueMinute.length, QueueMinute.minute)
        .where(QueueMinute.store == store, QueueMinute.minute > now - LIVE_QUEUE)
        .order_by(QueueMinute.minute)
    )
    newest = {zone: LiveQueue(zone=zone, length=n, at=at) for zone, n, at in (await session.execute(statement)).all()}
    return [newest[zone] for zone in sorted(newest)]


async def _heat(session: AsyncSession, store: str, now: datetime) -> LiveHeat:
    statement = select(OccupancyMinute.cell_m, OccupancyMinute.cells).where(
        OccupancyMinute.store == store,
        OccupancyMinute.minute >= now - LIVE_HEAT,
        OccupancyMinute.minute < now + timedelta(minutes=1),
    )
    rows = [(size, cast("list[tuple[int, int, float, int | None]]", told["cells"])) for size, told in
            (await session.execute(statement)).all()]  # fmt: skip
    cell_m = max((size for size, _ in rows), default=DEFAULT_CELL)
    cells: dict[tuple[int, int], float] = {}
    for size, told in rows:
        for ix, iy, seconds, _ in told:
            place = (int(ix * size // cell_m), int(iy * size // cell_m))
            cells[place] = cells.get(place, 0.0) + seconds
    found: list[Cell] = [(ix, iy, round(total, 3)) for (ix, iy), total in sorted(cells.items())]
    return LiveHeat(cell_m=cell_m, cells=found)
