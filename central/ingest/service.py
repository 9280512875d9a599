"""Counters of ingest."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.ingest.ranges import Committed
from central.ingest.schemas import IngestOut, ReasonCount, SessionCount, Totals
from central.ingest.tables import Mark, Quarantined


async def counters(session: AsyncSession, store: str) -> IngestOut:
    """What was received, doubled and set aside, by outbox."""
    marks = (await session.scalars(select(Mark).where(Mark.store == store).order_by(Mark.node, Mark.session))).all()
    reasons = await session.execute(
        select(Quarantined.reason, func.count())
        .where(Quarantined.store == store)
        .group_by(Quarantined.reason)
        .order_by(Quarantined.reason)
    )
    quarantine = [ReasonCount(reason=reason, count=count) for reason, count in reasons.all()]
    sessions = [
        SessionCount(
            node=mark.node,
            session=mark.session,
            high_water=mark.high_water,
            gaps=Committed.load(mark.high_water, mark.above).gaps(),
            received=mark.received,
            duplicates=mark.duplicates,
            quarantined=mark.quarantined,
        )
        for mark in marks
    ]
    totals = Totals(
        received=sum(mark.received for mark in marks),
        duplicates=sum(mark.duplicates for mark in marks),
        quarantined=sum(reason.count for reason in quarantine),
    )
    return IngestOut(sessions=sessions, quarantine=quarantine, totals=totals)
