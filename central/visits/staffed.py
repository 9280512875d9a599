"""Visits that stand on a consultant's word: a card or a number the customer showed at the counter."""

from __future__ import annotations

import uuid
from typing import Literal

from sqlalchemy import select, update

from central.effects import Effects
from central.visits.service import UNDONE, is_live, live_of_subject
from central.visits.tables import Evidence, Visit

NODE = "counter"
"""Stands where a camera's or scanner's node would: such a visit has none."""
_DEVICE = 40


class TakenError(Exception):
    """The visit has a name already, or is over."""


async def identified(
    effects: Effects, store: str, subject: str, method: Literal["loyalty", "staff"], device: str, visit: str | None
) -> Visit:
    """The visit that is now this person's: `visit` while it has no name, else the one that goes on, else a new one.

    TakenError: `visit` belongs to somebody.
    """
    row = await _visit(effects, store, subject, method, visit)
    key = (store, row.id)
    effects.visit_rows[key] = row
    effects.rows[Evidence].append(
        {
            "store": store,
            "visit": row.id,
            "subject": subject,
            "method": method,
            "device": device[:_DEVICE],
            "stage": "final",
            "outcome": "known",
            "confidence": 1.0,
            "margin": 0.0,
            "first_usable_at": effects.now,
            "at": effects.now,
        }
    )
    effects.visits.add(key)
    return row


async def _visit(effects: Effects, store: str, subject: str, method: str, visit: str | None) -> Visit:
    if visit is not None:
        row = await effects.session.get(Visit, (store, visit))
        if row is None or not is_live(row, effects.now) or row.subject not in {None, subject}:
            raise TakenError("this visit belongs to somebody already, or is over")
        return row
    for row in await live_of_subject(effects.session, subject, effects.now):
        if row.store == store:
            return row
    row = Visit(
        store=store,
        id=uuid.uuid4().hex,
        node=NODE,
        first_seen_at=effects.now,
        started_at=effects.now,
        method=method,
    )
    effects.session.add(row)
    await effects.session.flush()
    return row


async def undo(effects: Effects, visit: Visit, device_begins: str) -> bool:
    """Take back what was said at the counter; a visit that stood on nothing else is over. False: nothing was."""
    mine = (Evidence.store == visit.store, Evidence.visit == visit.id)
    said = select(Evidence.id).where(
        *mine, Evidence.device.startswith(device_begins, autoescape=True), Evidence.outcome == "known"
    )
    ids = (await effects.session.scalars(said)).all()
    if not ids:
        return False
    change = update(Evidence).where(Evidence.id.in_(ids)).values(outcome=UNDONE)
    await effects.session.execute(change.execution_options(synchronize_session="fetch"))
    if visit.node == NODE:
        end(effects, visit)
    effects.visit_rows[visit.store, visit.id] = visit
    effects.visits.add((visit.store, visit.id))
    return True


def end(effects: Effects, visit: Visit) -> None:
    """No camera sees such a visitor go: a consultant says it."""
    visit.ended_at, visit.end_reason = effects.now, "exit"
    began = visit.started_at or visit.first_seen_at
    visit.duration_s = max(0.0, (effects.now - began).total_seconds())
    effects.visit_rows[visit.store, visit.id] = visit
    effects.visits.add((visit.store, visit.id))
