"""Google's product review feed, versions 2.1 to 2.4 (developers.google.com/product-review-feeds).

Who wrote a review is not read: the page needs what was said, not by whom.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Final

from central.catalogue.feeds.markup import Element, records
from central.catalogue.feeds.offers import BadRowError, clean
from central.catalogue.gtin import valid_gtin

BEST: Final = 5.0
MOST_POINTS: Final = 10
_WANTED: Final = frozenset({"review", "deleted_review", "review_id"})
_LONGEST_TEXT: Final = 4000


@dataclass(frozen=True, slots=True)
class Review:
    """One review; `rating` from 1 to 5. Products as the feed names them."""

    id: str
    rating: float
    at: datetime
    title: str = ""
    text: str = ""
    pros: tuple[str, ...] = ()
    cons: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()
    gtins: tuple[str, ...] = ()
    models: tuple[tuple[str, str], ...] = ()
    """(brand, manufacturer's number)."""

    def packed(self, skus: list[str]) -> tuple[str, str]:
        """JSON text of the review of these products, and its digest."""
        body = {
            "id": self.id,
            "skus": sorted(skus),
            "rating": self.rating,
            "at": round(self.at.timestamp() * 1000),
            "title": self.title,
            "text": self.text,
            "pros": list(self.pros),
            "cons": list(self.cons),
        }
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        return text, hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Row:
    """A review, one that was taken back (`review` None, no problem), or what is wrong with it."""

    line: int
    id: str | None
    review: Review | None
    problem: str = ""


def rows(source: BinaryIO) -> Iterator[Row]:
    """Every review of the feed. FeedRefusedError when it cannot be read to its end."""
    for element in records(source, "feed", _WANTED):
        if element.tag == "review":
            yield _row(element)
        else:
            gone = element.text if element.tag == "review_id" else element.get("review_id") or ""
            yield Row(element.line, clean(gone, 80) or None, None)


def _row(element: Element) -> Row:
    ident = clean(element.get("review_id"), 80) or None
    if clean(element.get("is_spam"), 10).lower() == "true":
        return Row(element.line, ident, None)
    try:
        return Row(element.line, ident, _review(element, ident))
    except BadRowError as error:
        return Row(element.line, ident, None, str(error))


def _review(element: Element, ident: str | None) -> Review:
    if ident is None:
        raise BadRowError("review_id: missing")
    products = [product for group in element.all("products") for product in group.all("product")]
    ids = [found for product in products for found in product.all("product_ids")]
    review = Review(
        id=ident,
        rating=_rating(element),
        at=_moment(clean(element.get("review_timestamp"), 40)),
        title=clean(element.get("title"), 200),
        text=clean(element.get("content"), _LONGEST_TEXT),
        pros=_points(element, "pros", "pro"),
        cons=_points(element, "cons", "con"),
        skus=_named(ids, "skus", "sku"),
        gtins=tuple(gtin for gtin in _named(ids, "gtins", "gtin") if valid_gtin(gtin)),
        models=tuple(pair for one in ids for pair in _models(one)),
    )
    if not (review.skus or review.gtins or review.models):
        raise BadRowError("products: no sku, gtin, or brand with mpn")
    return review


def _rating(element: Element) -> float:
    """The overall rating on a scale of 1 to 5, whatever scale the site has."""
    overall = next((one for group in element.all("ratings") for one in group.all("overall")), None)
    if overall is None:
        raise BadRowError("ratings/overall: missing")
    try:
        low, high = float(overall.attributes.get("min", "1")), float(overall.attributes.get("max", "5"))
        value = float(overall.text)
    except ValueError:
        raise BadRowError(f"ratings/overall: {overall.text[:40]!r} is no number") from None
    if not low < high or not low <= value <= high:
        raise BadRowError(f"ratings/overall: {overall.text[:40]!r} is not from {low:g} to {high:g}")
    return round(1 + (BEST - 1) * (value - low) / (high - low), 2)


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRowError(f"review_timestamp: {text!r} is not an ISO 8601 time") from None


def _points(element: Element, group: str, tag: str) -> tuple[str, ...]:
    texts = [clean(one.text, 200) for found in element.all(group) for one in found.all(tag)]
    return tuple(text for text in texts if text)[:MOST_POINTS]


def _named(ids: list[Element], group: str, tag: str) -> tuple[str, ...]:
    texts = [clean(one.text, 64) for found in ids for named in found.all(group) for one in named.all(tag)]
    return tuple(dict.fromkeys(text for text in texts if text))


def _models(ids: Element) -> Iterator[tuple[str, str]]:
    for brand in _named([ids], "brands", "brand"):
        for number in _named([ids], "mpns", "mpn"):
            yield brand.casefold(), number.casefold()
