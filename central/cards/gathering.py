"""Reading what a card is made of: a fixed number of queries, however much is known of the person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import load_only

from central.alerts.tables import Alert
from central.baskets import service as baskets
from central.baskets.schemas import BasketOut
from central.behaviour import service as behaviour
from central.behaviour.schemas import Interests
from central.catalogue import products
from central.catalogue.schemas import Availability
from central.catalogue.tables import Product, Store
from central.labels.tables import Presence
from central.preferences import service as preferences
from central.preferences.lexicon import Language
from central.preferences.schemas import OpinionOut, Preferences, Suggestion
from central.preferences.shelf import Shelf
from central.pricing import service as pricing
from central.pricing.schemas import QuoteOut
from central.privacy.service import purposes_of
from central.privacy.tables import SubjectConsent
from central.privacy.vault import Vault
from central.profiles.tables import Customer
from central.sales.tables import Sale, SaleLine
from central.segments.tables import CustomerSegments
from central.visits.tables import Evidence, Visit

BY_HAND = ("loyalty", "staff")
_SHOWN = (Product.title, Product.price, Product.currency, Product.available, Product.online)
MOST_ITEMS = 8
MOST_VIEWED = 4
MOST_SUGGESTIONS = 4
MOST_EARLIER = 5
MOST_PURCHASES = 5


@dataclass(slots=True)
class Known:
    """All rows of one card. Without consent to a profile everything about the person stays empty."""

    visit: Visit
    now: datetime
    store: Store | None
    alerts: Sequence[Alert] = ()
    zone: str | None = None
    evidence: Sequence[Evidence] = ()
    customer: Customer | None = None
    segments: Sequence[str] = ()
    interests: Interests = field(default_factory=Interests)
    opinions: list[OpinionOut] = field(default_factory=list)
    tastes: Preferences | None = None
    suggestions: list[Suggestion] = field(default_factory=list)
    quotes: Mapping[str, QuoteOut] = field(default_factory=dict)
    """Personal prices that hold now, by SKU."""
    basket: BasketOut | None = None
    earlier: Sequence[Visit] = ()
    purchases: Sequence[tuple[Sale, str]] = ()
    products: Mapping[str, Product] = field(default_factory=dict)
    where: Mapping[str, Availability] = field(default_factory=dict)


async def gather(session: AsyncSession, vault: Vault, visit: Visit, now: datetime, language: Language) -> Known:
    """Everything for one card."""
    known = Known(visit, now, await session.get(Store, visit.store))
    of_visit = (Alert.store == visit.store, Alert.visit == visit.id)
    known.alerts = (await session.scalars(select(Alert).where(*of_visit))).all()
    inside = select(Presence.zone).where(
        Presence.store == visit.store, Presence.visit == visit.id, Presence.left_at.is_(None)
    )
    known.zone = (await session.scalars(inside.order_by(Presence.touched_at.desc()).limit(1))).first()
    if visit.method in BY_HAND:
        known.evidence = await _by_hand(session, visit)
    if visit.subject is not None:
        # Held on to, so that everything asked below finds it in the session instead of asking again.
        consent, customer, segments = await _who(session, visit.subject)
        if customer is not None and (await purposes_of(session, visit.subject)).get("profile", False):
            known.customer = customer
            # As last computed (segments.service.recompute): a card does not wait for a history to be counted.
            known.segments = list(segments.segments) if segments is not None else []
            await _person(session, vault, known, visit.subject, language)
        del consent
    return known


async def _by_hand(session: AsyncSession, visit: Visit) -> Sequence[Evidence]:
    said = (Evidence.store == visit.store, Evidence.visit == visit.id, Evidence.method.in_(BY_HAND))
    return (await session.scalars(select(Evidence).where(*said).order_by(Evidence.at.desc()))).all()


async def _person(session: AsyncSession, vault: Vault, known: Known, subject: str, language: Language) -> None:
    visit, now = known.visit, known.now
    known.interests = await behaviour.interests(session, vault, subject, now)
    known.opinions = await preferences.of_subject(session, vault, subject)
    known.quotes = await _promised(session, visit.store, subject, now)
    own = await baskets.of_subject(session, vault, subject, now, visit.store)
    known.basket = own[0] if own else None
    before = select(Visit).where(Visit.subject == subject, Visit.first_seen_at < visit.first_seen_at)
    known.earlier = (await session.scalars(before.order_by(Visit.first_seen_at.desc()).limit(MOST_EARLIER))).all()
    known.purchases = await _purchases(session, subject)
    await _tastes(session, vault, known, subject, language)
    await _products(session, known)


async def _who(
    session: AsyncSession, subject: str
) -> tuple[SubjectConsent | None, Customer | None, CustomerSegments | None]:
    """What they agreed to, who they are and what kind of customer, in one query."""
    statement = (
        select(SubjectConsent, Customer, CustomerSegments)
        .outerjoin(Customer, Customer.subject == SubjectConsent.subject)
        .outerjoin(CustomerSegments, CustomerSegments.subject == SubjectConsent.subject)
        .where(SubjectConsent.subject == subject)
    )
    row = (await session.execute(statement)).one_or_none()
    return (None, None, None) if row is None else (row[0], row[1], row[2])


async def _promised(session: AsyncSession, store: str, subject: str, now: datetime) -> dict[str, QuoteOut]:
    found = await pricing.quotes(session, store, None, now, subject)
    return {quote.sku: quote for quote in reversed(found) if quote.state in {"quoted", "armed"}}


async def _purchases(session: AsyncSession, subject: str) -> list[tuple[Sale, str]]:
    newest = select(Sale).where(Sale.subject == subject).order_by(Sale.at.desc()).limit(MOST_PURCHASES)
    sales = (await session.scalars(newest)).all()
    if not sales:
        return []
    lines = select(SaleLine).where(SaleLine.sale.in_([sale.id for sale in sales]))
    rows = (await session.scalars(lines.order_by(SaleLine.sku))).all()
    by_sale = {(sale.channel, sale.scope, sale.id): sale for sale in sales}
    found = [(by_sale.get((row.channel, row.scope, row.sale)), row.sku) for row in rows]
    return [(sale, sku) for sale, sku in found if sale is not None]


async def _tastes(session: AsyncSession, vault: Vault, known: Known, subject: str, language: Language) -> None:
    store, now = known.visit.store, known.now
    goods = Shelf(session, store)
    if known.opinions:
        known.tastes = await preferences.model(
            session, vault, subject, now, store, segments=known.segments, opinions=known.opinions, goods=goods
        )
    looked = [row.name.rpartition("/")[2].strip().casefold() for row in known.interests.categories]
    if not known.opinions and not looked:
        return
    here = any(opinion.store == store for opinion in known.opinions)
    known.suggestions = await preferences.suggest(
        session,
        vault,
        subject,
        store,
        MOST_SUGGESTIONS,
        now,
        language,
        category=None if here or not looked else looked[0],
        segments=known.segments,
        opinions=known.opinions,
        goods=goods,
    )


async def _products(session: AsyncSession, known: Known) -> None:
    """Names and prices of all that the card names; where it can be had of what they came for."""
    here = select(Product).where(Product.store == known.visit.store, Product.sku.in_(set(wanted(known))))
    found = (await session.scalars(here.options(load_only(*_SHOWN)))).all()
    known.products = {row.sku: row for row in found}
    matters = {sku for sku, _ in concerned(known.interests)} | set(_held_back(known))
    near = [row for row in found if row.sku in matters]
    known.where = await products.availability(session, near, known.now) if near else {}


def _held_back(known: Known) -> Iterator[str]:
    return (barrier.sku for barrier in known.interests.barriers if barrier.sku)


def wanted(known: Known) -> Iterator[str]:
    """Every product the card names."""
    for sku, _ in concerned(known.interests):
        yield sku
    yield from (opinion.sku for opinion in known.opinions)
    yield from (sku for _, sku in known.purchases)
    yield from _held_back(known)


def concerned(interests: Interests) -> Iterator[tuple[str, str]]:
    """(sku, why) of the products they came for, the strongest reason first; a product may come twice."""
    if interests.abandoned_basket is not None:
        yield from ((line.sku, "basket") for line in interests.abandoned_basket.lines)
    yield from ((sku, "favourite") for sku in interests.favourites)
    if interests.compared:
        yield from ((sku, "compared") for sku in interests.compared[0])
    yield from ((row.sku, "viewed") for row in interests.viewed[:MOST_VIEWED])
