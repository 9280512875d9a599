"""Visits: upserts that tolerate any order, and the identity concluded from their evidence."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.effects import Effects, Origin
from central.visits.conclusion import Clue, conclude
from central.visits.tables import Evidence, Visit
from contract.events import VisitEnded, VisitIdentified, VisitStarted

LIVE_FOR = timedelta(hours=12)
"""A visit without an end is taken for over after this."""


async def _visit(effects: Effects, origin: Origin, visit: str) -> Visit:
    row = await effects.session.get(Visit, (origin.store, visit))
    if row is None:
        row = Visit(store=origin.store, id=visit, node=origin.node, first_seen_at=effects.now)
        effects.session.add(row)
        await effects.session.flush()
    return row


async def started(effects: Effects, origin: Origin, event: VisitStarted) -> None:
    """A visit began (or its beginning became known late)."""
    row = await _visit(effects, origin, event.visit)
    row.started_at = origin.true(event.at)
    row.method = row.method or event.method
    if event.position is not None:
        row.x, row.y = event.position


async def identified(effects: Effects, origin: Origin, event: VisitIdentified) -> None:
    """One more clue; the conclusion is drawn once, at the end of the transaction."""
    await _visit(effects, origin, event.visit)
    effects.session.add(
        Evidence(
            store=origin.store,
            visit=event.visit,
            subject=event.subject,
            method=event.method,
            device=event.device,
            stage=event.stage,
            outcome=event.outcome,
            confidence=event.confidence,
            margin=event.margin,
            first_usable_at=origin.true(event.first_usable_at),
            at=origin.true(event.at),
        )
    )
    effects.visits.add((origin.store, event.visit))


async def ended(effects: Effects, origin: Origin, event: VisitEnded) -> None:
    """The visit is over; labels it had must be looked at again."""
    row = await _visit(effects, origin, event.visit)
    row.ended_at = origin.true(event.at)
    row.end_reason = event.reason
    row.duration_s = event.duration_s
    effects.visits.add((origin.store, event.visit))


async def reconclude(session: AsyncSession, store: str, visit: str) -> Visit | None:
    """Draw the identity from the evidence again and write it down."""
    row = await session.get(Visit, (store, visit))
    if row is None:
        return None
    clues = (await session.scalars(select(Evidence).where(Evidence.store == store, Evidence.visit == visit))).all()
    best = conclude(
        [
            Clue(
                clue.subject,
                clue.method,
                clue.stage,
                clue.outcome,
                clue.confidence,
                clue.first_usable_at,
                clue.at,
            )
            for clue in clues
        ]
    )
    if best is not None:
        row.subject = best.subject if best.outcome == "known" else None
        row.method, row.stage, row.outcome = best.method, best.stage, best.outcome
        row.confidence = best.confidence
        row.identified_at, row.first_usable_at = best.at, best.first_usable_at
    return row


async def live_of_subject(session: AsyncSession, subject: str, now: datetime) -> list[Visit]:
    """Visits of this person that go on: what a changed consent touches."""
    statement = select(Visit).where(
        Visit.subject == subject, Visit.ended_at.is_(None), Visit.first_seen_at > now - LIVE_FOR
    )
    return list((await session.scalars(statement)).all())


def is_live(visit: Visit, now: datetime) -> bool:
    """Not ended, and heard of within half a day."""
    return visit.ended_at is None and visit.first_seen_at > now - LIVE_FOR
