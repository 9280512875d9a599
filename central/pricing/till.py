"""The till: what to charge, once; taking it back; and what it sold while it could not ask."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.tables import Product
from central.effects import Effects
from central.labels import service as labels
from central.labels.tables import Label
from central.pricing import ledger, quoting
from central.pricing.quoting import WINDOW
from central.pricing.rules import charge
from central.pricing.schemas import RedeemIn, RedeemOut, VerifyIn, VerifyOut, VoidIn, VoidOut
from central.pricing.tables import CampaignUse, LedgerEntry, Quote, QuoteDiscount, Redemption
from central.pricing.turns import wait_for_turn
from central.privacy.service import purposes_of
from central.profiles.tables import Customer
from central.sales import service as sales
from central.sales.schemas import SaleIn, SaleLineIn
from central.visits.tables import Visit


class UnknownSkuError(Exception):
    """The till asked for a product this store does not have."""


class UnknownReceiptError(Exception):
    """Nothing was charged under this receipt."""


async def verify(session: AsyncSession, request: VerifyIn, now: datetime) -> VerifyOut:
    """What `redeem` would charge now; nothing changes. UnknownSkuError."""
    product, public = await _public(session, request, now)
    quote = await _usable_quote(session, request, now)
    charged = charge(public, (quote.price,) if quote else ())
    return VerifyOut(
        charged=charged,
        public=public,
        currency=product.currency,
        quote=quote.id if quote and charged == quote.price else None,
        redeemable_until=_until(quote) if quote else None,
    )


def _until(quote: Quote) -> datetime:
    return (quote.shown_until or quote.expires_at) + WINDOW


async def redeem(effects: Effects, request: RedeemIn) -> RedeemOut:
    """What to charge for a receipt line; the same line asked again gets the same answer. UnknownSkuError.

    A quote counts for one piece; further pieces cost the public price. A quote that was redeemed leaves its label.
    """
    session = effects.session
    await wait_for_turn(session, [request.store])
    before = await session.get(Redemption, (request.store, request.receipt, request.sku))
    if before is not None:
        return answer(before)
    product, public = await _public(session, request, effects.now)
    quote = await _usable_quote(session, request, effects.now)
    charged = charge(public, (quote.price,) if quote else ())
    if quote is None or charged != quote.price or not await take(effects, quote, request.receipt, charged):
        quote, charged = None, public
    row = Redemption(
        store=request.store,
        receipt=request.receipt,
        sku=request.sku,
        quote=quote.id if quote else None,
        charged=charged,
        public=public,
        quantity=request.quantity,
        currency=product.currency,
        redeemed=quote is not None,
        at=effects.now,
    )
    session.add(row)
    await sold(effects, request, row, quote)
    return answer(row)


async def _public(session: AsyncSession, request: VerifyIn, now: datetime) -> tuple[Product, int]:
    product = await session.get(Product, (request.store, request.sku))
    if product is None:
        raise UnknownSkuError(f"sku: store {request.store} has no product {request.sku!r}; import the catalogue")
    return product, charge(product.price, await _recent_public(session, request.store, request.sku, now))


async def sold(effects: Effects, request: RedeemIn, row: Redemption, quote: Quote | None) -> None:
    """Into the ledger and the sales; the visit and the label follow."""
    variant: Literal["public", "personal"] = "personal" if quote else "public"
    ledger.enter(effects, row.store, row.sku, variant, "charged", row.charged, place="till", quote=quote)
    await record_sale(effects, request, row, quote)
    if quote is not None:
        effects.visits.add((quote.store, quote.visit))
        await labels.revert_quote(effects, quote.store, quote.id, "redeemed")


async def record_sale(effects: Effects, request: RedeemIn, row: Redemption, quote: Quote | None) -> None:
    """The receipt line as a sale, with the buyer if the till knew one who agreed to a profile."""
    subject, visit = await _buyer(effects.session, request, quote)
    if not (await purposes_of(effects.session, subject)).get("profile", False):
        subject = None
    # a sale's line is told by the mean price of a piece: the first may have been a personal one
    price = round((row.charged + (row.quantity - 1) * row.public) / row.quantity)
    line = SaleLineIn(sku=row.sku, quantity=row.quantity, price=price, quote=row.quote)
    sale = SaleIn(
        channel="till",
        scope=row.store,
        id=row.receipt,
        store=row.store,
        subject=subject,
        visit=visit,
        currency=row.currency,
        at=row.at,
        lines=(line,),
    )
    await sales.record(effects, sale)


async def _buyer(session: AsyncSession, request: RedeemIn, quote: Quote | None) -> tuple[str | None, str | None]:
    if quote is not None:
        return quote.subject, quote.visit
    if request.visit is not None:
        visit = await session.get(Visit, (request.store, request.visit))
        return (visit.subject if visit else None), (visit.id if visit else None)
    if request.customer is not None:
        whose = select(Customer.subject).where(Customer.id == request.customer, Customer.store == request.store)
        return await session.scalar(whose), None
    return request.subject, None


async def take(effects: Effects, quote: Quote, receipt: str, charged: int) -> bool:
    """Redeem at most once, even when two tills ask at the same moment."""
    statement = (
        update(Quote)
        .where(Quote.id == quote.id, Quote.receipt.is_(None))
        .values(receipt=receipt, charged=charged)
        .execution_options(synchronize_session="fetch")
    )
    if (await effects.session.execute(statement)).rowcount != 1:  # type: ignore[attr-defined]
        return False
    customer = await quoting.customer_of(effects.session, quote.subject) if quote.bonus_minor else None
    if customer is not None:
        customer.bonuses_minor = max(0, customer.bonuses_minor - quote.bonus_minor)
    discounts = select(QuoteDiscount).where(QuoteDiscount.quote == quote.id, QuoteDiscount.campaign.is_not(None))
    for row in (await effects.session.scalars(discounts)).all():
        use = CampaignUse(
            quote=quote.id,
            rule=row.rule,
            store=quote.store,
            campaign=row.campaign,
            subject=quote.subject,
            off=row.off,
            at=effects.now,
        )
        effects.session.add(use)
    return True


async def void(effects: Effects, request: VoidIn) -> VoidOut:
    """A line (or a whole receipt) did not happen after all. Asked again: the same answer. UnknownReceiptError.

    Bonuses come back, the campaign gets its money back, and a quote still inside its window may be redeemed again.
    """
    session = effects.session
    await wait_for_turn(session, [request.store])
    statement = select(Redemption).where(Redemption.store == request.store, Redemption.receipt == request.receipt)
    if request.sku is not None:
        statement = statement.where(Redemption.sku == request.sku)
    rows = (await session.scalars(statement)).all()
    if not rows:
        raise UnknownReceiptError(f"receipt: nothing was charged under {request.receipt!r} in store {request.store}")
    fresh = [row for row in rows if row.voided_at is None]
    for row in fresh:
        row.voided_at = effects.now
        quote = await session.get(Quote, row.quote) if row.quote else None
        if quote is not None and quote.receipt == row.receipt:
            await _give_back(effects, quote)
        variant: Literal["public", "personal"] = "personal" if row.redeemed else "public"
        ledger.enter(effects, row.store, row.sku, variant, "voided", row.charged, place="till", quote=quote)
        await sales.remove_line(effects, "till", row.store, row.receipt, row.sku)
    return VoidOut(receipt=request.receipt, voided=[answer(row) for row in rows])


async def _give_back(effects: Effects, quote: Quote) -> None:
    quote.receipt, quote.charged = None, None
    customer = await quoting.customer_of(effects.session, quote.subject) if quote.bonus_minor else None
    if customer is not None:
        customer.bonuses_minor += quote.bonus_minor
    await effects.session.execute(delete(CampaignUse).where(CampaignUse.quote == quote.id))
    effects.visits.add((quote.store, quote.visit))


async def _usable_quote(session: AsyncSession, request: VerifyIn, now: datetime) -> Quote | None:
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
    elif request.customer is not None:
        whose = select(Customer.subject).where(Customer.id == request.customer, Customer.store == request.store)
        statement = statement.where(Quote.subject.in_(whose))
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


def answer(row: Redemption) -> RedeemOut:
    """The row as the till reads it."""
    return RedeemOut(
        sku=row.sku,
        charged=row.charged,
        public=row.public,
        quantity=row.quantity,
        total=row.charged + (row.quantity - 1) * row.public,
        currency=row.currency,
        quote=row.quote,
        redeemed=row.redeemed,
        receipt=row.receipt,
        voided=row.voided_at is not None,
        conflict=row.conflict,
    )
