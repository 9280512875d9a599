"""Taking a feed in: read and check it as a whole first, then write only what changed, in short transactions.

The checks come before the first write, so a truncated or wrong feed changes nothing; the transactions are short because
visits must not wait for a catalogue. A run that was interrupted goes on with the next: digests tell what is written.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import IO, BinaryIO, Final, cast

from sqlalchemy import delete, select

from central.catalogue.feeds import google, yml
from central.catalogue.feeds.offers import FeedRefusedError, Format, Row, Shop, packed
from central.catalogue.schemas import FeedError, FeedRunOut
from central.catalogue.tables import Feed, FeedRun, Product, Store
from central.catalogue.writing import Offered, put, withdraw
from central.labels.service import sync_public
from central.runtime import Runtime

BATCH: Final = 500
MAX_ERRORS: Final = 100
MAX_BYTES: Final = 2 * 1024**3
"""Unpacked: a gzip bomb ends here."""
_SPOOL: Final = 8 * 1024**2
_PART: Final = 2000
_KEPT: Final = timedelta(days=30)
Known = Mapping[str, tuple[str | None, bool, str | None]]
"""SKU -> (digest, available, feed)."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How to take a feed in."""

    name: str
    format: Format
    shop: Shop
    delta: bool = False
    max_bad_share: float = 0.1
    max_missing_share: float = 0.5


@dataclass(slots=True)
class Reading:
    """What reading a feed found; changed offers wait in `spool`, a JSON line each."""

    spool: IO[str]
    offers: int = 0
    bad: int = 0
    changed: int = 0
    seen: dict[str, int] = field(default_factory=dict)
    errors: list[FeedError] = field(default_factory=list)

    def report(self, line: int, sku: str | None, message: str) -> None:
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(FeedError(line=line, sku=sku, message=message))


class Unpacked:
    """A feed that may be gzipped, read up to a limit."""

    def __init__(self, source: BinaryIO) -> None:
        packed_ = source.read(2) == b"\x1f\x8b"
        source.seek(0)
        self.stream = cast("BinaryIO", gzip.GzipFile(fileobj=source)) if packed_ else source
        if packed_:
            self._measure()

    def _measure(self) -> None:
        """Unpack once into nothing: what is too large or broken is refused before it is looked at."""
        size = 0
        try:
            while data := self.stream.read(1 << 20):
                size += len(data)
                if size > MAX_BYTES:
                    raise FeedRefusedError(f"more than {MAX_BYTES >> 20} MiB unpacked")
        except (OSError, EOFError, zlib.error) as error:
            raise FeedRefusedError(f"gzip: {error}; was it cut off?") from None
        self.stream.seek(0)


def read(reading: Reading, source: BinaryIO, terms: Terms, known: Known) -> None:
    """Every row checked, changed ones spooled. FeedRefusedError when the feed is no feed."""
    rows = (yml.rows if terms.format == "yml" else google.rows)(Unpacked(source).stream, terms.shop)
    try:
        _read_rows(reading, rows, terms, known)
    except (ValueError, ArithmeticError) as error:
        # A row that a reader did not expect must not stop the service that fetched it.
        raise FeedRefusedError(f"row {reading.offers + 1}: cannot be read ({type(error).__name__})") from error


def _read_rows(reading: Reading, rows: Iterable[Row], terms: Terms, known: Known) -> None:
    for row in rows:
        reading.offers += 1
        first = reading.seen.get(row.sku) if row.sku else None
        if row.sku and first is None:
            reading.seen[row.sku] = row.line
        if row.offer is None or first is not None:
            reading.bad += 1
            reading.report(row.line, row.sku, row.problem or f"id: {row.sku!r} was on line {first} already")
            continue
        if row.note:
            reading.report(row.line, row.sku, row.note)
        text, digest = packed(row.offer)
        before = known.get(row.offer.sku)
        if before is None or before[0] != digest or before[2] != terms.name:
            reading.changed += 1
            reading.spool.write(f"{digest}{text}\n")


def missing(reading: Reading, terms: Terms, known: Known) -> list[str]:
    """SKUs that this feed offered before and no longer does. A row that is only bad is not missing."""
    if terms.delta:
        return []
    return [sku for sku, (_, there, feed) in known.items() if there and feed == terms.name and sku not in reading.seen]


def check(reading: Reading, gone: Sequence[str], terms: Terms, known: Known) -> None:
    """FeedRefusedError when too much is wrong: better yesterday's shop than an empty one."""
    if not reading.offers and not terms.delta:
        raise FeedRefusedError("there is no offer in it; nothing was changed")
    if reading.offers and reading.bad / reading.offers > terms.max_bad_share:
        raise FeedRefusedError(
            f"{reading.bad} of {reading.offers} rows are bad, more than the {terms.max_bad_share:.0%} allowed;"
            " nothing was changed"
        )
    there = sum(1 for _, available, feed in known.values() if available and feed == terms.name)
    if there and len(gone) / there > terms.max_missing_share:
        raise FeedRefusedError(
            f"{len(gone)} of {there} offers on sale are missing, more than the {terms.max_missing_share:.0%} allowed;"
            " nothing was changed (send it as a delta, or raise max_missing_share once)"
        )


