"""Writes central/openapi_examples.json: what every operation really answered in the world of the tests.

Run when a route is new or its answer changed: `pytest tests/security/record_examples.py`. An example that still fits
its schema stays as it is; nothing in it is invented, and nobody in it exists.
"""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import timedelta
from typing import Any

import httpx2 as httpx

from central.analytics.rollup import roll_up
from central.catalogue.tables import Store
from central.contribution import service as contribution
from central.openapi import EXAMPLES_FILE, examples
from contract.events import FloorOccupancy, LineCrossed, ZoneLeft
from tests.security.test_object_authorisation import ONE_DATABASE, STREAM, Call, _late, _own_people, calls
from tests.security.test_openapi import OPERATIONS, answers_of, problem_of
from tests.security.world import ANNA, PERSON_MARK, STORE_MARK, World, live

WORDS = (
    (f"{PERSON_MARK} Anna headphones", "headphones"),
    (f"{PERSON_MARK} Anna", "Anna"),
    (f"{PERSON_MARK} headphones", "light headphones"),
    (f"{PERSON_MARK} pinches", "pinches"),
    (f"{STORE_MARK} shop", "Corner"),
    (f"{STORE_MARK} ", ""),
    (STORE_MARK, "Corner"),
)
HOOK = {"store": "shop", "url": "https://192.0.2.1/hook", "kinds": ["visit.finished"]}


def _plain(text: str) -> str:
    for mark, word in WORDS:
        text = text.replace(mark, word)
    assert PERSON_MARK not in text
    return re.sub(r"whsec_[A-Za-z0-9+/=]+", "whsec_c2VjcmV0LXNob3duLXRoaXMtb25jZQ==", text)


def _short(value: Any) -> Any:
    """Two of a kind say enough."""
    if isinstance(value, dict):
        return {name: _short(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_short(item) for item in value[: 2 if value and isinstance(value[0], dict) else 4]]
    return value


def _value(answer: httpx.Response) -> tuple[str, Any] | None:
    media = answer.headers.get("content-type", "").partition(";")[0]
    if media == "application/json" and answer.content:
        return media, _short(json.loads(_plain(answer.text)))
    return (media, _plain(answer.text)[:2000]) if media.startswith(("text/", "image/svg")) else None


def _worth(found: tuple[str, Any]) -> int:
    """The answer that shows most."""
    return len(json.dumps(found[1]))


def _before(world: World) -> list[Call]:
    """What the table of calls leaves to tests of its own, or asks for less than there is."""
    hooks = f"/api/v1/webhooks/{world.ids['subscription']}/deliveries/{world.ids['delivery']}/replay"
    compared = {"store": "shop", "sku": ["HP-1", "TV-1"]}
    search = {"store": "shop", "q": "lighter than HP-1"}
    viewed = {"type": "track", "event": "Product Viewed", "messageId": "5b2c7a1e-0001", "userId": "c1"}
    batch = {"batch": [{**viewed, "timestamp": world.shop.now.isoformat(), "properties": {"sku": "HP-1"}}]}
    return [
        Call("POST", "/api/v1/webhooks", "/api/v1/webhooks", {}, {"json": HOOK}),
        Call("POST", hooks, "/api/v1/webhooks/{subscription}/deliveries/{delivery}/replay", {}, {}),
        Call("GET", "/api/v1/cards/v1/compare", "/api/v1/cards/{visit}/compare", compared, {}),
        Call("GET", "/site/search", "/site/search", search, {}),
        Call("PUT", "/api/v1/me/basket", "/api/v1/me/basket", {}, {"json": {"sku": "HP-1", "quantity": 1}}),
        Call("POST", "/v1/events", "/v1/events", {}, {"json": batch}),
        Call("POST", "/v1/events", "/v1/events", {}, {"json": {"batch": [*batch["batch"], {"type": "track"}]}}),
    ]


def _order(call: Call) -> tuple[int, bool]:
    """Consents last of what can be asked often: with them goes what they allow."""
    return _late(call), call.name == "PUT /api/v1/me/consents"


def _stream(card: object) -> dict[str, str]:
    """It never ends: one event of it, as it is sent."""
    return {"200 text/event-stream": f"event: arrival\nid: 17\ndata: {json.dumps(card, ensure_ascii=False)}\n\n"}


async def _answers(world: World, asked: list[Call], own: list[httpx.AsyncClient]) -> dict[str, dict[str, Any]]:
    made: dict[str, dict[str, Any]] = {}
    for call in asked:
        for client in own:
            for accept in ("*/*", "application/json"):
                world.app.state.limiter.__init__()
                answer = await call.ask(client, Accept=accept)
                found = _value(answer) if answer.status_code < 300 else None
                if found is None:
                    continue
                slot, key = made.setdefault(call.name, {}), f"{answer.status_code} {found[0]}"
                if key not in slot or _worth(found) > _worth((found[0], slot[key])):
                    slot[key] = found[1]
    return made


async def _busy_morning(world: World) -> None:
    """Sixty people, nobody known: enough for figures."""
    shop = world.shop
    for number in range(60):
        track, at = f"floor-1-{number}", shop.now - timedelta(hours=2) + timedelta(seconds=50 * number)
        stay = {"track": track, "zone": ("audio", "video")[number % 2], "dwell_s": 20.0 + number, "at": at}
        crossed = {"track": track, "line": "door", "direction": ("in", "out")[number % 3 // 2], "at": at}
        minute, cells = at.replace(second=0), ((4, 4, 3.0), (5, 4, 2.0))
        await shop.feed(LineCrossed.model_validate(crossed), ZoneLeft(**stay))
        await shop.feed(FloorOccupancy(camera="floor-1", minute=minute, cells=cells, people=(12, 11)))
    async with world.runtime.db.write() as session:
        await roll_up(session, await session.get(Store, "shop"), shop.now, 10)


async def _suggested_and_sold(world: World) -> None:
    """So that somebody contributed."""
    async with world.runtime.change() as effects:
        await contribution.note(
            effects, "suggested", "q-consultant", "shop", "v1/TV-1", subject=ANNA, visit="v1", sku="TV-1"
        )
    world.shop.wait(5)
    till = await world.machine("till", "shop")
    await till.post("/api/v1/till/redeem", json={"store": "shop", "sku": "TV-1", "visit": "v1", "receipt": "R-5"})


@ONE_DATABASE
async def test_record(world: World) -> None:
    await _busy_morning(world)
    await live(world)
    await _suggested_and_sold(world)
    world.runtime.settings = dataclasses.replace(world.runtime.settings, webhook_networks=("192.0.2.0/24",))
    described = {(parameter.values[0], str(parameter.values[1])) for parameter in OPERATIONS}
    erase = Call("POST", "/api/v1/customers/c3/erase", "/api/v1/customers/{customer_id}/erase", {}, {})
    asked = [*_before(world), *sorted(calls(world), key=_order), erase]
    asked = [call for call in asked if (call.template, call.method.lower()) in described and call.template != STREAM]
    made = await _answers(world, asked, await _own_people(world))
    made[f"GET {STREAM}"] = _stream(made["GET /api/v1/alerts"]["200 application/json"][0])
    for name, slot in made.items():
        for key, value in examples().get(name, {}).items():
            if (
                key in slot
                and problem_of(name, key, value) is None
                and _worth((key, value)) * 1.5 > _worth((key, slot[key]))
            ):
                slot[key] = value
        made[name] = {key: value for key, value in slot.items() if key in answers_of(name)}
    whole = {name: made[name] for name in sorted(made) if made[name]}
    EXAMPLES_FILE.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
