"""What a till sold on quote codes while it could not ask: kept as it happened, contradictions named."""

from __future__ import annotations

import base64

from central.catalogue.tables import Product
from central.effects import Effects
from central.pricing import quote_code, quoting, till
from central.pricing.quote_code import Refused, SignedQuote
from central.pricing.schemas import OfflineSaleIn, ReconcileIn, RedeemIn, RedeemOut
from central.pricing.tables import Quote, Redemption
from central.pricing.turns import wait_for_turn


async def reconcile(effects: Effects, request: ReconcileIn) -> list[RedeemOut]:
    """Line by line; told again, nothing changes."""
    await wait_for_turn(effects.session, [request.store])
    return [await _line(effects, request.store, line) for line in request.lines]


async def _line(effects: Effects, store: str, line: OfflineSaleIn) -> RedeemOut:
    session = effects.session
    before = await session.get(Redemption, (store, line.receipt, line.sku))
    if before is not None:
        return till.answer(before)
    said = quote_code.decode(line.code, effects.keys.signing.public_key())
    quote = await session.get(Quote, said.quote) if isinstance(said, SignedQuote) else None
    conflict = _conflict(said, quote, store, line)
    if conflict is None and quote is not None and not await till.take(effects, quote, line.receipt, line.charged):
        conflict = "redeemed_before"
    product = await session.get(Product, (store, line.sku))
    public = said.public if isinstance(said, SignedQuote) else product.price if product else line.charged
    row = Redemption(
        store=store,
        receipt=line.receipt,
        sku=line.sku,
        quote=quote.id if quote else None,
        charged=line.charged,
        public=public,
        quantity=1,
        currency=said.currency if isinstance(said, SignedQuote) else product.currency if product else "XXX",
        redeemed=conflict is None,
        at=line.at,
        offline=True,
        conflict=conflict,
    )
    session.add(row)
    known = quote if quote is not None and quote.store == store else None
    asked = RedeemIn(store=store, sku=line.sku, receipt=line.receipt)
    await till.sold(effects, asked, row, known)
    return till.answer(row)


def _conflict(said: SignedQuote | Refused, quote: Quote | None, store: str, line: OfflineSaleIn) -> str | None:
    if isinstance(said, Refused):
        return said.reason
    judged = quote_code.judge(said, store, line.sku, said.public, line.at, frozenset())
    if isinstance(judged, Refused):
        return judged.reason
    if quote is None:
        return "unknown_quote"
    return "charged_above_shown" if line.charged > said.price else None


def code_of(quote: Quote) -> str:
    """The code of a quote, for the customer's page."""
    return quote_code.encode(quoting.signed_fields(quote), base64.b64decode(quote.signature))
