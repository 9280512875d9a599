"""The group writer: urgent at once, others together, listeners only after the commit."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.clock import ManualClock, SystemClock
from contract.events import FloorOccupancy, LineCrossed, VisitStarted
from edge.outbox.draft import Draft, make_draft
from edge.outbox.store import Committed, OutboxStore
from edge.outbox.writer import OutboxWriter, WriterLimits, shed

AT = datetime(2026, 1, 1, tzinfo=UTC)
CLOCK = ManualClock()
VISIT = make_draft(VisitStarted(visit="v", method="qr", device="d", at=AT), "/s/n", CLOCK)
LINE = make_draft(LineCrossed(track="t", line="l", direction="in", at=AT), "/s/n", CLOCK)
HEAT = make_draft(FloorOccupancy(camera="c", minute=AT, cells=((1, 1, 1.0),)), "/s/n", CLOCK)


class Heard:
    """Groups as they were committed; checks that each is on disk when told."""

    def __init__(self, store: OutboxStore) -> None:
        self.groups: list[int] = []
        self.missing = 0
        self._store = store

    def __call__(self, group: Sequence[Committed]) -> None:
        rows = {row.sequence for row in self._store.read(0, 100_000)}
        self.missing += sum(one.sequence not in rows for one in group)
        self.groups.append(len(group))


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[tuple[OutboxStore, OutboxWriter, Heard]]:
    store = OutboxStore(tmp_path / "outbox.db", SystemClock())
    writer = OutboxWriter(store, SystemClock(), WriterLimits(delay_s=30.0))
    heard = Heard(store)
    writer.listen(heard)
    writer.start()
    yield store, writer, heard
    writer.stop()
    store.close()


def settle(heard: Heard, count: int) -> None:
    deadline = time.monotonic() + 10
    while sum(heard.groups) < count:
        assert time.monotonic() < deadline, heard.groups
        time.sleep(0.005)


def test_ordinary_events_wait_for_company_and_an_urgent_one_takes_them_along(
    parts: tuple[OutboxStore, OutboxWriter, Heard],
) -> None:
    store, writer, heard = parts
    for _ in range(5):
        writer.submit([LINE])
    time.sleep(0.1)
    assert heard.groups == []
    writer.submit([VISIT])
    settle(heard, 6)
    assert heard.groups == [6]
    assert [row.kind for row in store.read(0, 10)] == ["line.crossed"] * 5 + ["visit.started"]
    assert heard.missing == 0


def test_a_full_group_does_not_wait(parts: tuple[OutboxStore, OutboxWriter, Heard]) -> None:
    _store, writer, heard = parts
    writer.submit([LINE] * 20)
    settle(heard, 20)
    assert heard.groups == [20]


def test_stop_commits_what_waits(parts: tuple[OutboxStore, OutboxWriter, Heard]) -> None:
    store, writer, heard = parts
    writer.submit([LINE] * 3)
    assert writer.stop()
    assert sum(heard.groups) == 3
    assert store.backlog().depth == 3


def test_many_threads_lose_and_double_nothing(parts: tuple[OutboxStore, OutboxWriter, Heard]) -> None:
    store, writer, heard = parts
    threads = [threading.Thread(target=lambda: [writer.submit([VISIT]) for _ in range(100)]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    settle(heard, 600)
    assert [row.sequence for row in store.read(0, 1000)] == list(range(1, 601))


def test_a_file_at_its_limit_takes_no_more_telemetry_but_every_visit(tmp_path: Path) -> None:
    store = OutboxStore(tmp_path / "outbox.db", SystemClock())
    writer = OutboxWriter(store, SystemClock(), WriterLimits(file_bytes=40_000))
    writer.start()
    for _ in range(200):
        writer.submit([HEAT, LINE, VISIT])
        writer.flush()
    kinds = [row.kind for row in store.read(0, 10_000)]
    assert kinds.count("visit.started") == 200
    assert kinds.count("floor.occupancy") < kinds.count("line.crossed") < 200
    assert writer.shed_counts["floor.occupancy"] == 200 - kinds.count("floor.occupancy")
    assert writer.shed_counts["line.crossed"] == 200 - kinds.count("line.crossed")
    writer.stop()
    store.close()


@given(st.lists(st.sampled_from([VISIT, LINE, HEAT]), max_size=40), st.integers(0, 40))
def test_shedding_keeps_order_and_what_matters(drafts: list[Draft], room: int) -> None:
    kept, gone = shed(drafts, room)
    assert len(kept) + len(gone) == len(drafts)
    assert VISIT not in gone
    assert [draft for draft in drafts if draft is VISIT] == [draft for draft in kept if draft is VISIT]
    assert len(kept) <= max(room, drafts.count(VISIT))
    if LINE in gone:
        assert HEAT not in kept
