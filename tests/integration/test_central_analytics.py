"""Sums of the floor against plain Python, on both databases."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from central.analytics import service
from central.analytics.routes import day_start
from contract.events import FloorOccupancy, LineCrossed, ZoneEntered, ZoneLeft

HOUR = timedelta(hours=1)


async def _ask(shop: Any, question: Any, *rest: Any) -> Any:
    async with shop.runtime.db.read() as session:
        return await question(session, "shop", *rest)


async def test_dwell_percentiles_are_nearest_rank(shop: Any) -> None:
    chance = random.Random(3)
    times = {"audio": [round(chance.uniform(1, 90), 3) for _ in range(37)], "video": [4.0]}
    await shop.feed(
        *(
            ZoneLeft(track=f"c-1-{place}", zone=zone, dwell_s=seconds, at=shop.now)
            for zone, stays in times.items()
            for place, seconds in enumerate(stays)
        )
    )
    found = await _ask(shop, service.dwell, shop.now - HOUR, shop.now + HOUR)
    assert [zone.zone for zone in found.zones] == ["audio", "video"]
    for zone in found.zones:
        stays = sorted(times[zone.zone])
        assert zone.stays == len(stays)
        assert zone.p50_s == stays[math.ceil(len(stays) * 0.5) - 1]
        assert zone.p90_s == stays[math.ceil(len(stays) * 0.9) - 1]
        assert abs(zone.total_s - sum(stays)) < 0.01
    assert (await _ask(shop, service.dwell, shop.now + HOUR, shop.now + 2 * HOUR)).zones == []


async def test_heat_adds_up_over_cameras_parts_and_minutes(shop: Any) -> None:
    minute = shop.now
    await shop.feed(
        FloorOccupancy(camera="a", minute=minute, cells=((1, 2, 30.0), (-1, 0, 2.5))),
        FloorOccupancy(camera="b", minute=minute, cells=((1, 2, 10.0),)),
        FloorOccupancy(camera="a", minute=minute, part=1, cells=((1, 2, 5.0),)),
        FloorOccupancy(camera="a", minute=minute + timedelta(minutes=5), cells=((1, 2, 7.0),)),
    )
    found = await _ask(shop, service.heatmap, minute, minute + timedelta(minutes=1))
    assert (found.cell_m, found.cells) == (0.25, [(-1, 0, 2.5), (1, 2, 45.0)])
    whole = await _ask(shop, service.heatmap, minute, minute + HOUR)
    assert sum(seconds for _, _, seconds in whole.cells) == 54.5


async def test_footfall_by_hour_and_minute(shop: Any) -> None:
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    marks = [(0, "in"), (0.5, "in"), (59.9, "out"), (60, "in"), (185, "out")]
    await shop.feed(
        *(
            LineCrossed(track=f"t-{place}", line="door", direction=way, at=start + timedelta(minutes=minutes))
            for place, (minutes, way) in enumerate(marks)
        )
    )
    found = await _ask(shop, service.footfall, start, start + 4 * HOUR, "hour")
    assert [(bucket.at - start, bucket.entered, bucket.left) for bucket in found.buckets] == [
        (timedelta(0), 2, 1),
        (HOUR, 1, 0),
        (3 * HOUR, 0, 1),
    ]
    by_minute = await _ask(shop, service.footfall, start, start + HOUR, "minute")
    assert [(bucket.entered, bucket.left) for bucket in by_minute.buckets] == [(2, 0), (0, 1)]


async def test_live_counts_people_not_identities(shop: Any) -> None:
    await shop.load()
    await shop.arrive("v1")
    await shop.feed(
        ZoneEntered(track="c-1-1", visit="v1", zone="audio", at=shop.now),
        ZoneEntered(track="c-1-2", zone="audio", at=shop.now),
        ZoneEntered(track="c-1-3", zone="video", at=shop.now),
    )
    shop.wait(2)
    await shop.feed(ZoneLeft(track="c-1-3", zone="video", dwell_s=2, at=shop.now))
    live = await _ask(shop, service.live, shop.now, day_start(shop.now, "Europe/Berlin"))
    assert [(zone.zone, zone.people, zone.identified) for zone in live.zones] == [("audio", 2, 1)]
    assert (live.people, live.visits_open) == (2, 1)
    shop.wait(3600)
    live = await _ask(shop, service.live, shop.now, day_start(shop.now, "UTC"))
    assert live.people == 0


def test_a_day_starts_at_midnight_of_the_store() -> None:
    now = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    assert day_start(now, "Europe/Berlin").astimezone(UTC) == datetime(2026, 3, 2, 23, tzinfo=UTC)
    assert day_start(now, "Nowhere/Here") == datetime(2026, 3, 2, tzinfo=UTC)
