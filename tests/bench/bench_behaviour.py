"""Site events a second into a running central, over HTTP; and interests read for a customer with 5,000 events."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from measure import Result

from central.app import open_runtime
from central.behaviour import service
from central.behaviour.access import Source
from central.behaviour.intake import take
from central.behaviour.schemas import BatchIn
from central.imports import service as imports
from central.settings import Settings
from contract.clock import SystemClock

REPOSITORY = Path(__file__).resolve().parents[2]
EVENTS, BATCH, SENDERS, ONE_BY_ONE, ROUNDS = 10_000, 250, 3, 200, 3
VISITORS, CUSTOMERS = 5_000, 500
WORDS = (
    ("Product Viewed",) * 12 + ("Product List Filtered",) * 3 + ("Products Searched", "Product Added", "Reviews Read")
)
SEALED_BYTES = 260
NUMBERS = count(1)


def shop(customers: int = CUSTOMERS) -> dict[str, Any]:
    """A store and its customers, who agreed to a profile."""
    consents = {
        "purposes": {"profile": True}, "text_version": "1", "text_sha256": "0" * 64, "at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    people = [
        {"id": f"c{number}", "subject": f"{number:032x}", "name": f"N{number}", "consents": consents}
        for number in range(customers)
    ]
    store = {"id": "shop", "name": "S", "currency": "EUR", "plan": {"width_m": 9, "height_m": 9}}
    return {"store": store, "customers": people}


def event(chance: random.Random, now: datetime, user: str | None = None) -> dict[str, Any]:
    """Of a busy hour: hardly two events of a batch are of the same visitor; one in four is signed in."""
    word, sku = chance.choice(WORDS), f"SKU-{chance.randrange(3000)}"
    visitor = chance.randrange(VISITORS if user is None else 3)
    if user is None and visitor % 4 == 0:
        user = f"c{visitor // 4 % CUSTOMERS}"
    properties: dict[str, Any] = {
        "sku": sku,
        "category": f"cat-{chance.randrange(30)}",
        "brand": f"b-{chance.randrange(20)}",
    }
    properties["price"], properties["name"] = chance.randrange(10, 900), f"A product called {sku}"
    if word == "Product List Filtered":
        properties["filters"] = [{"type": "price", "value": {"max": 500}}, {"type": "colour", "value": "black"}]
        properties["sorts"] = [{"type": "price", "value": "asc"}]
    elif word == "Products Searched":
        properties["query"] = f"query {chance.randrange(500)}"
    whole = {
        "type": "track", "event": word, "messageId": f"m-{next(NUMBERS):012d}", "anonymousId": f"visitor-{visitor:06d}",
        "timestamp": (now - timedelta(seconds=chance.randrange(60))).isoformat(), "properties": properties,
        "context": {"page": {"path": f"/p/{sku}", "title": f"A product called {sku}"}, "userAgent": "Mozilla/5.0 " * 6},
    }  # fmt: skip
    return {**whole, "userId": user} if user is not None else whole


class Central:
    """The real process on a free port, with the small shop in it."""

    def __init__(self, folder: Path, database: str | None = None) -> None:
        self._where = ["--data", str(folder), *(["--database", database] if database else [])]
        (folder / "shop.json").write_text(json.dumps(shop()))
        self._once("import", str(folder / "shop.json"))
        self.key = self._once("token", "create", "--role", "site", "--store", "shop", "--source", "web").strip()
        words = [sys.executable, "-m", "central", "run", *self._where, "--port", "0", "--broker-port", "0"]
        self._process = subprocess.Popen(words, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = json.loads(self._process.stdout.readline())["url"]

    def _once(self, *words: str) -> str:
        command = [sys.executable, "-m", "central", *words, *self._where]
        return subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout

    def send(self, bodies: Sequence[bytes], senders: int = SENDERS) -> tuple[float, int]:
        """(seconds, events taken) for all bodies, over as many connections."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}

        def one(part: Sequence[bytes]) -> int:
            with httpx.Client(base_url=self.url, headers=headers, timeout=60) as http:
                return sum(http.post("/v1/events", content=body).raise_for_status().json()["accepted"] for body in part)

        begin = time.perf_counter()
        with ThreadPoolExecutor(senders) as pool:
            taken = sum(pool.map(one, [bodies[start::senders] for start in range(senders)]))
        return time.perf_counter() - begin, taken

    def cpu_s(self) -> float:
        """CPU seconds of the service so far: what it costs however busy the machine is."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(20)


def bodies(chance: random.Random, events: int, batch: int) -> list[bytes]:
    """Requests, made before the clock runs."""
    now = datetime.now(UTC)
    return [json.dumps({"batch": [event(chance, now) for _ in range(batch)]}).encode() for _ in range(0, events, batch)]


def run() -> Iterator[Result]:
    """On SQLite in a temporary folder of this machine's disk."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        yield _import(Path(folder).resolve())
    with tempfile.TemporaryDirectory(dir=".") as folder:
        yield asyncio.run(_read(Path(folder)))


