"""The end of every change: conclusions before the commit, messages after it."""

from __future__ import annotations

from sqlalchemy import select

from central.alerts import service as alerts
from central.baskets import service as baskets
from central.contribution import service as contribution
from central.effects import Effects
from central.labels import service as labels
from central.labels.tables import Presence
from central.visits import service as visits
from central.webhooks import changes as site


async def finish(effects: Effects) -> None:
    """Within the transaction: conclude visits, make cards, arbitrate zones, insert collected rows."""
    for store, node in sorted(effects.births):
        await labels.sync_public(effects, store, node)
    await effects.flush_rows()
    if effects.visits:
        await _conclude(effects)
    for store, zone in sorted(effects.zones):
        await labels.arbitrate(effects, store, zone, late=False)
    for store, zone in sorted(effects.late_zones - effects.zones):
        await labels.arbitrate(effects, store, zone, late=True)
    await effects.flush_rows()
    await effects.session.flush()


async def _conclude(effects: Effects) -> None:
    touched = await visits.reconclude(effects, effects.visits)
    await effects.session.flush()
    await alerts.consider_all(effects, touched)
    for (store, visit), subject in sorted(effects.former.items()):
        await baskets.withdrawn(effects, store, subject, visit)
        await site.withdrawn(effects, store, subject, visit)
    await contribution.visits_became(effects, {(visit.store, visit.id): visit.subject for visit in touched})
    ids = [visit.id for visit in touched]
    where = select(Presence.store, Presence.zone).where(Presence.visit.in_(ids), Presence.left_at.is_(None)).distinct()
    effects.zones.update((store, zone) for store, zone in (await effects.session.execute(where)).all())
    await site.ended(effects, touched)
    await labels.revert_visits(effects, [visit for visit in touched if visit.ended_at is not None], "left")
