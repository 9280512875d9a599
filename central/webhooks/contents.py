"""What is told: a visit with what was tried, thought, recommended and promised. Only what the person allowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, cast
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.analytics.tables import Stay
from central.catalogue.tables import Product, Store
from central.preferences import service as preferences
from central.preferences.opinions import tried
from central.preferences.schemas import Tried
from central.pricing import quoting, rulebook
from central.pricing import service as pricing
from central.pricing.disclosure import disclosure
from central.pricing.facts import conditions
from central.pricing.quoting import WINDOW
from central.pricing.ruleset import Facts, Rule, Ruleset, Use, granted
from central.privacy.service import purposes_of
from central.privacy.vault import Vault
from central.profiles.tables import Customer
from central.sales import service as sales
from central.segments.service import segments_of
from central.visits.tables import Visit
from central.webhooks.schemas import AfterVisit, OfferTold, QuoteTold, RecommendedTold, StayTold, TriedTold, VisitTold

RECOMMENDED: Final = 5
RETARGETED: Final = 10
BOUGHT_WITHIN: Final = timedelta(days=365)
Language = Literal["en", "ru"]
_ANY_PRICE: Final = 10**12


def language_of(customer: Customer) -> Language:
    """One that we write."""
    return cast("Language", customer.language) if customer.language in {"en", "ru"} else "en"


async def visit_told(session: AsyncSession, row: Visit) -> VisitTold:
    """A visit with its stays, in order."""
    store = await session.get(Store, row.store)
    titles = _zone_titles(store.layout if store else {})
    statement = select(Stay).where(Stay.store == row.store, Stay.visit == row.id).order_by(Stay.left_at, Stay.id)
    stays = [
        StayTold(zone=stay.zone, title=titles.get(stay.zone, {}), dwell_s=round(stay.dwell_s, 1))
        for stay in (await session.scalars(statement)).all()
    ]
    return VisitTold(
        visit=row.id,
        store=row.store,
        started_at=row.started_at,
        ended_at=row.ended_at,
        duration_s=row.duration_s,
        stays=stays,
    )


def _zone_titles(layout: Mapping[str, object]) -> dict[str, dict[str, str]]:
    zones = layout.get("zones", [])
    assert isinstance(zones, list)
    return {str(zone["id"]): {key: str(text) for key, text in dict(zone.get("name", {})).items()} for zone in zones}


async def after_visit(
    session: AsyncSession,
    vault: Vault,
    customer: Customer,
    now: datetime,
    visit: str | None = None,
    language: Language | None = None,
) -> AfterVisit:
    """What was tried (in one visit, or ever), what fits, what to show again, and prices still valid."""
    purposes = await purposes_of(session, customer.subject)
    if not purposes.get("profile", False):
        return AfterVisit()
    language = language or language_of(customer)
    everything = [entry for entry in await tried(session, vault, customer.subject) if entry.store == customer.store]
    found = await preferences.suggest(
        session, vault, customer.subject, customer.store, RECOMMENDED, now, language=language
    )
    recommended = [RecommendedTold.model_validate(item, from_attributes=True) for item in found if item.exact]
    entries = everything if visit is None else [entry for entry in everything if visit in entry.visits]
    quotes = await _quotes(session, customer, now, language) if purposes.get("personal_price", False) else []
    titles = await _titles(session, customer.store, {e.sku for e in entries} | {q.sku for q in quotes}, language)
    return AfterVisit(
        tried=[_tried(entry, titles) for entry in entries],
        recommended=recommended,
        retargeting=await _retargeting(session, customer, everything, recommended, now),
        quotes=[quote.model_copy(update={"title": titles.get(quote.sku, quote.sku)}) for quote in quotes],
    )


def _tried(entry: Tried, titles: Mapping[str, str]) -> TriedTold:
    return TriedTold(
        sku=entry.sku,
        title=titles.get(entry.sku, entry.sku),
        liked=entry.liked,
        parameters=entry.parameters,
        at=entry.last_at,
    )


async def _titles(session: AsyncSession, store: str, skus: Iterable[str], language: Language) -> dict[str, str]:
    statement = select(Product.sku, Product.title).where(Product.store == store, Product.sku.in_(set(skus)))
    rows = (await session.execute(statement)).all()
    return {sku: str(title.get(language) or title.get("en") or next(iter(title.values()), sku)) for sku, title in rows}


async def _quotes(session: AsyncSession, customer: Customer, now: datetime, language: Language) -> list[QuoteTold]:
    store = await session.get(Store, customer.store)
    if store is None:
        return []
    said = disclosure(store.region, language, store.disclosures)
    found = await pricing.quotes(session, customer.store, None, now, subject=customer.subject)
    return [
        QuoteTold(
            quote=quote.id,
            sku=quote.sku,
            title=quote.sku,
            price=quote.price,
            public=quote.public,
            currency=quote.currency,
            valid_until=(quote.shown_until or quote.expires_at) + WINDOW,
            disclosure=said,
        )
        for quote in found
        if quote.state == "armed"
    ]


async def _retargeting(
    session: AsyncSession,
    customer: Customer,
    everything: Sequence[Tried],
    recommended: Sequence[RecommendedTold],
    now: datetime,
) -> list[str]:
    bought = {
        line.sku
        for sale in await sales.of_subject(session, customer.subject)
        if sale.at > now - BOUGHT_WITHIN
        for line in sale.lines
    }
    disliked = {entry.sku for entry in everything if entry.liked is False}
    liked = [entry.sku for entry in everything if entry.liked]
    wanted = dict.fromkeys([*liked, *(item.sku for item in recommended)])
    return [sku for sku in wanted if sku not in bought | disliked][:RETARGETED]


async def offers(session: AsyncSession, customer: Customer, now: datetime) -> list[OfferTold]:
    """Price rules whose conditions on the person, the day and the place hold now, with what they are for."""
    purposes = await purposes_of(session, customer.subject)
    store = await session.get(Store, customer.store)
    if store is None or not purposes.get("personal_price", False):
        return []
    ruleset = await rulebook.in_force(session, store.id)
    facts = Facts(
        public=_ANY_PRICE,
        at=now.astimezone(ZoneInfo(store.timezone)),
        segments=frozenset(await segments_of(session, customer.subject, now)),
        conditions=await conditions(session, store, now),
    )
    uses = await quoting.campaign_uses(session, store.id, customer.subject, now) if ruleset.campaigns else {}
    return [_offer(rule) for rule in ruleset.rules if _holds(rule, ruleset, facts, uses)]


def _holds(rule: Rule, ruleset: Ruleset, facts: Facts, uses: Mapping[str, Use]) -> bool:
    """Whatever the product; a rule about what somebody looked at is not an offer to tell before they ask for it."""
    if rule.when.interest:
        return False
    anything: dict[str, Any] = {"skus": (), "categories": (), "brands": ()}
    free = rule.model_copy(update={"when": rule.when.model_copy(update=anything)})
    return bool(granted(ruleset.model_copy(update={"rules": (free,)}), facts, uses))


def _offer(rule: Rule) -> OfferTold:
    return OfferTold(
        rule=rule.id,
        title={str(key): text for key, text in rule.title.items()},
        share=None if rule.give.share is None else float(rule.give.share),
        amount=rule.give.amount,
        skus=list(rule.when.skus),
        categories=list(rule.when.categories),
        brands=list(rule.when.brands),
    )
