"""The customer's own page: their price on the phone, its code at an offline till, their history; both databases."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import select

from central.analytics.tables import Scan
from central.app import create_app
from central.preferences.tables import Prior
from central.pricing import quote_code
from central.pricing.tables import Quote
from central.privacy import service as privacy
from central.privacy.service import note_reads
from central.profiles import service as profiles

BASE = "http://central.test"
EVERYTHING = dict.fromkeys(("identify", "profile", "personal_price", "consultant_alert", "analytics"), True)


class Phone:
    """A signed-in customer's browser."""

    def __init__(self, shop: Any, client: httpx.AsyncClient) -> None:
        self.shop, self.client = shop, client

    async def price(self, sku: str = "HP-1", **body: Any) -> dict[str, Any]:
        answer = await self.client.post("/api/v1/me/price", json={"sku": sku, **body})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert isinstance(found, dict)
        return found

    async def agree(self, **purposes: bool) -> None:
        self.shop.wait(1)
        async with self.shop.runtime.change() as effects:
            await privacy.record(
                effects,
                "a" * 32,
                EVERYTHING | purposes,
                text_version="1",
                text_sha256="0" * 64,
                channel="test",
                given_at=effects.now,
            )


async def sign_in(shop: Any, client: httpx.AsyncClient, ident: str) -> None:
    async with shop.runtime.db.write() as session:
        code = await profiles.login_code(session, ident, shop.now)
    assert code is not None
    assert (await client.post("/api/v1/me/login", json={"code": code.code})).status_code == 204
    client.headers["X-CSRF-Token"] = (await client.get("/api/v1/me")).json()["csrf"]


@pytest.fixture
async def app(shop: Any) -> Any:
    await shop.load()
    app = create_app(shop.runtime.settings, shop.clock, bus=False)
    app.state.runtime = shop.runtime
    return app


@pytest.fixture
async def phone(shop: Any, app: Any) -> Any:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as client:
        await sign_in(shop, client, "c1")
        yield Phone(shop, client)


async def test_my_price_in_a_visit_is_a_promise_with_a_code_the_till_can_check(shop: Any, phone: Phone) -> None:
    await shop.arrive()
    found = await phone.price()
    assert (found["personal"], found["price"], found["public"]) == (True, 20_000 - 2_000 - 500, 20_000)
    assert found["disclosure"] == "This price was personalised for you by automated decision."
    assert found["valid_s"] == 120
    said = quote_code.decode(found["code"], shop.runtime.keys.signing.public_key())
    assert isinstance(said, quote_code.SignedQuote)
    assert (said.sku, said.price, said.store, said.visit) == ("HP-1", found["price"], "shop", "v1")
    assert quote_code.judge(said, "shop", "HP-1", 20_000, shop.now, frozenset()) is said
    shop.wait(100)
    assert (await phone.price())["price"] == found["price"]
    async with shop.runtime.db.read() as session:
        (quote,) = (await session.scalars(select(Quote))).all()
    assert quote.armed_at is not None
    assert quote.label is None


async def test_no_price_of_ones_own_without_consent_or_a_visit(shop: Any, phone: Phone) -> None:
    assert (await phone.price())["why"] == "visit"
    await shop.arrive()
    for purpose in ("personal_price", "profile"):
        await phone.agree(**{purpose: False})
        found = await phone.price()
        assert (found["why"], found["price"], found["code"], found["disclosure"]) == ("consent", 20_000, None, None)
    async with shop.runtime.db.read() as session:
        assert (await session.scalars(select(Quote))).all() == []


async def test_the_prescribed_sentence_of_the_region(shop: Any, phone: Phone, import_document: Any) -> None:
    await shop.load(import_document(region="US-NY"))
    await shop.arrive()
    found = await phone.price()
    assert found["disclosure"] == "THIS PRICE WAS SET BY AN ALGORITHM USING YOUR PERSONAL DATA."


async def test_a_scan_on_the_phone_counts_as_one_in_the_shop_only_during_a_visit(shop: Any, phone: Phone) -> None:
    await phone.price(scanned=True)
    await shop.arrive()
    await phone.price()
    await phone.price(scanned=True)
    async with shop.runtime.db.read() as session:
        scans = (await session.scalars(select(Scan))).all()
    assert [(scan.visit, scan.sku) for scan in scans] == [("v1", "HP-1")]


async def test_what_is_not_there_and_who_may_not(shop: Any, app: Any, phone: Phone) -> None:
    assert (await phone.client.post("/api/v1/me/price", json={"sku": "nothing"})).status_code == 404
    del phone.client.headers["X-CSRF-Token"]
    assert (await phone.client.post("/api/v1/me/price", json={"sku": "HP-1"})).status_code == 403
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as stranger:
        assert (await stranger.post("/api/v1/me/price", json={"sku": "HP-1"})).status_code == 401
        assert (await stranger.get("/api/v1/me/history")).status_code == 401


