"""Learning from a store's sales in the background, and what one customer may buy next."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import ValidationError
from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.tables import Product
from central.database import Database, upsert
from central.predictions.model import Model, Purchase, candidates, learn, replenishment
from central.predictions.schemas import NextPurchase, Predictions, Replenishment
from central.predictions.tables import PredictionModel
from central.privacy.service import purposes_of
from central.privacy.tables import SubjectConsent
from central.profiles.tables import Customer
from central.sales.tables import Sale, SaleLine

DAY_S: Final = 86_400.0
LOOK_BACK: Final = timedelta(days=3 * 365)
SHOWN: Final = 10
_AHEAD: Final = 10 * 365
"""Days; farther away nothing is foretold."""


async def of_subject(session: AsyncSession, subject: str, now: datetime) -> Predictions:
    """What this person may buy next; nothing without their consent to a profile, or before anything was learned."""
    if not (await purposes_of(session, subject)).get("profile", False):
        return Predictions()
    store = await session.scalar(select(Customer.store).where(Customer.subject == subject))
    row = await session.get(PredictionModel, store) if store else None
    if row is None or store is None:
        return Predictions()
    try:
        model = Model.model_validate(row.content)
    except ValidationError:  # of an older version: learned anew within hours
        return Predictions()
    return foretold(model, await purchases(session, store, now, subject), _day(now))


def foretold(model: Model, history: list[Purchase], today: float) -> Predictions:
    """The model's answer for one customer."""
    again = [found for found in replenishment(model, history, today) if found.upper < today + _AHEAD]
    return Predictions(
        replenishment=[
            Replenishment(
                sku=found.sku,
                last_at=_moment(found.last),
                times=found.times,
                next_at=_moment(found.next),
                from_at=_moment(found.lower),
                to_at=_moment(found.upper),
                own=round(found.own, 2),
            )
            for found in again[:SHOWN]
        ],
        next_purchase=[
            NextPurchase(sku=found.sku, score=round(found.score, 4), after=found.after)
            for found in (candidates(model, history, today, SHOWN) if history else [])
        ],
    )


async def purchases(session: AsyncSession, store: str, now: datetime, subject: str | None = None) -> list[Purchase]:
    """Baskets of one person, or of everybody of a store who agreed to a profile, in order."""
    of_sale = and_(SaleLine.channel == Sale.channel, SaleLine.scope == Sale.scope, SaleLine.sale == Sale.id)
    statement = (
        select(Sale.subject, Sale.at, SaleLine.sku)
        .join(SaleLine, of_sale)
        .where(Sale.store == store, Sale.subject.is_not(None), Sale.at > now - LOOK_BACK, Sale.at <= now)
        .order_by(Sale.at)
    )
    statement = statement.where(Sale.subject == subject) if subject else statement
    agreed = {subject} if subject else await _agreed(session, store)
    baskets: dict[tuple[str, datetime], set[str]] = defaultdict(set)
    for who, at, sku in (await session.execute(statement)).all():
        if who in agreed:
            baskets[who, at].add(sku)
    return [Purchase(who, _day(at), frozenset(skus)) for (who, at), skus in baskets.items()]


async def _agreed(session: AsyncSession, store: str) -> set[str]:
    statement = (
        select(SubjectConsent.subject, SubjectConsent.purposes)
        .join(Customer, Customer.subject == SubjectConsent.subject)
        .where(Customer.store == store)
    )
    return {who for who, purposes in (await session.execute(statement)).all() if purposes.get("profile", False)}


async def categories(session: AsyncSession, store: str) -> dict[str, str]:
    """Of every product that has one."""
    statement = select(Product.sku, Product.category).where(Product.store == store, Product.category.is_not(None))
    return {sku: category for sku, category in (await session.execute(statement)).all() if category}


async def relearn(database: Database, store: str, now: datetime) -> Model:
    """Learn a store's sales anew: who withdrew or was erased counts no more."""
    async with database.read() as session:
        found, kinds = await purchases(session, store, now), await categories(session, store)
    model = learn(found, kinds)
    row = {"store": store, "learned_at": now, "content": model.model_dump()}
    async with database.write() as session:
        await upsert(session, PredictionModel, [row], ["store"])
    return model


def _day(at: datetime) -> float:
    return at.timestamp() / DAY_S


def _moment(day: float) -> datetime:
    return datetime.fromtimestamp(round(day * DAY_S), UTC)
