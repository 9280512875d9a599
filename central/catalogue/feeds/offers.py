"""What any feed says about one thing on sale, and what can be wrong with it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from babel.numbers import get_currency_precision

from central.catalogue.gtin import valid_gtin
from central.catalogue.parameters import Parameter, parse, write

Format = Literal["yml", "google", "reviews"]
SKU: Final = re.compile(r"[^\s\x00-\x1f]{1,64}")
MAX_PRICE: Final = 10**12
MAX_PARAMETERS: Final = 200
DELIVERY: Final = "delivery"
"""The outlet that stands for having it brought."""
_RENAMED: Final = {"RUR": "RUB"}
_AMOUNT: Final = re.compile(r"\d{1,15}(?:[.,]\d{1,6})?", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_TAG: Final = re.compile(r"<[^>]{0,200}>")


class FeedRefusedError(Exception):
    """The feed as a whole cannot be taken in; nothing of it was."""


class BadRowError(Exception):
    """One row cannot be taken in; the others can."""


@dataclass(frozen=True, slots=True)
class StockAt:
    """How many an outlet has (None: some), or when it can bring one."""

    outlet: str
    quantity: int | None = None
    delivery_days: int | None = None
    delivery_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer. Money in minor units of `currency`; `price` outside a timed sale."""

    sku: str
    title: str
    price: int
    currency: str
    subtitle: str = ""
    gtin: str | None = None
    brand: str | None = None
    category: str | None = None
    model: str | None = None
    page: str | None = None
    pictures: tuple[str, ...] = ()
    cost: int | None = None
    old_price: int | None = None
    sale_price: int | None = None
    sale_from: datetime | None = None
    sale_until: datetime | None = None
    available: bool = True
    online: bool = False
    parameters: Mapping[str, Parameter] | None = None
    stock: tuple[StockAt, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a feed as read: an offer, or what is wrong with it. `note`: taken in, but a field was left out."""

    line: int
    sku: str | None
    offer: Offer | None
    problem: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Shop:
    """What a reader must know of the store: `outlet` is the feed's name for it."""

    store: str
    currency: str
    outlet: str


def packed(offer: Offer) -> tuple[str, str]:
    """JSON text of an offer and its digest."""
    body = {name: getattr(offer, name) for name in Offer.__slots__}
    body["parameters"] = write(offer.parameters or {})
    body["stock"] = [[s.outlet, s.quantity, s.delivery_days, _ms(s.delivery_at)] for s in offer.stock]
    body["sale_from"], body["sale_until"] = _ms(offer.sale_from), _ms(offer.sale_until)
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text, hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _ms(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1000)


def sku_of(text: str | None) -> str:
    """A SKU; BadRowError when there is none or it cannot be one."""
    sku = (text or "").strip()
    if not SKU.fullmatch(sku):
        raise BadRowError("id: missing" if not sku else "id: at most 64 characters without spaces")
    return sku


def currency_of(text: str, shop: Shop) -> str:
    """The store's currency; BadRowError for another: we do not convert."""
    currency = text.strip().upper()
    currency = _RENAMED.get(currency, currency)
    if currency != shop.currency:
        raise BadRowError(f"currency: {currency or 'missing'}, but the store sells in {shop.currency}")
    return currency


def minor(text: str | None, currency: str, field: str) -> int | None:
    """ "1 990,50" in minor units; None when the field is not there."""
    words = "".join((text or "").split())
    if not words:
        return None
    if not _AMOUNT.fullmatch(words):
        raise BadRowError(f"{field}: {_short(text)!r} is not an amount")
    whole = Decimal(words.replace(",", ".")).scaleb(get_currency_precision(currency))
    if whole > MAX_PRICE:
        raise BadRowError(f"{field}: {_short(text)!r} is out of range")
    return int(whole.to_integral_value())


def positive(text: str | None, currency: str, field: str = "price") -> int:
    """A price that must be there and above zero."""
    amount = minor(text, currency, field)
    if not amount:
        raise BadRowError(f"{field}: {'missing' if amount is None else 'zero'}")
    return amount


def first_gtin(texts: Iterable[str]) -> tuple[str | None, str]:
    """The first good GTIN of a list, and a note when there were only wrong ones."""
    wrong = ""
    for text in texts:
        for word in re.split(r"[,;\s]+", text.strip()):
            if valid_gtin(word):
                return word, ""
            wrong = wrong or word
    return None, f"gtin: {_short(wrong)!r} is no GTIN (check digit); left out" if wrong else ""


def parameters_of(given: Sequence[tuple[str, str, str | None]]) -> dict[str, Parameter]:
    """(name, value, unit) as parameters; a name that comes twice holds both values as words."""
    found: dict[str, Parameter] = {}
    for name, value, unit in given[:MAX_PARAMETERS]:
        key = clean(name, 80)
        words = clean(value, 300)
        if not key or not words:
            continue
        if key in found:
            both = f"{found[key].text}, {words}"[:300]
            found[key] = found[key] if found[key].text == words else Parameter(value=both, text=both)
        else:
            found[key] = parse(words, clean(unit, 30) or None if unit else None)
    return found


def clean(text: str | None, longest: int) -> str:
    """One line without markup."""
    if not text:
        return ""
    bare = _CONTROL.sub(" ", _TAG.sub(" ", text) if "<" in text else text)
    return " ".join(bare.split())[:longest].strip()


def address(text: str | None) -> str | None:
    """An http(s) address, or nothing."""
    words = (text or "").strip()
    return words if words.startswith(("https://", "http://")) and len(words) <= 512 and words.isprintable() else None


def whole(text: str | None) -> int | None:
    """A whole number from 0 on, or nothing."""
    words = (text or "").strip()
    return min(int(words), 10**9) if words.isascii() and words.isdigit() and len(words) < 12 else None


def _short(text: str | None) -> str:
    return (text or "").strip()[:40]
