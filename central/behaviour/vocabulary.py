"""The words of the e-commerce vocabulary we know (Segment's, and three of our own), and what each says. Pure.

Spec: "E-Commerce Events" of the Segment documentation. Ours: Products Compared, Reviews Read, Delivery Options Viewed.
An unknown name is kept on the timeline and says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, TypeVar, cast

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from central.behaviour.filters import in_force, sort_of
from central.behaviour.summary import Fact

_LONGEST = 120


def _text(value: object) -> object:
    """Numbers are ids too; what is too long is cut."""
    if isinstance(value, bool):
        return value
    return str(value)[:_LONGEST] if isinstance(value, int | float | str) else value


Text = Annotated[str, BeforeValidator(_text), StringConstraints(strip_whitespace=True)]
Sku = Annotated[str, BeforeValidator(_text), StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Count = Annotated[int, Field(ge=1, le=10_000)]
Money = Annotated[float, Field(ge=0, le=1e10, allow_inf_nan=False)]


class Properties(BaseModel):
    """Unknown properties are kept on the timeline and otherwise ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Anything(Properties):
    """An event from which nothing follows."""


class ProductLine(Properties):
    """A product as the vocabulary writes it: `sku`, or else `product_id`."""

    sku: Sku = Field(validation_alias=AliasChoices("sku", "product_id"))
    category: Text | None = None
    brand: Text | None = None
    price: Money | None = None
    quantity: Count | None = None


class ProductViewed(ProductLine):
    """With the site's own word on stock, when it gives one."""

    availability: Text | None = None


class Searched(Properties):
    """Products Searched."""

    query: Annotated[Text, Field(min_length=1)]


class Listed(Properties):
    """Product List Viewed and Filtered. The filters are all that are in force, not the last one touched."""

    category: Text | None = None
    list_id: Text | None = None
    filters: Annotated[list[dict[str, object]], Field(max_length=50)] = []
    sorts: Annotated[list[dict[str, object]], Field(max_length=10)] = []


class Lines(Properties):
    """Products Compared, Cart Viewed."""

    products: Annotated[list[ProductLine], Field(max_length=200)] = []


class Compared(Properties):
    """Products side by side."""

    products: Annotated[list[ProductLine], Field(min_length=1, max_length=20)]


