"""Interests in short lines for the arrival card, in the store's language. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from central.behaviour.schemas import FilterInForce, Interests, PriceRange

_MINOR = 100
_SHOWN = 3
_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "en": {
            "categories": "Looks at: {}",
            "between": "Price: {} to {}",
            "below": "Price: up to {}",
            "above": "Price: from {}",
            "filters": "Wants: {}",
            "basket": "In the basket: {}",
            "compared": "Compared: {}",
            "favourites": "Favourites: {}",
            "searches": "Searched: {}",
            "brands": "Brands: {}",
            "promotions": "Promotions taken: {}",
            "delivery_time": "Held back by: delivery time",
            "waits_for_discount": "Waits for a discount",
            "price": "Looks for the lowest price",
            "out_of_stock": "Saw it out of stock: {}",
            "yes": "yes",
            "no": "no",
        },
        "ru": {
            "categories": "Смотрит: {}",
            "between": "Цена: от {} до {}",
            "below": "Цена: до {}",
            "above": "Цена: от {}",
            "filters": "Нужно: {}",
            "basket": "В корзине: {}",
            "compared": "Сравнивал(а): {}",
            "favourites": "В избранном: {}",
            "searches": "Искал(а): {}",
            "brands": "Бренды: {}",
            "promotions": "Акции: {}",
            "delivery_time": "Останавливает: срок доставки",
            "waits_for_discount": "Ждёт скидки",
            "price": "Ищет цену ниже",
            "out_of_stock": "Не было в наличии: {}",
            "yes": "да",
            "no": "нет",
        },
    }
)


def phrases(interests: Interests, language: str) -> list[str]:
    """Most telling first; empty when nothing is known. An unknown language is answered in English."""
    words = _WORDS.get(language, _WORDS["en"])
    return [words[name].format(*values) for name, values in _lines(interests, words)]


def _lines(known: Interests, words: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield from _listed("categories", [row.name for row in known.categories])
    if known.price_range is not None:
        yield _price(known.price_range)
    wanted = [_filter(row, words) for row in known.filters if row.values]
    yield from _listed("filters", wanted)
    if known.abandoned_basket is not None:
        yield from _listed("basket", [line.sku for line in known.abandoned_basket.lines])
    yield from _listed("compared", known.compared[0] if known.compared else [])
    yield from _listed("favourites", known.favourites)
    yield from _listed("searches", known.searches)
    yield from _listed("brands", [row.name for row in known.brands])
    yield from _listed("promotions", known.promotions)
    kinds = dict.fromkeys(row.kind for row in known.barriers)
    for kind in kinds:
        yield kind, (", ".join(row.sku for row in known.barriers if row.kind == kind and row.sku),)


def _listed(name: str, values: list[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    if values:
        yield name, (", ".join(values[:_SHOWN]),)


def _price(prices: PriceRange) -> tuple[str, tuple[str, ...]]:
    ends = [_amount(end) for end in (prices.min, prices.max) if end is not None]
    if len(ends) == 2:
        return "between", tuple(ends)
    return ("below" if prices.min is None else "above"), tuple(ends)


def _amount(minor: int) -> str:
    return f"{minor // _MINOR}" if minor % _MINOR == 0 else f"{minor / _MINOR:.2f}"


def _filter(row: FilterInForce, words: Mapping[str, str]) -> str:
    values = [words["yes" if value else "no"] if isinstance(value, bool) else str(value) for value in row.values or []]
    return f"{row.parameter}: {', '.join(values[:_SHOWN])}"
