"""One customer, known everywhere: from the site at night to the shop, the till, the site again, and forgotten.

The application is asked over HTTP by everybody who takes part (site, phone, consultant, till); the check-in code is the
phone's and is judged by the edge's own verifier; the clock moves on by itself to the next day.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from central.app import create_app
from central.privacy import erasing
from central.staff import service as staff
from contract.events import VisitEnded, VisitIdentified, VisitStarted, ZoneDwelled, ZoneEntered, ZoneLeft
from edge.checkin import Accepted, CheckinVerifier
from edge.values import Instant
from simulator.phone import Phone

PASSWORD = "correct horse"
NAME = "Canaria Zwölfender"
SEARCHED = "feather light closed canary headphones"
DAY = 86_400


def _document(shop_document: Any) -> dict[str, Any]:
    document = shop_document()
    parameters = {
        "HP-1": {"weight_g": 198, "bass": 0.7},  # on label-1, where she will stand in the end
        "HP-2": {"weight_g": 310, "bass": 0.3},
        "HP-3": {"weight_g": 260, "bass": 0.4},
        "HP-4": {"weight_g": 190, "bass": 0.2},
    }
    base = document["products"][0]
    document["products"] = [
        {**base, "sku": sku, "title": {"en": f"Model {sku[-1]}"}, "parameters": values}
        for sku, values in parameters.items()
    ] + document["products"][1:]
    document["customers"][0] |= {"name": NAME, "interests": [], "external_ids": {"loyalty": "7781234500017"}}
    return document


@dataclass
class Story:
    """Everybody's way to talk to central."""

    shop: Any
    app: Any
    site: httpx.AsyncClient
    till: httpx.AsyncClient
    marina: httpx.AsyncClient
    me: httpx.AsyncClient
    phone: Phone

    async def told(self, event: str, number: int, **properties: Any) -> None:
        """The site sends one event of the signed-in customer."""
        message = {
            "type": "track",
            "event": event,
            "messageId": f"m-{number}",
            "userId": "c1",
            "timestamp": self.shop.now.isoformat(),
            "properties": properties,
        }
        answer = await self.site.post("/v1/events", json={"batch": [message], "sentAt": self.shop.now.isoformat()})
        assert answer.status_code == 200, answer.text
        assert answer.json()["accepted"] == 1, answer.text

    async def card(self) -> dict[str, Any]:
        """The consultant's card of the visit."""
        answer = await self.marina.get("/api/v1/cards/v1", params={"store": "shop"})
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def enter(self, zone: str = "audio") -> None:
        """She stands before a shelf until her dwell is told."""
        who = {"visit": "v1", "track": "floor-1-1-1", "zone": zone}
        await self.shop.feed(ZoneEntered(**who, at=self.shop.now))
        self.shop.wait(5)
        await self.shop.feed(ZoneDwelled(**who, dwell_s=5.0, at=self.shop.now))


@pytest.fixture
async def story(shop: Any, import_document: Any) -> AsyncIterator[Story]:
    await shop.load(_document(import_document))
    await shop.birth()
    await shop.confirm_labels()
    shop.bus.sent.clear()
    app = create_app(shop.runtime.settings, shop.clock, bus=False)
    app.state.runtime = shop.runtime

    def client(**headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app)
        return httpx.AsyncClient(transport=transport, base_url="http://central.test", headers=headers)

    async with shop.runtime.db.write() as session:
        await staff.add(session, "marina", "consultant", "shop", PASSWORD)
        tokens = [await staff.create_token(session, role, "shop", shop.runtime) for role in ("site", "till")]
    marina, me = client(), client()
    await _sign_in(marina)
    code = (await marina.post("/api/v1/customers/c1/login-code")).json()["code"]
    assert (await me.post("/api/v1/me/login", json={"code": code})).status_code == 204
    me.headers["X-CSRF-Token"] = (await me.get("/api/v1/me")).json()["csrf"]
    phone = Phone()
    answer = await me.post("/api/v1/me/phone-key", json={"public_key": phone.public_key})
    phone.accept(answer.json()["certificate"])
    machines = [client(Authorization=f"Bearer {token}") for token in tokens]
    everybody = Story(shop, app, machines[0], machines[1], marina, me, phone)
    yield everybody
    for one in (marina, me, *machines):
        await one.aclose()