async def take(runtime: Runtime, source: BinaryIO, terms: Terms, origin: str) -> FeedRunOut:
    """Take a feed in and note how it went. `origin`: file | post | url."""
    started = runtime.clock.now()
    known = await _known(runtime, terms.shop.store)
    reading = Reading(tempfile.SpooledTemporaryFile(_SPOOL, "w+", encoding="utf-8"))  # noqa: SIM115 - closed below
    try:
        gone = await asyncio.to_thread(_judge, reading, source, terms, known)
    except FeedRefusedError as error:
        reading.spool.close()
        return await note(runtime, terms, origin, "refused", started, reading, message=str(error))
    with reading.spool:
        await _write(runtime, terms, reading, gone)
    return await note(runtime, terms, origin, "ok", started, reading, withdrawn=len(gone))


async def _known(runtime: Runtime, store: str) -> dict[str, tuple[str | None, bool, str | None]]:
    """What the store has, a part at a time: the event loop goes on meanwhile."""
    known = {}
    columns = select(Product.sku, Product.digest, Product.available, Product.feed).where(Product.store == store)
    async with runtime.db.read() as session:
        found = await session.stream(columns.execution_options(yield_per=_PART))
        async for part in found.partitions():
            known.update({sku: (digest, available, feed) for sku, digest, available, feed in part})
    return known


def _judge(reading: Reading, source: BinaryIO, terms: Terms, known: Known) -> list[str]:
    """Read and check; the offers that are gone. Runs in a thread."""
    read(reading, source, terms, known)
    gone = missing(reading, terms, known)
    check(reading, gone, terms, known)
    return gone


async def _write(runtime: Runtime, terms: Terms, reading: Reading, gone: Sequence[str]) -> None:
    store_id, relabel = terms.shop.store, False
    reading.spool.seek(0)
    batches = _batches(reading.spool)
    while batch := await asyncio.to_thread(next, batches, None):
        async with runtime.change() as effects:
            store = await effects.session.get(Store, store_id)
            assert store is not None
            relabel = bool(await put(effects, store, terms.name, batch)) or relabel
    for start in range(0, len(gone), BATCH):
        async with runtime.change() as effects:
            await withdraw(effects.session, store_id, gone[start : start + BATCH])
    if relabel:
        async with runtime.change() as effects:
            await sync_public(effects, store_id)


def _batches(spool: IO[str]) -> Iterator[list[Offered]]:
    while lines := list(islice(spool, BATCH)):
        bodies = [(line[:32], json.loads(line[32:])) for line in lines]
        yield [Offered(body["sku"], digest, body) for digest, body in bodies]


async def note(
    runtime: Runtime,
    terms: Terms,
    origin: str,
    state: str,
    started: datetime,
    reading: Reading | None,
    *,
    withdrawn: int = 0,
    message: str = "",
) -> FeedRunOut:
    """Write down how a reading went."""
    done = state == "ok" and reading is not None
    row = FeedRun(
        store=terms.shop.store,
        feed=terms.name,
        source=origin,
        state=state,
        started_at=started,
        finished_at=runtime.clock.now(),
        offers=reading.offers if reading else 0,
        written=reading.changed if reading and done else 0,
        unchanged=reading.offers - reading.bad - reading.changed if reading and done else 0,
        withdrawn=withdrawn,
        bad=reading.bad if reading else 0,
        message=message[:500],
        errors=[error.model_dump() for error in reading.errors] if reading else [],
    )
    return await keep(runtime, row)


async def keep(runtime: Runtime, row: FeedRun) -> FeedRunOut:
    """Write a run down, and forget those of long ago."""
    old = FeedRun.started_at < row.started_at - _KEPT
    async with runtime.db.write() as session:
        await session.execute(delete(FeedRun).where(FeedRun.store == row.store, FeedRun.feed == row.feed, old))
        session.add(row)
        await session.flush()
        return FeedRunOut.model_validate(row)


def terms_of(feed: Feed, store: Store) -> Terms:
    """The terms of a feed that is set up."""
    return Terms(
        name=feed.name,
        format=cast("Format", feed.format),
        shop=Shop(store.id, store.currency, feed.outlet or store.id),
        delta=feed.delta,
        max_bad_share=feed.max_bad_share,
        max_missing_share=feed.max_missing_share,
    )