class Order(Lines):
    """Order Completed, Updated, Refunded, Cancelled. A refund without products is one of everything."""

    order_id: Annotated[str, BeforeValidator(_text), StringConstraints(min_length=1, max_length=64)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    coupon: Text | None = None


class Promotion(Properties):
    """Promotion Viewed and Clicked; coupons."""

    name: Text | None = Field(
        default=None, validation_alias=AliasChoices("name", "promotion_id", "coupon_id", "coupon")
    )


class Delivery(Properties):
    """Delivery Options Viewed: how long until the nearest delivery, when the site says it."""

    sku: Sku | None = Field(default=None, validation_alias=AliasChoices("sku", "product_id"))
    delivery_days: Annotated[float, Field(ge=0, le=3650)] | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """A name of the vocabulary: its properties, and what follows from them."""

    properties: type[Properties]
    facts: Callable[[Properties, str], Iterator[Fact]]


Given = TypeVar("Given", bound=Properties)


def _word(properties: type[Given], facts: Callable[[Given, str], Iterator[Fact]]) -> Word:
    return Word(properties, cast("Callable[[Properties, str], Iterator[Fact]]", facts))


def _nothing(_given: Properties, _tie: str) -> Iterator[Fact]:
    yield from ()


def _look(line: ProductLine, key: str, points: int, *, viewed: bool = False) -> Fact:
    return Fact("looks", key, [line.sku, line.category, line.brand, points, int(viewed)])


def _viewed(given: ProductViewed, tie: str) -> Iterator[Fact]:
    yield _look(given, tie, 2, viewed=True)
    if (given.availability or "").lower().replace("_", " ").replace("-", " ") in _OUT_OF_STOCK:
        yield Fact("barriers", f"out_of_stock:{given.sku}", {"sku": given.sku})


def _at_a_look(points: int) -> Callable[[ProductLine, str], Iterator[Fact]]:
    def facts(given: ProductLine, tie: str) -> Iterator[Fact]:
        yield _look(given, tie, points)

    return facts


def _searched(given: Searched, _tie: str) -> Iterator[Fact]:
    yield Fact("searches", " ".join(given.query.casefold().split()), given.query)


def _list_viewed(given: Listed, tie: str) -> Iterator[Fact]:
    category = given.category or given.list_id
    if category:
        yield Fact("looks", tie, [None, category, None, 1, 0])


def _list_filtered(given: Listed, tie: str) -> Iterator[Fact]:
    category = given.category or given.list_id or ""
    found, order = in_force(given.filters), sort_of(given.sorts)
    yield Fact("filters", category, {"filters": found, "sort": order})
    if category:
        yield Fact("looks", tie, [None, category, None, 2, 0])
    if order in _CHEAPEST_FIRST:
        yield Fact("barriers", "price:", {"sort": order})
    if any(name.casefold() in _DISCOUNTED for name in found):
        yield Fact("barriers", "waits_for_discount:", {"filter": category})


def _added(given: ProductLine, tie: str) -> Iterator[Fact]:
    yield _look(given, tie, 5)
    yield Fact("cart", tie, ["add", [[given.sku, given.quantity or 1]]])


def _removed(given: ProductLine, tie: str) -> Iterator[Fact]:
    yield Fact("cart", tie, ["remove", [[given.sku, given.quantity]]])


def _cart_viewed(given: Lines, tie: str) -> Iterator[Fact]:
    if given.products:  # some sites send the event without its lines: that is not an empty cart
        yield Fact("cart", tie, ["set", [[line.sku, line.quantity or 1] for line in given.products]])


def _wished(given: ProductLine, tie: str) -> Iterator[Fact]:
    yield _look(given, tie, 4)
    yield Fact("favourites", given.sku, 1)


def _unwished(given: ProductLine, _tie: str) -> Iterator[Fact]:
    yield Fact("favourites", given.sku, 0)


def _compared(given: Compared, tie: str) -> Iterator[Fact]:
    yield Fact("compared", tie, list(dict.fromkeys(line.sku for line in given.products)))
    for place, line in enumerate(given.products):
        yield _look(line, f"{tie}.{place}", 3)


def _ordered(given: Order, tie: str) -> Iterator[Fact]:
    yield Fact("orders", "last", given.order_id)
    for place, line in enumerate(given.products):
        yield _look(line, f"{tie}.{place}", 3)
        yield Fact("bought", line.sku, 1)
    if given.coupon:
        yield Fact("promotions", given.coupon, "coupon")


def _promotion_taken(given: Promotion, _tie: str) -> Iterator[Fact]:
    if given.name:
        yield Fact("promotions", given.name, "taken")


def _coupon_refused(given: Promotion, _tie: str) -> Iterator[Fact]:
    yield Fact("barriers", "waits_for_discount:", {"coupon": given.name})


def _delivery(given: Delivery, _tie: str) -> Iterator[Fact]:
    yield Fact("barriers", f"delivery_time:{given.sku or ''}", {"sku": given.sku, "days": given.delivery_days})


def _waits(given: ProductLine, _tie: str) -> Iterator[Fact]:
    yield Fact("barriers", f"waits_for_discount:{given.sku}", {"sku": given.sku})


_OUT_OF_STOCK = frozenset({"out of stock", "outofstock", "sold out", "нет в наличии"})
_CHEAPEST_FIRST = frozenset({"price asc", "price ascending", "price low to high", "price_asc", "цена asc"})
_DISCOUNTED = frozenset({"discount", "sale", "on_sale", "promo", "скидка", "акция"})

WORDS: Mapping[str, Word] = MappingProxyType(
    {
        "Products Searched": _word(Searched, _searched),
        "Product List Viewed": _word(Listed, _list_viewed),
        "Product List Filtered": _word(Listed, _list_filtered),
        "Product Clicked": _word(ProductLine, _at_a_look(1)),
        "Product Viewed": _word(ProductViewed, _viewed),
        "Products Compared": _word(Compared, _compared),
        "Reviews Read": _word(ProductLine, _at_a_look(3)),
        "Product Reviewed": _word(ProductLine, _at_a_look(3)),
        "Product Shared": _word(ProductLine, _at_a_look(2)),
        "Product Added": _word(ProductLine, _added),
        "Product Removed": _word(ProductLine, _removed),
        "Cart Viewed": _word(Lines, _cart_viewed),
        "Product Added to Wishlist": _word(ProductLine, _wished),
        "Product Removed from Wishlist": _word(ProductLine, _unwished),
        "Wishlist Product Added to Cart": _word(ProductLine, _added),
        "Checkout Started": _word(Lines, _nothing),
        "Checkout Step Viewed": _word(Anything, _nothing),
        "Checkout Step Completed": _word(Anything, _nothing),
        "Payment Info Entered": _word(Anything, _nothing),
        "Order Completed": _word(Order, _ordered),
        "Order Updated": _word(Order, _nothing),
        "Order Refunded": _word(Order, _nothing),
        "Order Cancelled": _word(Order, _nothing),
        "Promotion Viewed": _word(Promotion, _nothing),
        "Promotion Clicked": _word(Promotion, _promotion_taken),
        "Coupon Entered": _word(Promotion, _nothing),
        "Coupon Applied": _word(Promotion, _promotion_taken),
        "Coupon Denied": _word(Promotion, _coupon_refused),
        "Coupon Removed": _word(Promotion, _nothing),
        "Delivery Options Viewed": _word(Delivery, _delivery),
        "Price Alert Added": _word(ProductLine, _waits),
    }
)
OTHER = Word(Anything, _nothing)
"""Any other name."""
