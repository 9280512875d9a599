"""Purposes x surfaces: what a person did not agree to happens nowhere (DESIGN 3, issue 5 item 10)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from central.alerts.tables import Alert
from central.analytics import gather
from central.analytics.hours import day_start
from central.behaviour import service as behaviour
from central.behaviour.schemas import Interests
from central.behaviour.tables import SiteEvent
from central.preferences import service as preferences
from central.pricing.tables import PriceOccasion, Quote
from central.sales.tables import Sale
from contract.events import PURPOSES, ProductScanned, VisitIdentified, ZoneLeft
from tests.security.test_object_authorisation import OBJECTS, calls
from tests.security.world import ANNA, PERSON_MARK, World, agree, live

pytestmark = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
BY_RIGHT = {"/api/v1/customers/{customer_id}", "/api/v1/customers/{customer_id}/export"}
"""A customer's file by their number, which staff ask for with reason: the name they are served by; all, on request."""


async def _count(world: World, table: Any) -> int:
    async with world.runtime.db.read() as session:
        return await session.scalar(select(func.count()).select_from(table).where(table.subject == ANNA)) or 0


EVERY_PURPOSE = {"identify", "profile", "personal_price", "consultant_alert", "analytics"}
assert set(map(str, PURPOSES)) == EVERY_PURPOSE, "a new purpose: say here where it must be honoured"


async def test_without_profile_staff_meet_a_guest_on_every_route_and_page(world: World) -> None:
    await live(world, profile=False)
    staff = [await world.staff("admin", "shop"), await world.machine("report", "shop")]
    said = []
    for call in calls(world):
        if call.method != "GET" or call.template in BY_RIGHT or call.template.endswith("/stream"):
            continue
        for client in staff:
            answer = await call.ask(client)
            if PERSON_MARK in answer.text:
                said.append(f"{call.name}: {answer.text[:300]}")
    assert not said, "\n".join(said)
    cards = (await staff[0].get("/api/v1/alerts", params={"store": "shop", "state": "all"})).json()
    assert [(card["customer"]["name"], card["customer"]["id"], card["interests"]) for card in cards] == [
        ("a guest", None, [])
    ]
    page = (await staff[0].get("/arrivals")).text
    assert '"c1"' not in page
    async with world.runtime.db.read() as session:
        vault, now = world.runtime.vault, world.runtime.clock.now()
        assert await behaviour.interests(session, vault, ANNA, now) == Interests()
        assert await behaviour.timeline(session, vault, ANNA) == []
        assert await preferences.of_subject(session, vault, ANNA) == []
        assert not (await preferences.search(session, vault, ANNA, "shop", "headphones", 3, now)).personal
        assert await session.scalar(select(func.count()).select_from(SiteEvent).where(SiteEvent.owner == ANNA)) == 0


@pytest.mark.parametrize("purpose", ["personal_price", "profile"])
async def test_without_personal_price_there_is_no_quote_anywhere(world: World, purpose: str) -> None:
    await live(world, **{purpose: False})
    assert await _count(world, Quote) == 0
    assert await _count(world, PriceOccasion) == 0
    assert {command.variant for command in world.shop.commands("label.show")} == {"public"}
    anna = await world.customer("c1")
    price = (await anna.post("/api/v1/me/price", json={"sku": "HP-1", "scanned": True})).json()
    assert (price["price"], price["personal"], price["why"]) == (20000, False, "consent")
    assert await _count(world, Quote) == 0
    quotes = await (await world.machine("report", "shop")).get("/api/v1/prices/quotes", params={"store": "shop"})
    assert quotes.json() == []
    till = await world.machine("till", "shop")
    sold = await till.post(
        "/api/v1/till/redeem", json={"store": "shop", "sku": "HP-1", "subject": ANNA, "receipt": "R-2"}
    )
    assert (sold.json()["charged"], sold.json()["redeemed"]) == (20000, False)


@pytest.mark.parametrize("agreed", [True, False])
async def test_without_profile_nobody_keeps_what_was_bought(world: World, agreed: bool) -> None:
    await live(world, profile=agreed)
    till = await world.machine("till", "shop")
    for number, by in enumerate(({"customer": "c1"}, {"subject": ANNA}, {"visit": "v1"}), 2):
        line = {"store": "shop", "sku": "HP-1", "receipt": f"R-{number}", **by}
        assert (await till.post("/api/v1/till/redeem", json=line)).status_code == 200
    assert await _count(world, Sale) == (4 if agreed else 0)
    async with world.runtime.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(Sale)) == 4


async def test_without_alerts_nobody_is_told(world: World) -> None:
    await live(world, consultant_alert=False)
    assert await _count(world, Alert) == 0
    consultant = await world.staff("consultant", "shop")
    assert (await consultant.get("/api/v1/alerts", params={"store": "shop", "state": "all"})).json() == []


async def test_without_identify_no_template_is_lent_and_no_phone_certified(world: World) -> None:
    await agree(world, identify=False)
    anna = await world.customer("c1")
    refused = await anna.post("/api/v1/me/phone-key", json={"public_key": OBJECTS.get("public_key", "A" * 44)})
    assert refused.status_code == 409
    known = {"method": "face", "device": "door", "stage": "final", "outcome": "known", "confidence": 0.9}
    await world.shop.feed(
        VisitIdentified(visit="v9", subject=ANNA, first_usable_at=world.shop.now, at=world.shop.now, **known)
    )
    assert world.shop.commands("gallery.put") == []


@pytest.mark.parametrize("agreed", [True, False])
async def test_without_analytics_nobody_is_followed_through_the_funnel(world: World, agreed: bool) -> None:
    await live(world, analytics=agreed)
    shop = world.shop
    await shop.feed(
        ProductScanned(device="label-1", sku="HP-1", visit="v1", at=shop.now),
        ZoneLeft(zone="audio", visit="v1", track="floor-1-run-1", dwell_s=30.0, at=shop.now),
    )
    zone = ZoneInfo("UTC")
    async with world.runtime.db.read() as session:
        scanned = await gather._scanned(session, "shop", {"v1"})
        bought = await gather.bought(session, gather.Grid("shop", zone, shop.now), day_start(shop.now, zone))
    assert bool(scanned) == agreed
    assert bool(bought) == agreed


async def test_a_purpose_taken_back_in_the_shop_is_carried_out_at_once(world: World) -> None:
    await live(world)
    world.shop.wait(1)
    await agree(world, **dict.fromkeys(map(str, PURPOSES), False))
    consultant = await world.staff("consultant", "shop")
    assert PERSON_MARK not in (await consultant.get("/arrivals")).text
    world.shop.wait(timedelta(minutes=1).total_seconds())
    assert (await consultant.get("/api/v1/alerts", params={"store": "shop", "state": "active"})).json() == []
    assert world.shop.commands("label.revert") or world.shop.commands("label.show")[-1].variant == "public"
