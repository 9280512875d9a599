"""How the sites and apps of a store are doing: what came in, why events were refused. Nothing about anybody."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.behaviour.schemas import QuarantineCount, SourceOut
from central.behaviour.tables import SiteQuarantine, SiteSource


async def of_store(session: AsyncSession, store: str) -> list[SourceOut]:
    """By name; the commonest reasons first."""
    mine = select(SiteSource).where(SiteSource.store == store).order_by(SiteSource.source)
    rows = (await session.scalars(mine)).all()
    grouped = (
        select(SiteQuarantine.source, SiteQuarantine.field, SiteQuarantine.reason, func.count())
        .where(SiteQuarantine.store == store)
        .group_by(SiteQuarantine.source, SiteQuarantine.field, SiteQuarantine.reason)
        .order_by(func.count().desc())
        .limit(1000)
    )
    refused = (await session.execute(grouped)).all()
    counted = ("store", "accepted", "duplicate", "rejected", "withheld", "last_at")
    return [
        SourceOut(
            **{name: getattr(row, name) for name in counted},
            source=row.source.partition("/")[2],
            quarantine=[
                QuarantineCount(field=field, reason=reason, count=count)
                for source, field, reason, count in refused
                if source == row.source
            ],
        )
        for row in rows
    ]
