"""Up to four products side by side."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.cards.schemas import Compared, CompareOut, Row
from central.catalogue import products
from central.catalogue.parameters import Parameter, read
from central.catalogue.tables import Product
from central.preferences.lexicon import Language, lexicon
from central.preferences.shelf import title_of
from central.preferences.wording import Wording
from central.pricing import service as pricing
from central.privacy.service import purposes_of
from central.visits.tables import Visit

MOST: Final = 4


async def compare(
    session: AsyncSession, visit: Visit, skus: Sequence[str], now: datetime, language: Language
) -> CompareOut:
    """The products of these SKUs that the store knows, in this order, those sold online only included."""
    wanted = list(dict.fromkeys(skus))[:MOST]
    statement = select(Product).where(Product.store == visit.store, Product.sku.in_(wanted))
    rows = {row.sku: row for row in (await session.scalars(statement)).all()}
    found = [rows[sku] for sku in wanted if sku in rows]
    where = await products.availability(session, found, now) if found else {}
    personal = await _personal(session, visit, now)
    compared = [
        Compared(
            sku=row.sku,
            title=title_of(row, language),
            price=row.price,
            personal=personal.get(row.sku),
            currency=row.currency,
            availability=where[row.sku],
            page=row.page,
            picture=row.pictures[0] if row.pictures else None,
        )
        for row in found
    ]
    return CompareOut(products=compared, rows=side_by_side([read(row.parameters) for row in found], language))


async def _personal(session: AsyncSession, visit: Visit, now: datetime) -> dict[str, int]:
    """Prices promised to this visitor that hold now."""
    if visit.subject is None or not (await purposes_of(session, visit.subject)).get("profile", False):
        return {}
    quotes = await pricing.quotes(session, visit.store, None, now, visit.subject)
    return {quote.sku: quote.price for quote in reversed(quotes) if quote.state in {"quoted", "armed"}}


def side_by_side(parameters: Sequence[dict[str, Parameter]], language: Language) -> list[Row]:
    """What differs first; one name for a parameter whatever the retailer calls it. Pure."""
    words, figures = lexicon(), Wording(language, "", lexicon(), {})
    columns: list[dict[str, Parameter]] = []
    labels: dict[str, str] = {}
    for one in parameters:
        column: dict[str, Parameter] = {}
        for name, value in one.items():
            key = words.named(name) or words.key(name)
            column.setdefault(key, value)
            labels.setdefault(key, figures.name(key) if key in words.entries else name)
        columns.append(column)
    rows = [_row(key, label, [column.get(key) for column in columns]) for key, label in labels.items()]
    return sorted(rows, key=lambda row: (not row.differs, labels[row.name].casefold()))


def _row(key: str, label: str, cells: Sequence[Parameter | None]) -> Row:
    told = {_comparable(cell) for cell in cells}
    differs = len(told) > 1
    figures = [_figure(cell) for cell in cells]
    known = [figure for figure in figures if figure is not None]
    top = (
        max(known) if differs and len(known) == len([cell for cell in cells if cell]) and len(set(known)) > 1 else None
    )
    return Row(
        name=key,
        label=f"{label[:1].upper()}{label[1:]}",
        values=[cell.text if cell else None for cell in cells],
        differs=differs,
        most=[top is not None and figure == top for figure in figures],
    )


def _comparable(cell: Parameter | None) -> object:
    """Two ways of writing one amount are no difference."""
    if cell is None:
        return None
    return cell.value.casefold() if isinstance(cell.value, str) else (cell.value, cell.unit)


def _figure(cell: Parameter | None) -> float | None:
    return float(cell.value) if cell is not None and not isinstance(cell.value, str | bool) else None
