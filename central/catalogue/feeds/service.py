"""Feeds of a store: how they are set up, when they are due, how they went."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final, cast

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.feeds.fetching import Fetched, FetchError, fetch
from central.catalogue.feeds.offers import Format, Shop
from central.catalogue.feeds.taking import Terms, keep, terms_of
from central.catalogue.feeds.taking import take as take_offers
from central.catalogue.reviews.taking import take as take_reviews
from central.catalogue.schemas import FeedIn, FeedOut, FeedRunOut
from central.catalogue.tables import Feed, FeedRun, Store
from central.catalogue.writing import sales_due, turn_sales
from central.labels.service import sync_public
from central.runtime import Runtime

MAIN: Final = "main"
_RUNS_SHOWN: Final = 10
_SPOOL: Final = 8 * 1024**2


async def put(session: AsyncSession, store: str, name: str, given: FeedIn, now: datetime) -> None:
    """Set a feed up, or change it. A new address is fetched at once, whole."""
    feed = await session.get(Feed, (store, name))
    if feed is None:
        feed = Feed(store=store, name=name)
        session.add(feed)
    if feed.url != given.url:
        feed.etag = feed.last_modified = None
    for field, value in given.model_dump().items():
        setattr(feed, field, value)
    feed.next_at = now if given.url and given.every_minutes else None


async def shown(session: AsyncSession, store: str) -> list[FeedOut]:
    """A store's feeds with their last runs."""
    feeds = (await session.scalars(select(Feed).where(Feed.store == store).order_by(Feed.name))).all()
    return [await _shown(session, feed) for feed in feeds]


async def one(session: AsyncSession, store: str, name: str) -> FeedOut | None:
    """One feed with its last runs."""
    feed = await session.get(Feed, (store, name))
    return await _shown(session, feed) if feed else None


async def _shown(session: AsyncSession, feed: Feed) -> FeedOut:
    statement = select(FeedRun).where(FeedRun.store == feed.store, FeedRun.feed == feed.name)
    runs = (await session.scalars(statement.order_by(FeedRun.id.desc()).limit(_RUNS_SHOWN))).all()
    columns = {name: getattr(feed, name) for name in (*FeedIn.model_fields, "store", "name", "next_at")}
    return FeedOut(**columns, runs=[FeedRunOut.model_validate(run) for run in runs])


async def remove(session: AsyncSession, store: str, name: str) -> bool:
    """Forget a feed's settings; its offers stay. False when there is none."""
    done = await session.execute(delete(Feed).where(Feed.store == store, Feed.name == name).returning(Feed.name))
    return done.first() is not None


async def terms(
    session: AsyncSession, store: str, name: str, format_: Format | None, delta: bool | None
) -> Terms | None:
    """How to take in what is sent under this name: as set up, else by default; None for an unknown store."""
    shop, feed = await session.get(Store, store), await session.get(Feed, (store, name))
    if shop is None:
        return None
    found = terms_of(feed, shop) if feed else Terms(name, "yml", Shop(shop.id, shop.currency, shop.id))
    return replace(found, format=format_ or found.format, delta=found.delta if delta is None else delta)


async def ensure(session: AsyncSession, agreed: Terms) -> None:
    """Whatever is taken in has a row to be seen in."""
    if await session.get(Feed, (agreed.shop.store, agreed.name)) is None:
        session.add(Feed(store=agreed.shop.store, name=agreed.name, format=agreed.format, delta=agreed.delta))


async def take_in(runtime: Runtime, source: BinaryIO, agreed: Terms, origin: str) -> FeedRunOut:
    """Take in what was sent."""
    async with runtime.db.write() as session:
        await ensure(session, agreed)
    return await take(runtime, source, agreed, origin)


async def take(runtime: Runtime, source: BinaryIO, agreed: Terms, origin: str) -> FeedRunOut:
    """Offers or reviews, as the feed is."""
    return await (take_reviews if agreed.format == "reviews" else take_offers)(runtime, source, agreed, origin)


async def take_path(runtime: Runtime, where: str, agreed: Terms) -> FeedRunOut:
    """Take in a file, or what an address gives now. OSError, FetchError."""
    if not where.startswith(("http://", "https://")):
        with Path(where).open("rb") as source:
            return await take_in(runtime, source, agreed, "file")
    with tempfile.SpooledTemporaryFile(_SPOOL) as spool:
        await asyncio.to_thread(fetch, where, cast("BinaryIO", spool), None, None)
        return await take_in(runtime, cast("BinaryIO", spool), agreed, "url")


async def fetch_due(runtime: Runtime) -> None:
    """Fetch what is due, one after the other; begin and end timed sales."""
    now = runtime.clock.now()
    async with runtime.db.read() as session:
        due = (await session.scalars(select(Feed).where(Feed.next_at <= now))).all()
        sales = await sales_due(session, now)
    if sales:
        async with runtime.change() as effects:
            for store in sorted(await turn_sales(effects)):
                await sync_public(effects, store)
    await _fetch_all(runtime, due)


async def _fetch_all(runtime: Runtime, due: Sequence[Feed]) -> None:
    for feed in due:
        if feed.url is None:
            continue
        async with runtime.db.read() as session:
            store = await session.get(Store, feed.store)
        if store is not None:
            await _fetch(runtime, feed, store, feed.url)


async def _fetch(runtime: Runtime, feed: Feed, store: Store, url: str) -> None:
    started = runtime.clock.now()
    state, message = "unchanged", ""
    with tempfile.SpooledTemporaryFile(_SPOOL) as spool:
        source = cast("BinaryIO", spool)
        try:
            got = await asyncio.to_thread(fetch, url, source, feed.etag, feed.last_modified)
        except FetchError as error:
            got, state, message = Fetched(False, feed.etag, feed.last_modified), "failed", str(error)
        if got.changed:
            run = await take(runtime, source, terms_of(feed, store), "url")
            # What was refused must be looked at again, even if the server says that it is the same.
            got = got if run.state == "ok" else Fetched(True, None, None)
        else:
            await _idle(runtime, feed, started, state, message)
    async with runtime.db.write() as session:
        row = await session.get(Feed, (feed.store, feed.name))
        if row is not None and row.url == feed.url:
            row.etag, row.last_modified = got.etag, got.last_modified
            every = row.every_minutes
            row.next_at = runtime.clock.now() + timedelta(minutes=every) if every else None


async def _idle(runtime: Runtime, feed: Feed, started: datetime, state: str, message: str) -> None:
    nothing = dict.fromkeys(("offers", "written", "unchanged", "withdrawn", "bad"), 0)
    row = FeedRun(
        store=feed.store,
        feed=feed.name,
        source="url",
        state=state,
        started_at=started,
        finished_at=runtime.clock.now(),
        message=message[:500],
        errors=[],
        **nothing,
    )
    await keep(runtime, row)
