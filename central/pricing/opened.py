"""One line of the price ledger, opened down to what the label or the phone confirmed; and the ledger as a file."""

from __future__ import annotations

import base64
import binascii
import csv
import io
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidSignature
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.keys import Keys
from central.pricing import service
from central.pricing.quoting import WINDOW, signed_fields
from central.pricing.rules import quote_bytes
from central.pricing.schemas import LedgerLineOut, LedgerOut
from central.pricing.tables import LedgerEntry, Quote, Redemption

MOST_LINES: Final = 100_000
A_DAY: Final = timedelta(days=1)
_COLUMNS: Final = ("id", "at", "sku", "place", "label", "variant", "step", "price", "quote")


async def opened(session: AsyncSession, keys: Keys, store: str, number: int, now: datetime) -> LedgerLineOut | None:
    """What led to a line, and what followed; None when the store has no such line."""
    line = await session.get(LedgerEntry, number)
    if line is None or line.store != store:
        return None
    quote = await session.get(Quote, line.quote) if line.quote else None
    rows = await (_of_quote(session, line) if line.quote else _public(session, line))
    found = await service.quotes(session, store, quote.visit, now) if quote else []
    return LedgerLineOut(
        line=LedgerOut.model_validate(line, from_attributes=True),
        quote=next((one for one in found if quote and one.id == quote.id), None),
        signature_fits=_fits(keys, quote) if quote else None,
        receipt=await _receipt(session, line),
        behind=[LedgerOut.model_validate(row, from_attributes=True) for row in rows],
    )


async def _of_quote(session: AsyncSession, line: LedgerEntry) -> Sequence[LedgerEntry]:
    """Everything that happened to the quote, oldest first; it lives for less than a day."""
    statement = select(LedgerEntry).where(
        LedgerEntry.store == line.store,
        LedgerEntry.sku == line.sku,
        LedgerEntry.quote == line.quote,
        LedgerEntry.at.between(line.at - A_DAY, line.at + A_DAY),
    )
    return (await session.scalars(statement.order_by(LedgerEntry.id))).all()


async def _public(session: AsyncSession, line: LedgerEntry) -> Sequence[LedgerEntry]:
    """Public prices that labels confirmed inside the window before the line, or last before it; and the line."""
    seen = select(LedgerEntry).where(
        LedgerEntry.store == line.store,
        LedgerEntry.sku == line.sku,
        LedgerEntry.variant == "public",
        LedgerEntry.step == "confirmed",
        LedgerEntry.at <= line.at,
        LedgerEntry.id != line.id,
    )
    newest = seen.order_by(LedgerEntry.at.desc(), LedgerEntry.id.desc())
    recent = (await session.scalars(newest.where(LedgerEntry.at >= line.at - WINDOW).limit(50))).all()
    last = recent or (await session.scalars(newest.limit(1))).all()
    return [*reversed(last), line]


def _fits(keys: Keys, quote: Quote) -> bool:
    try:
        signature = base64.b64decode(quote.signature, validate=True)
        keys.signing.public_key().verify(signature, quote_bytes(signed_fields(quote)))
    except (InvalidSignature, binascii.Error):
        return False
    return True


async def _receipt(session: AsyncSession, line: LedgerEntry) -> str | None:
    if line.step not in {"charged", "voided"}:
        return None
    when = Redemption.at if line.step == "charged" else Redemption.voided_at
    statement = select(Redemption.receipt).where(
        Redemption.store == line.store, Redemption.sku == line.sku, Redemption.charged == line.price, when == line.at
    )
    if line.quote is not None:
        statement = statement.where(Redemption.quote == line.quote)
    found = (await session.scalars(statement.limit(2))).all()
    return found[0] if len(found) == 1 else None


async def as_csv(session: AsyncSession, store: str, start: datetime, end: datetime) -> str:
    """Lines of [start, end), oldest first, the newest 100,000 of them; prices in minor units, nobody named."""
    statement = select(LedgerEntry).where(LedgerEntry.store == store, LedgerEntry.at >= start, LedgerEntry.at < end)
    rows = (await session.scalars(statement.order_by(LedgerEntry.id.desc()).limit(MOST_LINES))).all()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    writer.writerows([_cell(getattr(row, name)) for name in _COLUMNS] for row in reversed(rows))
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    # A spreadsheet would run an article number that looks like a formula.
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@"} else value
