"""Google Merchant feeds: RSS 2.0 with the g: namespace, or tab-separated text (Merchant Center product data)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import BinaryIO, Final

from central.catalogue.feeds.markup import Element, records
from central.catalogue.feeds.offers import (
    DELIVERY,
    BadRowError,
    FeedRefusedError,
    Offer,
    Row,
    Shop,
    StockAt,
    address,
    clean,
    currency_of,
    first_gtin,
    parameters_of,
    positive,
    sku_of,
    whole,
)

MAX_DAYS: Final = 999
_AMOUNT: Final = re.compile(r"\s*([\d\s.,]+?)\s*([A-Za-z]{3})\s*")
_LEADING: Final = re.compile(r"\s*([A-Za-z]{3})\s*([\d\s.,]+?)\s*")
_HERE: Final = frozenset({"in stock", "available for order", "limited availability"})
_LATER: Final = frozenset({"preorder", "backorder", "on display to order"})
_PLAIN: Final = {
    "product_weight": "weight",
    "product_length": "length",
    "product_width": "width",
    "product_height": "height",
    "color": "color",
    "size": "size",
    "material": "material",
    "energy_efficiency_class": "energy class",
}
_SHIPPING: Final = (
    "country",
    "region",
    "service",
    "price",
    "min_handling_time",
    "max_handling_time",
    "min_transit_time",
    "max_transit_time",
)
Group = Mapping[str, str]


class _Item:
    """One item, whichever way it was written."""

    def __init__(self, fields: Mapping[str, list[str]], details: Sequence[Group], shipping: Sequence[Group]) -> None:
        self.fields, self.details, self.shipping = fields, details, shipping

    def get(self, name: str) -> str:
        values = self.fields.get(name)
        return values[0].strip() if values else ""


def rows(source: BinaryIO, shop: Shop) -> Iterator[Row]:
    """Every item of the feed (seekable); which of the two forms is seen from its first byte."""
    start = source.read(512)
    source.seek(0)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        for element in records(source, "rss", frozenset({"item"})):
            yield _row(element.line, _of_element(element), shop)
    else:
        yield from _tsv(source, shop)


def _of_element(element: Element) -> _Item:
    fields: dict[str, list[str]] = {}
    for child in element.children:
        if not child.children:
            fields.setdefault(child.tag, []).append(child.text)
    groups = {
        tag: [{c.tag: c.text for c in e.children} for e in element.all(tag)] for tag in ("product_detail", "shipping")
    }
    return _Item(fields, groups["product_detail"], groups["shipping"])


def _tsv(source: BinaryIO, shop: Shop) -> Iterator[Row]:
    text = io.TextIOWrapper(source, encoding="utf-8-sig", newline="")
    reader = csv.reader(text, delimiter="\t")
    try:
        header = [_column(name) for name in next(reader, [])]
        if "id" not in header or "price" not in header:
            raise FeedRefusedError("line 1: neither RSS nor a header with the columns id and price")
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _tsv_row(reader.line_num, header, cells, shop)
    except UnicodeDecodeError:
        raise FeedRefusedError("not UTF-8 text") from None
    except csv.Error as error:
        raise FeedRefusedError(f"line {reader.line_num}: {error}") from None
    finally:
        text.detach()  # the stream is the caller's to close


def _column(name: str) -> str:
    return name.strip().lower().removeprefix("g:").split("(")[0].strip().replace(" ", "_")


def _tsv_row(line: int, header: list[str], cells: list[str], shop: Shop) -> Row:
    if len(cells) != len(header):
        sku = cells[header.index("id")].strip()[:64] if header.index("id") < len(cells) else None
        return Row(line, sku, None, f"{len(cells)} columns, the header has {len(header)}")
    fields: dict[str, list[str]] = {}
    for name, cell in zip(header, cells, strict=True):
        if cell.strip():
            fields.setdefault(name, []).append(cell)
    details = [_detail(part) for part in _split(fields.pop("product_detail", []), ",")]
    shipping = [dict(zip(_SHIPPING, part.split(":"), strict=False)) for part in _split(fields.pop("shipping", []), ",")]
    return _row(line, _Item(fields, details, shipping), shop)


def _split(cells: list[str], by: str) -> list[str]:
    r"""Parts of a cell; a separator after a backslash belongs to the part."""
    return [part for cell in cells for part in re.split(rf"(?<!\\){re.escape(by)}", cell) if part.strip()]


def _detail(part: str) -> Group:
    pieces = [piece.replace("\\,", ",").replace("\\:", ":") for piece in re.split(r"(?<!\\):", part)]
    section, name, value = (["", *pieces] if len(pieces) == 2 else [*pieces, "", "", ""])[:3]
    return {"section_name": section, "attribute_name": name, "attribute_value": value}


def _row(line: int, item: _Item, shop: Shop) -> Row:
    sku = item.get("id")[:64] or None
    try:
        offer, note = _offer(item, shop)
    except BadRowError as error:
        return Row(line, sku, None, str(error))
    return Row(line, sku, offer, note=note)


def _offer(item: _Item, shop: Shop) -> tuple[Offer, str]:
    sku = sku_of(item.get("id"))
    price = _price(item.get("price"), "price", shop)
    title = clean(item.get("title"), 300)
    if not title:
        raise BadRowError("title: missing")
    sale = _price(item.get("sale_price"), "sale_price", shop) if item.get("sale_price") else None
    start, end = _period(item.get("sale_price_effective_date")) if sale else (None, None)
    gtin, note = first_gtin([item.get("gtin")] if item.get("gtin") else [])
    category = _category(item.get("product_type") or item.get("google_product_category"))
    stated = item.get("availability").lower().replace("_", " ").strip()
    if stated not in _HERE | _LATER | {"out of stock", ""}:
        raise BadRowError(f"availability: {stated[:40]!r} is not in_stock, out_of_stock, preorder or backorder")
    pictures = [address(text) for name in ("image_link", "additional_image_link") for text in item.fields.get(name, [])]
    return (
        Offer(
            sku=sku,
            title=title,
            price=price,
            currency=shop.currency,
            subtitle=category.rpartition(" / ")[2] if category else "",
            gtin=gtin,
            brand=clean(item.get("brand"), 120) or None,
            category=category,
            model=clean(item.get("mpn"), 120) or None,
            page=address(item.get("link")),
            pictures=tuple(picture for picture in pictures[:10] if picture),
            cost=_price(item.get("cost_of_goods_sold"), "cost_of_goods_sold", shop)
            if item.get("cost_of_goods_sold")
            else None,
            sale_price=sale if sale is not None and sale < price else None,
            sale_from=start,
            sale_until=end,
            available=stated != "out of stock",
            online=item.get("channel").lower() == "online",
            parameters=parameters_of(_parameters(item)),
            stock=_stock(item, stated, shop),
        ),
        note,
    )


def _price(text: str, field: str, shop: Shop) -> int:
    found, turned = _AMOUNT.fullmatch(text), _LEADING.fullmatch(text)
    amount, currency = (found[1], found[2]) if found else (turned[2], turned[1]) if turned else (text, "")
    if not text:
        raise BadRowError(f"{field}: missing")
    # "1,234.50": the comma is for the eye; "1234,50": it is the point.
    amount = amount.replace(",", "") if "." in amount and "," in amount else amount
    return positive(amount, currency_of(currency, shop), field)


def _period(text: str) -> tuple[datetime | None, datetime | None]:
    if not text:
        return None, None
    start, separator, end = text.partition("/")
    if not separator:
        raise BadRowError("sale_price_effective_date: give START/END")
    return _moment(start, "sale_price_effective_date"), _moment(end, "sale_price_effective_date")


def _moment(text: str, field: str) -> datetime:
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadRowError(f"{field}: {text.strip()[:40]!r} is not an ISO 8601 time") from None
    try:
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        raise BadRowError(f"{field}: {text.strip()[:40]!r} is out of range") from None


def _category(text: str) -> str | None:
    names = [clean(name, 80) for name in text.split(">")]
    return " / ".join(name for name in names if name)[-200:] or None


def _parameters(item: _Item) -> list[tuple[str, str, str | None]]:
    given: list[tuple[str, str, str | None]] = [
        (detail.get("attribute_name", ""), detail.get("attribute_value", ""), None) for detail in item.details
    ]
    named = {name.casefold() for name, _, _ in given}
    return given + [
        (plain, item.get(field), None) for field, plain in _PLAIN.items() if item.get(field) and plain not in named
    ]


def _stock(item: _Item, stated: str, shop: Shop) -> tuple[StockAt, ...]:
    found: list[StockAt] = []
    code = clean(item.get("store_code"), 64)
    if code or item.get("quantity"):
        place = shop.store if code in {"", shop.outlet} else code
        found.append(StockAt(place, 0 if stated == "out of stock" else whole(item.get("quantity"))))
    days = min((days for group in item.shipping if (days := _transit(group)) is not None), default=None)
    at = _moment(item.get("availability_date"), "availability_date") if item.get("availability_date") else None
    if days is not None or (at is not None and stated in _LATER):
        found.append(StockAt(DELIVERY, None, days, at if stated in _LATER else None))
    return tuple(found)


def _transit(group: Group) -> int | None:
    times = [whole(group.get(name)) for name in ("max_handling_time", "max_transit_time")]
    return min(MAX_DAYS, sum(time for time in times if time is not None)) if times[1] is not None else None
