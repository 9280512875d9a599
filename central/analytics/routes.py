"""Counts, dwell and heat of a store."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncSession

from central.analytics import export, hours, service
from central.analytics.live import live as live_now
from central.analytics.reading import Asked
from central.analytics.rules import Rules, rules_of, set_rules
from central.analytics.schemas import Comparison, Dwell, Footfall, Funnel, Heatmap, Live, Queues, Source
from central.catalogue.tables import Store
from central.runtime import Runtime, RuntimeDep
from central.staff.access import AdminDep, ManagerDep, Principal, ReaderDep
from contract.values import Name

router = APIRouter(prefix="/api/v1/analytics", tags=["analytics"])
StoreQuery = Annotated[Name, Query()]
From = Annotated[AwareDatetime, Query(alias="from", description="Snapped to the store's hours")]
To = Annotated[AwareDatetime, Query(alias="to")]
SourceQuery = Annotated[Source | None, Query(description="Default: the best there are figures of")]
HourQuery = Annotated[int | None, Query(ge=0, le=23, description="Only this local hour of each day")]
LONGEST = timedelta(days=400)
HEAVIEST = timedelta(days=100)
"""Longest interval of one hour of each day."""
_FILES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "A table as CSV or Parquet",
        "content": {
            export.MEDIA["csv"].partition(";")[0]: {"schema": {"type": "string"}},
            export.MEDIA["parquet"]: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


def _check(start: datetime, end: datetime) -> None:
    if start.year < 1970 or end.year > 2200:
        raise HTTPException(422, "from, to: years from 1970 to 2200")
    if not start < end or end - start > LONGEST:
        raise HTTPException(422, f"from, to: from must be before to, at most {LONGEST.days} days apart")


def day_start(now: datetime, timezone: str) -> datetime:
    """Midnight where the store is."""
    return hours.day_start(now, hours.zone_of(timezone))


async def _asked(
    session: AsyncSession, runtime: Runtime, store: str, start: datetime, end: datetime, source: Source | None = None
) -> Asked:
    """The question, on the store's grid; an unknown store has nothing in it."""
    row = await session.get(Store, store)
    rules = await rules_of(session, store, runtime.settings)
    return Asked.of(store, row.timezone if row else "UTC", start, end, rules, source)


@router.get("/live", summary="How many people are where now")
async def live(runtime: RuntimeDep, principal: ReaderDep, store: StoreQuery) -> Live:
    """Counts only: no identity has a position. What staff on the floor see; not kept, not exported."""
    principal.check_store(store)
    now = runtime.clock.now()
    async with runtime.db.read() as session:
        row = await session.get(Store, store)
        return await live_now(session, store, now, day_start(now, row.timezone if row else "UTC"))


@router.get("/heatmap", summary="Person-seconds per cell")
async def heatmap(
    runtime: RuntimeDep,
    principal: ReaderDep,
    store: StoreQuery,
    start: From,
    end: To,
    source: SourceQuery = None,
    hour: HourQuery = None,
) -> Heatmap:
    """Any interval of whole hours that are over; cells with too few people are left out."""
    principal.check_store(store)
    _check(start, end)
    if hour is not None and end - start > HEAVIEST:
        raise HTTPException(422, f"hour: with at most {HEAVIEST.days} days between from and to")
    async with runtime.db.read() as session:
        return await service.heatmap(session, await _asked(session, runtime, store, start, end, source), hour)


@router.get("/dwell", summary="How long people stay, by zone")
async def dwell(
    runtime: RuntimeDep, principal: ReaderDep, store: StoreQuery, start: From, end: To, source: SourceQuery = None
) -> Dwell:
    """Stays that ended in the interval."""
    principal.check_store(store)
    _check(start, end)
    async with runtime.db.read() as session:
        return await service.dwell(session, await _asked(session, runtime, store, start, end, source))


@router.get("/footfall", summary="People in and out, buying units")
async def footfall(
    runtime: RuntimeDep,
    principal: ReaderDep,
    store: StoreQuery,
    start: From,
    end: To,
    by: Literal["hour", "day"] = "hour",
    source: SourceQuery = None,
) -> Footfall:
    """Per local hour or day; empty ones are left out, hours with too few people are merged with later ones."""
    principal.check_store(store)
    _check(start, end)
    async with runtime.db.read() as session:
        return await service.footfall(session, await _asked(session, runtime, store, start, end, source), by)


