"""A timeline's entries in a consultant's words: what was done, and about what. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from central.behaviour.filters import in_force, sort_of
from central.behaviour.schemas import TimelineEntry

_MOST: Final = 4
_WHEN_ALONE: Final = frozenset({"category", "name", "title"})
"""Said only when no product is named: a product's own name says more."""
_DONE: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "Products Searched": ("Searched", "Искали"),
        "Product List Viewed": ("Looked at a list", "Смотрели список"),
        "Product List Filtered": ("Filtered a list", "Отфильтровали список"),
        "Product Clicked": ("Clicked on", "Нажали на"),
        "Product Viewed": ("Looked at", "Смотрели"),
        "Products Compared": ("Compared", "Сравнили"),
        "Reviews Read": ("Read reviews of", "Читали отзывы"),
        "Product Reviewed": ("Wrote a review of", "Написали отзыв"),
        "Product Shared": ("Shared", "Поделились"),
        "Product Added": ("Put into the basket", "Положили в корзину"),
        "Product Removed": ("Took out of the basket", "Убрали из корзины"),
        "Cart Viewed": ("Looked at the basket", "Смотрели корзину"),
        "Product Added to Wishlist": ("Marked as favourite", "Добавили в избранное"),
        "Product Removed from Wishlist": ("No longer a favourite", "Убрали из избранного"),
        "Wishlist Product Added to Cart": ("Favourite put into the basket", "Из избранного в корзину"),
        "Checkout Started": ("Began to order", "Начали оформлять заказ"),
        "Checkout Step Viewed": ("On the way to an order", "Оформляли заказ"),
        "Checkout Step Completed": ("On the way to an order", "Оформляли заказ"),
        "Payment Info Entered": ("Entered payment", "Ввели оплату"),
        "Order Completed": ("Ordered", "Заказали"),
        "Order Updated": ("Changed an order", "Изменили заказ"),
        "Order Refunded": ("Got a refund", "Получили возврат"),
        "Order Cancelled": ("Cancelled an order", "Отменили заказ"),
        "Promotion Viewed": ("Saw a promotion", "Видели акцию"),
        "Promotion Clicked": ("Took up a promotion", "Заинтересовались акцией"),
        "Coupon Entered": ("Entered a coupon", "Ввели купон"),
        "Coupon Applied": ("Used a coupon", "Применили купон"),
        "Coupon Denied": ("A coupon was refused", "Купон не принят"),
        "Coupon Removed": ("Took a coupon out", "Убрали купон"),
        "Delivery Options Viewed": ("Looked at delivery", "Смотрели доставку"),
        "Price Alert Added": ("Wants to hear of a lower price", "Ждут снижения цены"),
        "Page": ("Opened a page", "Открыли страницу"),
        "Identify": ("Signed in", "Вошли на сайт"),
    }
)


def done(entry: TimelineEntry, language: str) -> str:
    """What was done; a name we do not know stays as the site wrote it."""
    words = _DONE.get(entry.kind)
    return words[language == "ru"] if words else entry.kind


def skus(entries: Iterable[TimelineEntry]) -> set[str]:
    """Every product the entries name."""
    return {sku for entry in entries for sku in _skus(entry)}


def about(entry: TimelineEntry, titles: Mapping[str, str], language: str) -> str:
    """What it was about: products by their titles, words searched, filters in force."""
    given = entry.properties
    parts = [titles.get(sku, sku) for sku in list(dict.fromkeys(_skus(entry)))[:_MOST]]
    for name in ("query", "category", "name", "promotion_id", "coupon", "title"):
        text = given.get(name)
        if isinstance(text, str) and text and not (parts and name in _WHEN_ALONE):
            parts.append(f"“{text}”" if name == "query" else text)
    parts += _filters(given)
    days = given.get("delivery_days")
    if isinstance(days, int | float) and not isinstance(days, bool):
        parts.append(f"{days:g} дн." if language == "ru" else f"{days:g} days")
    return " · ".join(part[:120] for part in dict.fromkeys(parts))


def _skus(entry: TimelineEntry) -> Iterator[str]:
    if entry.sku:
        yield entry.sku
    lines = entry.properties.get("products")
    for line in lines if isinstance(lines, list) else ():
        sku = line.get("sku", line.get("product_id")) if isinstance(line, dict) else None
        if isinstance(sku, str | int) and not isinstance(sku, bool):
            yield str(sku)


def _filters(given: Mapping[str, object]) -> Iterator[str]:
    filters, sorts = given.get("filters"), given.get("sorts")
    if isinstance(filters, list):
        for name, value in in_force([one for one in filters if isinstance(one, dict)]).items():
            yield f"{name}: {_value(value)}"
    if isinstance(sorts, list):
        order = sort_of([one for one in sorts if isinstance(one, dict)])
        if order:
            yield order.replace(" asc", " ↑").replace(" desc", " ↓")


def _value(value: object) -> str:
    if isinstance(value, dict):
        low, high = value.get("min"), value.get("max")
        if low is not None or high is not None:
            return f"{'' if low is None else f'{low:g}'}–{'' if high is None else f'{high:g}'}"
        value = value.get("values")
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
