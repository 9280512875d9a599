"""Ingest: every effect once, whatever the wire does; nothing stops the consumer."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from central.analytics.tables import Crossing, OccupancyMinute, Stay
from central.database import Base
from central.ingest import service
from central.ingest.batch import Arrived
from central.ingest.tables import Event, Quarantined
from central.ingest.worker import Worker
from central.visits.tables import Evidence, Visit
from contract.events import (
    FloorOccupancy,
    LineCrossed,
    VisitEnded,
    VisitIdentified,
    VisitStarted,
    ZoneEntered,
    ZoneLeft,
)
from contract.state import Health

EVENTS = 20_000
BATCH = 200


async def _count(shop: Any, table: type[Base]) -> int:
    async with shop.runtime.db.read() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


def _life(shop: Any, number: int) -> list[Any]:
    """Eight events of one visit."""
    visit, at, track = f"v{number}", shop.now + timedelta(seconds=number), f"cam-1-{number}"
    seen = {"visit": visit, "device": "door-1", "method": "face", "at": at}
    return [
        VisitStarted(**seen),
        VisitIdentified(**seen, subject="b" * 32, stage="provisional", confidence=0.8, first_usable_at=at),
        VisitIdentified(**seen, subject="b" * 32, stage="final", confidence=0.9, first_usable_at=at),
        LineCrossed(track=track, visit=visit, line="door", direction="in", at=at),
        ZoneEntered(track=track, visit=visit, zone="audio", at=at),
        ZoneLeft(track=track, visit=visit, zone="audio", dwell_s=4, at=at + timedelta(seconds=4)),
        FloorOccupancy(camera="floor-1", minute=at, cells=((1, 2, 3.0), (4, 5, 1.0))),
        VisitEnded(visit=visit, reason="exit", duration_s=9, at=at + timedelta(seconds=9)),
    ]


def _storm(shop: Any, events: int) -> list[Any]:
    """Events with 10 % duplicates, each up to 300 places from where it belongs, on clocks an hour off."""
    chance = random.Random(7)
    messages = [
        shop.message(event, offset=chance.choice([0.0, 3600.0, -3600.0]))
        for number in range(events // 8)
        for event in _life(shop, number)
    ]
    messages += chance.sample(messages, events // 10)
    places = {id(message): index + chance.uniform(0, 300) for index, message in enumerate(messages)}
    return sorted(messages, key=lambda message: places[id(message)])


async def _check_storm(shop: Any, events: int) -> None:
    storm = _storm(shop, events)
    for start in range(0, len(storm), BATCH):
        await shop.feed(*storm[start : start + BATCH])
    async with shop.runtime.db.read() as session:
        counters = await service.counters(session, "shop")
    (outbox,) = counters.sessions
    assert (outbox.high_water, outbox.gaps, outbox.received) == (events, [], events)
    assert (outbox.duplicates, outbox.quarantined) == (events // 10, 0)
    visits = events // 8
    for table, expected in (
        (Event, events),
        (Visit, visits),
        (Evidence, 2 * visits),
        (Crossing, visits),
        (Stay, visits),
        (OccupancyMinute, visits),
    ):
        assert await _count(shop, table) == expected
    async with shop.runtime.db.read() as session:
        unfinished = await session.scalar(
            select(func.count()).select_from(Visit).where(Visit.ended_at.is_(None) | (Visit.stage != "final"))
        )
    assert unfinished == 0
    assert shop.commands("receipt")[-1].sequence <= events
    assert max(receipt.sequence for receipt in shop.commands("receipt")) == events


async def test_every_effect_once_in_a_storm(shop: Any) -> None:
    await shop.load()
    await _check_storm(shop, EVENTS if shop.runtime.db.sqlite else EVENTS // 5)


async def test_a_receipt_names_the_mark_and_what_lies_beyond_the_hole(shop: Any) -> None:
    events = [shop.message(event) for event in _life(shop, 1)]
    await shop.feed(events[0], events[1], events[4])
    receipt = shop.commands("receipt")[-1]
    assert (receipt.session, receipt.sequence, receipt.also) == ("outbox-1", 2, (5,))
    await shop.feed(events[2], events[3])
    assert shop.commands("receipt")[-1].sequence == 5


async def test_a_duplicate_is_receipted_again(shop: Any) -> None:
    event = shop.message(_life(shop, 1)[0])
    await shop.feed(event)
    await shop.feed(event)
    assert [receipt.sequence for receipt in shop.commands("receipt")] == [1, 1]
    assert await _count(shop, Event) == 1


async def test_a_birth_is_answered_with_the_mark(shop: Any) -> None:
    await shop.feed(*_life(shop, 1))
    shop.bus.sent.clear()
    await shop.birth()
    assert [receipt.sequence for receipt in shop.commands("receipt")] == [8]


def _raw(payload: bytes, topic: str = "vitrina/v1/shop/node-1/visit.started") -> Any:
    return lambda shop: Arrived(topic, payload, shop.now)


def _edited(**changes: Any) -> Any:
    def make(shop: Any) -> Arrived:
        good = shop.message(_life(shop, 1)[0], sequence=1)
        body = json.loads(good.payload)
        for place, value in changes.items():
            if place in body:
                body[place] = value
            else:
                body["data"][place] = value
        return Arrived(good.topic, json.dumps(body).encode(), good.received_at)

    return make


POISON = {
    "not json": (_raw(b"\xff\x00{"), "malformed", False),
    "a list": (_raw(b"[1]"), "malformed", False),
    "deeply nested": (_raw(b"[" * 8000), "malformed", False),
    "oversized": (_raw(b"{" + b" " * 20_000), "oversized", False),
    "foreign topic": (_raw(b"{}", "vitrina/v1/SHOP/x/status"), "misaddressed", False),
    "unknown kind": (_raw(b"{}", "vitrina/v1/shop/node-1/future.kind"), "unknown_kind", False),
    "bad data": (_edited(at="yesterday"), "invalid_data", True),
    "forged node": (_edited(source="/shop/node-2"), "misaddressed", False),
    "wrong type": (_edited(type="com.vitrina.v1.visit.ended"), "misaddressed", True),
    "huge sequence": (_edited(sequence=2**70), "invalid_data", False),
    "null byte": (_edited(visit="a\0b"), "invalid_data", True),
}


@pytest.mark.parametrize("name", sorted(POISON))
async def test_poison_is_set_aside_and_the_rest_goes_on(shop: Any, name: str) -> None:
    make, reason, numbered = POISON[name]
    await shop.feed(make(shop), shop.message(_life(shop, 2)[0], sequence=2))
    async with shop.runtime.db.read() as session:
        (row,) = (await session.scalars(select(Quarantined))).all()
        counters = await service.counters(session, "shop")
    assert row.reason == reason
    assert counters.totals.received == 1 + numbered
    assert shop.commands("receipt")[-1].sequence == (2 if numbered else 0)
    assert await _count(shop, Visit) == 1


async def test_a_future_kind_with_a_number_does_not_block_the_outbox(shop: Any) -> None:
    good = shop.message(_life(shop, 1)[0])
    body = json.loads(good.payload) | {"type": "com.vitrina.v1.future.kind"}
    await shop.feed(Arrived("vitrina/v1/shop/node-1/future.kind", json.dumps(body).encode(), shop.now))
    assert shop.commands("receipt")[-1].sequence == 1


async def test_what_cannot_be_applied_is_set_aside_alone(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from central.ingest import batch

    apply = batch.apply

    async def fails(effects: Any, origin: Any, event: Any) -> None:
        if getattr(event, "visit", "") == "v2":
            raise ValueError("no such luck")
        await apply(effects, origin, event)

    monkeypatch.setattr(batch, "apply", fails)
    await shop.feed(*(event for number in (1, 2, 3) for event in _life(shop, number)[:3]))
    assert await _count(shop, Event) == 6
    assert await _count(shop, Quarantined) == 3
    assert await _count(shop, Visit) == 2
    assert max(receipt.sequence for receipt in shop.commands("receipt")) == 9


async def test_nothing_is_receipted_before_the_database_takes_it(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from central.ingest import worker

    run, failures = worker.run, [3]

    async def locked(effects: Any, messages: Any) -> Any:
        batch = await run(effects, messages)
        if failures[0]:
            failures[0] -= 1
            assert shop.commands("receipt") == []
            raise OperationalError("", None, Exception("database is locked"))
        return batch

    monkeypatch.setattr(worker, "run", locked)
    await shop.feed(*_life(shop, 1))
    assert await _count(shop, Event) == 8
    assert shop.commands("receipt")[-1].sequence == 8
    assert await _count(shop, Quarantined) == 0


async def test_health_is_kept_and_not_numbered(shop: Any) -> None:
    await shop.feed(Health(uptime_s=5, outbox_depth=1))
    assert shop.commands("receipt") == []
    assert Worker is not None


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=300))
def test_no_bytes_make_salvage_raise(payload: bytes) -> None:
    from datetime import UTC, datetime

    from central.ingest.batch import salvage

    salvage(Arrived("vitrina/v1/shop/node-1/visit.started", payload, datetime(2026, 1, 1, tzinfo=UTC)))
