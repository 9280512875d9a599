"""Making the one quote of a visit and SKU: rules, campaigns, limits, what was promised before."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.tables import Product, Store
from central.effects import Effects
from central.labels.tables import Label
from central.pricing import facts as occasions
from central.pricing import ledger, rulebook
from central.pricing.facts import Occasion
from central.pricing.rules import WINDOW_S, Offer, Part, PriceRules, individual, personal_price, quote_bytes
from central.pricing.ruleset import Ruleset, Use, granted
from central.pricing.tables import CampaignUse, Quote, QuoteDiscount
from central.pricing.turns import wait_for_turn
from central.profiles.tables import Customer
from central.visits.tables import Visit

WINDOW = timedelta(seconds=WINDOW_S)


def rules_of(store: Store) -> PriceRules:
    """The store's limits; unnamed ones at their defaults."""
    return PriceRules(**store.pricing)  # type: ignore[arg-type]


async def quote_for(
    effects: Effects, store: Store, visit: Visit, product: Product, label: Label | None
) -> Quote | None:
    """The one quote of this visit and SKU, renewed if it lapsed; None when no lower price is possible.

    A renewed quote keeps its price, so that nobody sees a second price for the same thing in one visit.
    `label` None: for the customer's own page.
    """
    session = effects.session
    await wait_for_turn(session, [store.id])
    statement = select(Quote).where(Quote.store == store.id, Quote.visit == visit.id, Quote.sku == product.sku)
    quote = (await session.scalars(statement)).one_or_none()
    expires_at = effects.now + timedelta(seconds=rules_of(store).quote_seconds)
    if quote is None:
        quote = await _new(effects, store, visit, product, label, expires_at)
    elif not await _renewed(effects, quote, visit, product, label, expires_at):
        quote = None
    if quote is None:
        return None
    quote.signature = base64.b64encode(effects.keys.sign(quote_bytes(signed_fields(quote)))).decode()
    return quote


async def _renewed(
    effects: Effects, quote: Quote, visit: Visit, product: Product, label: Label | None, expires_at: datetime
) -> bool:
    """The same price again, or a lower one that another visit of this person was shown meanwhile."""
    if quote.receipt is not None or quote.subject != visit.subject:
        return False
    promised = await _promised(effects.session, quote.store, quote.subject, quote.sku, effects.now)
    price = quote.price if promised is None else min(quote.price, promised)
    if price >= product.price:
        return False
    if price < quote.price:
        quote.price = price
        ledger.enter(effects, quote.store, quote.sku, "personal", "quoted", price, quote=quote)
    quote.expires_at = max(quote.expires_at, expires_at) if label is None else expires_at
    quote.public = product.price
    if label is not None:
        quote.label, quote.shown_until = label.id, None
    return True


async def _new(
    effects: Effects, store: Store, visit: Visit, product: Product, label: Label | None, expires_at: datetime
) -> Quote | None:
    customer = await customer_of(effects.session, visit.subject)
    if customer is None or visit.subject is None:
        return None
    occasion = await occasions.gather(effects, store, customer, product)
    await occasions.remember(effects, store.id, visit.id, customer.subject, occasion)
    offer = await _offer(effects, store, customer, occasion)
    if offer is None:
        return None
    quote = Quote(
        id=secrets.token_hex(16),
        store=store.id,
        visit=visit.id,
        subject=customer.subject,
        sku=product.sku,
        label=label.id if label else None,
        price=offer.price,
        public=product.price,
        bonus_minor=offer.bonus,
        currency=product.currency,
        reasons=list(offer.reasons),
        issued_at=effects.now,
        expires_at=expires_at,
        signature="",
    )
    effects.session.add(quote)
    await effects.session.flush()
    effects.session.add_all(
        QuoteDiscount(quote=quote.id, rule=part.reason, campaign=part.campaign, off=part.off) for part in offer.parts
    )
    ledger.enter(effects, quote.store, quote.sku, "personal", "quoted", quote.price, quote=quote)
    return quote


async def _offer(effects: Effects, store: Store, customer: Customer, occasion: Occasion) -> Offer | None:
    session, subject = effects.session, customer.subject
    ruleset = await rulebook.in_force(session, store.id)
    uses = await campaign_uses(session, store.id, subject, effects.now) if ruleset.campaigns else {}
    spare = occasion.bonuses - await bonuses_promised(session, subject, effects.now)
    promised = await _promised(session, store.id, subject, occasion.facts.sku, effects.now)
    return offer_for(occasion, ruleset, uses, rules_of(store), bonuses=max(0, spare), promised=promised)


