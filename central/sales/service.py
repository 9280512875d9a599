"""Recording sales once, and reading those of a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.baskets import service as baskets
from central.contribution import service as contribution
from central.effects import Effects
from central.sales.schemas import SaleIn, SaleLineIn, SaleLineOut, SaleOut
from central.sales.tables import Sale, SaleLine


async def record(effects: Effects, sale: SaleIn) -> bool:
    """Keep a sale; a receipt told line by line grows. False when nothing of it was new.

    An order of the site comes whole: told again it adds nothing, also not what was returned since.
    """
    session = effects.session
    row = await session.get(Sale, (sale.channel, sale.scope, sale.id))
    if row is not None and sale.channel == "site":
        row.subject, row.visit = row.subject or sale.subject, row.visit or sale.visit
        await contribution.share(effects, row)
        return False
    if row is None:
        row = Sale(
            channel=sale.channel,
            scope=sale.scope,
            id=sale.id,
            store=sale.store,
            subject=sale.subject,
            visit=sale.visit,
            currency=sale.currency,
            at=sale.at,
            recorded_at=effects.now,
        )
        session.add(row)
        await session.flush()
    else:
        row.subject, row.visit = row.subject or sale.subject, row.visit or sale.visit
    fresh = await _add_lines(session, sale)
    await contribution.share(effects, row)
    if fresh and row.subject is not None:
        await baskets.bought(effects, row.store, row.subject, fresh, sale.at, _name(row))
    return bool(fresh)


async def _add_lines(session: AsyncSession, sale: SaleIn) -> dict[str, int]:
    """Pieces by SKU of the lines that are new."""
    statement = select(SaleLine.sku).where(
        SaleLine.channel == sale.channel, SaleLine.scope == sale.scope, SaleLine.sale == sale.id
    )
    known = set((await session.scalars(statement)).all())
    fresh = together(line for line in sale.lines if line.sku not in known)
    session.add_all(
        SaleLine(channel=sale.channel, scope=sale.scope, sale=sale.id, **line.model_dump()) for line in fresh.values()
    )
    await session.flush()
    return {sku: line.quantity for sku, line in fresh.items()}


def _together(first: SaleLineIn | None, line: SaleLineIn) -> SaleLineIn:
    """Two lines of one article are one line at the mean price of a piece."""
    if first is None:
        return line
    pieces = first.quantity + line.quantity
    price = round((first.quantity * first.price + line.quantity * line.price) / pieces)
    return line.model_copy(update={"quantity": pieces, "price": price, "quote": first.quote or line.quote})


def _name(row: Sale) -> str:
    return f"{row.channel}/{row.scope}/{row.id}"


async def remove_line(effects: Effects, channel: str, scope: str, sale: str, sku: str) -> None:
    """A line was voided: what it took out of a basket lies there again. A sale without lines is none."""
    session = effects.session
    row = await session.get(Sale, (channel, scope, sale))
    if row is None:
        return
    lines = {line.sku: line for line in await _lines(session, row)}
    if sku in lines:
        await session.delete(lines.pop(sku))
        if row.subject is not None:
            await baskets.returned(effects, row.store, row.subject, sku, _name(row))
    await session.flush()
    if not lines:
        await session.delete(row)
        await session.flush()


async def take_back(effects: Effects, scope: str, sale: str, pieces: Mapping[str, int | None] | None = None) -> bool:
    """An order of the site was cancelled or refunded: all of it, or pieces by SKU (None: all of that article).

    The shares follow. What is left of a whole cancelled order is its number, so that late news does not bring it back.
    False when there is no such order.
    """
    session = effects.session
    row = await session.get(Sale, ("site", scope, sale))
    if row is None:
        return False
    for line in await _lines(session, row):
        gone = line.quantity if pieces is None else pieces.get(line.sku, 0)
        if gone is None or gone >= line.quantity:
            await session.delete(line)
        else:
            line.quantity -= gone
    await session.flush()
    await contribution.share(effects, row)
    return True


async def replace(effects: Effects, scope: str, sale: str, lines: Mapping[str, SaleLineIn]) -> bool:
    """An order of the site was changed: these are all its lines now. False when there is no such order."""
    session = effects.session
    row = await session.get(Sale, ("site", scope, sale))
    kept = [] if row is None else await _lines(session, row)
    if row is None or not kept:  # unknown, or taken back as a whole
        return row is not None
    for line in kept:
        now = lines.get(line.sku)
        if now is None:
            await session.delete(line)
        else:
            line.quantity, line.price = now.quantity, now.price
    fresh = set(lines) - {line.sku for line in kept}
    session.add_all(SaleLine(channel="site", scope=scope, sale=sale, **lines[sku].model_dump()) for sku in fresh)
    await session.flush()
    await contribution.share(effects, row)
    return True


def together(lines: Iterable[SaleLineIn]) -> dict[str, SaleLineIn]:
    """By SKU; two lines of one article are one."""
    found: dict[str, SaleLineIn] = {}
    for line in lines:
        found[line.sku] = _together(found.get(line.sku), line)
    return found


async def _lines(session: AsyncSession, sale: Sale) -> Sequence[SaleLine]:
    of_sale = (SaleLine.channel == sale.channel, SaleLine.scope == sale.scope, SaleLine.sale == sale.id)
    return (await session.scalars(select(SaleLine).where(*of_sale))).all()


async def of_subject(session: AsyncSession, subject: str, limit: int = 100) -> list[SaleOut]:
    """What a person bought, newest first."""
    statement = select(Sale).where(Sale.subject == subject).order_by(Sale.at.desc(), Sale.id).limit(limit)
    sales = (await session.scalars(statement)).all()
    found = []
    for sale in sales:
        out = SaleOut.model_validate(sale)
        out.lines = [SaleLineOut.model_validate(line) for line in await _lines(session, sale)]
        found.append(out)
    return found
