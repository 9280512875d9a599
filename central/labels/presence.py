"""Who is in which zone: three kinds of events in any order become one row a track."""

from __future__ import annotations

from datetime import timedelta

from central.effects import Effects, Origin
from central.labels.tables import Presence
from contract.events import ZoneDwelled, ZoneEntered, ZoneLeft

FRESH = timedelta(seconds=30)
"""News older than this may take a personal price away but not give one."""


async def _row(effects: Effects, origin: Origin, zone: str, track: str) -> Presence:
    row = await effects.session.get(Presence, (origin.store, origin.node, zone, track))
    if row is None:
        row = Presence(
            store=origin.store, node=origin.node, zone=zone, track=track, dwelled=False, touched_at=effects.now
        )
        effects.session.add(row)
        await effects.session.flush()
    return row


def _touch(effects: Effects, origin: Origin, event: ZoneEntered | ZoneDwelled | ZoneLeft, row: Presence) -> None:
    row.touched_at = effects.now
    if event.visit is not None:
        row.visit = event.visit
    late = effects.now - origin.true(event.at) > FRESH
    (effects.late_zones if late else effects.zones).add((origin.store, event.zone))


async def entered(effects: Effects, origin: Origin, event: ZoneEntered) -> None:
    """A track is inside; ignored when it is known to have left since."""
    row = await _row(effects, origin, event.zone, event.track)
    at = origin.true(event.at)
    if row.left_at is None or at > row.left_at:
        if row.left_at is not None:
            row.dwelled = False
        row.entered_at, row.left_at = at, None
    _touch(effects, origin, event, row)


async def dwelled(effects: Effects, origin: Origin, event: ZoneDwelled) -> None:
    """A track stays; ignored when it is known to have left since."""
    row = await _row(effects, origin, event.zone, event.track)
    at = origin.true(event.at)
    if row.left_at is None or at > row.left_at:
        row.dwelled, row.left_at = True, None
    _touch(effects, origin, event, row)


async def left(effects: Effects, origin: Origin, event: ZoneLeft) -> None:
    """The stay is over, unless the track is known to have come back since."""
    row = await _row(effects, origin, event.zone, event.track)
    at = origin.true(event.at)
    if row.entered_at is None or at >= row.entered_at:
        row.left_at, row.dwelled = at, False
    _touch(effects, origin, event, row)
