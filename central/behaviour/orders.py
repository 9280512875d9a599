"""Orders of the site become sales."""

from __future__ import annotations

from central.behaviour.access import Source
from central.behaviour.reading import Read
from central.catalogue.tables import Store
from central.effects import Effects
from central.sales import service as sales
from central.sales.schemas import SaleIn, SaleLineIn

_MINOR = 100


async def completed(effects: Effects, source: Source, event: Read, subject: str | None) -> None:
    """Record the order once; the sale belongs to a person only when they were signed in.

    A public key can be read by anybody: what it calls an order is no sale.
    """
    order = event.order
    if order is None or not order.products or not source.server:
        return
    currency = order.currency
    if currency is None:
        store = await effects.session.get(Store, source.store)
        currency = store.currency if store else "EUR"
    lines = tuple(
        SaleLineIn(sku=line.sku, quantity=line.quantity or 1, price=round((line.price or 0) * _MINOR))
        for line in order.products
    )
    sale = SaleIn(
        channel="site",
        scope=source.name,
        id=order.order_id,
        store=source.store,
        subject=subject,
        currency=currency,
        at=event.at,
        lines=lines,
    )
    await sales.record(effects, sale)
