"""Taking a review feed in: read and check it as a whole first, then write what changed, as with offers."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import IO, Any, BinaryIO, Final

from sqlalchemy import delete, insert, select

from central.catalogue.feeds.offers import FeedRefusedError
from central.catalogue.feeds.taking import BATCH, Reading, Terms, Unpacked, note
from central.catalogue.gtin import same
from central.catalogue.reviews.reading import Review, rows
from central.catalogue.schemas import FeedRunOut
from central.catalogue.tables import Product, ProductReview
from central.runtime import Runtime

_SPOOL: Final = 8 * 1024**2
_PART: Final = 2000


@dataclass(slots=True)
class Goods:
    """The store's products by everything a review may name them by."""

    skus: set[str] = field(default_factory=set)
    gtins: dict[str, list[str]] = field(default_factory=dict)
    models: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def of(self, review: Review) -> list[str]:
        """The SKUs a review is about; none: nothing this store sells."""
        found = [sku for sku in review.skus if sku in self.skus]
        for gtin in review.gtins:
            found += [sku for form in same(gtin) for sku in self.gtins.get(form, ())]
        if not found:
            found = [sku for pair in review.models for sku in self.models.get(pair, ())]
        return sorted(set(found))


@dataclass(slots=True)
class Found:
    """What reading a feed came to, beside what `Reading` counts."""

    elsewhere: int = 0
    """Reviews of products this store does not have."""
    gone: set[str] = field(default_factory=set)
    """Ids of reviews to take away."""


async def take(runtime: Runtime, source: BinaryIO, terms: Terms, origin: str) -> FeedRunOut:
    """Take a feed of reviews in and note how it went. `origin`: file | post | url."""
    started = runtime.clock.now()
    goods, known = await _goods(runtime, terms.shop.store), await _known(runtime, terms)
    reading = Reading(tempfile.SpooledTemporaryFile(_SPOOL, "w+", encoding="utf-8"))  # noqa: SIM115 - closed below
    with reading.spool:
        try:
            found = await asyncio.to_thread(_judge, reading, source, terms, goods, known)
        except FeedRefusedError as error:
            return await note(runtime, terms, origin, "refused", started, reading, message=str(error))
        await _write(runtime, terms, reading, found.gone)
    said = f"{found.elsewhere} reviews of products this store does not have" if found.elsewhere else ""
    return await note(runtime, terms, origin, "ok", started, reading, withdrawn=len(found.gone), message=said)


async def _goods(runtime: Runtime, store: str) -> Goods:
    goods = Goods()
    columns = select(Product.sku, Product.gtin, Product.brand, Product.model).where(Product.store == store)
    async with runtime.db.read() as session:
        found = await session.stream(columns.execution_options(yield_per=_PART))
        async for part in found.partitions():
            for sku, gtin, brand, model in part:
                goods.skus.add(sku)
                if gtin:
                    goods.gtins.setdefault(gtin, []).append(sku)
                if brand and model:
                    goods.models.setdefault((brand.casefold(), model.casefold()), []).append(sku)
    return goods


async def _known(runtime: Runtime, terms: Terms) -> dict[str, str]:
    """Digest by id of the reviews of this feed that are kept."""
    mine = (ProductReview.store == terms.shop.store, ProductReview.feed == terms.name)
    async with runtime.db.read() as session:
        rows_ = (await session.execute(select(ProductReview.id, ProductReview.digest).where(*mine).distinct())).all()
    return {row.id: row.digest for row in rows_}


def _judge(reading: Reading, source: BinaryIO, terms: Terms, goods: Goods, known: Mapping[str, str]) -> Found:
    """Read and check everything. Runs in a thread."""
    found = Found()
    try:
        _read(reading, found, source, goods, known)
    except (ValueError, ArithmeticError) as error:
        raise FeedRefusedError(f"review {reading.offers + 1}: cannot be read ({type(error).__name__})") from error
    if not terms.delta:
        found.gone |= {ident for ident in known if ident not in reading.seen}
    found.gone &= known.keys()
    _check(reading, found, terms, known)
    return found


def _read(reading: Reading, found: Found, source: BinaryIO, goods: Goods, known: Mapping[str, str]) -> None:
    for row in rows(Unpacked(source).stream):
        if row.review is None and not row.problem:
            found.gone |= {row.id} if row.id else set()
            continue
        reading.offers += 1
        first = reading.seen.get(row.id) if row.id else None
        if row.id and first is None:
            reading.seen[row.id] = row.line
        if row.review is None or first is not None:
            reading.bad += 1
            reading.report(row.line, row.id, row.problem or f"review_id: {row.id!r} was on line {first} already")
            continue
        skus = goods.of(row.review)
        if not skus:
            found.elsewhere += 1
            found.gone.add(row.review.id)
            continue
        text, digest = row.review.packed(skus)
        if known.get(row.review.id) != digest:
            reading.changed += 1
            reading.spool.write(f"{digest}{text}\n")


def _check(reading: Reading, found: Found, terms: Terms, known: Mapping[str, str]) -> None:
    if not reading.offers and not terms.delta:
        raise FeedRefusedError("there is no review in it; nothing was changed")
    if reading.offers and reading.bad / reading.offers > terms.max_bad_share:
        raise FeedRefusedError(
            f"{reading.bad} of {reading.offers} reviews are bad, more than the {terms.max_bad_share:.0%} allowed;"
            " nothing was changed"
        )
    if not terms.delta and known and len(found.gone) / len(known) > terms.max_missing_share:
        raise FeedRefusedError(
            f"{len(found.gone)} of {len(known)} reviews are missing, more than the {terms.max_missing_share:.0%}"
            " allowed; nothing was changed (send it as a delta, or raise max_missing_share once)"
        )


async def _write(runtime: Runtime, terms: Terms, reading: Reading, gone: Iterable[str]) -> None:
    reading.spool.seek(0)
    batches = _batches(reading.spool)
    while batch := await asyncio.to_thread(next, batches, None):
        await _replace(runtime, terms, [body["id"] for body in batch], batch)
    left = sorted(gone)
    for start in range(0, len(left), BATCH):
        await _replace(runtime, terms, left[start : start + BATCH], ())


def _batches(spool: IO[str]) -> Iterator[list[dict[str, Any]]]:
    while lines := list(islice(spool, BATCH)):
        yield [{**json.loads(line[32:]), "digest": line[:32]} for line in lines]


async def _replace(runtime: Runtime, terms: Terms, ids: Sequence[str], bodies: Sequence[Mapping[str, Any]]) -> None:
    store = terms.shop.store
    mine = (ProductReview.store == store, ProductReview.feed == terms.name, ProductReview.id.in_(ids))
    fields = ("id", "rating", "title", "text", "pros", "cons", "digest")
    rows_ = [
        {**{name: body[name] for name in fields}, "store": store, "feed": terms.name, "sku": sku, "at": _time(body)}
        for body in bodies
        for sku in body["skus"]
    ]
    async with runtime.db.write() as session:
        await session.execute(delete(ProductReview).where(*mine))
        if rows_:
            await session.execute(insert(ProductReview), rows_)


def _time(body: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(body["at"] / 1000, UTC)
