"""Quotes for a visit, arming by the glass, redemption at the till, and the ledger of it all."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.tables import Product, Store
from central.effects import Effects
from central.labels.tables import Label
from central.pricing.rules import WINDOW_S, PriceRules, charge, personal_price, quote_bytes
from central.pricing.schemas import LedgerOut, QuoteOut, RedeemIn, RedeemOut
from central.pricing.tables import LedgerEntry, Quote, Redemption
from central.profiles.tables import Customer
from central.visits.tables import Visit

WINDOW = timedelta(seconds=WINDOW_S)
Step = Literal["quoted", "shown", "confirmed", "charged"]


class UnknownSkuError(Exception):
    """The till asked for a product this store does not have."""


def rules_of(store: Store) -> PriceRules:
    """The store's limits; unnamed ones at their defaults."""
    return PriceRules(**store.pricing)  # type: ignore[arg-type]


async def quote_for(effects: Effects, store: Store, visit: Visit, product: Product, label: Label) -> Quote | None:
    """The one quote of this visit and SKU, renewed if it lapsed; None when no lower price is possible.

    A renewed quote keeps its price, so that nobody sees a second price for the same thing in one visit.
    """
    session, rules = effects.session, rules_of(store)
    statement = select(Quote).where(Quote.store == store.id, Quote.visit == visit.id, Quote.sku == product.sku)
    quote = (await session.scalars(statement)).one_or_none()
    expires_at = effects.now + timedelta(seconds=rules.quote_seconds)
    if quote is not None:
        if quote.receipt is not None or quote.price >= product.price or quote.subject != visit.subject:
            return None
        quote.expires_at, quote.public, quote.label, quote.shown_until = expires_at, product.price, label.id, None
    else:
        customer = await _customer(session, visit.subject)
        if customer is None or visit.subject is None:
            return None
        offer = personal_price(product.price, product.cost, customer.bonuses_minor, customer.discount_share, rules)
        if offer is None:
            return None
        quote = Quote(
            id=secrets.token_hex(16),
            store=store.id,
            visit=visit.id,
            subject=visit.subject,
            sku=product.sku,
            label=label.id,
            price=offer.price,
            public=product.price,
            bonus_minor=offer.bonus,
            currency=product.currency,
            reasons=list(offer.reasons),
            issued_at=effects.now,
            expires_at=expires_at,
            signature="",
        )
        session.add(quote)
        enter(effects, quote.store, quote.sku, "personal", "quoted", quote.price, quote=quote)
    quote.signature = base64.b64encode(effects.keys.sign(quote_bytes(signed_fields(quote)))).decode()
    return quote


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


def enter(
    effects: Effects,
    store: str,
    sku: str,
    variant: Literal["public", "personal"],
    step: Step,
    price: int,
    *,
    label: str | None = None,
    quote: Quote | None = None,
) -> None:
    """Add a line to the ledger."""
    effects.session.add(
        LedgerEntry(
            store=store,
            sku=sku,
            label=label or (quote.label if quote else None),
            visit=quote.visit if quote else None,
            quote=quote.id if quote else None,
            variant=variant,
            step=step,
            price=price,
            at=effects.now,
        )
    )


async def arm(effects: Effects, store: str, quote_id: str, label: str, *, gone_already: bool) -> None:
    """The glass showed the quote: from now it will be charged when asked for in time."""
    quote = await effects.session.get(Quote, quote_id)
    if quote is None or quote.store != store:
        return
    quote.armed_at = quote.armed_at or effects.now
    quote.shown_until = effects.now if gone_already else None
    enter(effects, store, quote.sku, "personal", "confirmed", quote.price, label=label, quote=quote)


async def off_the_glass(effects: Effects, store: str, label: str) -> None:
    """The label shows the public price again: the time to redeem starts to run out."""
    await effects.session.execute(
        update(Quote)
        .where(Quote.store == store, Quote.label == label, Quote.armed_at.is_not(None), Quote.shown_until.is_(None))
        .values(shown_until=effects.now)
        .execution_options(synchronize_session="fetch")
    )


async def redeem(effects: Effects, request: RedeemIn) -> RedeemOut:
    """What to charge for a receipt line; the same line asked again gets the same answer. UnknownSkuError."""
    session = effects.session
    before = await session.get(Redemption, (request.store, request.receipt, request.sku))
    if before is not None:
        return _answer(before)
    product = await session.get(Product, (request.store, request.sku))
    if product is None:
        raise UnknownSkuError(f"sku: store {request.store} has no product {request.sku!r}; import the catalogue")
    public = charge(product.price, await _recent_public(session, request.store, request.sku, effects.now))
    quote = await _usable_quote(session, request, effects.now)
    charged = charge(public, (quote.price,) if quote else ())
    redeemed = quote is not None and charged == quote.price and await _take(effects, quote, request.receipt, charged)
    row = Redemption(
        store=request.store,
        receipt=request.receipt,
        sku=request.sku,
        quote=quote.id if quote and redeemed else None,
        charged=charged if redeemed else public,
        public=public,
        currency=product.currency,
        redeemed=redeemed,
        at=effects.now,
    )
    session.add(row)
    variant: Literal["public", "personal"] = "personal" if redeemed else "public"
    enter(effects, request.store, request.sku, variant, "charged", row.charged, quote=quote if redeemed else None)
    if quote is not None and redeemed:
        effects.visits.add((quote.store, quote.visit))
    return _answer(row)


