"""Durable events a second: our outbox, one SQLite commit per event (the plain way), and bare grouped inserts."""

from __future__ import annotations

import itertools
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import Result, higher_is_better, wall_per_s

from contract.clock import SystemClock
from contract.events import ZoneEntered
from edge.outbox.draft import make_draft
from edge.outbox.store import OutboxStore

EVENTS = 2000
GROUP = 20


def run() -> Iterator[Result]:
    """One comparison in a temporary folder on this machine's disk."""
    clock = SystemClock()
    event = ZoneEntered(zone="shelf-1", track="floor-1-7", at=clock.now())
    drafts = [make_draft(event, "/demo/node", clock) for _ in range(EVENTS)]
    payload = drafts[0].payload("s" * 32, 1)
    with tempfile.TemporaryDirectory(dir=".") as folder:
        store = OutboxStore(Path(folder) / "ours.db", clock)
        plain = _database(Path(folder) / "plain.db")
        grouped = _database(Path(folder) / "grouped.db")
        number = itertools.count(1)

        def ours() -> None:
            for start in range(0, EVENTS, GROUP):
                store.append(drafts[start : start + GROUP])

        def one_by_one() -> None:
            for _ in range(EVENTS // 4):
                plain.execute("INSERT INTO event VALUES (?, ?)", (next(number), payload))
                plain.commit()

        def bare() -> None:
            for _ in range(EVENTS // GROUP):
                grouped.executemany("INSERT INTO event VALUES (?, ?)", [(next(number), payload) for _ in range(GROUP)])
                grouped.commit()

        yield higher_is_better(
            "outbox append",
            "events/s",
            {
                "ours": lambda: wall_per_s(ours, EVENTS),
                "peer": lambda: wall_per_s(one_by_one, EVENTS // 4),
                "limit": lambda: wall_per_s(bare, EVENTS),
            },
            "one SQLite commit per event (WAL, FULL)",
            f"bare SQLite, {GROUP} rows per commit",
        )
        store.close()


def _database(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    database.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE event(n INTEGER PRIMARY KEY, payload BLOB)"
    )
    return database
