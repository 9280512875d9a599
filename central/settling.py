"""The end of every change: conclusions before the commit, messages after it."""

from __future__ import annotations

from sqlalchemy import select

from central.alerts import service as alerts
from central.effects import Effects
from central.labels import service as labels
from central.labels.tables import Presence
from central.visits import service as visits


async def finish(effects: Effects) -> None:
    """Within the transaction: conclude visits, make cards, arbitrate zones, insert collected rows."""
    for store, node in sorted(effects.births):
        await labels.sync_public(effects, store, node)
    for store, visit_id in sorted(effects.visits):
        await _conclude(effects, store, visit_id)
    for store, zone in sorted(effects.zones):
        await labels.arbitrate(effects, store, zone, late=False)
    for store, zone in sorted(effects.late_zones - effects.zones):
        await labels.arbitrate(effects, store, zone, late=True)
    await effects.flush_rows()
    await effects.session.flush()


async def _conclude(effects: Effects, store: str, visit_id: str) -> None:
    visit = await visits.reconclude(effects.session, store, visit_id)
    if visit is None:
        return
    await alerts.consider(effects, visit)
    statement = select(Presence.zone).where(
        Presence.store == store, Presence.visit == visit_id, Presence.left_at.is_(None)
    )
    effects.zones.update((store, zone) for zone in (await effects.session.scalars(statement)).all())
    if visit.ended_at is not None:
        await labels.revert_visit(effects, store, visit_id, "left")
