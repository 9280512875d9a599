"""What is deleted when its time is over (PRIVACY P7)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from central.behaviour.interests import FORGOTTEN
from central.behaviour.tables import SiteEvent, SiteInterest, SiteQuarantine
from central.settings import Settings


async def forget_old(session: AsyncSession, now: datetime, settings: Settings) -> None:
    """Events go after the store's event retention; the summary drawn from them when nothing in it counts any more."""
    limit = now - timedelta(days=settings.event_days)
    await session.execute(delete(SiteEvent).where(SiteEvent.at < limit))
    await session.execute(delete(SiteQuarantine).where(SiteQuarantine.received_at < limit))
    await session.execute(delete(SiteInterest).where(SiteInterest.updated_at < now - FORGOTTEN))
