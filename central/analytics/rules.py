"""What a store may set: how many people a figure must stand on, and how long things are kept (PRIVACY P7, P10)."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.analytics.disclosure import LEAST_K
from central.analytics.tables import StoreRules
from central.sent import Sent
from central.settings import Settings

KEEP_HOURS_DAYS = 400


class Rules(Sent):
    """Retention and disclosure of one store."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"k": 10, "event_days": 30, "hours_days": 400}]}
    )

    k: int = Field(default=LEAST_K, ge=LEAST_K, le=1000)
    """No figure stands on fewer people. May be raised, never lowered below 10."""
    event_days: float = Field(default=30.0, ge=1, le=30)
    """Events, stays and evidence of visits go after this."""
    hours_days: int = Field(default=KEEP_HOURS_DAYS, ge=1, le=4000)
    """Figures by the hour go after this; figures by the day stay: they name nobody."""

    def events_before(self, now: datetime) -> datetime:
        """Events older than this go."""
        return now - timedelta(days=self.event_days)


async def rules_of(session: AsyncSession, store: str, settings: Settings) -> Rules:
    """A store's rules, as set or as usual."""
    row = await session.get(StoreRules, store)
    return _usual(settings) if row is None else _read(row)


async def all_rules(session: AsyncSession) -> dict[str, Rules]:
    """Of the stores that have set something."""
    rows = (await session.scalars(select(StoreRules))).all()
    return {row.store: _read(row) for row in rows}


def _usual(settings: Settings) -> Rules:
    return Rules(event_days=min(30.0, max(1.0, settings.event_days)))


def _read(row: StoreRules) -> Rules:
    return Rules(k=row.k, event_days=row.event_days, hours_days=row.hours_days)


async def set_rules(session: AsyncSession, store: str, rules: Rules) -> Rules:
    """Replace a store's rules. A smaller k holds for what is published from now on: what waits is judged anew."""
    row = await session.get(StoreRules, store)
    if row is None:
        row = StoreRules(store=store)
        session.add(row)
    row.k, row.event_days, row.hours_days = rules.k, rules.event_days, rules.hours_days
    return rules
