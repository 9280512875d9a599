"""Yandex Market Language (yandex.ru/support/marketplace: the YML format)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from central.catalogue.feeds.markup import Element, records
from central.catalogue.feeds.offers import (
    DELIVERY,
    BadRowError,
    Offer,
    Row,
    Shop,
    StockAt,
    address,
    clean,
    currency_of,
    first_gtin,
    minor,
    parameters_of,
    positive,
    sku_of,
    whole,
)

_WANTED: Final = frozenset({"category", "offer", "delivery-options"})
_DAYS: Final = re.compile(r"\s*(?:\d{1,3}\s*[-–]\s*)?(\d{1,3})\s*")
_NO: Final = "false"


class _Reader:
    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._categories: dict[str, tuple[str, str | None]] = {}
        self._paths: dict[str, str] = {}
        self._days: int | None = None

    def row(self, element: Element) -> Row | None:
        if element.tag == "category":
            self._category(element)
        elif element.tag == "delivery-options":
            self._days = _days(element)
        else:
            return self._offer_row(element)
        return None

    def _category(self, element: Element) -> None:
        self._categories[element.attributes.get("id", "")] = (element.text, element.attributes.get("parentId"))
        self._paths.clear()

    def _path(self, category: str) -> str | None:
        if category not in self._paths:
            names: list[str] = []
            at: str | None = category
            while at in self._categories and len(names) < 10:
                name, at = self._categories[at]
                names.insert(0, clean(name, 80))
            self._paths[category] = " / ".join(name for name in names if name)[-200:]
        return self._paths[category] or None

    def _offer_row(self, element: Element) -> Row:
        sku = element.attributes.get("id", "").strip()[:64] or None
        try:
            offer, note = self._offer(element)
        except BadRowError as error:
            return Row(element.line, sku, None, str(error))
        return Row(element.line, sku, offer, note=note)

    def _offer(self, element: Element) -> tuple[Offer, str]:
        sku = sku_of(element.attributes.get("id"))
        currency = currency_of(element.get("currencyId") or self._shop.currency, self._shop)
        price = positive(element.get("price"), currency)
        old = minor(element.get("oldprice"), currency, "oldprice")
        gtin, note = first_gtin(child.text for child in element.all("barcode"))
        parts = [clean(element.get(tag), 120) for tag in ("typePrefix", "vendor", "model")]
        title = clean(element.get("name"), 300) or " ".join(part for part in parts if part)
        if not title:
            raise BadRowError("name: missing, and there is no vendor and model either")
        category = self._path((element.get("categoryId") or "").strip())
        pictures = [address(child.text) for child in element.all("picture")]
        gone = element.attributes.get("available", "true").strip().lower() == _NO or element.get("disabled") == "true"
        return (
            Offer(
                sku=sku,
                title=title,
                price=price,
                currency=currency,
                subtitle=category.rpartition(" / ")[2] if category else "",
                gtin=gtin,
                brand=parts[1] or None,
                category=category,
                model=parts[2] or None,
                page=address(element.get("url")),
                pictures=tuple(picture for picture in pictures[:10] if picture),
                cost=minor(element.get("purchase_price"), currency, "purchase_price"),
                old_price=old if old and old > price else None,
                available=not gone,
                online=(element.get("store") or "").strip().lower() == _NO,
                parameters=parameters_of(
                    [
                        (child.attributes.get("name", ""), child.text, child.attributes.get("unit"))
                        for child in element.all("param")
                    ]
                ),
                stock=self._stock(element),
            ),
            note,
        )

    def _stock(self, element: Element) -> tuple[StockAt, ...]:
        found: dict[str, StockAt] = {}
        for outlets in element.all("outlets"):
            for outlet in outlets.all("outlet"):
                name = clean(outlet.attributes.get("id"), 64)
                place = self._shop.store if name == self._shop.outlet else name
                if place:
                    found[place] = StockAt(place, whole(outlet.attributes.get("instock")))
        own = element.all("delivery-options")
        days = _days(own[0]) if own else self._days
        if (element.get("delivery") or "").strip().lower() != _NO and (days is not None or element.get("count")):
            found[DELIVERY] = StockAt(DELIVERY, whole(element.get("count")), days)
        return tuple(found[name] for name in sorted(found))


def _days(options: Element) -> int | None:
    """The soonest option; of a range the later end, so that nobody is promised too much."""
    found = [_DAYS.fullmatch(option.attributes.get("days", "")) for option in options.all("option")]
    return min((int(match[1]) for match in found if match), default=None)


def rows(source: BinaryIO, shop: Shop) -> Iterator[Row]:
    """Every offer of the feed. FeedRefusedError when it cannot be read to its end."""
    reader = _Reader(shop)
    for element in records(source, "yml_catalog", _WANTED):
        row = reader.row(element)
        if row is not None:
            yield row