async def _sign_in(marina: httpx.AsyncClient) -> None:
    """At the beginning of a shift."""
    marina.headers.pop("X-CSRF-Token", None)
    assert (await marina.post("/login", data={"name": "marina", "password": PASSWORD})).status_code == 303
    marina.headers["X-CSRF-Token"] = (await marina.get("/api/v1/session")).json()["csrf"]


async def _evening_on_the_site(story: Story) -> None:
    await story.told("Products Searched", 1, query=SEARCHED)
    filters = [{"type": "noise_cancelling", "value": "yes"}, {"type": "price", "value": {"max": 250}}]
    await story.told("Product List Filtered", 2, category="Headphones", filters=filters, sorts=[])
    await story.told("Product Viewed", 3, sku="HP-2", category="Headphones", price=200)
    await story.told("Product Viewed", 4, sku="HP-3", category="Headphones", price=200)


async def _qr_at_the_door(story: Story) -> None:
    shop = story.shop
    started = Instant(0.0, shop.now)
    shop.wait(60)
    verifier = CheckinVerifier(shop.runtime.keys.signing.public_key().public_bytes_raw(), started)
    judged = verifier.step(story.phone.code(shop.now), Instant(60.0, shop.now))
    assert isinstance(judged, Accepted)
    known = {"device": "scanner-1", "method": "qr", "confidence": 1.0, "first_usable_at": shop.now, "at": shop.now}
    await shop.feed(
        VisitStarted(visit="v1", method="qr", device="scanner-1", at=shop.now),
        VisitIdentified(visit="v1", subject=judged.subject, stage="final", **known),
    )


async def _the_card_knows_the_filters(story: Story) -> None:
    (alert,) = (await story.marina.get("/api/v1/alerts", params={"store": "shop", "state": "open"})).json()
    assert alert["customer"]["name"] == NAME
    assert (await story.marina.post(f"/api/v1/alerts/{alert['id']}/claim")).status_code == 200
    card = await story.card()
    in_force = {found["parameter"]: found for found in card["interests"]["filters"]}
    assert in_force["noise_cancelling"]["values"] == ["yes"]
    assert card["interests"]["price_range"]["max"] == 25_000
    assert {item["sku"] for item in card["items"]} >= {"HP-2", "HP-3"}
    assert SEARCHED in card["interests"]["searches"]


async def _two_are_tried_and_a_third_is_found(story: Story) -> None:
    for sku, liked, ratings in (("HP-2", False, {"weight": -2, "bass": -1}), ("HP-3", True, {"bass": -1})):
        body = {"sku": sku, "liked": liked, "parameters": ratings}
        answer = await story.marina.post("/api/v1/cards/v1/opinions", params={"store": "shop"}, json=body)
        assert answer.status_code == 201, answer.text
    query = {"store": "shop", "q": "lighter than Model 3, more bass than Model 3"}
    found = (await story.marina.get("/api/v1/cards/v1/search", params=query)).json()
    assert (found["unknown"], found["notes"], len(found["understood"])) == ([], [], 2)
    assert found["suggestions"][0]["sku"] == "HP-1", found
    assert any("198 g, 62 g lighter" in reason for reason in found["suggestions"][0]["reasons"])
    body = {"sku": "HP-1"}
    shown = await story.marina.post("/api/v1/cards/v1/suggested", params={"store": "shop"}, json=body)
    assert shown.status_code == 204
    assert {tried["sku"] for tried in (await story.card())["tried"] if tried["here"]} == {"HP-2", "HP-3"}


async def _one_price_on_label_and_phone(story: Story) -> int:
    await story.enter()
    (show,) = story.shop.commands("label.show")
    assert (show.variant, show.label) == ("personal", "label-1")
    await story.shop.confirm_labels()
    mine = (await story.me.post("/api/v1/me/price", json={"sku": "HP-1", "scanned": True})).json()
    assert mine["personal"] is True
    assert mine["price"] == show.content.price < show.content.was
    assert mine["code"].startswith("VQ1.")
    assert mine["disclosure"]
    return int(mine["price"])


