"""Site events over HTTP: what is taken, what is refused and kept aside, and what staff then see."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from sqlalchemy import delete, func, select

from central.app import create_app
from central.behaviour import retention, service
from central.behaviour.tables import SiteEvent, SiteInterest, SiteQuarantine
from central.catalogue.tables import Store
from central.contribution import report as contribution
from central.identity import service as identity
from central.imports import service as imports
from central.privacy import service as privacy
from central.privacy.tables import ProfileRead
from central.profiles.tables import Customer
from central.sales.tables import Sale, SaleLine
from central.settings import Settings
from central.staff import service as staff
from contract.clock import ManualClock

SUBJECT = "a" * 32
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass
class Site:
    """A central, a site that sends to it, and a manager who looks."""

    app: Any
    http: httpx.AsyncClient
    clock: ManualClock
    server: str
    public: str
    csrf: str = ""
    number: int = 0

    @property
    def runtime(self) -> Any:
        return self.app.state.runtime

    def event(self, name: str, at: timedelta = timedelta(0), **fields: Any) -> dict[str, Any]:
        """A track event; `properties` and ids as given."""
        self.number += 1
        when = (self.clock.now() + at).isoformat()
        whole = {"type": "track", "event": name, "messageId": f"m{self.number}", "timestamp": when, **fields}
        return whole if {"anonymousId", "userId"} & set(fields) else {**whole, "anonymousId": "visitor-1"}

    async def send(self, *events: Any, key: str | None = None, **batch: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key or self.server}"}
        return await self.http.post("/v1/events", json={"batch": list(events), **batch}, headers=headers)

    async def interests(self) -> Any:
        return (await self.http.get("/api/v1/customers/c1/interests")).json()


@pytest.fixture
async def site(migrated_url: str, tmp_path: Path, import_document: Any) -> AsyncIterator[Site]:
    clock = ManualClock(NOW)
    app = create_app(Settings(data=tmp_path, database=migrated_url), clock, bus=False)
    async with app.router.lifespan_context(app):
        runtime = app.state.runtime
        async with runtime.change() as effects:
            await imports.apply(effects, imports.parse(json.dumps(import_document()).encode(), "shop.json"))
        async with runtime.db.write() as session:
            server = await staff.create_token(session, "site", "shop", runtime, "web")
            public = await staff.create_token(session, "public", "shop", runtime, "web")
            await staff.add(session, "manager", "manager", "shop", "a good password")
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://central") as http:
            await http.post("/login", data={"name": "manager", "password": "a good password"})
            csrf = (await http.get("/api/v1/session")).json()["csrf"]
            http.headers["X-CSRF-Token"] = csrf
            yield Site(app, http, clock, server, public, csrf)


async def _count(site: Site, table: Any) -> int:
    async with site.runtime.db.read() as session:
        return int(await session.scalar(select(func.count()).select_from(table)) or 0)


async def test_browsing_becomes_interests_and_a_timeline(site: Site) -> None:
    signed_in = {"userId": "c1", "anonymousId": "visitor-1"}
    sent = await site.send(
        site.event("Products Searched", properties={"query": "Light headphones"}),
        site.event(
            "Product List Filtered",
            properties={
                "category": "Headphones",
                "filters": [{"type": "price", "value": {"max": 150}}, {"type": "anc", "value": "yes"}],
                "sorts": [{"type": "price", "value": "asc"}],
            },
        ),
        site.event(
            "Product Viewed", properties={"sku": "HP-1", "category": "Headphones", "brand": "Acme"}, **signed_in
        ),
        site.event("Products Compared", properties={"products": [{"sku": "HP-1"}, {"sku": "HP-2"}]}, **signed_in),
        site.event("Product Added to Wishlist", properties={"sku": "HP-1"}, **signed_in),
        site.event("Product Added", properties={"sku": "HP-1", "quantity": 2}, **signed_in),
        site.event("Promotion Clicked", properties={"name": "spring"}, **signed_in),
        site.event("Delivery Options Viewed", properties={"sku": "HP-1", "delivery_days": 5}, **signed_in),
    )
    assert (sent.status_code, sent.json()["accepted"]) == (200, 8)
    seen = await site.interests()
    assert seen["searches"] == ["Light headphones"]
    assert [(row["parameter"], row["values"], row["max"]) for row in seen["filters"]] == [
        ("anc", ["yes"], None),
        ("price", None, 150.0),
    ]
    assert (seen["price_range"], seen["sort"]) == ({"min": None, "max": 15000}, "price asc")
    assert (seen["compared"], seen["favourites"], seen["promotions"]) == ([["HP-1", "HP-2"]], ["HP-1"], ["spring"])
    assert seen["abandoned_basket"]["lines"] == [{"sku": "HP-1", "quantity": 2}]
    assert [row["name"] for row in seen["categories"]] == ["Headphones"]
    assert {row["kind"] for row in seen["barriers"]} == {"price", "delivery_time"}
    assert seen["viewed"] == [{"sku": "HP-1", "count": 1, "last_at": "2026-03-02T12:00:00.000Z"}]
    first = (await site.http.get("/api/v1/customers/c1/timeline?limit=3")).json()
    rest = (await site.http.get(f"/api/v1/customers/c1/timeline?before={first[-1]['id']}")).json()
    assert [row["kind"] for row in first + rest][::-1] == [
        "Products Searched", "Product List Filtered", "Product Viewed", "Products Compared",
        "Product Added to Wishlist", "Product Added", "Promotion Clicked", "Delivery Options Viewed",
    ]  # fmt: skip
    assert await _count(site, ProfileRead) == 3


async def test_the_same_message_counts_once_within_a_batch_and_ever_after(site: Site) -> None:
    event = site.event("Product Viewed", properties={"sku": "HP-1"}, userId="c1")
    assert (await site.send(event, event)).json()["duplicate"] == 1
    before = await site.interests()
    again = (await site.send(event)).json()
    assert (again["accepted"], again["duplicate"]) == (0, 1)
    assert await site.interests() == before
    counted = (await site.http.get("/api/v1/events/sources?store=shop")).json()
    assert [(row["source"], row["accepted"], row["duplicate"]) for row in counted] == [("web", 1, 2)]


async def test_bad_events_are_told_by_field_and_do_not_hold_back_the_others(site: Site) -> None:
    good = site.event("Product Viewed", properties={"sku": "HP-1"}, userId="c1")
    bad = [
        {"type": "track", "event": "Product Viewed", "messageId": "b1", "properties": {"sku": "x"}},
        site.event("Product Viewed", properties={}, userId="c1"),
        {**site.event("Product Viewed", properties={"sku": "x"}), "timestamp": "yesterday"},
        {**site.event("Product Viewed", properties={"sku": "x"}), "messageId": None},
        site.event("Product Viewed", properties={"sku": "x"}, anonymousId="undefined"),
        site.event("Product Viewed", -timedelta(days=31), properties={"sku": "x"}),
        site.event("Product Viewed", properties={"sku": "x", "padding": "z" * 40_000}),
        {**site.event("", properties={}), "event": None},
    ]
    sent = await site.send(*bad, good)
    told = sent.json()
    assert (sent.status_code, told["accepted"], told["rejected"]) == (207, 1, len(bad))
    assert [(item["index"], item["field"]) for item in told["errors"]] == [
        (0, "anonymousId"), (1, "properties.sku"), (2, "timestamp"), (3, "messageId"), (4, "anonymousId"),
        (5, "timestamp"), (6, "properties"), (7, "event"),
    ]  # fmt: skip
    async with site.runtime.db.read() as session:
        aside = (await session.scalars(select(SiteQuarantine).order_by(SiteQuarantine.id))).all()
    assert len(aside) == len(bad)
    kept = [site.runtime.vault.open(row.owner, row.sealed) for row in aside if row.owner]
    assert any(item and item["properties"] == {} for item in kept)
    assert b"visitor-1" not in b"".join(row.sealed or b"" for row in aside)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "body"),
        (b"[]", "body"),
        (b'{"batch": []}', "batch"),
        (b'{"batch": [1]}', "batch.0"),
        (b'{"batch": [{"a": NaN}]}', "body"),
        (b'{"batch": [{"a": "\\ud800"}]}', "body"),
        (b'{"batch": ' + b"[" * 5000 + b"]" * 5000 + b"}", "body"),
        (json.dumps({"batch": [{}] * 1001}).encode(), "batch"),
    ],
)
async def test_what_is_no_batch_is_refused_with_the_place(site: Site, body: bytes, place: str) -> None:
    answer = await site.http.post("/v1/events", content=body, headers={"Authorization": f"Bearer {site.server}"})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(place)


async def test_odd_values_do_not_break_the_service(site: Site) -> None:
    for odd in (b"1e400", b'"\\u0000"', b"123456789012345678901234567890", b"[[[[{}]]]]"):
        event = site.event("Product Viewed", properties={"sku": "S", "x": "@"}, userId="c1")
        body = json.dumps({"batch": [event]}).encode().replace(b'"@"', odd)
        answer = await site.http.post("/v1/events", content=body, headers={"Authorization": f"Bearer {site.server}"})
        assert answer.status_code in {200, 207}
        assert (await site.http.get("/api/v1/customers/c1/timeline")).status_code == 200
    zero = {**site.event("Product Viewed", properties={"sku": "S"}, userId="c1"), "messageId": "a\0b"}
    assert (await site.send(zero)).json()["errors"][0]["field"] == "messageId"


async def test_keys(site: Site) -> None:
    event = site.event("Product Viewed", properties={"sku": "HP-1"}, userId="c1")
    async with site.runtime.db.write() as session:
        till = await staff.create_token(session, "till", "shop", site.runtime)
    assert (await site.http.post("/v1/events", json={"batch": [event]})).status_code == 401
    assert (await site.send(event, key="nonsense")).status_code == 401
    assert (await site.send(event, key=till)).status_code == 403
    basic = base64.b64encode(f"{site.server}:".encode()).decode()
    answer = await site.http.post("/v1/events", json={"batch": [event]}, headers={"Authorization": f"Basic {basic}"})
    assert answer.json()["accepted"] == 1
    broken = await site.http.post("/v1/events", json={"batch": [event]}, headers={"Authorization": "Basic !!"})
    assert broken.status_code == 401
    # A page of the shop sends from another origin; only this route says that it may.
    asked = await site.http.options("/v1/events")
    assert asked.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in asked.headers
    # A write key that stands in every page opens nothing else.
    opened = await site.http.get("/api/v1/labels?store=shop", headers={"Authorization": f"Bearer {site.public}"})
    assert opened.status_code == 403


async def test_a_key_may_send_only_so_much(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from limits import RateLimitItemPerMinute

    monkeypatch.setattr("central.behaviour.access._PUBLIC_KEY", RateLimitItemPerMinute(3))
    many = [site.event("Product Viewed", properties={"sku": "HP-1"}) for _ in range(2)]
    assert (await site.send(*many, key=site.public)).status_code == 200
    assert (await site.send(*many, key=site.public)).status_code == 429
    assert (await site.send(*many, key=site.server)).status_code == 200


async def test_a_wrong_clock_is_corrected_and_late_news_do_not_overrule(site: Site) -> None:
    def filtered(maximum: int, **fields: Any) -> dict[str, Any]:
        properties = {"category": "TV", "filters": [{"type": "price", "value": {"max": maximum}}]}
        return {**site.event("Product List Filtered", properties=properties, userId="c1"), **fields}

    await site.send(filtered(500))
    late = filtered(100, timestamp=(NOW - timedelta(hours=1)).isoformat())
    await site.send(late)
    assert (await site.interests())["price_range"]["max"] == 50000
    # Two hours fast: "an hour from now", sent "two hours from now", happened an hour ago.
    fast = filtered(200, timestamp=(NOW + timedelta(hours=1)).isoformat())
    await site.send(fast, sentAt=(NOW + timedelta(hours=2)).isoformat())
    assert (await site.interests())["price_range"]["max"] == 50000
    async with site.runtime.db.read() as session:
        moments = (await session.scalars(select(SiteEvent.at).order_by(SiteEvent.id))).all()
    assert moments == [NOW, NOW - timedelta(hours=1), NOW - timedelta(hours=1)]


async def test_an_order_empties_the_basket_takes_the_barriers_away_and_is_a_sale(site: Site) -> None:
    order = {
        "order_id": "o-1",
        "currency": "EUR",
        "products": [{"product_id": "HP-1", "price": 199.99, "quantity": 2}, {"sku": "HP-9", "price": 5}],
    }
    await site.send(
        site.event("Product Added", -timedelta(hours=2), properties={"sku": "HP-1"}, userId="c1"),
        site.event("Delivery Options Viewed", -timedelta(hours=2), properties={"sku": "HP-1"}, userId="c1"),
        site.event("Order Completed", -timedelta(hours=1), properties=order, userId="c1"),
    )
    seen = await site.interests()
    assert (seen["abandoned_basket"], seen["barriers"]) == (None, [])
    await site.send(site.event("Order Completed", -timedelta(hours=1), properties=order, userId="c1"))
    async with site.runtime.db.read() as session:
        sales = (await session.scalars(select(Sale))).all()
        lines = (await session.scalars(select(SaleLine).order_by(SaleLine.sku))).all()
    found = [(sale.channel, sale.scope, sale.id, sale.subject) for sale in sales]
    assert found == [("site", "shop/web", "o-1", SUBJECT)]
    assert [(line.sku, line.quantity, line.price) for line in lines] == [("HP-1", 2, 19999), ("HP-9", 1, 500)]


async def _sold(site: Site) -> dict[str, dict[str, tuple[int, int]]]:
    """Quantity and price by SKU, by order."""
    async with site.runtime.db.read() as session:
        found: dict[str, dict[str, tuple[int, int]]] = {sale: {} for sale in (await session.scalars(select(Sale.id)))}
        for line in (await session.scalars(select(SaleLine))).all():
            found[line.sale][line.sku] = (line.quantity, line.price)
    return found


async def test_what_is_refunded_cancelled_or_changed_is_no_sale_any_more(site: Site) -> None:
    def told(what: str, number: str, hours: int, *products: dict[str, object]) -> dict[str, Any]:
        given = {"order_id": number, "products": list(products)}
        return site.event(f"Order {what}", -timedelta(hours=hours), properties=given, userId="c1")

    lines: tuple[dict[str, object], ...] = (
        {"sku": "HP-1", "price": 20, "quantity": 3},
        {"sku": "TV-1", "price": 5, "quantity": 1},
    )
    await site.send(*(told("Completed", number, 9, *lines) for number in ("part", "all", "gone", "other", "public")))
    for _ in range(2):  # told twice under the same message ids is told once
        changed = [
            told("Refunded", "part", 8, {"sku": "HP-1", "quantity": 2}),
            told("Refunded", "all", 8),
            told("Cancelled", "gone", 7),
            told("Updated", "other", 7, {"sku": "HP-1", "price": 18, "quantity": 1}, {"sku": "XX", "price": 1}),
            told("Cancelled", "never-heard-of", 7),
        ]
        site.number -= len(changed)
        await site.send(*changed)
    site.number += len(changed)
    await site.send(told("Cancelled", "public", 7), key=site.public)
    await site.send(told("Completed", "gone", 9, *lines))  # late news under another id
    assert await _sold(site) == {
        "part": {"HP-1": (1, 2000), "TV-1": (1, 500)},
        "all": {},
        "gone": {},
        "other": {"HP-1": (1, 1800), "XX": (1, 100)},
        "public": {"HP-1": (3, 2000), "TV-1": (1, 500)},
    }
    async with site.runtime.db.read() as session:
        store = await session.get(Store, "shop")
        report = await contribution.report(session, store, NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert report.sold == 2000 + 500 + 1800 + 100 + 6000 + 500


@pytest.mark.parametrize("batches", [1, 3])
async def test_corrections_that_come_before_their_order_count_all_the_same(site: Site, batches: int) -> None:
    def told(what: str, hours: int, *products: dict[str, object]) -> dict[str, Any]:
        given = {"order_id": "o-1", "products": list(products)}
        return site.event(f"Order {what}", -timedelta(hours=hours), properties=given, userId="c1")

    events = [
        told("Refunded", 1, {"sku": "HP-1", "quantity": 1}),
        told("Updated", 2, {"sku": "HP-1", "price": 18, "quantity": 3}),
        told("Completed", 3, {"sku": "HP-1", "price": 20}, {"sku": "TV-1", "price": 5}),
    ]
    for start in range(0, 3, 3 // batches):
        await site.send(*events[start : start + 3 // batches])
    assert await _sold(site) == {"o-1": {"HP-1": (2, 1800)}}


async def test_an_order_without_prices_or_in_another_currency(site: Site) -> None:
    def order(number: str, currency: str | None, price: float | None) -> dict[str, Any]:
        given = {"order_id": number, "currency": currency, "products": [{"sku": "HP-1", "price": price}]}
        return site.event("Order Completed", properties=given, userId="c1")

    await site.send(order("o-1", None, None), order("o-2", "JPY", 9000), order("o-3", "USD", None))
    sold = await _sold(site)
    assert sold == {"o-1": {"HP-1": (1, 20_000)}, "o-2": {"HP-1": (1, 9000)}, "o-3": {"HP-1": (1, 0)}}
    async with site.runtime.db.read() as session:
        store = await session.get(Store, "shop")
        report = await contribution.report(session, store, NOW - timedelta(days=1), NOW + timedelta(days=1))
        lines = await contribution.sold(session, "shop", NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert (report.sold, report.other_currency, [line.sale for line in lines]) == (20_000, 2, ["o-1"])


async def test_two_stores_may_have_orders_of_one_number(site: Site, import_document: Any) -> None:
    document = import_document()
    document["store"] |= {"id": "other"}
    document["customers"] = []
    async with site.runtime.change() as effects:
        await imports.apply(effects, imports.parse(json.dumps(document).encode(), "other.json"))
    async with site.runtime.db.write() as session:
        theirs = await staff.create_token(session, "site", "other", site.runtime, "web")
    given = {"order_id": "1001", "products": [{"sku": "HP-1", "price": 20}]}
    await site.send(site.event("Order Completed", properties=given, userId="c1"))
    await site.send(site.event("Order Completed", properties=given, userId="x1"), key=theirs)
    await site.send(site.event("Order Cancelled", properties={"order_id": "1001"}, userId="x1"), key=theirs)
    async with site.runtime.db.read() as session:
        lines = select(Sale.store, SaleLine.sku).outerjoin(SaleLine, SaleLine.scope == Sale.scope)
        assert (await session.execute(lines.order_by(Sale.store))).all() == [("other", None), ("shop", "HP-1")]


async def test_what_a_public_key_calls_an_order_is_no_sale(site: Site) -> None:
    order = site.event("Order Completed", properties={"order_id": "o-9", "products": [{"sku": "HP-1", "price": 1}]})
    assert (await site.send(order, key=site.public)).json()["accepted"] == 1
    assert await _count(site, Sale) == 0


async def test_who_refused_a_profile_leaves_nothing(site: Site) -> None:
    event = site.event("Product Viewed", properties={"sku": "HP-1"}, userId="c1", anonymousId="visitor-1")
    await site.send(event)
    site.clock.advance(1)
    async with site.runtime.change() as effects:
        await privacy.record(
            effects, SUBJECT, {"identify": True}, text_version="1", text_sha256="0" * 64, channel="page",
            given_at=effects.now,
        )  # fmt: skip
    assert (await site.interests())["viewed"] == []
    assert (await site.http.get("/api/v1/customers/c1/timeline")).json() == []
    order = {"order_id": "o-2", "products": [{"sku": "HP-1", "price": 1}]}
    sent = await site.send(
        site.event("Product Viewed", properties={"sku": "HP-2"}, userId="c1"),
        site.event("Product Viewed", properties={"sku": "HP-2"}),  # signed out, on their own browser
        site.event("Order Completed", properties=order, userId="c1"),
    )
    assert (sent.json()["accepted"], sent.json()["withheld"]) == (0, 3)
    assert await _count(site, SiteEvent) == 1
    async with site.runtime.db.read() as session:
        assert (await session.scalars(select(Sale.subject))).all() == [None]


async def test_who_was_erased_stays_erased(site: Site) -> None:
    await site.send(site.event("Product Viewed", properties={"sku": "HP-1"}, userId="c1"))
    async with site.runtime.db.write() as session:
        names = await identity.erasable(session, site.runtime.keys, SUBJECT)
        assert names[0] == SUBJECT
        site.runtime.vault.destroy(names)
    bad = site.event("Product Viewed", properties={}, userId="c1")
    sent = await site.send(site.event("Product Viewed", properties={"sku": "HP-1"}, userId="c1"), bad)
    assert (sent.json()["accepted"], sent.json()["rejected"]) == (0, 2)
    async with site.runtime.db.read() as session:
        aside = (await session.scalars(select(SiteQuarantine))).all()
    assert [(row.owner, row.sealed) for row in aside] == [(None, None)] * 2
    assert (await site.interests())["viewed"] == []
    async with site.runtime.db.write() as session:
        await session.execute(delete(Customer))  # the row is gone as well: their id alone is refused now
    again = await site.send(site.event("Product Viewed", properties={"sku": "HP-1"}, userId="c1"))
    assert again.json()["errors"][0]["reason"] == "this person was erased at their wish"


async def test_a_customer_of_another_store_is_nobody_here(site: Site, import_document: Any) -> None:
    other = import_document(id="other")
    other["customers"] = [{**other["customers"][0], "id": "c2", "subject": "b" * 32}]
    async with site.runtime.change() as effects:
        await imports.apply(effects, imports.parse(json.dumps(other).encode(), "other.json"))
    await site.send(site.event("Product Viewed", properties={"sku": "HP-1"}, userId="c2"))
    async with site.runtime.db.read() as session:
        found = await service.interests(session, site.runtime.vault, "b" * 32, NOW)
    assert found.viewed == []
    for what in ("interests", "timeline", "identity"):
        assert (await site.http.get(f"/api/v1/customers/c2/{what}")).status_code == 404


async def test_events_of_a_customer_not_imported_yet_count_when_they_are(site: Site, import_document: Any) -> None:
    await site.send(site.event("Product Viewed", properties={"sku": "HP-1"}, userId="new", anonymousId="their-phone"))
    await site.send(site.event("Product Viewed", properties={"sku": "HP-2"}, anonymousId="their-phone"))
    more = import_document()
    more["customers"] = [{**more["customers"][0], "id": "new", "subject": "c" * 32}]
    async with site.runtime.change() as effects:
        await imports.apply(effects, imports.parse(json.dumps(more).encode(), "more.json"))
    async with site.runtime.db.read() as session:
        found = await service.interests(session, site.runtime.vault, "c" * 32, NOW)
    assert {row.sku for row in found.viewed} == {"HP-1", "HP-2"}


async def test_events_go_after_their_time_and_the_summary_stays(site: Site) -> None:
    await site.send(site.event("Product Viewed", properties={"sku": "HP-1"}, userId="c1"))
    site.clock.advance(31 * 86400)
    async with site.runtime.db.write() as session:
        await retention.forget_old(session, site.clock.now(), site.runtime.settings)
    assert (await _count(site, SiteEvent), await _count(site, SiteInterest)) == (0, 1)
    async with site.runtime.db.read() as session:
        found = await service.interests(session, site.runtime.vault, SUBJECT, site.clock.now())
    assert [row.sku for row in found.viewed] == ["HP-1"]
    site.clock.advance(366 * 86400)
    async with site.runtime.db.write() as session:
        await retention.forget_old(session, site.clock.now(), site.runtime.settings)
    assert await _count(site, SiteInterest) == 0


async def test_nothing_readable_about_a_person_lies_in_the_database(site: Site, tmp_path: Path) -> None:
    secret = {"query": "CANARY-SEARCH", "sku": "CANARY-SKU"}
    await site.send(
        site.event("Products Searched", properties=secret, userId="c1"),
        site.event("CANARY-NAME", properties=secret, anonymousId="CANARY-VISITOR"),
        {**site.event("x", userId="c1"), "type": "identify", "traits": {"email": "CANARY@shop.io"}},
        site.event("Product Viewed", properties={"CANARY-BAD": 1}, userId="c1"),
    )
    if not site.runtime.db.sqlite:
        pytest.skip("the bytes of a file are looked at on SQLite")
    async with site.runtime.db.read() as session:
        assert (await session.get(Customer, "c1")).sealed is not None
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"CANARY" not in written
    assert b"Anna" not in written