def offer_for(
    occasion: Occasion,
    ruleset: Ruleset,
    uses: Mapping[str, Use],
    limits: PriceRules,
    *,
    bonuses: int,
    promised: int | None = None,
) -> Offer | None:
    """What these rules give for this occasion. Pure: dry runs and live quotes go through here."""
    public = occasion.facts.public
    own = individual(public, occasion.discount_share)
    given = tuple(Part(item.rule, item.off, item.campaign) for item in granted(ruleset, occasion.facts, uses))
    return personal_price(public, occasion.cost, bonuses, (*own, *given), limits, promised)


def _open(now: datetime) -> tuple[object, ...]:
    """Quotes that may still be redeemed: on a label now, seen inside the window, or about to be shown."""
    return (
        Quote.receipt.is_(None),
        or_(Quote.shown_until.is_(None), Quote.shown_until >= now - WINDOW),
        Quote.expires_at >= now - WINDOW,
    )


async def bonuses_promised(session: AsyncSession, subject: str, now: datetime) -> int:
    """Bonuses that open quotes of this person count on already: nobody spends the same bonus twice."""
    statement = select(func.coalesce(func.sum(Quote.bonus_minor), 0)).where(
        Quote.subject == subject,
        *_open(now),  # type: ignore[arg-type]
    )
    return int(await session.scalar(statement) or 0)


async def _promised(session: AsyncSession, store: str, subject: str, sku: str, now: datetime) -> int | None:
    """The lowest price this person was really shown for this SKU inside the window, in an earlier visit too."""
    statement = select(func.min(Quote.price)).where(
        Quote.store == store,
        Quote.subject == subject,
        Quote.sku == sku,
        Quote.armed_at.is_not(None),
        *_open(now),  # type: ignore[arg-type]
    )
    found = await session.scalar(statement)
    return None if found is None else int(found)


async def campaign_uses(session: AsyncSession, store: str, subject: str, now: datetime) -> dict[str, Use]:
    """What each campaign has given: charged for good, and promised in quotes that are still open."""
    charged = select(CampaignUse.campaign, CampaignUse.off, CampaignUse.subject).where(CampaignUse.store == store)
    promised = (
        select(QuoteDiscount.campaign, QuoteDiscount.off, Quote.subject)
        .join(Quote, Quote.id == QuoteDiscount.quote)
        .where(
            Quote.store == store,
            QuoteDiscount.campaign.is_not(None),
            *_open(now),  # type: ignore[arg-type]
        )
    )
    both = charged.union_all(promised).subquery()
    name, off, who = both.c
    statement = select(name, func.sum(off), func.count(), func.count().filter(who == subject)).group_by(name)
    return {
        row[0]: Use(spent=int(row[1]), uses=int(row[2]), by_customer=int(row[3]))
        for row in (await session.execute(statement)).all()
    }


def signed_fields(quote: Quote) -> dict[str, object]:
    """What the signature of a quote covers."""
    return {
        "quote": quote.id,
        "store": quote.store,
        "visit": quote.visit,
        "sku": quote.sku,
        "price": quote.price,
        "public": quote.public,
        "currency": quote.currency,
        "expires_at_ms": round(quote.expires_at.timestamp() * 1000),
    }


async def customer_of(session: AsyncSession, subject: str | None) -> Customer | None:
    """Who this pseudonym is, with the bonuses they have now."""
    if subject is None:
        return None
    statement = select(Customer).where(Customer.subject == subject).execution_options(populate_existing=True)
    return (await session.scalars(statement)).one_or_none()


async def discounts_of(session: AsyncSession, quotes: Sequence[str]) -> dict[str, list[QuoteDiscount]]:
    """The rules behind quotes."""
    found: dict[str, list[QuoteDiscount]] = {}
    if not quotes:
        return found
    statement = select(QuoteDiscount).where(QuoteDiscount.quote.in_(quotes)).order_by(QuoteDiscount.off.desc())
    for row in (await session.scalars(statement)).all():
        found.setdefault(row.quote, []).append(row)
    return found