def _import(folder: Path) -> Result:
    chance = random.Random(7)
    central, bare = Central(folder), _table(folder / "bare.db")
    seen: dict[str, list[float]] = {"ours": [], "peer": [], "limit": []}
    try:
        for _ in range(ROUNDS):
            for name, events, batch in (("ours", EVENTS, BATCH), ("peer", ONE_BY_ONE, 1)):
                seconds, taken = central.send(bodies(chance, events, batch))
                if taken != events:
                    raise RuntimeError(f"{events} events sent, {taken} taken")
                seen[name].append(events / seconds)
            seen["limit"].append(_inserts(bare, EVENTS))
    finally:
        central.stop()
        bare.close()
    ours, peer, limit = (median(seen[name]) for name in ("ours", "peer", "limit"))
    return Result(
        "site events over HTTP", "events/s", ours, peer, "the same, one event per request", ours / peer, limit,
        f"bare SQLite executemany of rows of that size, {BATCH} per commit: no HTTP, checking, sealing or summary",
    )  # fmt: skip


def _table(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    database.executescript(
        """PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
        CREATE TABLE event(id INTEGER PRIMARY KEY, source TEXT, message TEXT, store TEXT, owner TEXT, kind TEXT,
                           at INTEGER, received_at INTEGER, sealed BLOB, UNIQUE(source, message));
        CREATE INDEX one ON event(owner, at); CREATE INDEX two ON event(at)"""
    )
    return database


def _inserts(database: sqlite3.Connection, events: int) -> float:
    sealed = bytes(SEALED_BYTES)
    rows = [
        (
            None,
            "shop/web",
            f"b-{next(NUMBERS)}",
            "shop",
            f"visitor:{number % VISITORS:064x}",
            "Product Viewed",
            1,
            1,
            sealed,
        )
        for number in range(events)
    ]
    begin = time.perf_counter()
    for start in range(0, len(rows), BATCH):
        database.executemany("INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?)", rows[start : start + BATCH])
        database.commit()
    return events / (time.perf_counter() - begin)


async def _read(folder: Path) -> Result:
    """Milliseconds of CPU for one reading: from the kept summary, from all events again, and of one bare query."""
    runtime, chance = await open_runtime(Settings(data=folder), SystemClock()), random.Random(7)
    try:
        async with runtime.change() as effects:
            await imports.apply(effects, imports.parse(json.dumps(shop(1)).encode(), "shop.json"))
        now, subject = runtime.clock.now(), f"{0:032x}"
        for _ in range(0, 5_000, 500):
            batch = BatchIn(batch=[event(chance, now, "c0") for _ in range(500)])
            if (await take(runtime, Source("shop", "web", server=True, key="k"), batch)).accepted != 500:
                raise RuntimeError("events were refused")
        seen: dict[str, list[float]] = {"ours": [], "peer": [], "limit": []}
        for _ in range(21):
            for name in seen:
                async with runtime.db.read() as session:
                    begin = time.process_time()
                    if name == "ours":
                        await service.interests(session, runtime.vault, subject, now)
                    elif name == "peer":
                        await service.recompute(session, runtime.vault, subject)
                    else:
                        await service.state_of(session, runtime.vault, [subject])
                    seen[name].append((time.process_time() - begin) * 1e3)
    finally:
        runtime.vault.close()
        await runtime.db.close()
    ours, peer, limit = (median(seen[name]) for name in ("ours", "peer", "limit"))
    return Result(
        "interests of 5,000 events", "CPU ms", ours, peer, "the same from all events again", peer / ours, limit,
        "query, opening and parsing of the summary alone",
    )  # fmt: skip
