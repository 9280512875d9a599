"""What the rules may know of a visit before a product, gathered once and kept sealed for dry runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.behaviour.service import interests
from central.catalogue.tables import Product, Store
from central.effects import Effects
from central.pricing.ruleset import Facts
from central.pricing.tables import DayCondition, PriceOccasion
from central.profiles.tables import Customer
from central.segments.service import segments_of


@dataclass(frozen=True, slots=True)
class Occasion:
    """Facts for the rules, and what the limits need besides."""

    facts: Facts
    cost: int | None
    bonuses: int
    discount_share: float


async def gather(effects: Effects, store: Store, customer: Customer, product: Product) -> Occasion:
    """The facts of this moment."""
    session = effects.session
    facts = Facts(
        public=product.price,
        at=effects.now.astimezone(ZoneInfo(store.timezone)),
        sku=product.sku,
        category=product.category or "",
        brand=product.brand or "",
        segments=frozenset(await segments_of(session, customer.subject, effects.now)),
        interest=await _interest(effects, customer.subject, product.sku),
        conditions=await conditions(session, store, effects.now),
    )
    return Occasion(facts, product.cost, customer.bonuses_minor, customer.discount_share)


async def _interest(effects: Effects, subject: str, sku: str) -> frozenset[str]:
    """What the site knows of this person and this product; nothing without consent to a profile."""
    known = await interests(effects.session, effects.vault, subject, effects.now)
    basket = known.abandoned_basket
    found = {
        "abandoned_basket": basket is not None and any(line.sku == sku for line in basket.lines),
        "favourite": sku in known.favourites,
        "compared": any(sku in together for together in known.compared),
        "viewed": any(view.sku == sku for view in known.viewed),
    }
    return frozenset(name for name, true in found.items() if true)


async def conditions(session: AsyncSession, store: Store, now: datetime) -> Mapping[str, str]:
    """Facts of the day; the region always, others until they lapse."""
    statement = select(DayCondition).where(DayCondition.store == store.id, DayCondition.until > now)
    found = {row.name: row.value for row in (await session.scalars(statement)).all()}
    return {**found, "region": store.region}


async def remember(effects: Effects, store: str, visit: str, subject: str, occasion: Occasion) -> None:
    """Keep the first occasion of a visit and SKU."""
    key = (store, visit, occasion.facts.sku)
    if await effects.session.get(PriceOccasion, key) is not None:
        return
    sealed = effects.vault.seal(subject, _plain(occasion))
    effects.session.add(
        PriceOccasion(store=store, visit=visit, sku=key[2], subject=subject, at=effects.now, sealed=sealed)
    )


def _plain(occasion: Occasion) -> dict[str, object]:
    facts = occasion.facts
    return {
        "public": facts.public,
        "at": facts.at.isoformat(),
        "sku": facts.sku,
        "category": facts.category,
        "brand": facts.brand,
        "segments": sorted(facts.segments),
        "interest": sorted(facts.interest),
        "conditions": dict(facts.conditions),
        "cost": occasion.cost,
        "bonuses": occasion.bonuses,
        "discount_share": occasion.discount_share,
    }


def reopened(plain: object) -> Occasion | None:
    """What `remember` kept; None when it cannot be read any more."""
    if not isinstance(plain, dict):
        return None
    facts = Facts(
        public=plain["public"],
        at=datetime.fromisoformat(plain["at"]),
        sku=plain["sku"],
        category=plain["category"],
        brand=plain["brand"],
        segments=frozenset(plain["segments"]),
        interest=frozenset(plain["interest"]),
        conditions=plain["conditions"],
    )
    return Occasion(facts, plain["cost"], plain["bonuses"], plain["discount_share"])
