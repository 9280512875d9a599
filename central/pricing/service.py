"""What happens to a quote after it was made: armed by the glass, off the glass again; reading quotes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from central.effects import Effects
from central.pricing import ledger, quoting
from central.pricing.quoting import WINDOW
from central.pricing.schemas import DiscountOut, QuoteOut
from central.pricing.tables import Quote


async def arm(effects: Effects, store: str, quote_id: str, label: str, *, gone_already: bool) -> None:
    """The glass showed the quote: from now it will be charged when asked for in time."""
    quote = await effects.session.get(Quote, quote_id)
    if quote is None or quote.store != store:
        return
    quote.armed_at = quote.armed_at or effects.now
    quote.shown_until = effects.now if gone_already else None
    ledger.enter(effects, store, quote.sku, "personal", "confirmed", quote.price, label=label, quote=quote)


def show_on_phone(effects: Effects, quote: Quote) -> None:
    """The customer's own page shows the quote: a promise like one on a label."""
    if quote.armed_at is None:
        quote.armed_at = effects.now
    if quote.label is None:
        quote.shown_until = quote.expires_at
    ledger.enter(effects, quote.store, quote.sku, "personal", "confirmed", quote.price, place="phone", quote=quote)


async def off_the_glass(effects: Effects, store: str, label: str) -> None:
    """The label shows the public price again: the time to redeem starts to run out."""
    await effects.session.execute(
        update(Quote)
        .where(Quote.store == store, Quote.label == label, Quote.armed_at.is_not(None), Quote.shown_until.is_(None))
        .values(shown_until=effects.now)
        .execution_options(synchronize_session="fetch")
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


async def quotes(
    session: AsyncSession, store: str, visit: str | None, now: datetime, subject: str | None = None
) -> list[QuoteOut]:
    """Quotes of a store, of one visit or of one person; newest first, at most 500."""
    statement = select(Quote).where(Quote.store == store).order_by(Quote.issued_at.desc()).limit(500)
    if visit is not None:
        statement = statement.where(Quote.visit == visit)
    if subject is not None:
        statement = statement.where(Quote.subject == subject)
    rows = (await session.scalars(statement)).all()
    discounts = await quoting.discounts_of(session, [row.id for row in rows])
    plain = [name for name in QuoteOut.model_fields if name not in {"state", "discounts"}]
    return [
        QuoteOut.model_validate(
            {
                **{name: getattr(row, name) for name in plain},
                "state": _State(row, now).word(),
                "discounts": [
                    DiscountOut(rule=d.rule, campaign=d.campaign, off=d.off) for d in discounts.get(row.id, [])
                ],
            }
        )
        for row in rows
    ]
