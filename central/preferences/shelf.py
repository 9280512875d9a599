"""Products of a store as taste and ranking see them.

A category may hold a thousand products, and a card must not wait for them: ranking reads plain columns (`Good`), and
what a product's parameters say is remembered by their text. Whole rows are read for the few that are shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Text, cast, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue import products
from central.catalogue.parameters import parse
from central.catalogue.products import Status
from central.catalogue.tables import Product, Stock, Store
from central.catalogue.units import Scale, in_name
from central.preferences.lexicon import canonical, lexicon
from central.preferences.ranking import Candidate
from central.preferences.tables import Prior
from central.preferences.taste import Item, Space, Taste

MOST: Final = 3000
"""Products looked at in one search; a category of more is cut, and the answer says so."""
_REMEMBERED: Final = 20_000
"""Texts of parameters: about 30 MB."""
Categories = Sequence[str | None] | None


class Good(NamedTuple):
    """A product as far as ranking needs it."""

    item: Item
    brand: str
    available: bool
    online: bool
    units: Mapping[str, str]
    title: str
    """By language, as it is kept (JSON): few are ever read."""
    subtitle: str

    @property
    def sku(self) -> str:
        return self.item.sku

    def said(self) -> str:
        """All words of title and subtitle, folded."""
        texts = [*json.loads(self.title).values(), *json.loads(self.subtitle).values()]
        return " ".join(str(text) for text in texts).casefold()


def scale_in(name: str) -> Scale | None:
    """The unit that a parameter's name says, where it is a parameter we know."""
    found = in_name(name) if canonical(name) in lexicon().entries else None
    return found[1] if found else None


class _Read(NamedTuple):
    figures: Mapping[str, float]
    units: Mapping[str, str]


@lru_cache(maxsize=_REMEMBERED)
def _read(text: str) -> _Read:
    """Figures and kept units under canonical names; of two names for one parameter the first counts."""
    figures: dict[str, float] = {}
    units: dict[str, str] = {}
    for name, stored in (json.loads(text) or {}).items():
        value = stored if isinstance(stored, dict) else parse(stored).model_dump()
        key, figure, unit = canonical(name), value.get("value"), value.get("unit")
        if isinstance(figure, int | float):
            scale = scale_in(name) if unit is None and not isinstance(figure, bool) else None
            unit, factor = scale or (unit, 1.0)
            figures.setdefault(key, float(figure) * factor)
        if isinstance(unit, str):
            units.setdefault(key, unit)
    return _Read(figures, units)


def item_of(row: Product) -> Item:
    """A whole row as ranking sees it."""
    return Item(row.sku, row.price, _read(json.dumps(row.parameters)).figures, row.category or "")


def units_of(goods: Iterable[Good]) -> dict[str, str]:
    """The kept unit of each parameter, as the products have it."""
    found: dict[str, str] = {}
    for good in goods:
        for name, unit in good.units.items():
            found.setdefault(name, unit)
    return found


def title_of(row: Product, language: str) -> str:
    """In this language, else in any."""
    for key in (language, "en", *row.title):
        text = row.title.get(key)
        if isinstance(text, str) and text:
            return text
    return row.sku


@dataclass(slots=True)
class Shelf:
    """A store's products within one reading: what was asked for once is not asked for again."""

    session: AsyncSession
    store: str
    spaces: dict[tuple[str, int], Space] = field(default_factory=dict)
    """What products of a category differ in, by category and how many there were."""
    tastes: dict[tuple[object, ...], Taste] = field(default_factory=dict)
    """By category, how many products there were, and what was thought of them."""
    _goods: dict[tuple[bool, tuple[str | None, ...] | None], list[Good]] = field(default_factory=dict)
    _categories: dict[frozenset[str], list[str | None]] = field(default_factory=dict)
    _priors: dict[str, list[Prior]] | None = None

    async def goods(self, categories: Categories, *, titles: bool = False) -> list[Good]:
        """Products of these categories (None within: without one); of the whole store when there is no list."""
        key = (titles, None if categories is None else tuple(categories))
        if key not in self._goods:
            self._goods[key] = await in_categories(self.session, self.store, categories, titles=titles)
        return self._goods[key]

    async def statuses(self, goods: Sequence[Good], categories: Categories) -> dict[str, Status]:
        """Where each can be had, in one word; `categories`: those the goods were read by."""
        if not goods:
            return {}
        mine = select(Product.sku).where(*_inside(self.store, categories))
        columns = select(Stock.sku, Stock.outlet, Stock.quantity)
        rows = (await self.session.execute(columns.where(Stock.store == self.store, Stock.sku.in_(mine)))).all()
        places: dict[str, dict[str, int | None]] = {}
        for sku, outlet, quantity in rows:
            places.setdefault(sku, {})[outlet] = quantity
        bare = {
            (available, online): products.status_of(self.store, {}, available=available, online=online)[0]
            for available in (True, False)
            for online in (True, False)
        }
        found = {good.sku: bare[good.available, good.online] for good in goods}
        for good in goods:
            if good.sku in places:
                here = places[good.sku]
                kinds = {"available": good.available, "online": good.online}
                found[good.sku] = products.status_of(self.store, here, **kinds)[0]
        return found

    async def categories_of(self, skus: Iterable[str]) -> list[str | None]:
        """The categories of these products, each once."""
        wanted = frozenset(sku for sku in skus if sku.isprintable())
        if wanted and wanted not in self._categories:
            statement = select(Product.category).where(Product.store == self.store, Product.sku.in_(sorted(wanted)))
            found = (await self.session.scalars(statement.distinct())).all()
            self._categories[wanted] = sorted(found, key=str)
        return self._categories.get(wanted, [])

    async def priors(self) -> dict[str, list[Prior]]:
        """What groups of people like, by category."""
        if self._priors is None:
            self._priors = {}
            for prior in (await self.session.scalars(select(Prior).where(Prior.store == self.store))).all():
                self._priors.setdefault(prior.category, []).append(prior)
        return self._priors


def _inside(store: str, categories: Categories) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Product.store == store]
    if categories is not None:
        named = Product.category.in_([name for name in categories if name])
        conditions.append(named | Product.category.is_(None) if None in categories else named)
    return conditions


async def in_categories(
    session: AsyncSession, store: str, categories: Categories, *, titles: bool = False
) -> list[Good]:
    """Products of these categories (None within: without one); of the whole store when there is no list.

    `titles`: with their words; without, the reading is a third shorter.
    """
    words = (cast(Product.title, Text), cast(Product.subtitle, Text)) if titles else (literal("{}"), literal("{}"))
    columns = select(
        Product.sku,
        Product.price,
        Product.category,
        Product.brand,
        Product.available,
        Product.online,
        cast(Product.parameters, Text),
        *words,
    )
    ordered = columns.where(*_inside(store, categories)).order_by(Product.available.desc(), Product.sku).limit(MOST)
    found = []
    for sku, price, category, brand, available, online, text, title, subtitle in (await session.execute(ordered)).all():
        read = _read(text)
        item = Item(sku, price, read.figures, category or "")
        found.append(Good(item, brand or "", available, online, read.units, title, subtitle))
    return found


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


async def candidates(session: AsyncSession, rows: Sequence[Product], language: str, now: datetime) -> list[Candidate]:
    """Whole rows with where they can be had."""
    where = await products.availability(session, rows, now) if rows else {}
    return [Candidate(item_of(row), title_of(row, language), row.currency, row.page, where[row.sku]) for row in rows]


async def currency(session: AsyncSession, store: str) -> str | None:
    """What a store sells in; None when there is no such store."""
    row = await session.get(Store, store)
    return row.currency if row else None
