"""Figures of the floor against plain Python, on both databases."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from central.analytics import service
from central.analytics.export import as_csv, as_parquet, sheet_of
from central.analytics.live import live
from central.analytics.reading import Asked
from central.analytics.rollup import roll_up
from central.analytics.routes import day_start
from central.analytics.rules import Rules, rules_of, set_rules
from central.analytics.tables import Crossing, DayFigure, Figure, OccupancyMinute, Stay
from central.catalogue.tables import Store
from central.ingest.tables import Event
from central.privacy.retention import forget_old
from central.privacy.service import record as record_consent
from central.sales.tables import Sale, SaleLine
from contract.events import (
    CounterReported,
    FloorOccupancy,
    GroupEntered,
    LineCrossed,
    ProductScanned,
    QueueMeasured,
    VisitIdentified,
    VisitStarted,
    ZoneEntered,
    ZoneLeft,
)
from contract.quality import Audit, CameraCalibration, CountError, DwellError

HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)


async def _count(shop: Any) -> int:
    """What the service does once a minute."""
    async with shop.runtime.db.write() as session:
        store = await session.get(Store, "shop")
        return await roll_up(session, store, shop.now, (await rules_of(session, "shop", shop.runtime.settings)).k)


def _asked(start: datetime, end: datetime, source: Any = None, timezone: str = "UTC") -> Asked:
    return Asked.of("shop", timezone, start, end, Rules(), source)


async def _ask(shop: Any, question: Any, start: datetime, end: datetime, *rest: Any, source: Any = None) -> Any:
    async with shop.runtime.db.read() as session:
        return await question(session, _asked(start, end, source), *rest)


async def _rows(shop: Any, table: Any) -> int:
    async with shop.runtime.db.read() as session:
        return int(await session.scalar(select(func.count()).select_from(table)) or 0)


def _stay(shop: Any, number: int, zone: str = "audio", dwell_s: float = 30.0, **more: Any) -> ZoneLeft:
    return ZoneLeft(track=f"floor-1-{number}", zone=zone, dwell_s=dwell_s, at=more.pop("at", shop.now), **more)


def _cross(number: int, at: datetime, direction: str = "in", **more: Any) -> LineCrossed:
    return LineCrossed.model_validate(
        {"track": f"floor-1-{number}", "line": "door", "direction": direction, "at": at, **more}
    )


async def test_dwell_counts_everybody_once_and_estimates_percentiles(shop: Any) -> None:
    await shop.load()
    chance = random.Random(3)
    times = [round(chance.expovariate(1 / 60), 3) for _ in range(400)]
    await shop.feed(*(_stay(shop, number, dwell_s=seconds) for number, seconds in enumerate(times)))
    await shop.feed(*(_stay(shop, 1000 + number, "video") for number in range(9)))
    start = shop.now
    assert await _count(shop) == 0, "the hour is not over"
    shop.wait(3600 + 301)
    assert await _count(shop) > 0
    found = await _ask(shop, service.dwell, start, start + HOUR)
    (zone,) = found.zones  # nine people in the other one are nobody's business
    assert (zone.zone, zone.stays, found.held_back, found.least_people) == ("audio", 400, True, 10)
    assert abs(zone.total_s - sum(times)) < 1
    times.sort()
    assert abs(zone.p50_s / times[199] - 1) < 0.1
    assert abs(zone.p90_s / times[359] - 1) < 0.15
    assert sum(share.stays for share in zone.distribution) in range(395, 406)
    assert (await _ask(shop, service.dwell, start + HOUR, start + 2 * HOUR)).zones == []
    await shop.feed(*(_stay(shop, 2000 + number, "video", at=start) for number in range(5)))  # a day late
    shop.wait(86400)
    await _count(shop)
    later = await _ask(shop, service.dwell, start, start + HOUR)
    assert {zone.zone: zone.stays for zone in later.zones} == {"audio": 400, "video": 14}


async def test_coming_back_within_the_hour_is_one_person_and_staff_are_nobody(shop: Any) -> None:
    await shop.load()
    await shop.feed(VisitStarted(visit="guard", method="staff", device="door-1", at=shop.now))
    known = {"stage": "final", "confidence": 1, "first_usable_at": shop.now, "at": shop.now, "device": "door-1"}
    await shop.feed(VisitIdentified.model_validate({"visit": "guard", "subject": "a" * 32, "method": "staff", **known}))
    await shop.feed(*(_stay(shop, number % 12, dwell_s=10.0) for number in range(36)))
    await shop.feed(*(_stay(shop, 50 + number, visit="guard") for number in range(30)))
    start = shop.now
    shop.wait(4000)
    await _count(shop)
    (zone,) = (await _ask(shop, service.dwell, start, start + HOUR)).zones
    assert (zone.stays, zone.total_s) == (12, 360.0)


async def test_footfall_by_local_hour_and_day_over_a_change_of_clocks(shop: Any, import_document: Any) -> None:
    await shop.load(import_document(timezone="Europe/Berlin"))
    shop.clock.advance((datetime(2026, 10, 25, 20, tzinfo=UTC) - shop.now).total_seconds())
    night = datetime(2026, 10, 25, 0, tzinfo=UTC)  # 02:00 in Berlin, for the first time
    await shop.feed(*(_cross(number, night + number * 6 * MINUTE) for number in range(30)))  # 02:00, 02:00, 03:00
    await _count(shop)
    async with shop.runtime.db.read() as session:
        asked = _asked(night - 2 * HOUR, night + 23 * HOUR, timezone="Europe/Berlin")
        hours = await service.footfall(session, asked, "hour")
        days = await service.footfall(session, asked, "day")
    assert [(bucket.at, bucket.entered) for bucket in hours.buckets] == [(night + n * HOUR, 10) for n in range(3)]
    (day,) = days.buckets
    assert (day.at, day.until - day.at, day.entered) == (night - 2 * HOUR, 25 * HOUR, 30)


async def test_small_hours_are_merged_and_the_rest_of_a_day_waits(shop: Any) -> None:
    await shop.load()
    start = shop.now.replace(hour=8)
    people = [4, 4, 4, 11, 9]
    await shop.feed(
        *(_cross(100 * h + n, start + h * HOUR + n * MINUTE) for h, count in enumerate(people) for n in range(count))
    )
    shop.wait(86400)
    await _count(shop)
    found = await _ask(shop, service.footfall, start, start + 10 * HOUR, "hour")
    told = [(bucket.since - start, bucket.until - start, bucket.entered) for bucket in found.buckets]
    assert told == [(timedelta(0), 3 * HOUR, 12), (3 * HOUR, 4 * HOUR, 11)]
    assert (found.entered, found.held_back) == (23, True)
    part = await _ask(shop, service.footfall, start, start + 2 * HOUR, "hour")
    assert part.buckets == []


async def test_the_figures_do_not_tell_how_few_are_still_inside(shop: Any) -> None:
    await shop.load()
    start = shop.now
    await shop.feed(*(_cross(number, start) for number in range(40)))
    await shop.feed(*(_cross(number, start, "out") for number in range(37)))
    shop.wait(4000)
    await _count(shop)
    found = await _ask(shop, service.footfall, start, start + HOUR, "hour")
    assert (found.entered, found.left) == (40, 30), "seven of those who left wait: 10 or fewer are inside"


async def test_heat_needs_ten_people_a_cell_and_shows_what_there_is(shop: Any) -> None:
    await shop.load()
    start = shop.now
    busy, quiet = ((4, 2), 12), ((9, 9), 9)
    for camera in ("a", "b"):  # both see the same people
        cells = tuple((*cell, float(people)) for cell, people in (busy, quiet))
        people = tuple(people for _, people in (busy, quiet))
        await shop.feed(FloorOccupancy(camera=camera, minute=start, cells=cells, people=people))
    await shop.feed(FloorOccupancy(camera="old", minute=start, cells=((20, 20, 55.0),)))
    now = await _live(shop)
    assert {tuple(cell[:2]) for cell in now.heat.cells} == {(4, 2), (9, 9), (20, 20)}, "live is for those who are there"
    shop.wait(4000)
    await _count(shop)
    found = await _ask(shop, service.heatmap, start, start + HOUR)
    assert (found.cell_m, found.cells, found.held_back) == (0.25, [(4, 2, 24.0)], True)
    later = start + 2 * HOUR
    await shop.feed(FloorOccupancy(camera="a", minute=later, cells=((9, 9, 3.0),), people=(1,)))
    shop.wait(3 * 3600)
    await _count(shop)
    found = await _ask(shop, service.heatmap, start, start + 3 * HOUR)
    assert found.cells == [(4, 2, 24.0), (9, 9, 21.0)], "quiet places are shown when they have their ten"
    assert (await _ask(shop, service.heatmap, start, start + 3 * HOUR, 14)).cells == [(9, 9, 21.0)]


async def _live(shop: Any) -> Any:
    async with shop.runtime.db.read() as session:
        return await live(session, "shop", shop.now, day_start(shop.now, "Europe/Berlin"))


async def test_live_counts_people_not_identities(shop: Any) -> None:
    await shop.load()
    await shop.arrive("v1")
    await shop.feed(
        ZoneEntered(track="c-1-1", visit="v1", zone="audio", at=shop.now),
        ZoneEntered(track="c-1-2", zone="audio", at=shop.now),
        ZoneEntered(track="c-1-3", zone="video", at=shop.now),
        QueueMeasured(zone="till", minute=shop.now, length_mean=1.5, length_max=3, length=2),
        _cross(1, shop.now),
    )
    shop.wait(2)
    await shop.feed(ZoneLeft(track="c-1-3", zone="video", dwell_s=2, at=shop.now))
    found = await _live(shop)
    assert [(zone.zone, zone.people, zone.identified) for zone in found.zones] == [("audio", 2, 1)]
    assert (found.people, found.visits_open, found.entered_today) == (2, 1, 1)
    assert [(queue.zone, queue.length) for queue in found.queues] == [("till", 2)]
    shop.wait(3600)
    assert (await _live(shop)).people == 0


async def test_queues_and_groups(shop: Any) -> None:
    await shop.load()
    start = shop.now
    waits = [float(20 + number * 10) for number in range(15)]
    for number, seconds in enumerate(waits):
        minute = start + number * MINUTE
        event = QueueMeasured(zone="till", minute=minute, length_mean=2.0, length_max=3, length=2, waits=(seconds,))
        await shop.feed(event, GroupEntered(size=number % 3 + 1, line="door", at=minute))
    shop.wait(4000)
    await _count(shop)
    (till,) = (await _ask(shop, service.queues, start, start + HOUR)).zones
    assert (till.served, till.length_mean, till.wait_mean_s) == (15, 2.0, sum(waits) / 15)
    assert 60 < till.wait_p50_s < till.wait_p90_s
    assert [(hour.at, hour.served) for hour in till.hours] == [(start, 15)]
    found = await _ask(shop, service.footfall, start, start + HOUR, "hour")
    assert (found.groups, found.group_size) == (15, 2.0)


async def test_other_counters_are_booked_by_difference_and_never_on_top_of_ours(shop: Any) -> None:
    await shop.load()
    start = shop.now

    def says(entered: int, minutes: float, line: str = "back", reset: datetime = start) -> CounterReported:
        at = start + timedelta(minutes=minutes)
        return CounterReported(line=line, entered=entered, since=reset, device="cam", at=at)

    await shop.feed(says(500, 0), says(512, 1), says(520, 3), says(516, 2), says(520, 4))  # 3 overtook 2
    await shop.feed(says(7, 12, reset=start + 10 * MINUTE))  # reset at 10
    await shop.feed(says(0, 0, "door"), says(300, 5, "door"), *(_cross(number, start) for number in range(11)))
    shop.wait(4000)
    await _count(shop)
    counter = await _ask(shop, service.footfall, start, start + HOUR, "hour", source="counter")
    ours = await _ask(shop, service.footfall, start, start + HOUR, "hour")
    assert (counter.entered, counter.accuracy.count) == (20 + 7, "unmeasured")
    assert (ours.entered, ours.source, ours.sources) == (11, "camera", ["camera", "counter"])


async def test_the_funnel_shows_steps_with_enough_people_on_both_sides(shop: Any) -> None:
    await shop.load()
    start = shop.now
    await shop.feed(*(_stay(shop, number, dwell_s=2.0) for number in range(20)))
    await shop.feed(*(_stay(shop, 100 + number, dwell_s=40.0, visit=f"v{number}") for number in range(30)))
    await shop.feed(*(ProductScanned(sku="HP-1", device="s", visit=f"v{n}", at=start) for n in range(15) for _ in "ab"))
    await shop.feed(ProductScanned(sku="HP-1", device="s", at=start))
    async with shop.runtime.db.write() as session:
        for number in range(12):
            at, names = start + HOUR, {"channel": "till", "scope": "shop"}
            session.add(
                Sale(**names, id=str(number), store="shop", visit=f"v{number}", currency="EUR", at=at, recorded_at=at)
            )
            await session.flush()
            session.add(SaleLine(**names, sale=str(number), sku="HP-1", quantity=1, price=100))
    shop.wait(4000)
    await _count(shop)
    (zone,) = (await _ask(shop, service.funnel, start, start + HOUR)).zones
    assert (zone.passed, zone.stopped, zone.scanned, zone.bought) == (50, 30, 15, None)
    shop.wait(86400)
    await _count(shop)
    (zone,) = (await _ask(shop, service.funnel, start.replace(hour=0), start.replace(hour=0) + DAY)).zones
    assert (zone.passed, zone.stopped, zone.scanned, zone.bought) == (50, 30, 15, 12)


async def _order(session: Any, number: int, subject: str, at: datetime, sku: str = "HP-1") -> None:
    names = {"channel": "site", "scope": "web"}
    session.add(Sale(**names, id=f"o{number}", store="shop", subject=subject, currency="EUR", at=at, recorded_at=at))
    await session.flush()
    session.add(SaleLine(**names, sale=f"o{number}", sku=sku, quantity=1, price=100))


async def test_orders_on_the_site_after_a_stay_count_for_the_shelf(shop: Any) -> None:
    await shop.load()
    start = shop.now
    people = [f"{number:032x}" for number in range(1, 15)]
    for number, subject in enumerate(people):
        await shop.arrive(f"v{number}", subject)
        async with shop.runtime.change() as effects:
            given = {"text_version": "1", "text_sha256": "0" * 64, "channel": "test", "given_at": shop.now}
            await record_consent(effects, subject, {"analytics": number < 13}, **given)
    await shop.feed(*(_stay(shop, 100 + n, dwell_s=40.0, visit=f"v{n}") for n in range(14)))
    for day, buyers in ((1, people), (2, people[:4] * 3), (20, people)):
        async with shop.runtime.db.write() as session:
            for number, subject in enumerate(buyers):
                await _order(session, 100 * day + number, subject, start + day * DAY)
            await _order(session, 100 * day + 99, people[0], start + day * DAY, sku="TV-1")
    shop.wait(86_400 * 22)
    await _count(shop)
    first = start.replace(hour=0)
    asked = [(first, first + 2 * DAY), (first + 2 * DAY, first + 3 * DAY), (first + 3 * DAY, first + 21 * DAY)]
    found = [(await _ask(shop, service.funnel, *period)).zones for period in asked]
    # 13 agreed to be counted; four people who order twelve times are four; a fortnight later it is no longer the shelf
    ordered = [sum(zone.ordered or 0 for zone in zones if zone.zone == "audio") for zones in found]
    assert ordered == [13, 0, 0]


def _calibration(shop: Any, camera: str, audit: Audit | None) -> CameraCalibration:
    return CameraCalibration(camera=camera, state="VALID", audit=audit, at=shop.now)


async def test_every_answer_says_how_far_it_may_be_off(shop: Any) -> None:
    await shop.load()
    start = shop.now
    await shop.feed(*(_cross(number, start) for number in range(20)))
    await shop.feed(*(_cross(100 + number, start, calibrated=False) for number in range(15)))
    shop.wait(4000)
    await _count(shop)
    plain = await _ask(shop, service.footfall, start, start + HOUR, "hour")
    assert (plain.entered, plain.accuracy.count, plain.accuracy.count_error) == (20, "unmeasured", None)
    assert plain.sources == ["camera", "uncalibrated"], "never silently together"
    count = CountError(counted=200, missed=3, extra=1, share=-0.01, low=-0.036, high=0.012)
    time = DwellError(timed=60, missed=0, extra=0, mean_abs_s=0.3, high_s=0.9, bias_s=0.1)
    audit = Audit(at=start, until=start + 30 * DAY, seconds=900, count=count, dwell=time)
    await shop.feed(CameraCalibration(camera="floor", state="VALID", audit=audit, at=start))
    told = await _ask(shop, service.footfall, start, start + HOUR, "hour")
    assert (told.accuracy.count, told.accuracy.count_error, told.accuracy.dwell) == ("B", 0.036, "B")
    shop.wait(60)
    await shop.feed(_calibration(shop, "floor", None))
    shop.wait(3600)
    after = await _ask(shop, service.footfall, start, shop.now, "hour")
    assert after.accuracy.count == "unmeasured", "a camera that was moved has lost its audit"


async def test_days_and_stores_beside_each_other_and_as_files(shop: Any) -> None:
    await shop.load()
    start = shop.now.replace(hour=0)
    shop.wait(2 * 86400)
    marks = [(0, 9, 30), (0, 10, 12), (1, 9, 55)]
    events = [
        _cross(1000 * day + 100 * hour + number, start + day * DAY + hour * HOUR)
        for day, hour, people in marks
        for number in range(people)
    ]
    await shop.feed(*events)
    await _count(shop)
    async with shop.runtime.db.read() as session:
        one, other = _asked(start, start + DAY), _asked(start + DAY, start + 2 * DAY)
        found = await service.compare(session, [one, other])
        door = await service.footfall(session, _asked(start, start + 2 * DAY), "hour")
    assert [side.entered for side in found.sides] == [42, 55]
    assert [(hour.hour, hour.entered) for hour in found.sides[0].hours] == [(9, 30), (10, 12)]
    sheet = sheet_of("shop", door)
    rows = list(csv.DictReader(io.StringIO(as_csv(sheet).decode())))
    assert [int(row["entered"]) for row in rows] == [30, 12, 55]
    assert {row["count_class"] for row in rows} == {"unmeasured"}
    assert _parquet_entered(as_parquet(sheet)) == 97


def _parquet_entered(data: bytes) -> int:
    import tempfile

    import duckdb

    with tempfile.NamedTemporaryFile(suffix=".parquet") as file, duckdb.connect(":memory:") as engine:
        file.write(data)
        file.flush()
        row = engine.execute("SELECT sum(entered) FROM read_parquet($1)", [file.name]).fetchone()
    assert row is not None
    return int(row[0])


async def test_raw_rows_go_and_sums_stay(shop: Any) -> None:
    await shop.load()
    start = shop.now
    minute = start
    await shop.feed(*(_stay(shop, number) for number in range(20)), *(_cross(number, start) for number in range(20)))
    await shop.feed(FloorOccupancy(camera="a", minute=minute, cells=((1, 1, 20.0),), people=(15,)))
    shop.wait(4000)
    await _count(shop)
    assert await _tracks(shop) == Counter({None: 20}), "a track is forgotten when the stay is counted"
    shop.wait(50 * 3600)
    await _sweep(shop)
    for table in (Stay, Crossing, OccupancyMinute):
        assert await _rows(shop, table) == 0
    async with shop.runtime.db.read() as session:
        kinds = Counter((await session.scalars(select(Event.kind))).all())
    assert not kinds.keys() & {"zone.left", "line.crossed", "floor.occupancy"}, "nobody's track ids live minutes"
    async with shop.runtime.db.write() as session:
        await set_rules(session, "shop", Rules(k=12, event_days=2, hours_days=3))
    shop.wait(5 * 86400)
    await _sweep(shop)
    assert await _rows(shop, Figure) == 0
    assert await _rows(shop, DayFigure) > 0
    day = start.replace(hour=0)
    found = await _ask(shop, service.dwell, day, day + DAY)
    assert found.zones[0].stays == 20


async def _tracks(shop: Any) -> Counter[str | None]:
    async with shop.runtime.db.read() as session:
        return Counter((await session.scalars(select(Stay.track))).all())


async def _sweep(shop: Any) -> None:
    async with shop.runtime.db.write() as session:
        await forget_old(session, shop.now, shop.runtime.settings)


async def test_a_store_may_ask_for_more_people_never_for_fewer(shop: Any) -> None:
    await shop.load()
    async with shop.runtime.db.write() as session:
        await set_rules(session, "shop", Rules(k=25))
    start = shop.now
    await shop.feed(*(_cross(number, start) for number in range(24)))
    shop.wait(4000)
    await _count(shop)
    assert (await _ask(shop, service.footfall, start, start + HOUR, "hour")).entered == 0


def test_a_day_starts_at_midnight_of_the_store() -> None:
    now = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    assert day_start(now, "Europe/Berlin") == datetime(2026, 3, 2, 23, tzinfo=UTC)
    assert day_start(now, "Nowhere/Here") == datetime(2026, 3, 2, tzinfo=UTC)
