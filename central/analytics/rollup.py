"""Hours become figures through the gate, figures become days. Run again, it changes nothing.

A raw row is marked and counted in one transaction, so that it is counted once. What the gate holds back is kept in
`analytics_held` and grows with whatever comes later, also with events that come a day late.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from central.analytics import gather
from central.analytics.desk import Desk
from central.analytics.gather import Grid
from central.analytics.hours import day_start, hour_start, next_day, zone_of
from central.analytics.tables import Progress
from central.catalogue.tables import Store

SETTLE = timedelta(minutes=5)
"""An hour is counted when it has been over for this long: the last events are on their way."""
SALES_AFTER = timedelta(hours=3)
"""A day is looked through for sales this long after it is over."""
_SALES_BACK = timedelta(days=31)
_ORDER = {"in": 0, "out": 1, "passed": 2, "stopped": 3, "scanned": 4, "bought": 9, "ordered": 9}
"""Within an hour: a whole is judged before its parts."""


async def roll_up(session: AsyncSession, store: Store, now: datetime, k: int) -> int:
    """Count what is complete by `now`; how many figures were published."""
    zone = zone_of(store.timezone)
    grid = Grid(store.id, zone, hour_start(now - SETTLE, zone))
    found = await gather.amounts(session, grid)
    await _sales(session, grid, now, found)
    heat = await gather.heat(session, grid)
    if not found and not heat:
        return 0
    desk = Desk(session, grid, k)
    await desk.open()
    for slot in sorted(found, key=lambda slot: (slot.hour, _ORDER.get(slot.key.series, 5), slot.key)):
        await desk.bring(slot, found[slot])
    for slot in sorted(heat, key=lambda slot: (slot.hour, slot.key)):
        desk.bring_heat(slot, *heat[slot])
    return await desk.close()


async def _sales(session: AsyncSession, grid: Grid, now: datetime, found: gather.Amounts) -> None:
    """Days that are over are looked through for sales once."""
    progress = await session.get(Progress, grid.store)
    if progress is None:
        progress = Progress(store=grid.store, sales_until=day_start(now - _SALES_BACK, grid.zone))
        session.add(progress)
    while (after := next_day(progress.sales_until, grid.zone)) + SALES_AFTER <= now:
        for sales in (gather.bought, gather.ordered):
            for slot, amount in (await sales(session, grid, progress.sales_until)).items():
                found[slot].add(amount)
        progress.sales_until = after
