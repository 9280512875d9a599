"""Counts, dwell and heat of a store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, HTTPException, Query
from pydantic import AwareDatetime

from central.analytics import service
from central.analytics.schemas import Dwell, Footfall, Heatmap, Live
from central.catalogue.tables import Store
from central.runtime import RuntimeDep
from central.staff.access import ReaderDep
from contract.values import Name

router = APIRouter(prefix="/api/v1/analytics", tags=["analytics"])
StoreQuery = Annotated[Name, Query()]
From = Annotated[AwareDatetime, Query(alias="from")]
To = Annotated[AwareDatetime, Query(alias="to")]
LONGEST = timedelta(days=400)


def _check(start: datetime, end: datetime) -> None:
    if not start < end or end - start > LONGEST:
        raise HTTPException(422, f"from, to: from must be before to, at most {LONGEST.days} days apart")
    if start.year < 1970 or end.year > 2200:
        raise HTTPException(422, "from, to: years from 1970 to 2200")


def day_start(now: datetime, timezone: str) -> datetime:
    """Midnight where the store is."""
    try:
        zone: ZoneInfo | None = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = None
    return now.astimezone(zone or UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@router.get("/live", summary="How many people are where now")
async def live(runtime: RuntimeDep, principal: ReaderDep, store: StoreQuery) -> Live:
    """Counts only: no identity has a position."""
    principal.check_store(store)
    now = runtime.clock.now()
    async with runtime.db.read() as session:
        row = await session.get(Store, store)
        return await service.live(session, store, now, day_start(now, row.timezone if row else "UTC"))


@router.get("/heatmap", summary="Person-seconds per cell")
async def heatmap(runtime: RuntimeDep, principal: ReaderDep, store: StoreQuery, start: From, end: To) -> Heatmap:
    """Any interval; minutes are counted whole."""
    principal.check_store(store)
    _check(start, end)
    async with runtime.db.read() as session:
        return await service.heatmap(session, store, start, end)


@router.get("/dwell", summary="How long people stay, by zone")
async def dwell(runtime: RuntimeDep, principal: ReaderDep, store: StoreQuery, start: From, end: To) -> Dwell:
    """Stays that ended in the interval."""
    principal.check_store(store)
    _check(start, end)
    async with runtime.db.read() as session:
        return await service.dwell(session, store, start, end)


@router.get("/footfall", summary="People in and out")
async def footfall(
    runtime: RuntimeDep,
    principal: ReaderDep,
    store: StoreQuery,
    start: From,
    end: To,
    by: Literal["hour", "minute"] = "hour",
) -> Footfall:
    """Per hour or minute; empty ones are left out."""
    principal.check_store(store)
    _check(start, end)
    async with runtime.db.read() as session:
        return await service.footfall(session, store, start, end, by)
