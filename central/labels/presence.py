"""Who is in which zone: three kinds of events in any order become one row a track."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import select

from central.effects import Effects, Origin
from central.labels.tables import Presence
from contract.events import ZoneDwelled, ZoneEntered, ZoneLeft

FRESH = timedelta(seconds=30)
"""News older than this may take a personal price away but not give one."""


async def _row(effects: Effects, origin: Origin, zone: str, track: str) -> Presence:
    key = (origin.store, origin.node, zone, track)
    row = effects.presence_rows[key] if key in effects.presence_rows else await effects.session.get(Presence, key)
    if row is None:
        row = Presence(
            store=origin.store, node=origin.node, zone=zone, track=track, dwelled=False, touched_at=effects.now
        )
        effects.session.add(row)
    effects.presence_rows[key] = row
    return row


async def warm(effects: Effects, keys: Collection[tuple[str, str, str, str]]) -> None:
    """Look up (store, node, zone, track) together instead of one by one."""
    for store, node in {key[:2] for key in keys}:
        mine = [key for key in keys if key[:2] == (store, node)]
        statement = select(Presence).where(
            Presence.store == store,
            Presence.node == node,
            Presence.zone.in_({key[2] for key in mine}),
            Presence.track.in_({key[3] for key in mine}),
        )
        found = {(row.zone, row.track): row for row in (await effects.session.scalars(statement)).all()}
        effects.presence_rows.update({key: found.get(key[2:]) for key in mine})


def _touch(effects: Effects, origin: Origin, event: ZoneEntered | ZoneDwelled | ZoneLeft, row: Presence) -> None:
    row.touched_at = effects.now
    at = origin.true(event.at)
    # What was told before the newest entry says nothing: the name may have been withheld since.
    if event.visit is not None and (row.entered_at is None or at >= row.entered_at):
        row.visit = event.visit
    late = effects.now - at > FRESH
    (effects.late_zones if late else effects.zones).add((origin.store, event.zone))


async def entered(effects: Effects, origin: Origin, event: ZoneEntered) -> None:
    """A track is inside; ignored when it is known to have left since."""
    row = await _row(effects, origin, event.zone, event.track)
    at = origin.true(event.at)
    if row.left_at is None or at > row.left_at:
        if row.left_at is not None:
            row.dwelled = False
        if row.entered_at is None or at >= row.entered_at:
            # Told again without a visit: it is not certain any more who that is.
            row.entered_at, row.visit = at, event.visit
        row.left_at = None
    _touch(effects, origin, event, row)


async def dwelled(effects: Effects, origin: Origin, event: ZoneDwelled) -> None:
    """A track stays; ignored when it is known to have left since. Without trusted metres it earns no personal price:
    nobody knows in which zone the person stands.
    """
    row = await _row(effects, origin, event.zone, event.track)
    at = origin.true(event.at)
    if row.left_at is None or at > row.left_at:
        row.dwelled, row.left_at = event.calibrated, None
    _touch(effects, origin, event, row)


async def left(effects: Effects, origin: Origin, event: ZoneLeft) -> None:
    """The stay is over, unless the track is known to have come back since."""
    row = await _row(effects, origin, event.zone, event.track)
    at = origin.true(event.at)
    if row.entered_at is None or at >= row.entered_at:
        row.left_at, row.dwelled = at, False
    _touch(effects, origin, event, row)
