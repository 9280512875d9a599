"""Which segments a customer belongs to now, and noticing when that changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import BigInteger, and_, case, func, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from central.behaviour.tables import SiteEvent, SiteInterest
from central.catalogue.tables import Store
from central.effects import Effects
from central.identity import service as identity
from central.privacy.service import purposes_of
from central.profiles.tables import Customer
from central.sales.tables import Sale, SaleLine
from central.segments.rules import DEFAULT_TEXT, History, Purchase, Segments, parse, segments_for
from central.segments.tables import CustomerSegments, SegmentRuleset
from central.visits.tables import Visit

AGAIN_AFTER = timedelta(hours=24)
"""Time alone moves people between segments; a day is soon enough for that."""
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Moved:
    """Somebody's segments changed."""

    subject: str
    store: str
    before: tuple[str, ...]
    now: tuple[str, ...]


@lru_cache(maxsize=64)
def _parsed(text: str) -> Segments:
    return parse(text)


async def current(session: AsyncSession, store: str) -> SegmentRuleset | None:
    """The row in force."""
    statement = select(SegmentRuleset).where(SegmentRuleset.store == store).order_by(SegmentRuleset.id.desc()).limit(1)
    return (await session.scalars(statement)).first()


async def in_force(session: AsyncSession, store: str) -> Segments:
    """A store's rules; the default ones until somebody writes others."""
    row = await current(session, store)
    return _parsed(row.text if row else DEFAULT_TEXT)


async def activate(effects: Effects, store: str, text: str, by: str) -> SegmentRuleset:
    """Put a rule file in force. RuleFileError."""
    parse(text)
    row = await current(effects.session, store)
    if row is not None and row.text == text:
        return row
    row = SegmentRuleset(store=store, text=text, activated_by=by, activated_at=effects.now)
    effects.session.add(row)
    await effects.session.flush()
    return row


async def segments_of(session: AsyncSession, subject: str, now: datetime) -> list[str]:
    """The segments of a person; none without their consent to a profile."""
    if not (await purposes_of(session, subject)).get("profile", False):
        return []
    store = await session.scalar(select(Customer.store).where(Customer.subject == subject))
    if store is None:
        return []
    return segments_for(await in_force(session, store), await history(session, subject), now)


async def history(session: AsyncSession, subject: str) -> History:
    """When this person was on the site, in a shop, and what they bought."""
    return History(
        site_days=await _site_days(session, await identity.owners(session, subject)),
        visits=(await session.scalars(select(Visit.first_seen_at).where(Visit.subject == subject))).all(),
        purchases=await _purchases(session, subject),
    )


async def _site_days(session: AsyncSession, owners: Sequence[str]) -> list[datetime]:
    """One moment for every day with an event; of older days only the last one is still known."""
    day = type_coerce(SiteEvent.at, BigInteger) // DAY_MS
    statement = select(func.max(SiteEvent.at)).where(SiteEvent.owner.in_(owners)).group_by(day)
    days = {moment for moment in (await session.scalars(statement)).all() if moment is not None}
    last = select(func.max(SiteInterest.updated_at)).where(SiteInterest.owner.in_(owners))
    newest = await session.scalar(last)
    if newest is not None and all(day.date() != newest.date() for day in days):
        days.add(newest)
    return sorted(days)


async def _purchases(session: AsyncSession, subject: str) -> list[Purchase]:
    of_sale = and_(SaleLine.channel == Sale.channel, SaleLine.scope == Sale.scope, SaleLine.sale == Sale.id)
    # what was paid in another currency than the shop's is a purchase, of an amount nobody can add up
    amount = case((Sale.currency == Store.currency, SaleLine.quantity * SaleLine.price), else_=0)
    statement = (
        select(Sale.at, func.sum(amount))
        .join(SaleLine, of_sale)
        .outerjoin(Store, Store.id == Sale.store)
        .where(Sale.subject == subject)
        .group_by(Sale.channel, Sale.scope, Sale.id, Sale.at)
    )
    return [Purchase(at, int(amount)) for at, amount in (await session.execute(statement)).all()]


async def due(session: AsyncSession, now: datetime, limit: int = 200) -> list[tuple[str, str]]:
    """(subject, store) of customers whose segments are a day old, or were never computed."""
    statement = (
        select(Customer.subject, Customer.store)
        .outerjoin(CustomerSegments, CustomerSegments.subject == Customer.subject)
        .where(or_(CustomerSegments.subject.is_(None), CustomerSegments.computed_at < now - AGAIN_AFTER))
        .limit(limit)
    )
    return [(row[0], row[1]) for row in (await session.execute(statement)).all()]


async def recompute(effects: Effects, people: Sequence[tuple[str, str]]) -> list[Moved]:
    """Bring the kept segments up to date; who moved is returned."""
    moved = []
    for subject, store in people:
        found = await segments_of(effects.session, subject, effects.now)
        row = await effects.session.get(CustomerSegments, subject)
        before = tuple(row.segments) if row else ()
        if row is None:
            row = CustomerSegments(subject=subject, store=store, changed_at=effects.now)
            effects.session.add(row)
        row.store, row.segments, row.computed_at = store, found, effects.now
        if before != tuple(found):
            row.changed_at = effects.now
            moved.append(Moved(subject, store, before, tuple(found)))
    return moved
