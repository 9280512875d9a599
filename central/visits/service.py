"""Visits: upserts that tolerate any order, and the identity concluded from their evidence."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, SQLColumnExpression, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.effects import Effects, Origin
from central.visits.conclusion import Clue, conclude
from central.visits.tables import Evidence, Visit
from contract.events import VisitEnded, VisitIdentified, VisitStarted

UNDONE = "undone"
"""Outcome of evidence that was taken back: as if it had never been given, but it stays on record."""
LIVE_FOR = timedelta(hours=12)
"""A visit without an end is taken for over after this."""


async def _visit(effects: Effects, origin: Origin, visit: str) -> Visit:
    key = (origin.store, visit)
    row = effects.visit_rows[key] if key in effects.visit_rows else await effects.session.get(Visit, key)
    if row is None:
        row = Visit(store=origin.store, id=visit, node=origin.node, first_seen_at=effects.now)
        effects.session.add(row)
    effects.visit_rows[key] = row
    return row


async def warm(effects: Effects, keys: Collection[tuple[str, str]]) -> None:
    """Look up (store, visit) pairs together instead of one by one."""
    for store, ids in _by_store(keys).items():
        rows = await effects.session.scalars(select(Visit).where(Visit.store == store, Visit.id.in_(ids)))
        found = {row.id: row for row in rows.all()}
        effects.visit_rows.update({(store, visit): found.get(visit) for visit in ids})


def _by_store(keys: Collection[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for store, visit in sorted(keys):
        grouped.setdefault(store, []).append(visit)
    return grouped


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
    effects.rows[Evidence].append(
        {
            **event.model_dump(exclude={"first_usable_at", "at"}),
            "store": origin.store,
            "first_usable_at": origin.true(event.first_usable_at),
            "at": origin.true(event.at),
        }
    )
    effects.visits.add((origin.store, event.visit))


async def ended(effects: Effects, origin: Origin, event: VisitEnded) -> None:
    """The visit is over; labels it had must be looked at again."""
    row = await _visit(effects, origin, event.visit)
    row.ended_at = origin.true(event.at)
    row.end_reason = event.reason
    row.duration_s = event.duration_s
    effects.visits.add((origin.store, event.visit))


async def reconclude(effects: Effects, keys: Collection[tuple[str, str]]) -> list[Visit]:
    """Draw the identities of these (store, visit) from their evidence again and write them down."""
    await warm(effects, [key for key in keys if effects.visit_rows.get(key) is None])
    touched: list[Visit] = []
    for store, ids in _by_store(keys).items():
        statement = select(Evidence).where(Evidence.store == store, Evidence.visit.in_(ids))
        clues: dict[str, list[Evidence]] = {}
        for clue in (await effects.session.scalars(statement)).all():
            clues.setdefault(clue.visit, []).append(clue)
        for visit in ids:
            row = effects.visit_rows[store, visit]
            if row is not None:
                before = row.subject
                _write_down(row, clues.get(visit, ()))
                if before is not None and before != row.subject:
                    effects.former.setdefault((store, visit), before)
                touched.append(row)
    return touched


def _write_down(row: Visit, clues: Sequence[Evidence]) -> None:
    best = conclude([_clue(clue) for clue in clues if clue.outcome != UNDONE])
    if best is None:
        if clues:  # all of it was taken back
            row.subject, row.outcome = None, "retracted"
        return
    row.subject = best.subject if best.outcome == "known" else None
    row.method, row.stage, row.outcome = best.method, best.stage, best.outcome
    row.confidence = best.confidence
    row.identified_at, row.first_usable_at = best.at, best.first_usable_at


def _clue(row: Evidence) -> Clue:
    return Clue(row.subject, row.method, row.stage, row.outcome, row.confidence, row.first_usable_at, row.at)


def somebody_elses(
    store: SQLColumnExpression[str], visit: SQLColumnExpression[str | None], subject: SQLColumnExpression[str]
) -> ColumnElement[bool]:
    """Whether a row that names this visit and person is about a visit that turned out not to be theirs.

    A visit that only forgot its person (retention) is theirs still.
    """
    other = (Visit.subject.is_not(None)) & (Visit.subject != subject)
    found = select(Visit.id).where(Visit.store == store, Visit.id == visit, (Visit.outcome == "retracted") | other)
    return found.exists()


async def live_of_subject(session: AsyncSession, subject: str, now: datetime) -> list[Visit]:
    """Visits of this person that go on: what a changed consent touches."""
    statement = select(Visit).where(
        Visit.subject == subject, Visit.ended_at.is_(None), Visit.first_seen_at > now - LIVE_FOR
    )
    return list((await session.scalars(statement)).all())


def is_live(visit: Visit, now: datetime) -> bool:
    """Not ended, and heard of within half a day."""
    return visit.ended_at is None and visit.first_seen_at > now - LIVE_FOR
