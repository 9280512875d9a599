"""What is deleted when its time is over (PRIVACY P7)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from central.alerts.tables import Alert, AlertChange
from central.analytics.tables import Stay
from central.ingest.tables import Event, Quarantined
from central.labels.tables import Presence
from central.outgoing.tables import OutgoingCommand
from central.privacy.tables import Lease
from central.profiles.tables import CustomerSession, LoginCode
from central.settings import Settings
from central.staff.tables import StaffSession
from central.visits.tables import Evidence, Visit

PRESENCE = timedelta(hours=1)
"""Anonymous track ids live minutes; an hour covers the longest quiet stay."""
COMMANDS = timedelta(days=7)
CHANGES = timedelta(days=1)


async def forget_old(session: AsyncSession, now: datetime, settings: Settings) -> None:
    """One sweep. Events and evidence go after the store's event retention; sums without identities stay."""
    limit = now - timedelta(days=settings.event_days)
    await session.execute(delete(Event).where(Event.received_at < limit))
    await session.execute(delete(Quarantined).where(Quarantined.received_at < limit))
    await session.execute(delete(Evidence).where(Evidence.at < limit))
    await session.execute(delete(Alert).where(Alert.created_at < limit))
    await session.execute(update(Visit).where(Visit.first_seen_at < limit).values(subject=None))
    await session.execute(update(Stay).where(Stay.left_at < limit).values(visit=None))
    await session.execute(delete(Presence).where(Presence.touched_at < now - PRESENCE))
    await session.execute(delete(OutgoingCommand).where(OutgoingCommand.valid_until < now - COMMANDS))
    await session.execute(delete(AlertChange).where(AlertChange.at < now - CHANGES))
    await session.execute(delete(Lease).where(Lease.lease_until < now))
    for table in (StaffSession, CustomerSession, LoginCode):
        await session.execute(delete(table).where(table.expires_at < now))
