"""The consultant's card of a customer with 5,000 site events, 60 opinions and 1,000 products of one category."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from measure import Result

from central.app import open_runtime
from central.behaviour import service as behaviour
from central.behaviour.access import Source
from central.behaviour.intake import take
from central.behaviour.schemas import BatchIn
from central.cards import service
from central.catalogue.tables import Product
from central.imports import service as imports
from central.preferences import service as preferences
from central.preferences.schemas import OpinionIn
from central.runtime import Runtime
from central.serving import settle_memory
from central.settings import Settings
from central.visits.tables import Visit
from contract.clock import SystemClock

EVENTS, OPINIONS, PRODUCTS, CATEGORIES, VISITS, ROUNDS = 5_000, 60, 1_000, 1, 20, 41
SUBJECT = f"{1:032x}"


def run() -> Iterator[Result]:
    """On SQLite in a temporary folder of this machine's disk."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        yield asyncio.run(measured(Settings(data=Path(folder))))


async def measured(settings: Settings) -> Result:
    """CPU milliseconds of one card (95th percentile), in turns with a peer and a limit."""
    runtime = await open_runtime(settings, SystemClock())
    try:
        await fill(runtime)
        settle_memory()
        return await _measure(runtime)
    finally:
        runtime.vault.close()
        await runtime.db.close()


async def fill(runtime: Runtime) -> None:
    """A regular of the shop."""
    chance, now = random.Random(5), runtime.clock.now()
    consents = {
        "purposes": {"profile": True, "consultant_alert": True}, "text_version": "1", "text_sha256": "0" * 64,
        "at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    person = {"id": "c1", "subject": SUBJECT, "name": "N", "consents": consents}
    store = {"id": "shop", "name": "S", "currency": "EUR", "plan": {"width_m": 9, "height_m": 9}}
    goods = [_product(chance, number) for number in range(PRODUCTS)]
    async with runtime.change() as effects:
        document = {"store": store, "customers": [person], "products": goods}
        await imports.apply(effects, imports.parse(_json(document), "shop.json"))
    async with runtime.db.write() as session:
        for number in range(PRODUCTS):
            row = await session.get(Product, ("shop", f"SKU-{number}"))
            assert row is not None
            row.category = _category(number)
        session.add_all(_visit(number, now - timedelta(days=VISITS - number)) for number in range(VISITS))
    for _ in range(0, EVENTS, 500):
        batch = BatchIn(batch=[_event(chance, now) for _ in range(500)])
        found = await take(runtime, Source("shop", "web", server=True, key="k"), batch)
        if found.accepted != 500:
            raise RuntimeError(f"events were refused: {found.errors[:1]}")
    async with runtime.change() as effects:
        for number in range(OPINIONS):
            said = {name: chance.randrange(-2, 3) for name in ("weight", "bass")}
            sku, visit = f"SKU-{number * 10}", f"v{number % VISITS}"
            opinion = {"subject": SUBJECT, "store": "shop", "sku": sku, "visit": visit, "by": "customer"}
            await preferences.record(effects, OpinionIn.model_validate({**opinion, "parameters": said, "liked": True}))


def _json(document: dict[str, Any]) -> bytes:
    import json

    return json.dumps(document).encode()


def _category(number: int) -> str:
    return f"Audio / cat-{number % CATEGORIES}"


def _product(chance: random.Random, number: int) -> dict[str, Any]:
    figures = {"Weight": f"{chance.randrange(120, 400)} g", "Bass": f"{chance.randrange(1, 10)} dB"}
    return {
        "sku": f"SKU-{number}", "title": {"en": f"Model {number}"}, "price": chance.randrange(50, 900) * 100,
        "currency": "EUR", "parameters": {**figures, "Battery life": f"{chance.randrange(8, 60)} h"},
    }  # fmt: skip


def _visit(number: int, at: Any) -> Visit:
    return Visit(store="shop", id=f"v{number}", node="n", first_seen_at=at, subject=SUBJECT, method="qr", stage="final")


def _event(chance: random.Random, now: Any) -> dict[str, Any]:
    number = chance.randrange(PRODUCTS)
    word = chance.choice(
        ("Product Viewed",) * 10 + ("Product List Filtered", "Product Added", "Delivery Options Viewed")
    )
    properties: dict[str, Any] = {"sku": f"SKU-{number}", "category": _category(number), "brand": f"b-{number % 20}"}
    if word == "Product List Filtered":
        properties["filters"] = [{"type": "price", "value": {"max": 500}}, {"type": "colour", "value": "black"}]
        properties["sorts"] = [{"type": "price", "value": "asc"}]
    at = now - timedelta(minutes=chance.randrange(25 * 24 * 60))
    return {
        "type": "track", "event": word, "messageId": f"m-{chance.getrandbits(60):x}", "userId": "c1",
        "timestamp": at.isoformat(), "properties": properties,
    }  # fmt: skip


async def _measure(runtime: Runtime) -> Result:
    now = runtime.clock.now()
    seen: dict[str, list[float]] = {"ours": [], "peer": [], "limit": []}
    for _ in range(ROUNDS):
        for name, spent in seen.items():
            begin = time.thread_time()
            await _once(runtime, name, now)
            spent.append((time.thread_time() - begin) * 1e3)
    ours = quantiles(seen["ours"], n=20)[-1]
    peer, limit = quantiles(seen["peer"], n=20)[-1], median(seen["limit"])
    return Result(
        "consultant's card, 5,000 events", "CPU ms p95", ours, peer, "interests from all events again, nothing else",
        peer / ours, limit, "taste and suggestions alone: what the card adds to them is the rest",
    )  # fmt: skip


async def _once(runtime: Runtime, name: str, now: Any) -> None:
    async with runtime.db.read() as session:
        if name == "ours":
            visit = await service.find(session, "shop", f"v{VISITS - 1}")
            assert visit is not None
            card = await service.assemble(session, runtime.vault, visit, now, "en")
            assert card.suggestions
            assert card.tried
        elif name == "peer":
            await behaviour.recompute(session, runtime.vault, SUBJECT)
        else:
            await preferences.suggest(session, runtime.vault, SUBJECT, "shop", 4, now)
