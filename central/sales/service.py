"""Recording sales once, and reading those of a person."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.baskets import service as baskets
from central.contribution import service as contribution
from central.effects import Effects
from central.sales.schemas import SaleIn, SaleLineIn, SaleLineOut, SaleOut
from central.sales.tables import Sale, SaleLine


async def record(effects: Effects, sale: SaleIn) -> bool:
    """Keep a sale; a receipt told line by line grows. False when nothing of it was new."""
    session = effects.session
    row = await session.get(Sale, (sale.channel, sale.scope, sale.id))
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
        await baskets.bought(effects, row.store, row.subject, fresh, sale.at)
    return bool(fresh)


async def _add_lines(session: AsyncSession, sale: SaleIn) -> dict[str, int]:
    """Pieces by SKU of the lines that are new."""
    statement = select(SaleLine.sku).where(
        SaleLine.channel == sale.channel, SaleLine.scope == sale.scope, SaleLine.sale == sale.id
    )
    known = set((await session.scalars(statement)).all())
    fresh: dict[str, SaleLineIn] = {}
    for line in sale.lines:
        if line.sku not in known:
            fresh[line.sku] = _together(fresh.get(line.sku), line)
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


async def remove_line(effects: Effects, channel: str, scope: str, sale: str, sku: str) -> None:
    """A line was voided; a sale without lines is none."""
    session = effects.session
    of_sale = (SaleLine.channel == channel, SaleLine.scope == scope, SaleLine.sale == sale)
    await session.execute(delete(SaleLine).where(*of_sale, SaleLine.sku == sku))
    left = await session.scalar(select(SaleLine.sku).where(*of_sale).limit(1))
    row = await session.get(Sale, (channel, scope, sale))
    if left is None and row is not None:
        await session.delete(row)


async def of_subject(session: AsyncSession, subject: str, limit: int = 100) -> list[SaleOut]:
    """What a person bought, newest first."""
    statement = select(Sale).where(Sale.subject == subject).order_by(Sale.at.desc(), Sale.id).limit(limit)
    sales = (await session.scalars(statement)).all()
    found = []
    for sale in sales:
        lines = select(SaleLine).where(
            SaleLine.channel == sale.channel, SaleLine.scope == sale.scope, SaleLine.sale == sale.id
        )
        out = SaleOut.model_validate(sale)
        out.lines = [SaleLineOut.model_validate(line) for line in (await session.scalars(lines)).all()]
        found.append(out)
    return found
