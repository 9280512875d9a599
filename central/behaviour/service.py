"""Events in, interests and timeline out. Links are identity's; a refused profile is honoured on both ways."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.behaviour import summary
from central.behaviour.interests import interests as interests_of
from central.behaviour.reading import facts_of, tie
from central.behaviour.schemas import Interests, TimelineEntry
from central.behaviour.tables import SiteEvent, SiteInterest
from central.database import insert_missing, replace
from central.effects import Effects
from central.identity import service as identity
from central.privacy.service import purposes_of
from central.privacy.vault import Vault

READ = 50
"""Visitor ids read for one person, the newest: more than these is a service account, not a person."""


async def interests(session: AsyncSession, vault: Vault, subject: str, now: datetime) -> Interests:
    """What the site knows of a person; nothing without their consent to a profile."""
    if not (await purposes_of(session, subject)).get("profile", False):
        return Interests()
    return interests_of(await state_of(session, vault, await identity.owners(session, subject, READ)), now)


async def state_of(session: AsyncSession, vault: Vault, owners: Sequence[str]) -> summary.State:
    """The summaries of these owners in one."""
    whole: summary.State = {}
    statement = select(SiteInterest.owner, SiteInterest.sealed).where(SiteInterest.owner.in_(owners))
    for owner, sealed in (await session.execute(statement)).all():
        summary.merge(whole, summary.load(vault.open(owner, sealed)))
    return summary.trim(whole)


async def timeline(
    session: AsyncSession, vault: Vault, subject: str, limit: int = 50, before: int | None = None
) -> list[TimelineEntry]:
    """Events, newest first; `before`: the id of the last entry of the page before. Needs consent like `interests`."""
    if not (await purposes_of(session, subject)).get("profile", False):
        return []
    owners = await identity.owners(session, subject, READ)
    places = select(SiteEvent.id).where(SiteEvent.owner.in_(owners))
    if before is not None:
        last = await session.get(SiteEvent, before)
        if last is None or last.owner not in owners:
            return []
        later = (SiteEvent.at < last.at) | ((SiteEvent.at == last.at) & (SiteEvent.id < last.id))
        places = places.where(later)
    newest = places.order_by(SiteEvent.at.desc(), SiteEvent.id.desc()).limit(limit)
    ids = list((await session.scalars(newest)).all())
    rows = (await session.scalars(select(SiteEvent).where(SiteEvent.id.in_(ids)))).all()
    return [_entry(vault, row) for row in sorted(rows, key=lambda row: (row.at, row.id), reverse=True)]


def _entry(vault: Vault, row: SiteEvent) -> TimelineEntry:
    opened = vault.open(row.owner, row.sealed)
    content = opened if isinstance(opened, dict) else {}
    properties = content.get("properties") or {}
    sku = properties.get("sku", properties.get("product_id"))
    return TimelineEntry(
        id=row.id,
        at=row.at,
        kind=str(content.get("event") or row.kind),
        source=row.source.partition("/")[2],
        sku=str(sku) if isinstance(sku, str | int) else None,
        properties=properties,
    )


async def recompute(session: AsyncSession, vault: Vault, owner: str) -> summary.State:
    """The summary from the events themselves, for comparing with the one kept."""
    state: summary.State = {}
    statement = select(SiteEvent).where(SiteEvent.owner == owner)
    for row in (await session.scalars(statement)).all():
        content = vault.open(owner, row.sealed)
        if isinstance(content, dict):
            mark = tie(row.source, row.message)
            facts = facts_of(row.kind, content.get("properties"), mark)
            summary.apply(state, milliseconds(row.at), mark, facts)
    return summary.trim(state)


def milliseconds(at: datetime) -> int:
    """As the database keeps it."""
    return round(at.timestamp() * 1000)


async def bring_forward(effects: Effects, news: Sequence[tuple[str, int, str, list[summary.Fact]]]) -> None:
    """Enter (owner, at in ms, tie, facts) into the summaries they belong to."""
    by_owner: dict[str, list[tuple[int, str, list[summary.Fact]]]] = {}
    for owner, at_ms, mark, facts in news:
        if facts:
            by_owner.setdefault(owner, []).append((at_ms, mark, facts))
    kept = await _locked(effects, sorted(by_owner))
    rows = []
    for owner, items in by_owner.items():
        state = summary.load(effects.vault.open(owner, kept.get(owner)))
        for at_ms, mark, facts in items:
            summary.apply(state, at_ms, mark, facts)
        sealed = effects.vault.seal(owner, summary.trim(state))
        rows.append({"owner": owner, "updated_at": effects.now, "sealed": sealed})
    await replace(effects.session, SiteInterest, rows, ("owner",))


async def _locked(effects: Effects, owners: Sequence[str]) -> dict[str, bytes | None]:
    """What is kept, held until the commit. SQLite has one writer; elsewhere rows are made and locked in one order."""
    session = effects.session
    if session.get_bind().dialect.name != "sqlite":
        await insert_missing(session, SiteInterest, [{"owner": owner, "updated_at": effects.now} for owner in owners])
    found: dict[str, bytes | None] = {}
    for start in range(0, len(owners), 500):
        part = owners[start : start + 500]
        statement = select(SiteInterest.owner, SiteInterest.sealed).where(SiteInterest.owner.in_(part))
        rows = await session.execute(statement.order_by(SiteInterest.owner).with_for_update())
        found.update((row.owner, row.sealed) for row in rows.all())
    return found
