"""What is deleted when its time is over (PRIVACY P7)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, or_, update
from sqlalchemy.ext.asyncio import AsyncSession

from central.alerts.tables import Alert, AlertChange
from central.analytics.rules import KEEP_HOURS_DAYS, all_rules
from central.analytics.tables import Crossing, Figure, GroupEntry, Held, OccupancyMinute, QueueMinute, Scan, Stay
from central.behaviour import retention as behaviour
from central.ingest.tables import Event, Quarantined
from central.labels.tables import Presence
from central.outgoing.tables import OutgoingCommand
from central.pricing.schemas import LONGEST_DRY_RUN_DAYS
from central.pricing.tables import PriceOccasion
from central.privacy.tables import Lease
from central.profiles.tables import CustomerSession, LoginCode
from central.settings import Settings
from central.staff.tables import StaffSession
from central.visits.tables import Evidence, Visit
from central.webhooks.changes import forget_old as forget_told

PRESENCE = timedelta(hours=1)
"""Anonymous track ids live minutes; an hour covers the longest quiet stay."""
COMMANDS = timedelta(days=7)
CHANGES = timedelta(days=1)


FLOOR = timedelta(hours=1)
"""Events of the floor about nobody known have had their effect; their track ids live minutes (P7)."""
_ANONYMOUS = (
    "zone.entered",
    "zone.dwelled",
    "zone.left",
    "line.crossed",
    "floor.occupancy",
    "queue.measured",
    "group.entered",
)
SCANS = timedelta(days=1)
"""A scan is looked at when the stay it belongs to is counted."""
TODAY = timedelta(hours=49)
"""Crossings are looked at for today's count, wherever midnight is, and to tell our counts from other counters'."""


async def forget_old(session: AsyncSession, now: datetime, settings: Settings) -> None:
    """One sweep. Events and evidence go after their store's retention; published sums stay: they name nobody."""
    stores = await all_rules(session)
    usual = now - timedelta(days=settings.event_days)
    for store, rules in stores.items():
        await _forget_events(session, rules.events_before(now), lambda column, store=store: column == store)
        hours = now - timedelta(days=rules.hours_days)
        await session.execute(delete(Figure).where(Figure.store == store, Figure.until < hours))
    named = sorted(stores)
    await _forget_events(session, usual, lambda column: or_(column.is_(None), column.not_in(named)))
    oldest = now - timedelta(days=KEEP_HOURS_DAYS)
    await session.execute(delete(Figure).where(Figure.store.not_in(named), Figure.until < oldest))
    await _forget_floor(session, now)
    await session.execute(delete(Presence).where(Presence.touched_at < now - PRESENCE))
    await session.execute(delete(OutgoingCommand).where(OutgoingCommand.valid_until < now - COMMANDS))
    await session.execute(delete(AlertChange).where(AlertChange.at < now - CHANGES))
    await session.execute(delete(Lease).where(Lease.lease_until < now))
    occasions = now - timedelta(days=LONGEST_DRY_RUN_DAYS)
    await session.execute(delete(PriceOccasion).where(PriceOccasion.at < occasions))
    await behaviour.forget_old(session, now, settings)
    await forget_told(session, now)
    for table in (StaffSession, CustomerSession, LoginCode):
        await session.execute(delete(table).where(table.expires_at < now))


async def _forget_events(session: AsyncSession, limit: datetime, of_store: Callable[..., ColumnElement[bool]]) -> None:
    for table, at in (
        (Event, Event.received_at),
        (Quarantined, Quarantined.received_at),
        (Evidence, Evidence.at),
        (Alert, Alert.created_at),
        (Stay, Stay.left_at),
        (Crossing, Crossing.at),
        (Scan, Scan.at),
        (Held, Held.until),
    ):
        await session.execute(delete(table).where(at < limit, of_store(table.store)))
    visits = update(Visit).where(Visit.first_seen_at < limit, Visit.subject.is_not(None), of_store(Visit.store))
    await session.execute(visits.values(subject=None).execution_options(synchronize_session=False))


async def _forget_floor(session: AsyncSession, now: datetime) -> None:
    """Raw rows that have been counted, and the events they came from."""
    anonymous = (Event.kind.in_(_ANONYMOUS), Event.visit.is_(None), Event.received_at < now - FLOOR)
    await session.execute(delete(Event).where(*anonymous))
    await session.execute(delete(OccupancyMinute).where(OccupancyMinute.counted, OccupancyMinute.minute < now - FLOOR))
    await session.execute(delete(QueueMinute).where(QueueMinute.counted, QueueMinute.minute < now - FLOOR))
    await session.execute(delete(GroupEntry).where(GroupEntry.counted, GroupEntry.at < now - FLOOR))
    await session.execute(delete(Scan).where(Scan.at < now - SCANS))
    await session.execute(delete(Crossing).where(Crossing.counted, Crossing.at < now - TODAY))
    await session.execute(delete(Stay).where(Stay.counted, Stay.visit.is_(None), Stay.left_at < now - FLOOR))
