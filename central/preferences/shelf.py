"""Products of a store as taste and ranking see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue import products
from central.catalogue.parameters import Parameter, parse
from central.catalogue.tables import Product, Store
from central.preferences.lexicon import canonical
from central.preferences.ranking import Candidate
from central.preferences.taste import Item

MOST: Final = 3000
"""Products looked at in one search; a category of more is cut, and the answer says so."""


def item_of(row: Product) -> Item:
    """Figures under canonical names; of two names for one parameter the first counts."""
    values: dict[str, float] = {}
    for name, stored in row.parameters.items():
        value = stored.get("value") if isinstance(stored, dict) else parse(stored).value
        if isinstance(value, int | float):
            values.setdefault(canonical(name), float(value))
    return Item(row.sku, row.price, values, row.category or "")


def units_of(rows: Iterable[Product]) -> dict[str, str]:
    """The kept unit of each parameter, as the products have it."""
    found: dict[str, str] = {}
    for row in rows:
        for name, stored in row.parameters.items():
            unit = stored.get("unit") if isinstance(stored, dict) else _bare(stored).unit
            if isinstance(unit, str):
                found.setdefault(canonical(name), unit)
    return found


def _bare(stored: object) -> Parameter:
    return parse(stored)


def title_of(row: Product, language: str) -> str:
    """In this language, else in any."""
    for key in (language, "en", *row.title):
        text = row.title.get(key)
        if isinstance(text, str) and text:
            return text
    return row.sku


async def in_categories(session: AsyncSession, store: str, categories: Sequence[str | None] | None) -> list[Product]:
    """Products of these categories (None within: without one); of the whole store when there is no list."""
    statement = select(Product).where(Product.store == store)
    if categories is not None:
        named = [name for name in categories if name]
        inside = Product.category.in_(named)
        statement = statement.where(inside | Product.category.is_(None) if None in categories else inside)
    ordered = statement.order_by(Product.available.desc(), Product.sku).limit(MOST)
    return list((await session.scalars(ordered)).all())


async def by_sku(session: AsyncSession, store: str, skus: Iterable[str]) -> dict[str, Product]:
    """Products by SKU."""
    wanted = sorted(sku for sku in set(skus) if sku.isprintable())
    if not wanted:
        return {}
    rows = (await session.scalars(select(Product).where(Product.store == store, Product.sku.in_(wanted)))).all()
    return {row.sku: row for row in rows}


async def categories(session: AsyncSession, store: str) -> list[str]:
    """All there are in a store."""
    statement = select(Product.category).where(Product.store == store, Product.category.is_not(None)).distinct()
    return sorted(name for name in (await session.scalars(statement)).all() if name)


async def candidates(
    session: AsyncSession, rows: Sequence[Product], items: Sequence[Item], language: str, now: datetime
) -> list[Candidate]:
    """With where they can be had; `items` are the rows' own."""
    where = await products.availability(session, rows, now) if rows else {}
    return [
        Candidate(item, title_of(row, language), row.currency, row.page, where[row.sku])
        for row, item in zip(rows, items, strict=True)
    ]


async def currency(session: AsyncSession, store: str) -> str | None:
    """What a store sells in; None when there is no such store."""
    row = await session.get(Store, store)
    return row.currency if row else None


def grouped(items: Iterable[Item]) -> Mapping[str, list[Item]]:
    """Items by category."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.category, []).append(item)
    return found
