"""Orders of the site become sales; what is changed, refunded or cancelled later changes them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from babel.numbers import get_currency_precision
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.behaviour.access import Source
from central.behaviour.reading import Read, order_of
from central.behaviour.tables import SiteEvent
from central.behaviour.vocabulary import Order
from central.catalogue.tables import Product, Store
from central.effects import Effects
from central.sales import service as sales
from central.sales.schemas import SaleIn, SaleLineIn

COMPLETED, UPDATED, REFUNDED, CANCELLED = "Order Completed", "Order Updated", "Order Refunded", "Order Cancelled"
CORRECTIONS = (UPDATED, REFUNDED, CANCELLED)


@dataclass(frozen=True, slots=True)
class Kept:
    """Events that were kept: under whose name, and which came just now, by message id."""

    owner: str
    fresh: Collection[str]


async def told(effects: Effects, source: Source, event: Read, subject: str | None, kept: Kept | None = None) -> None:
    """Record an order once, or what became of it; the sale belongs to a person only when they were signed in.

    A public key can be read by anybody: what it calls an order is no sale. Corrections of this order that came before
    it, and were `kept`, are applied when it comes. Tell those of one batch in the order they happened.
    """
    order = event.order
    if order is None or not source.server:
        return
    if event.kind != COMPLETED:
        await _correct(effects, source, event.kind, order)
    elif order.products and await _record(effects, source, event, order, subject) and kept is not None:
        for kind, later in await _came_before(effects, source, event, order.order_id, kept):
            await _correct(effects, source, kind, later)


async def _record(effects: Effects, source: Source, event: Read, order: Order, subject: str | None) -> bool:
    currency, lines = await _lines(effects.session, source, order)
    sale = SaleIn(
        channel="site",
        scope=source.scope,
        id=order.order_id,
        store=source.store,
        subject=subject,
        currency=currency,
        at=event.at,
        lines=tuple(lines),
    )
    return await sales.record(effects, sale)


async def _correct(effects: Effects, source: Source, kind: str, order: Order) -> None:
    if kind == UPDATED and order.products:
        _, lines = await _lines(effects.session, source, order)
        await sales.replace(effects, source.scope, order.order_id, sales.together(lines))
    elif kind == CANCELLED or (kind == REFUNDED and not order.products):
        await sales.take_back(effects, source.scope, order.order_id)
    elif kind == REFUNDED:
        pieces: dict[str, int | None] = {}
        for line in order.products:
            before = pieces.get(line.sku, 0)
            pieces[line.sku] = None if line.quantity is None or before is None else before + line.quantity
        await sales.take_back(effects, source.scope, order.order_id, pieces)


async def _lines(session: AsyncSession, source: Source, order: Order) -> tuple[str, list[SaleLineIn]]:
    """Currency and lines in minor units; where the site names no price, the catalogue's counts."""
    store = await session.get(Store, source.store)
    own = store.currency if store else "EUR"
    currency = order.currency or own
    scale = 10 ** get_currency_precision(currency)
    unpriced = [line.sku for line in order.products if line.price is None]
    known: dict[str, int] = {}
    if unpriced and currency == own:
        statement = select(Product.sku, Product.price).where(Product.store == source.store, Product.sku.in_(unpriced))
        known = {row.sku: row.price for row in (await session.execute(statement)).all()}
    return currency, [
        SaleLineIn(
            sku=line.sku,
            quantity=line.quantity or 1,
            price=known.get(line.sku, 0) if line.price is None else round(line.price * scale),
        )
        for line in order.products
    ]


async def _came_before(
    effects: Effects, source: Source, event: Read, number: str, kept: Kept
) -> Sequence[tuple[str, Order]]:
    """Corrections of an order that came before the order itself, in the order they happened."""
    statement = (
        select(SiteEvent)
        .where(
            SiteEvent.owner == kept.owner,
            SiteEvent.at >= event.at,
            SiteEvent.source == source.id,
            SiteEvent.kind.in_(CORRECTIONS),
        )
        .order_by(SiteEvent.at, SiteEvent.id)
    )
    found = []
    rows = (await effects.session.scalars(statement)).all()
    for row in [row for row in rows if row.message not in kept.fresh]:
        content = effects.vault.open(row.owner, row.sealed)
        later = order_of(row.kind, content.get("properties")) if isinstance(content, dict) else None
        if later is not None and later.order_id == number:
            found.append((row.kind, later))
    return found
