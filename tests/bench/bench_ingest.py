"""Events a second into central: its grouped ingest, the same with a transaction for every event, and bare inserts."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path
from statistics import median
from uuid import uuid4

from measure import Result

from central.app import open_runtime
from central.ingest.batch import Arrived
from central.ingest.service import counters
from central.ingest.worker import Worker
from central.runtime import Runtime
from central.settings import Settings
from contract.channels import Address, channel_for
from contract.clock import SystemClock
from contract.codec import Envelope, encode
from contract.events import LineCrossed, VisitEnded, VisitIdentified, VisitStarted, ZoneDwelled, ZoneEntered, ZoneLeft
from contract.values import Report

EVENTS, BATCH, ONE_BY_ONE, ROUNDS = 2100, 100, 210, 5
INSERT = "INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?,?,?)"


class _Deaf:
    """A bus that takes every receipt and sends none: the wire is not measured here."""

    url, depth, connected = "mqtt://127.0.0.1:0", 0, True

    def __init__(self) -> None:
        self.sent = 0

    def send(self, _topic: str, _payload: bytes) -> bool:
        self.sent += 1
        return True


class _Node:
    """Makes the events of visits, numbered on and on."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._visits, self._numbers = count(1), count(1)
        self.made = 0

    def messages(self, events: int) -> list[Arrived]:
        """`events` of them, a multiple of seven."""
        found: list[Arrived] = []
        while len(found) < events:
            found += [self._arrived(event) for event in self._life(next(self._visits))]
        self.made += len(found)
        return found

    def _life(self, number: int) -> list[Report]:
        now, visit, track = self._clock.now(), f"v{number}", f"cam-1-{number}"
        return [
            VisitStarted(visit=visit, device="door-1", method="face", at=now),
            VisitIdentified(visit=visit, device="door-1", method="face", at=now, subject="b" * 32, stage="final",
                            confidence=0.9, first_usable_at=now),
            LineCrossed(track=track, visit=visit, line="door", direction="in", at=now),
            ZoneEntered(track=track, visit=visit, zone="audio", at=now),
            ZoneDwelled(track=track, visit=visit, zone="audio", dwell_s=5, at=now + timedelta(seconds=5)),
            ZoneLeft(track=track, visit=visit, zone="audio", dwell_s=9, at=now + timedelta(seconds=9)),
            VisitEnded(visit=visit, reason="exit", duration_s=9, at=now + timedelta(seconds=9)),
        ]  # fmt: skip

    def _arrived(self, event: Report) -> Arrived:
        channel = channel_for(event)
        address = Address("shop", "node-1", channel.kind)
        envelope = Envelope(
            id=uuid4().hex, source=address.source, type=channel.event_type, time=self._clock.now(), session="outbox-1",
            sequence=next(self._numbers),
        )  # fmt: skip
        return Arrived(address.topic, encode(envelope, event), self._clock.now())


def run() -> Iterator[Result]:
    """On SQLite in a temporary folder of this machine's disk."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        yield asyncio.run(_compare(Path(folder)))


async def _compare(folder: Path) -> Result:
    runtime = await open_runtime(Settings(data=folder), SystemClock())
    runtime.bus = _Deaf()  # type: ignore[assignment]
    node, bare = _Node(), _table(folder / "bare.db")
    worker = Worker(runtime, _Nothing())
    seen: dict[str, list[float]] = {"ours": [], "peer": [], "limit": []}
    try:
        for _ in range(ROUNDS):
            seen["ours"].append(await _rate(worker, node.messages(EVENTS), BATCH))
            seen["peer"].append(await _rate(worker, node.messages(ONE_BY_ONE), 1))
            seen["limit"].append(_inserts(bare, node.messages(EVENTS)))
            node.made -= EVENTS
        await _check(runtime, node.made)
    finally:
        await runtime.db.close()
        bare.close()
    ours, peer, limit = (median(seen[name]) for name in ("ours", "peer", "limit"))
    return Result(
        "central ingest", "events/s", ours, peer, "the same ingest, one transaction per event", ours / peer, limit,
        f"bare SQLite executemany of the event rows, {BATCH} per commit, no decoding, no effects",
    )  # fmt: skip


async def _rate(worker: Worker, messages: Sequence[Arrived], batch: int) -> float:
    begin = time.perf_counter()
    for start in range(0, len(messages), batch):
        await worker.process(messages[start : start + batch])
    return len(messages) / (time.perf_counter() - begin)


def _inserts(database: sqlite3.Connection, messages: Sequence[Arrived]) -> float:
    rows = [_row(message) for message in messages]
    begin = time.perf_counter()
    for start in range(0, len(rows), BATCH):
        database.executemany(INSERT, rows[start : start + BATCH])
        database.commit()
    return len(rows) / (time.perf_counter() - begin)


def _row(message: Arrived) -> tuple[object, ...]:
    body = json.loads(message.payload)
    data = json.dumps(body["data"])
    kind, visit = message.topic.rpartition("/")[2], body["data"].get("visit")
    return (None, body["id"], "shop", "node-1", "outbox-1", body["sequence"], kind, visit, 1, 1, data)


async def _check(runtime: Runtime, made: int) -> None:
    """What was timed was committed."""
    async with runtime.db.read() as session:
        (outbox,) = (await counters(session, "shop")).sessions
    if (outbox.received, outbox.quarantined) != (made, 0):
        raise RuntimeError(f"{made} events made, {outbox.received} committed, {outbox.quarantined} set aside")


class _Nothing:
    async def take(self, _limit: int) -> list[Arrived]:
        return []


def _table(path: Path) -> sqlite3.Connection:
    """With the indexes the real table has."""
    database = sqlite3.connect(path)
    database.executescript(
        """PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
        CREATE TABLE event(id INTEGER PRIMARY KEY, event_id TEXT, store TEXT, node TEXT, session TEXT, sequence INTEGER,
                           kind TEXT, visit TEXT, at INTEGER, received_at INTEGER, data TEXT);
        CREATE UNIQUE INDEX one ON event(store, node, session, sequence);
        CREATE INDEX two ON event(visit); CREATE INDEX three ON event(received_at)"""
    )
    return database
