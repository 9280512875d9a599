"""Answers about a month of one store from the roll-ups, the same from raw rows, and the bare read of the roll-up."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from measure import Result
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession
from store_month import Month, tables

from central.analytics import service
from central.analytics.reading import Asked
from central.analytics.rollup import roll_up
from central.analytics.rules import Rules
from central.catalogue.tables import Store
from central.database import Database
from central.schema import migrate
from central.settings import async_url

START = datetime(2026, 9, 30, 22, tzinfo=UTC)  # midnight in Berlin
DAYS, ROUNDS = 30, 9
ZONE = "Europe/Berlin"
Question = Callable[[AsyncSession, Asked], Awaitable[object]]
QUESTIONS: dict[str, Question] = {
    "footfall": lambda session, asked: service.footfall(session, asked, "hour"),
    "dwell": service.dwell,
    "funnel": service.funnel,
    "queues": service.queues,
    "heatmap": service.heatmap,
    "compare": lambda session, asked: service.compare(session, [asked, asked]),
}
RAW = {
    "footfall": "SELECT at - at % 3600000, direction, sum(people) FROM crossings WHERE store = 'shop' AND at >= {low} "
    "AND at < {high} GROUP BY 1, 2",
    "dwell": "SELECT zone, dwell_s, row_number() OVER (PARTITION BY zone ORDER BY dwell_s) FROM stays "
    "WHERE store = 'shop' AND left_at >= {low} AND left_at < {high}",
}
BARE = "SELECT series, source, place, people, sums FROM analytics_days WHERE store = 'shop' AND series IN ({series})"
SERIES = {"footfall": "'in', 'out', 'groups'", "dwell": "'passed', 'stopped', 'scanned'"}


async def fill(database: Database, month: Month) -> tuple[int, float]:
    """A month of days, each counted when it is over; (raw rows, median seconds of counting a day)."""
    await migrate(database)
    nothing = {"layout": {}, "pricing": {}, "disclosures": {}, "imported_at": START}
    store = Store(id="shop", name="S", region="EU", currency="EUR", language="en", timezone=ZONE, **nothing)
    async with database.write() as session:
        session.add(store)
    rows, counting = 0, []
    for number in range(month.days):
        made = month.day(number)
        async with database.write() as session:
            for table in tables():
                rows += len(made[table])
                if made[table]:
                    await session.execute(insert(table), made[table])
        begin = time.perf_counter()
        async with database.write() as session:
            await roll_up(session, store, month.start + timedelta(days=number + 1, hours=1), 10)
        counting.append(time.perf_counter() - begin)
    if not database.sqlite:
        async with database.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("ANALYZE"))
    return rows, median(counting)


async def ms(database: Database, work: Callable[[AsyncSession], Awaitable[object]]) -> float:
    """Median wall milliseconds of an answer, with a session of its own as in a request."""
    seen = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        async with database.read() as session:
            await work(session)
        seen.append((time.perf_counter() - begin) * 1e3)
    return median(seen)


def asked(month: Month) -> Asked:
    """The whole month."""
    return Asked.of("shop", ZONE, month.start, month.start + timedelta(days=month.days), Rules())


def run() -> Iterator[Result | str]:
    """On SQLite in a temporary folder of this machine's disk."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        yield from asyncio.run(_compare(f"sqlite:///{Path(folder) / 'central.db'}"))


async def _compare(url: str) -> list[Result]:
    database, month = Database(async_url(url)), Month(START, DAYS)
    try:
        await fill(database, month)
        question, results = asked(month), []
        low, high = (round(at.timestamp() * 1000) for at in (question.start, question.end))
        for name, raw in RAW.items():
            ours = await ms(database, lambda session, name=name: QUESTIONS[name](session, question))  # type: ignore[misc]
            peer = await ms(database, _sql(raw.format(low=low, high=high)))
            limit = await ms(database, _sql(BARE.format(series=SERIES[name])))
            peer_name, limit_name = "the same from the raw rows in SQL", "bare read of the rows of the roll-up"
            label = f"analytics {name}, a month"
            results.append(Result(label, "ms", ours, peer, peer_name, peer / ours, limit, limit_name))
        return results
    finally:
        await database.close()


def _sql(statement: str) -> Callable[[AsyncSession], Awaitable[object]]:
    async def read(session: AsyncSession) -> object:
        return (await session.execute(text(statement))).all()

    return read


async def _every(url: str) -> None:
    database, month = Database(async_url(url)), Month(START, DAYS)
    rows, counting = await fill(database, month)
    print(f"{url.partition(':')[0]}: {rows} raw rows, a day counted in {counting:.2f} s")
    for name, question in QUESTIONS.items():
        begin = time.process_time()
        wall = await ms(database, lambda session, q=question: q(session, asked(month)))  # type: ignore[misc]
        own = (time.process_time() - begin) * 1e3 / ROUNDS
        print(f"  {name}: {wall:.1f} ms (median), {own:.1f} ms of it CPU of this process")
    await database.close()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    place = Path(tempfile.mkdtemp(dir="."))
    try:
        asyncio.run(_every(sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{place / 'central.db'}"))
    finally:
        shutil.rmtree(place)