async def _take(effects: Effects, quote: Quote, receipt: str, charged: int) -> bool:
    """Redeem at most once, even when two tills ask at the same moment."""
    statement = (
        update(Quote)
        .where(Quote.id == quote.id, Quote.receipt.is_(None))
        .values(receipt=receipt, charged=charged)
        .execution_options(synchronize_session="fetch")
    )
    if (await effects.session.execute(statement)).rowcount != 1:  # type: ignore[attr-defined]
        return False
    if quote.bonus_minor:
        customer = await _customer(effects.session, quote.subject)
        if customer is not None:
            customer.bonuses_minor = max(0, customer.bonuses_minor - quote.bonus_minor)
    return True


async def _usable_quote(session: AsyncSession, request: RedeemIn, now: datetime) -> Quote | None:
    """The cheapest armed quote of that customer shown inside the window."""
    statement = select(Quote).where(
        Quote.store == request.store,
        Quote.sku == request.sku,
        Quote.armed_at.is_not(None),
        Quote.receipt.is_(None),
        or_(Quote.shown_until.is_(None), Quote.shown_until >= now - WINDOW),
        Quote.expires_at >= now - WINDOW,
    )
    if request.quote is not None:
        statement = statement.where(Quote.id == request.quote)
    elif request.visit is not None:
        statement = statement.where(Quote.visit == request.visit)
    elif request.subject is not None:
        statement = statement.where(Quote.subject == request.subject)
    else:
        return None
    return (await session.scalars(statement.order_by(Quote.price).limit(1))).first()


async def _recent_public(session: AsyncSession, store: str, sku: str, now: datetime) -> tuple[int, ...]:
    """Public prices that hang on a label now, or hung there inside the window."""
    hanging = select(Label.glass_price).where(
        Label.store == store, Label.sku == sku, Label.glass_variant == "public", Label.glass_price.is_not(None)
    )
    confirmed = select(LedgerEntry.price).where(
        LedgerEntry.store == store,
        LedgerEntry.sku == sku,
        LedgerEntry.variant == "public",
        LedgerEntry.step == "confirmed",
        LedgerEntry.at >= now - WINDOW,
    )
    prices = [*(await session.scalars(hanging)).all(), *(await session.scalars(confirmed)).all()]
    return tuple(price for price in prices if price is not None)


async def _customer(session: AsyncSession, subject: str | None) -> Customer | None:
    if subject is None:
        return None
    return (await session.scalars(select(Customer).where(Customer.subject == subject))).one_or_none()


def _answer(row: Redemption) -> RedeemOut:
    return RedeemOut(
        charged=row.charged,
        public=row.public,
        currency=row.currency,
        quote=row.quote,
        redeemed=row.redeemed,
        receipt=row.receipt,
    )


@dataclass(frozen=True, slots=True)
class _State:
    quote: Quote
    now: datetime

    def word(self) -> Literal["quoted", "armed", "redeemed", "expired"]:
        if self.quote.receipt is not None:
            return "redeemed"
        if self.quote.armed_at is not None:
            last = self.quote.shown_until or self.quote.expires_at
            return "armed" if last >= self.now - WINDOW else "expired"
        return "quoted" if self.quote.expires_at >= self.now else "expired"


async def quotes(session: AsyncSession, store: str, visit: str | None, now: datetime) -> list[QuoteOut]:
    """Quotes of a store, or of one visit; newest first, at most 500."""
    statement = select(Quote).where(Quote.store == store).order_by(Quote.issued_at.desc()).limit(500)
    if visit is not None:
        statement = statement.where(Quote.visit == visit)
    rows = (await session.scalars(statement)).all()
    return [
        QuoteOut.model_validate(
            {
                **{name: getattr(row, name) for name in QuoteOut.model_fields if name != "state"},
                "state": _State(row, now).word(),
            }
        )
        for row in rows
    ]


async def ledger(session: AsyncSession, store: str, sku: str | None) -> list[LedgerOut]:
    """The ledger, newest first, at most 1000 lines."""
    statement = select(LedgerEntry).where(LedgerEntry.store == store).order_by(LedgerEntry.id.desc()).limit(1000)
    if sku is not None:
        statement = statement.where(LedgerEntry.sku == sku)
    return [LedgerOut.model_validate(row, from_attributes=True) for row in (await session.scalars(statement)).all()]
