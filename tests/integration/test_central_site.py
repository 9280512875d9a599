"""The site asks: changes, one customer whole, what to write to them; managers' side of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from central.pricing import rulebook
from central.pricing.tables import DayCondition
from central.privacy import service as privacy
from contract.events import PURPOSES
from tests.security.world import ANNA, World, live, opened

ONE_DATABASE = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
RULES = """version: 1
rules:
  - id: rainy
    title: {en: Rainy day, ru: Дождливый день}
    when: {conditions: {weather: [rain]}, categories: [Audio]}
    give: {share: 0.05}
  - id: sunny
    when: {conditions: {weather: [sun]}}
    give: {share: 0.05}
  - {id: here, when: {conditions: {region: [EU]}}, give: {amount: 100}}
"""


@ONE_DATABASE
async def test_the_site_reads_changes_a_summary_and_a_message(shop: Any, import_document: Any) -> None:
    async with opened(shop, import_document) as world:
        await live(world)
        site = await world.machine("site", "shop")
        page = (await site.get("/api/v1/site/changes", params={"limit": 1})).json()
        assert (page["changes"][0]["type"], page["changes"][0]["customer"], page["more"]) == (
            "product.tried",
            "c1",
            True,
        )
        rest = (await site.get("/api/v1/site/changes", params={"after": page["next"]})).json()
        assert page["changes"][0]["id"] not in {change["id"] for change in rest["changes"]}

        found = (await site.get("/api/v1/site/customers/c1/summary")).json()
        assert [entry["sku"] for entry in found["tried"]] == ["HP-1"]
        assert found["visits"][0]["visit"] == "v1"
        assert found["segments"]
        assert "HP-1" not in found["retargeting"], "they bought it"
        assert (await site.get("/api/v1/site/customers/c2/summary")).status_code == 404

        english = (await site.get("/api/v1/site/customers/c1/message", params={"language": "en"})).json()
        russian = (await site.get("/api/v1/site/customers/c1/message", params={"language": "ru"})).json()
        for made in (english, russian):
            assert "Anna" in made["text"]
            assert "HP-1" in made["text"]
            assert "pinches" not in made["text"], "a consultant's own words stay in the shop"
        assert russian["subject"].startswith("Ваш визит")
        await _own_message(world, site)


async def _own_message(world: World, site: Any) -> None:
    manager = await world.staff("manager", "shop")
    body = {"store": "shop", "title": "Hi {{ name }}", "text": "{% for item in tried %}{{ item.sku }}{% endfor %}"}
    where = "/api/v1/message-templates/en"
    shown = await manager.post(f"{where}/preview", json=body)
    assert (shown.json()["subject"], shown.json()["text"]) == ("Hi Anna", "HP-1")
    wrong = await manager.put(where, json={**body, "text": "one\n{{ name.__class__ }}"})
    assert wrong.status_code == 422
    assert wrong.json()["detail"].startswith("text:2:")
    assert (await manager.put(where, json=body)).status_code == 200
    made = (await site.get("/api/v1/site/customers/c1/message", params={"language": "en"})).json()
    assert made["text"] == "HP-1"
    await _consent(world, profile=False)
    assert (await site.get("/api/v1/site/customers/c1/message")).status_code == 409
    found = (await site.get("/api/v1/site/customers/c1/summary")).json()
    assert (found["profile"], found["tried"], found["visits"], found["segments"]) == (False, [], [], [])


async def _consent(world: World, **purposes: bool) -> None:
    world.shop.wait(1)
    async with world.runtime.change() as effects:
        given = {**dict.fromkeys(PURPOSES, True), **purposes}
        await privacy.record(
            effects, ANNA, given, text_version="1", text_sha256="0" * 64, channel="test", given_at=effects.now
        )


@ONE_DATABASE
async def test_offers_hold_by_weather_and_region(shop: Any, import_document: Any) -> None:
    async with opened(shop, import_document) as world:
        async with shop.runtime.change() as effects:
            await rulebook.activate(effects, "shop", RULES, "test")
            effects.session.add(
                DayCondition(store="shop", name="weather", value="rain", until=shop.now + timedelta(hours=1))
            )
        site = await world.machine("site", "shop")
        found = (await site.get("/api/v1/site/customers/c1/summary")).json()["offers"]
        assert [(offer["rule"], offer["categories"]) for offer in found] == [("rainy", ["Audio"]), ("here", [])]
        shop.wait(3601)
        found = (await site.get("/api/v1/site/customers/c1/summary")).json()["offers"]
        assert [offer["rule"] for offer in found] == ["here"]
        await _consent(world, personal_price=False)
        assert (await site.get("/api/v1/site/customers/c1/summary")).json()["offers"] == []


@ONE_DATABASE
async def test_subscribing_is_for_admins_and_shows_the_secret_once(shop: Any, import_document: Any) -> None:
    async with opened(shop, import_document) as world:
        admin, manager = await world.staff("admin", "shop"), await world.staff("manager", "shop")
        body = {"store": "shop", "url": "https://93.184.215.14/hook", "kinds": ["visit.finished"]}
        made = (await admin.post("/api/v1/webhooks", json=body)).json()
        assert made["secret"].startswith("whsec_")
        assert (await manager.post("/api/v1/webhooks", json=body)).status_code == 403
        inside = await admin.post("/api/v1/webhooks", json={**body, "url": "https://169.254.169.254/latest"})
        assert inside.status_code == 422
        (shown,) = (await manager.get("/api/v1/webhooks", params={"store": "shop"})).json()
        assert (shown["secret"], shown["active"], shown["waiting"]) == (None, True, 0)
        assert (await admin.post(f"/api/v1/webhooks/{made['id']}/off")).json()["active"] is False
        assert (await admin.delete(f"/api/v1/webhooks/{made['id']}")).status_code == 204
        assert (await manager.get("/api/v1/webhooks", params={"store": "shop"})).json() == []
