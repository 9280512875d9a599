"""How ingest is doing."""

from __future__ import annotations

from pydantic import BaseModel


class SessionCount(BaseModel):
    """One outbox. `gaps` are numbers missing below the highest received one."""

    node: str
    session: str
    high_water: int
    gaps: list[tuple[int, int]]
    received: int
    duplicates: int
    quarantined: int


class ReasonCount(BaseModel):
    """Messages in quarantine for one reason."""

    reason: str
    count: int


class Totals(BaseModel):
    """Over all outboxes of the store."""

    received: int
    duplicates: int
    quarantined: int


class IngestOut(BaseModel):
    """Counters of a store. `received` counts distinct committed events, quarantined ones included."""

    sessions: list[SessionCount]
    quarantine: list[ReasonCount]
    totals: Totals
