"""The gate attacked (PRIVACY P10): whatever is asked, whenever, and whatever is subtracted, it is 0 or k."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import StaticPool

import central.tables
from central.analytics import service
from central.analytics.reading import Asked
from central.analytics.rollup import roll_up
from central.analytics.rules import Rules
from central.analytics.tables import Crossing, GroupEntry, OccupancyMinute, QueueMinute, Scan, Stay
from central.catalogue.tables import Store
from central.database import Base
from central.labels.tables import Label

K = 10
START = datetime(2026, 10, 24, tzinfo=UTC)  # over a change of clocks in Berlin
HOUR = timedelta(hours=1)
DAYS = 2
MIDNIGHT = 22
"""Hours after START at which a day begins in Berlin."""
assert central.tables.metadata is Base.metadata


@dataclass
class Crowd:
    """Made-up people: when, where, how long; some are told hours late. In heat everybody is worth one second."""

    seed: int
    rate: float
    late: float
    rows: list[tuple[datetime, type[Base], dict[str, object]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        for hour in range(DAYS * 24):
            busy = self.rate if 6 <= hour % 24 < 20 else self.rate / 10
            for _ in range(min(60, int(chance.expovariate(1 / max(busy, 0.01))))):
                self._person(chance, START + hour * HOUR + timedelta(seconds=chance.uniform(0, 3599)))

    def _person(self, chance: random.Random, at: datetime) -> None:
        told = at + timedelta(minutes=chance.uniform(30, 1500) if chance.random() < self.late else 1)
        gone = at + timedelta(minutes=chance.uniform(2, 100))
        source = chance.choice(["camera", "camera", "uncalibrated"])
        self._say(told, Crossing, line="door", direction="in", at=at, people=1, source=source)
        if chance.random() < 0.95:
            later = max(told, gone)
            self._say(later, Crossing, line="door", direction="out", at=gone, people=1, source=source)
        track, visit = f"c-1-{len(self.rows)}", f"v{len(self.rows)}"
        for zone in chance.sample(["audio", "video"], chance.randint(0, 2)):
            dwell_s = chance.expovariate(1 / 20)
            stay = {"zone": zone, "visit": visit, "track": track, "dwell_s": dwell_s, "stopped": dwell_s > 5}
            for _ in range(chance.choice([1, 1, 3])):
                self._say(told, Stay, **stay, left_at=at, calibrated=source == "camera")
            if chance.random() < 0.5:
                self._say(at, Scan, sku=f"sku-{zone}", visit=visit, at=at)
        self._say(told, GroupEntry, at=at, size=chance.randint(1, 4), calibrated=True)
        self._say(
            told, QueueMinute, zone="till", minute=at, length_mean=1.0, length_max=2, length=1,
            waits={"s": [chance.expovariate(1 / 60)]}, calibrated=True,
        )  # fmt: skip
        cells = [[chance.randint(0, 2), 0, 1.0, 1]]
        self._say(
            told, OccupancyMinute, camera="c", minute=at, cell_m=0.25, cells={"cells": cells}, calibrated=True
        )  # fmt: skip

    def _say(self, told: datetime, table: type[Base], **row: object) -> None:
        self.rows.append((told, table, {"store": "shop", **row}))

    def told(self, after: datetime, before: datetime) -> Iterator[tuple[type[Base], dict[str, object]]]:
        """What arrives in a span of time."""
        return ((table, row) for told, table, row in self.rows if after <= told < before)


async def _database() -> async_sessionmaker[AsyncSession]:
    engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    return async_sessionmaker(engine, expire_on_commit=False)


def _shop() -> Store:
    empty = {"layout": {}, "pricing": {}, "disclosures": {}, "imported_at": START}
    return Store(id="shop", name="Shop", region="EU", currency="EUR", language="en", timezone="Europe/Berlin", **empty)


Numbers = dict[tuple[str, ...], float]


async def _everything(session: AsyncSession, start: datetime, end: datetime) -> Numbers:
    """Every count a reader can get about one interval, by name."""
    found: Numbers = {}
    for source in ("camera", "uncalibrated"):
        asked = Asked.of("shop", "Europe/Berlin", start, end, Rules(k=K), source)
        door = await service.footfall(session, asked, "hour")
        days = await service.footfall(session, asked, "day")
        found[source, "in"], found[source, "out"] = door.entered, door.left
        found[source, "groups"] = door.groups or 0
        assert sum(bucket.entered for bucket in door.buckets) == door.entered
        for number, bucket in enumerate(door.buckets):
            found[source, "bucket", str(bucket.until), str(number), "in"] = bucket.entered
        for bucket in days.buckets:
            found[source, "day", str(bucket.at), "in"] = bucket.entered
        for zone in (await service.dwell(session, asked)).zones:
            found[source, "stays", zone.zone] = zone.stays
            for share in zone.distribution:
                assert share.stays >= K
        for step in (await service.funnel(session, asked)).zones:
            passed, stopped, scanned = step.passed or 0, step.stopped or 0, step.scanned or 0
            found[source, "passed", step.zone], found[source, "stopped", step.zone] = passed, stopped
            found[source, "only passed", step.zone] = passed - stopped
            found[source, "scanned", step.zone] = scanned
            found[source, "only stopped", step.zone] = stopped - scanned
        for queue in (await service.queues(session, asked)).zones:
            found[source, "served", queue.zone] = queue.served
        for ix, iy, seconds in (await service.heatmap(session, asked)).cells:
            found[source, "heat", str(ix), str(iy)] = seconds  # everybody is worth one second
    return found


def _allowed(count: float) -> bool:
    return abs(count) < 0.05 or abs(count) >= K - 0.05


def _attack(snapshots: list[dict[tuple[int, int], Numbers]]) -> None:
    """Each answer; a longer interval minus a shorter one inside it; the same interval asked again later."""
    for answers in snapshots:
        for (low, high), numbers in answers.items():
            assert all(_allowed(count) for count in numbers.values()), numbers
            for inner in answers:
                if low <= inner[0] and inner[1] <= high:
                    _minus(numbers, answers[inner])
    for earlier, later in itertools.pairwise(snapshots):
        for span in earlier:
            _minus(later[span], earlier[span])


def _minus(whole: Numbers, part: Numbers) -> None:
    for name in whole.keys() | part.keys():
        if "bucket" not in name:
            left = whole.get(name, 0) - part.get(name, 0)
            assert _allowed(left), (name, whole.get(name), part.get(name))


async def _live_through(crowd: Crowd, spans: list[tuple[int, int]], ticks: list[int]) -> None:
    make = await _database()
    async with make.begin() as session:
        session.add(_shop())
        for zone in ("audio", "video"):
            names = {"id": f"l-{zone}", "node": "n", "width_px": 296, "height_px": 128, "state": "unknown"}
            session.add(Label(store="shop", zone=zone, sku=f"sku-{zone}", **names))
    snapshots: list[dict[tuple[int, int], Numbers]] = []
    before = START - timedelta(days=1)
    for tick in ticks:
        now = START + tick * HOUR + timedelta(minutes=7)
        async with make.begin() as session:
            for table, row in crowd.told(before, now):
                await session.execute(insert(table).values(**row))
        before = now
        async with make.begin() as session:
            await roll_up(session, _shop(), now, K)
            assert await roll_up(session, _shop(), now, K) == 0, "run again, it changes nothing"
        async with make() as session:
            snapshots.append(
                {span: await _everything(session, START + span[0] * HOUR, START + span[1] * HOUR) for span in spans}
            )
    _attack(snapshots)
    for answers in snapshots:
        for (low, _), numbers in answers.items():
            if low == MIDNIGHT:
                for source in ("camera", "uncalibrated"):
                    inside = numbers[source, "in"] - numbers[source, "out"]
                    assert inside == 0 or inside >= K, "came minus left tells how few are still inside"
    await make.kw["bind"].dispose()


@settings(
    max_examples=8,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),  # an example is a store's two days: not worth minutes of shrinking
    suppress_health_check=list(HealthCheck),
)
@given(
    seed=st.integers(0, 10**6),
    rate=st.sampled_from([0.5, 3.0, 8.0, 20.0]),
    late=st.sampled_from([0.0, 0.05, 0.4]),
    cuts=st.lists(st.integers(0, 24 * DAYS), min_size=2, max_size=2, unique=True),
    ticks=st.lists(st.integers(6, 24 * DAYS + 30), min_size=2, max_size=3, unique=True),
)
def test_nobody_can_be_had_by_subtracting(
    seed: int, rate: float, late: float, cuts: list[int], ticks: list[int]
) -> None:
    spans = list(itertools.combinations(sorted({0, MIDNIGHT, *cuts}), 2))
    asyncio.run(_live_through(Crowd(seed, rate, late), spans, sorted(ticks)))
