"""What a product costs at a moment, and the lowest it cost before (Directive 98/6/EC art. 6a: 30 days)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.tables import PriceChange

DAYS: Final = timedelta(days=30)


def effective(
    regular: int, sale: int | None, sale_from: datetime | None, sale_until: datetime | None, now: datetime
) -> int:
    """The sale price while the sale runs (start included, end not), else the regular one."""
    if sale is None or sale >= regular:
        return regular
    begun = sale_from is None or sale_from <= now
    over = sale_until is not None and sale_until <= now
    return sale if begun and not over else regular


def lowest(changes: Iterable[tuple[datetime, int]], now: datetime, days: timedelta = DAYS) -> int | None:
    """Lowest price that was in force in [now - days, now), from changes in any order; None without history."""
    earliest = now - days
    before: tuple[datetime, int] | None = None
    found: list[int] = []
    for at, price in sorted(changes):
        if at >= now:
            break
        if at <= earliest:
            before = (at, price)
        else:
            found.append(price)
    if before is not None:
        found.append(before[1])
    return min(found, default=None)


async def lowest_30_days(session: AsyncSession, store: str, sku: str, now: datetime) -> int | None:
    """Lowest public price in force in the 30 days before `now`: for a reduction, ask with the moment it began."""
    mine = (PriceChange.store == store) & (PriceChange.sku == sku)
    columns = select(PriceChange.from_at, PriceChange.price)
    inside = columns.where(mine, PriceChange.from_at > now - DAYS, PriceChange.from_at < now)
    before = columns.where(mine, PriceChange.from_at <= now - DAYS)
    rows = list((await session.execute(inside)).all())
    rows += (await session.execute(before.order_by(PriceChange.from_at.desc(), PriceChange.id.desc()).limit(1))).all()
    return lowest([(at, price) for at, price in rows], now)
