"""From words to a query: which products, brands and categories the words mean, and what means nothing here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from babel.numbers import get_currency_precision
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue import products, units
from central.catalogue.tables import Product
from central.preferences import grammar, shelf
from central.preferences.grammar import Amount, Comparison, Reading, Span
from central.preferences.lexicon import Lexicon
from central.preferences.schemas import Condition, Query, Than

_STEM: Final = 4


@dataclass(slots=True)
class Understood:
    """A query and what could not be made of the text."""

    query: Query
    unknown: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    """Parameters in the person's own words, to be found among the products' own."""


class Understanding:
    """Reads texts against one store's catalogue. `tried`: SKUs somebody tried, the last first."""

    def __init__(
        self, session: AsyncSession, store: str, currency: str, words: Lexicon, tried: Sequence[str] = ()
    ) -> None:
        self._session, self._store, self._currency = session, store, currency
        self._words, self._tried = words, tried

    async def read(self, text: str) -> Understood:
        """Never fails; what is not understood is in `unknown`."""
        reading = grammar.read(text, self._words)
        found = Understood(Query(here=reading.here, flags=reading.flags))
        for comparison in reading.comparisons:
            await self._condition(comparison, found)
        scale = 10 ** get_currency_precision(self._currency)
        found.query.price_min = _minor(reading.price_min, scale)
        found.query.price_max = _minor(reading.price_max, scale)
        await self._rest(reading, found)
        return found

    async def _condition(self, comparison: Comparison, found: Understood) -> None:
        than, unknown = await self._than(comparison)
        found.unknown += unknown
        if unknown and than is None:
            return
        if comparison.named:
            found.named.append(comparison.key)
        found.query.conditions.append(
            Condition(parameter=comparison.key, direction=comparison.direction, than=than, or_equal=comparison.or_equal)
        )

    async def _than(self, comparison: Comparison) -> tuple[Than | None, list[str]]:
        reference = comparison.than
        if isinstance(reference, Amount):
            return self._amount(comparison.key, reference), []
        if isinstance(reference, Span):
            sku, rest = await self._product(reference.text)
            return (Than(sku=sku) if sku else None), rest
        return (Than(sku=self._tried[0]) if self._tried else None), []

    def _amount(self, key: str, amount: Amount) -> Than:
        entry = self._words.entries.get(key)
        scale = units.unit(amount.unit) if amount.unit else None
        if scale is None:
            return Than(value=amount.value, unit=entry.unit if entry else None)
        return Than(value=amount.value * scale[1], unit=scale[0])

    async def _product(self, text: str) -> tuple[str | None, list[str]]:
        """The product that the longest beginning of the words names; the words behind it."""
        words = text.split()
        for length in range(len(words), 0, -1):
            sku = await self._named(" ".join(words[:length]))
            if sku is not None:
                return sku, [word for word in words[length:] if word.casefold() not in grammar.FILLER]
        return None, [text]

    async def _named(self, text: str) -> str | None:
        exact = await products.product(self._session, self._store, text)
        if exact is not None:
            return exact.sku
        found = await products.find(self._session, self._store, text, 50)
        if not found:
            return None
        return min(found, key=lambda row: _fit(row, text, self._tried)).sku

    async def _rest(self, reading: Reading, found: Understood) -> None:
        """Brands and categories among the words that mean nothing else."""
        categories = await shelf.categories(self._session, self._store) if reading.unknown else []
        for word in reading.unknown:
            brand = await self._brand(word)
            if brand is not None:
                found.query.brands.append(brand)
            elif len(word) >= _STEM and (
                any(category_has(name, word) for name in categories) or await self._in_titles(word)
            ):
                found.query.category = f"{found.query.category} {word}" if found.query.category else word
            else:
                found.unknown.append(word)

    async def _brand(self, word: str) -> str | None:
        forms = {word, word.lower(), word.upper(), word.capitalize()}
        statement = select(Product.brand).where(
            Product.store == self._store,
            func.lower(Product.brand).in_({form.lower() for form in forms}) | Product.brand.in_(forms),
        )
        return await self._session.scalar(statement.limit(1))

    async def _in_titles(self, word: str) -> bool:
        return bool(await products.find(self._session, self._store, stem(word), 1))


def _minor(amount: float | None, scale: int) -> int | None:
    return None if amount is None else min(10**12, max(0, round(amount * scale)))


def _fit(row: Product, text: str, tried: Collection[str]) -> tuple[bool, bool, int, str]:
    """What was tried before what was not, what can be had before what cannot, the shortest title first."""
    return (row.sku not in tried, not row.available, len(shelf.title_of(row, "en")), row.sku)


def stem(word: str) -> str:
    """A word without its ending, roughly: enough to meet its other forms."""
    folded = word.casefold()
    return folded[: max(_STEM, len(folded) - 2)]


def category_has(category: str, words: str) -> bool:
    """Whether a category's path names all these words, in any form."""
    parts = category.casefold().replace("/", " ").split()
    return all(any(part.startswith(stem(word)) for part in parts) for word in words.split())