@router.get("/funnel", summary="Passed, stopped, scanned, bought, by zone")
async def funnel(
    runtime: RuntimeDep, principal: ReaderDep, store: StoreQuery, start: From, end: To, source: SourceQuery = None
) -> Funnel:
    """Null: nobody, or too few people to say."""
    principal.check_store(store)
    _check(start, end)
    async with runtime.db.read() as session:
        return await service.funnel(session, await _asked(session, runtime, store, start, end, source))


@router.get("/queues", summary="Queue length and waiting time")
async def queues(
    runtime: RuntimeDep, principal: ReaderDep, store: StoreQuery, start: From, end: To, source: SourceQuery = None
) -> Queues:
    """Of the zones marked as queues."""
    principal.check_store(store)
    _check(start, end)
    async with runtime.db.read() as session:
        return await service.queues(session, await _asked(session, runtime, store, start, end, source))


@router.get("/compare", summary="Days or stores beside each other")
async def compare(
    runtime: RuntimeDep,
    principal: ManagerDep,
    store: Annotated[list[Name], Query(min_length=1, max_length=8)],
    start: From,
    end: To,
    and_from: Annotated[AwareDatetime | None, Query()] = None,
    and_to: Annotated[AwareDatetime | None, Query()] = None,
) -> Comparison:
    """Every store named, in one interval or in two."""
    intervals = [(start, end)]
    if and_from is not None and and_to is not None:
        intervals.append((and_from, and_to))
    for low, high in intervals:
        _check(low, high)
    for one in store:
        principal.check_store(one)
    async with runtime.db.read() as session:
        sides = [await _asked(session, runtime, one, *interval) for one in store for interval in intervals]
        return await service.compare(session, sides)


@router.get("/export", summary="An answer as a file", response_class=Response, responses=_FILES)
async def export_file(
    runtime: RuntimeDep,
    principal: ReaderDep,
    store: StoreQuery,
    start: From,
    end: To,
    what: export.What,
    file: Annotated[export.Format, Query(alias="format")] = "csv",
    source: SourceQuery = None,
) -> Response:
    """CSV or Parquet of the figures the pages show."""
    principal.check_store(store)
    _need_manager(principal)
    _check(start, end)
    async with runtime.db.read() as session:
        asked = await _asked(session, runtime, store, start, end, source)
        sheet = export.sheet_of(store, await _answer(session, asked, what))
    body = export.as_csv(sheet) if file == "csv" else await asyncio.to_thread(export.as_parquet, sheet)
    name = f"{store}-{what}-{asked.start:%Y%m%d}-{asked.end:%Y%m%d}.{file}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type=export.MEDIA[file], headers=headers)


async def _answer(session: AsyncSession, asked: Asked, what: export.What) -> export.Answer:
    match what:
        case "footfall":
            return await service.footfall(session, asked, "hour")
        case "dwell":
            return await service.dwell(session, asked)
        case "funnel":
            return await service.funnel(session, asked)
        case "queues":
            return await service.queues(session, asked)
        case "heatmap":
            return await service.heatmap(session, asked)


def _need_manager(principal: Principal) -> None:
    if principal.kind == "staff" and not principal.may("manager"):
        raise HTTPException(403, "exports need the role manager")


@router.get("/rules", summary="Retention and least people of a store")
async def rules(runtime: RuntimeDep, principal: ManagerDep, store: StoreQuery) -> Rules:
    """As set, or as usual."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        return await rules_of(session, store, runtime.settings)


@router.put("/rules", summary="Set retention and least people")
async def put_rules(runtime: RuntimeDep, principal: AdminDep, store: StoreQuery, body: Rules) -> Rules:
    """Never fewer than 10 people, never events for more than 30 days."""
    principal.check_store(store)
    async with runtime.db.write() as session:
        if await session.get(Store, store) is None:
            raise HTTPException(404, "no such store")
        return await set_rules(session, store, body)