async def _charged_once(story: Story, price: int) -> None:
    line = {"store": "shop", "sku": "HP-1", "receipt": "r-1", "customer": "c1"}
    assert (await story.till.post("/api/v1/till/redeem", json=line)).json()["charged"] == price
    again = (await story.till.post("/api/v1/till/redeem", json=line | {"receipt": "r-2"})).json()
    assert (again["charged"], again["redeemed"]) == (20_000, False)
    assert (await story.till.post("/api/v1/till/void", json={"store": "shop", "receipt": "r-2"})).status_code == 200
    assert story.shop.commands("label.revert")[-1].reason == "redeemed"


async def _the_site_hears_of_the_visit(story: Story) -> None:
    from central.webhooks import service as webhooks

    shop = story.shop
    who = {"visit": "v1", "track": "floor-1-1-1"}
    await shop.feed(
        ZoneLeft(**who, zone="audio", dwell_s=60.0, at=shop.now),
        VisitEnded(visit="v1", reason="exit", duration_s=300.0, at=shop.now),
    )
    shop.wait(120)
    async with shop.runtime.change() as effects:
        for store, visit in await webhooks.visits_due(effects.session, shop.now):
            assert await webhooks.tell_visit(effects, store, visit)
    changes = (await story.site.get("/api/v1/site/changes")).json()["changes"]
    (finished,) = [change for change in changes if change["type"] == "visit.finished"]
    assert finished["customer"] == "c1"
    assert {tried["sku"] for tried in finished["data"]["tried"]} == {"HP-2", "HP-3"}


async def _an_order_next_day_counts_for_her(story: Story) -> None:
    story.shop.wait(DAY)
    await _sign_in(story.marina)
    products = [{"sku": "HP-4", "quantity": 1, "price": 200.0}]
    await story.told("Order Completed", 5, order_id="w-1", currency="EUR", products=products)
    period = {"store": "shop", "from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}
    report = (await story.marina.get("/api/v1/contribution", params=period)).json()
    (mine,) = report["consultants"]
    assert mine["consultant"] == "marina"
    assert mine["till"] > 0
    assert mine["site"] > 0
    detail = (await story.marina.get("/api/v1/contribution/consultants/marina", params=period)).json()
    assert {reason["kind"] for line in detail["lines"] for reason in line["reasons"]} >= {"claimed", "suggested"}


async def _she_is_forgotten(story: Story) -> None:
    shop = story.shop
    assert NAME in json.dumps((await story.me.get("/api/v1/me/export")).json(), ensure_ascii=False)
    answer = await story.me.post("/api/v1/me/erase", json={"confirm": "ERASE"})
    assert answer.status_code == 200, answer.text
    await erasing.complete(shop.runtime)
    assert (await story.me.get("/api/v1/me")).status_code == 401
    assert (await story.marina.get("/api/v1/customers/c1")).status_code == 404
    assert await _readable(shop) == []


async def _readable(shop: Any) -> list[str]:
    """Canaries found in any row of any table, or in any file of the data folder."""
    canaries = [NAME, SEARCHED, "7781234500017"]
    found = []
    async with shop.runtime.db.read() as session:
        from central.tables import metadata

        for table in metadata.sorted_tables:
            rows = (await session.execute(text(f'SELECT * FROM "{table.name}"'))).all()
            found += [f"{table.name}: {canary}" for canary in canaries if any(canary in str(row) for row in rows)]
    for path in shop.runtime.settings.data.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        found += [f"{path.name}: {canary}" for canary in canaries if canary.encode() in content]
    return found


async def test_from_the_site_to_the_shop_and_back_and_forgotten(story: Story) -> None:
    await _evening_on_the_site(story)
    story.shop.wait(12 * 3600)
    await _sign_in(story.marina)
    await _qr_at_the_door(story)
    await _the_card_knows_the_filters(story)
    await _two_are_tried_and_a_third_is_found(story)
    price = await _one_price_on_label_and_phone(story)
    await _charged_once(story, price)
    await _the_site_hears_of_the_visit(story)
    await _an_order_next_day_counts_for_her(story)
    period = {"store": "shop", "from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}
    before = (await story.marina.get("/api/v1/contribution", params=period)).json()["shared"]
    await _she_is_forgotten(story)
    assert (await story.marina.get("/api/v1/contribution", params=period)).json()["shared"] == before
