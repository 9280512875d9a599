"""One call makes the whole card of a visit."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from central.alerts.drawing import place_of
from central.alerts.tables import Alert
from central.behaviour.phrases import phrases
from central.behaviour.schemas import AbandonedBasket, BasketLine, Interests
from central.cards.arguments import Reasons
from central.cards.gathering import MOST_ITEMS, Known, concerned, gather
from central.cards.schemas import (
    CardDetail,
    EarlierVisit,
    Holder,
    ItemOut,
    Purchase,
    RatingOut,
    Recognised,
    TriedOut,
    Visitor,
)
from central.preferences import service as preferences
from central.preferences.lexicon import Language, lexicon
from central.preferences.opinions import together
from central.preferences.shelf import title_of
from central.preferences.wording import Wording
from central.privacy.vault import Vault
from central.profiles.service import UNNAMED, open_profile
from central.visits.service import is_live
from central.visits.tables import Evidence, Visit

BY = "staff-"
"""How the device of evidence given by a consultant begins."""


async def find(session: AsyncSession, store: str, visit: str) -> Visit | None:
    """The visit a card is of."""
    return await session.get(Visit, (store, visit))


async def assemble(session: AsyncSession, vault: Vault, visit: Visit, now: datetime, language: Language) -> CardDetail:
    """Everything a consultant may know about this visit at this moment, and what follows from it."""
    known = await gather(session, vault, visit, now, language)
    return _detail(vault, known, language)


def _detail(vault: Vault, known: Known, language: Language) -> CardDetail:
    visit, reasons = known.visit, Reasons(known, language)
    holders = {alert.kind: alert for alert in known.alerts}
    return CardDetail.model_validate(
        {
            "visit": visit.id,
            "store": visit.store,
            "method": visit.method,
            "stage": visit.stage,
            "confidence": visit.confidence,
            "started_at": visit.started_at or visit.first_seen_at,
            "ended_at": visit.ended_at,
            "live": is_live(visit, known.now),
            "visitor": _visitor(vault, known),
            "nobody": visit.subject is None,
            "zone": place_of(known.store, known.zone),
            "arrival": _holder(known, holders.get("arrival")),
            "call": _holder(known, holders.get("call")),
            "recognised": _recognised(known.evidence, visit),
            "lines": _lines(vault, known, language),
            "interests": known.interests,
            "items": _items(known, language),
            "arguments": reasons.arguments(),
            "barriers": reasons.barriers(),
            "likes": preferences.phrases(known.tastes, language) if known.tastes else [],
            "tried": _tried(known, language),
            "suggestions": known.suggestions,
            "basket": known.basket,
            "purchases": _purchases(known, language),
            "earlier": _earlier(known, language),
        }
    )


def _visitor(vault: Vault, known: Known) -> Visitor:
    customer = known.customer
    if customer is None:
        return Visitor(id=None, name=UNNAMED, language=None, guest=True, segments=[])
    name = open_profile(vault, customer).name
    return Visitor(id=customer.id, name=name, language=customer.language, guest=False, segments=list(known.segments))


def _holder(known: Known, alert: Alert | None) -> Holder | None:
    if alert is None:
        return None
    return Holder.model_validate(
        {
            "id": alert.id,
            "kind": alert.kind,
            "state": alert.state,
            "claimed_by": alert.claimed_by,
            "zone": place_of(known.store, alert.zone),
            "sku": alert.sku,
        }
    )


def _recognised(evidence: Iterable[Evidence], visit: Visit) -> Recognised | None:
    for row in evidence:
        if row.outcome == "known" and row.subject == visit.subject and row.device.startswith(BY):
            return Recognised.model_validate({"by": row.device.removeprefix(BY), "method": row.method, "at": row.at})
    return None


def _lines(vault: Vault, known: Known, language: Language) -> list[str]:
    if known.customer is None:
        return []
    return phrases(_named(known, language), language) or open_profile(vault, known.customer).interests


def _named(known: Known, language: Language) -> Interests:
    """Products by their titles; barriers have a place of their own on the card."""
    titles = {sku: title_of(product, language) for sku, product in known.products.items()}
    whole, basket = known.interests, known.interests.abandoned_basket
    lines = (
        [BasketLine(sku=titles.get(line.sku, line.sku), quantity=line.quantity) for line in basket.lines]
        if basket
        else []
    )
    return whole.model_copy(
        update={
            "barriers": [],
            "compared": [[titles.get(sku, sku) for sku in row] for row in whole.compared],
            "favourites": [titles.get(sku, sku) for sku in whole.favourites],
            "abandoned_basket": AbandonedBasket(lines=lines, at=basket.at) if basket else None,
        }
    )


def _items(known: Known, language: Language) -> list[ItemOut]:
    why: dict[str, list[str]] = {}
    for sku, reason in concerned(known.interests):
        if sku in known.products:
            why.setdefault(sku, []).append(reason)
    return [_item(known, sku, reasons, language) for sku, reasons in list(why.items())[:MOST_ITEMS]]


def _item(known: Known, sku: str, why: list[str], language: Language) -> ItemOut:
    product, quote = known.products[sku], known.quotes.get(sku)
    return ItemOut.model_validate(
        {
            "sku": sku,
            "title": title_of(product, language),
            "price": product.price,
            "currency": product.currency,
            "personal": quote.price if quote else None,
            "personal_until": quote.expires_at if quote else None,
            "availability": known.where[sku],
            "why": list(dict.fromkeys(why)),
        }
    )


def _tried(known: Known, language: Language) -> list[TriedOut]:
    words, figures = lexicon(), Wording(language, "", lexicon(), {})
    found = []
    for entry in together(known.opinions):
        ratings = [
            RatingOut(name=name, label=figures.name(words.named(name) or words.key(name)), rating=rating)
            for name, rating in entry.parameters.items()
        ]
        product = known.products.get(entry.sku)
        found.append(
            TriedOut(
                sku=entry.sku,
                title=title_of(product, language) if product else entry.sku,
                last_at=entry.last_at,
                liked=entry.liked,
                ratings=ratings,
                notes=entry.notes,
                here=known.visit.id in entry.visits,
            )
        )
    return found


def _purchases(known: Known, language: Language) -> list[Purchase]:
    titles: dict[tuple[str, str, str], list[str]] = {}
    sales = {(sale.channel, sale.scope, sale.id): sale for sale, _ in known.purchases}
    for sale, sku in known.purchases:
        product = known.products.get(sku)
        titles.setdefault((sale.channel, sale.scope, sale.id), []).append(
            title_of(product, language) if product else sku
        )
    found = [
        Purchase.model_validate({"at": sales[key].at, "channel": key[0], "titles": names})
        for key, names in titles.items()
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)


def _earlier(known: Known, language: Language) -> list[EarlierVisit]:
    tried: dict[str, list[str]] = {}
    for opinion in known.opinions:
        product = known.products.get(opinion.sku)
        tried.setdefault(opinion.visit or "", []).append(title_of(product, language) if product else opinion.sku)
    return [
        EarlierVisit(
            id=row.id,
            store=row.store,
            at=row.started_at or row.first_seen_at,
            tried=list(dict.fromkeys(tried.get(row.id, []))),
        )
        for row in known.earlier
    ]