async def test_history_is_ones_own(shop: Any, phone: Phone, import_document: Any) -> None:
    document = import_document()
    document["customers"].append({"id": "c2", "subject": "b" * 32, "name": "Boris"})
    await shop.load(document)
    await shop.arrive()
    await shop.arrive("v2", "b" * 32)
    async with shop.runtime.db.write() as session:
        await note_reads(session, "staff:vera", ["c1", "c2"], "customers", shop.now)
        await note_reads(session, "customer", ["c1"], "me", shop.now)
    found = (await phone.client.get("/api/v1/me/history")).json()
    assert [visit["method"] for visit in found["visits"]] == ["face"]
    assert [(look["reader"], look["place"]) for look in found["looked"]] == [("staff:vera", "customers")]


async def test_a_call_tells_where_the_customer_stands_and_is_taken_back(shop: Any, phone: Phone) -> None:
    client = phone.client
    assert (await client.post("/api/v1/me/call", json={"sku": "HP-1"})).status_code == 409
    await shop.arrive()
    called = (await client.post("/api/v1/me/call", json={"sku": "HP-1"})).json()
    assert called == {"state": "waiting", "zone": "audio", "sku": "HP-1"}
    assert (await client.post("/api/v1/me/call", json={"zone": "nowhere"})).status_code == 404
    assert (await client.post("/api/v1/me/call", json={"sku": "nothing"})).status_code == 404
    assert (await client.post("/api/v1/me/call", json={"zone": "video"})).json()["zone"] == "video"
    assert (await client.get("/api/v1/me/call")).json()["state"] == "waiting"
    assert (await client.delete("/api/v1/me/call")).json()["state"] == "none"
    assert (await client.get("/api/v1/me/call")).json()["state"] == "none"
    assert [zone["id"] for zone in (await client.get("/api/v1/me/zones")).json()] == ["audio", "video"]


async def test_a_basket_is_put_aside_and_finished_later(phone: Phone) -> None:
    client = phone.client
    assert (await client.get("/api/v1/me/basket")).json() is None
    assert (await client.post("/api/v1/me/basket/later")).status_code == 404
    assert (await client.put("/api/v1/me/basket", json={"sku": "nothing", "quantity": 1})).status_code == 404
    put = (await client.put("/api/v1/me/basket", json={"sku": "HP-1", "quantity": 1})).json()
    assert [(line["sku"], line["by"]) for line in put["lines"]] == [("HP-1", "customer")]
    assert (await client.post("/api/v1/me/basket/later")).json()["state"] == "later"
    await client.put("/api/v1/me/basket", json={"sku": "HP-1", "quantity": 0})
    assert (await client.get("/api/v1/me/basket")).json() is None


async def test_the_export_is_a_file_and_an_erasure_ends_the_session(shop: Any, phone: Phone) -> None:
    await shop.arrive()
    exported = await phone.client.get("/api/v1/me/export")
    assert "attachment" in exported.headers["content-disposition"]
    assert exported.json()["tables"]["visits"][0]["id"] == "v1"
    assert (await phone.client.post("/api/v1/me/erase", json={"confirm": "yes"})).status_code == 422
    assert (await phone.client.get("/api/v1/me")).status_code == 200
    erased = await phone.client.post("/api/v1/me/erase", json={"confirm": "ERASE"})
    assert len(erased.json()["number"]) == 32
    assert (await phone.client.get("/api/v1/me")).status_code == 401


async def test_the_pages_of_a_product_and_of_what_is_mine(shop: Any, app: Any, phone: Phone) -> None:
    product = await phone.client.get("/me/scan", params={"sku": "HP-1"}, headers={"Accept-Language": "ru"})
    assert product.status_code == 200
    assert "Моя цена" in product.text
    assert "no-store" in product.headers["cache-control"]
    assert (await phone.client.get("/me/scan", params={"sku": "nothing"})).status_code == 404
    words = await phone.client.get("/me/scan", params={"gtin": "good headphones"})
    assert words.headers["location"] == "/me/find?q=good+headphones"
    assert (await phone.client.get("/me/find", params={"q": "headphones"})).status_code == 200
    assert (await phone.client.get("/me/mine")).status_code == 200
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as stranger:
        public = await stranger.get("/me/scan", params={"sku": "HP-1", "store": "shop"})
        assert "Connect this phone" in public.text
        assert "data-liked" not in public.text
        assert (await stranger.get("/me/mine")).headers["location"] == "/me"
        assert (await stranger.get("/me/find", params={"store": "nowhere"})).status_code == 404


async def test_what_others_thought_is_said_of_ten_people_or_more(shop: Any, phone: Phone) -> None:
    for liked, disliked, said in ((6, 3, False), (8, 3, True)):
        async with shop.runtime.db.write() as session:
            likes: dict[str, object] = {"HP-1": [liked, disliked]}
            prior = Prior(
                store="shop", category="", segment="", people=20, weights={}, likes=likes, learned_at=shop.now
            )
            await session.merge(prior)
        page = await phone.client.get("/me/scan", params={"sku": "HP-1"})
        assert ("Tried in the shop by 11 people: 8 liked it." in page.text) is said
