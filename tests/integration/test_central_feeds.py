"""Feeds into the database: incremental, refused as a whole, by post, on time; labels and history follow."""

from __future__ import annotations

import asyncio
import gzip
import io
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from central.app import create_app
from central.catalogue import products
from central.catalogue.commands import feed_import
from central.catalogue.feeds import service
from central.catalogue.feeds.fetching import FetchError, fetch
from central.catalogue.feeds.taking import take
from central.catalogue.prices import lowest_30_days
from central.catalogue.schemas import FeedIn, FeedRunOut
from central.catalogue.service import link_of
from central.catalogue.tables import FeedRun, PriceChange, Product, Stock
from central.cli import parser
from central.errors import MisconfiguredError
from central.staff import service as staff

BASE = "http://central.test"


def offer(sku: str, price: object = "100", extra: str = "") -> str:
    return f'<offer id="{sku}"><name>Model {sku}</name><price>{price}</price>{extra}</offer>\n'


def feed(*offers: str) -> bytes:
    return ("<yml_catalog><shop><offers>\n" + "".join(offers) + "</offers></shop></yml_catalog>").encode()


def many(count: int, **changed: object) -> bytes:
    return feed(*(offer(f"S-{n}", changed.get(f"s{n}", 100 + n)) for n in range(count)))


async def taken(shop: Any, data: bytes, **terms: Any) -> FeedRunOut:
    async with shop.runtime.db.read() as session:
        agreed = await service.terms(session, "shop", terms.pop("name", "main"), "yml", terms.pop("delta", False))
    assert agreed is not None
    return await take(shop.runtime, io.BytesIO(data), replace(agreed, **terms), "file")


async def on_sale(shop: Any) -> dict[str, int]:
    async with shop.runtime.db.read() as session:
        rows = (await session.scalars(select(Product).where(Product.available, Product.feed.is_not(None)))).all()
        return {row.sku: row.price for row in rows}


async def test_the_same_again_costs_no_write_and_a_full_feed_withdraws(shop: Any) -> None:
    await shop.load()
    first = await taken(shop, many(20))
    assert (first.state, first.offers, first.written, first.unchanged) == ("ok", 20, 20, 0)
    again = await taken(shop, many(20))
    assert (again.written, again.unchanged) == (0, 20)
    fewer = await taken(shop, gzip.compress(many(15, s3=999)))
    assert (fewer.written, fewer.unchanged, fewer.withdrawn) == (1, 14, 5)
    assert (await on_sale(shop))["S-3"] == 99900
    assert len(await on_sale(shop)) == 15
    delta = await taken(shop, feed(offer("S-19", 5)), delta=True)
    assert (delta.written, delta.withdrawn) == (1, 0)
    assert len(await on_sale(shop)) == 16
    back = await taken(shop, many(20, s3=999))
    assert (back.written, back.withdrawn) == (5, 0)
    assert len(await on_sale(shop)) == 20


async def test_what_an_article_is_called_by_stays_when_a_feed_leaves_it_out(shop: Any) -> None:
    await shop.load()
    code = "<barcode>4006381333931</barcode><vendor>Acme</vendor><model>M-1</model><oldprice>120</oldprice>"
    await taken(shop, feed(offer("S-1", extra=code)))
    await taken(shop, feed(offer("S-1", 90)), delta=True)
    async with shop.runtime.db.read() as session:
        row = await products.product(session, "shop", "S-1")
    assert (row.gtin, row.brand, row.model, row.price, row.old_price) == ("4006381333931", "Acme", "M-1", 9000, None)
    await taken(shop, feed(offer("S-1", 90, "<barcode>4006381333948</barcode><vendor>Bcme</vendor>")), delta=True)
    async with shop.runtime.db.read() as session:
        row = await products.product(session, "shop", "S-1")
    assert (row.gtin, row.brand) == ("4006381333948", "Bcme")


async def test_what_the_import_file_brought_is_not_the_feeds_to_withdraw(shop: Any) -> None:
    await shop.load()
    await taken(shop, many(3))
    async with shop.runtime.db.read() as session:
        row = await session.get(Product, ("shop", "HP-1"))
    assert row is not None
    assert row.available


async def test_bad_rows_are_reported_by_line_and_skipped_not_withdrawn(shop: Any) -> None:
    await shop.load()
    await taken(shop, many(20))
    run = await taken(shop, feed(*(offer(f"S-{n}", "" if n == 7 else 100 + n) for n in range(20)), offer("S-1", 3)))
    assert (run.state, run.bad, run.withdrawn) == ("ok", 2, 0)
    assert [(error.line, error.sku) for error in run.errors] == [(9, "S-7"), (22, "S-1")]
    assert "was on line 3 already" in run.errors[1].message
    prices = await on_sale(shop)
    assert (prices["S-7"], prices["S-1"]) == (10700, 10100)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (many(20)[:-60], "cut off"),
        (gzip.compress(many(20))[:-9], "cut off"),
        (feed(), "no offer"),
        (feed(*(offer(f"S-{n}", "x" if n < 3 else 5) for n in range(20))), "3 of 20 rows are bad"),
        (many(5), "15 of 20 offers on sale are missing"),
    ],
)
async def test_a_wrong_feed_changes_nothing_at_all(shop: Any, data: bytes, why: str) -> None:
    await shop.load()
    await taken(shop, many(20))
    before = await on_sale(shop)
    run = await taken(shop, data)
    assert run.state == "refused"
    assert why in run.message
    assert (run.written, run.withdrawn) == (0, 0)
    assert await on_sale(shop) == before
    assert (await taken(shop, many(5), max_missing_share=1.0)).withdrawn == 15


async def test_runs_of_long_ago_are_forgotten(shop: Any) -> None:
    await shop.load()
    for _ in range(3):
        await taken(shop, many(2))
        shop.wait(20 * 86400)
    async with shop.runtime.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(FeedRun)) == 2


async def test_price_history_and_the_thirty_day_lowest(shop: Any) -> None:
    await shop.load()
    for price, days in ((100, 40), (60, 5), (90, 20), (80, 0)):
        await taken(shop, feed(offer("S", price)))
        shop.wait(days * 86400)
    async with shop.runtime.db.read() as session:
        assert await lowest_30_days(session, "shop", "S", shop.now) == 6000
        assert await lowest_30_days(session, "shop", "S", shop.now + timedelta(days=29)) == 8000
        assert await lowest_30_days(session, "shop", "nothing", shop.now) is None
        assert [point.price for point in await products.history(session, "shop", "S", 9)] == [8000, 9000, 6000, 10000]
        assert await session.scalar(select(func.count()).where(PriceChange.sku == "HP-1")) == 1


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 99), min_size=1), min_size=1, max_size=4))
async def test_after_any_full_feeds_the_shop_is_the_last_one(shop: Any, feeds: list[dict[str, int]]) -> None:
    await shop.load()
    for prices in feeds:
        await taken(shop, feed(*(offer(sku, price) for sku, price in prices.items())), max_missing_share=1.0)
    assert await on_sale(shop) == {sku: price * 100 for sku, price in feeds[-1].items()}


async def test_a_label_follows_the_feeds_price_and_a_timed_sale(shop: Any) -> None:
    await shop.load()
    await shop.birth()
    await shop.confirm_labels()
    sent = len(shop.commands("label.show"))
    await taken(shop, feed(offer("HP-1", 150)))
    fresh = shop.commands("label.show")[sent:]
    assert [(command.label, command.content.price) for command in fresh] == [("label-1", 15000)]
    await taken(shop, feed(offer("HP-1", 150)))
    assert len(shop.commands("label.show")) == sent + 1
    table = "id\ttitle\tprice\tsale_price\tsale_price_effective_date\nHP-1\tHeadphones\t150 EUR\t120 EUR\t{}\n".format(
        "2026-03-03T00:00Z/2026-03-04T00:00Z"
    )
    async with shop.runtime.db.read() as session:
        agreed = await service.terms(session, "shop", "main", "google", False)
    assert agreed is not None
    await take(shop.runtime, io.BytesIO(table.encode()), agreed, "file")
    prices = []
    for _ in range(3):
        await service.fetch_due(shop.runtime)
        async with shop.runtime.db.read() as session:
            row = await session.get(Product, ("shop", "HP-1"))
        assert row is not None
        prices.append((row.price, shop.commands("label.show")[-1].content.price))
        shop.wait(86400)
    assert prices == [(15000, 15000), (12000, 12000), (15000, 15000)]


async def test_stock_and_where_a_product_can_be_had(shop: Any) -> None:
    await shop.load()
    await taken(
        shop,
        feed(
            offer("here", extra='<outlets><outlet id="shop" instock="2"/></outlets>'),
            offer("there", extra='<outlets><outlet id="shop" instock="0"/><outlet id="two" instock="5"/></outlets>'),
            offer("brought", extra='<outlets><outlet id="shop" instock="0"/></outlets>'
                  '<delivery-options><option days="3"/></delivery-options>'),
            offer("online", extra="<store>false</store>"),
            offer("out", extra='<outlets><outlet id="shop" instock="0"/></outlets>'),
        ),
    )  # fmt: skip
    async with shop.runtime.db.read() as session:
        rows = list((await session.scalars(select(Product).where(Product.store == "shop"))).all())
        found = await products.availability(session, rows, shop.now)
    assert {sku: where.status for sku, where in found.items()} == {
        "HP-1": "here",
        "TV-1": "here",
        "here": "here",
        "there": "elsewhere",
        "brought": "delivery",
        "online": "online",
        "out": "none",
    }
    assert (found["here"].here, found["HP-1"].here) == (2, None)
    assert str(found["brought"].delivery_at) == "2026-03-05"
    assert [(place.outlet, place.quantity) for place in found["there"].elsewhere] == [("two", 5)]
    await taken(shop, feed(offer("here")), max_missing_share=1.0)
    async with shop.runtime.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(Stock)) == 0


@pytest.fixture
async def site(shop: Any, tmp_path: Path) -> Any:
    await shop.load()
    runtime = shop.runtime
    app = create_app(replace(runtime.settings, data=tmp_path), shop.clock, bus=False)
    app.state.runtime = runtime
    return app


def client(app: Any, token: str | None = None) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE, headers=headers)


async def _token(shop: Any, role: str) -> str:
    async with shop.runtime.db.write() as session:
        return str(await staff.create_token(session, role, "shop", shop.runtime))


async def test_a_feed_by_post_and_its_products_by_gtin(shop: Any, site: Any) -> None:
    # More than the megabyte other routes take.
    body = feed(
        offer("G", extra="<barcode>4006381333931</barcode>"), *(offer(f"n{n}", extra="x" * 900) for n in range(1800))
    )
    assert len(body) > 1_500_000
    async with client(site, await _token(shop, "till")) as till:
        assert (await till.post("/api/v1/feeds", params={"store": "shop"}, content=body)).status_code == 403
    async with client(site, await _token(shop, "site")) as api:
        other = await api.post("/api/v1/feeds", params={"store": "other"}, content=body)
        assert other.status_code == 404
        answer = await api.post("/api/v1/feeds", params={"store": "shop", "format": "yml"}, content=body)
        assert (answer.status_code, answer.json()["written"]) == (200, 1801)
        refused = await api.post("/api/v1/feeds", params={"store": "shop"}, content=body[:-20])
        assert (refused.status_code, refused.json()["state"]) == (422, "refused")
        found = await api.get(
            "/api/v1/products", params={"store": "shop", "gtin": "https://x.example/01/04006381333931"}
        )
        assert [item["sku"] for item in found.json()] == ["G"]
        words = await api.get("/api/v1/products", params={"store": "shop", "q": "model N12", "limit": 3})
        assert len(words.json()) == 3
        one = (await api.get("/api/v1/products/G", params={"store": "shop"})).json()
        assert (one["price"], one["availability"]["status"]) == (10000, "here")
        assert (await api.get("/api/v1/products/zzz", params={"store": "shop"})).status_code == 404
        assert (await api.get("/api/v1/products/G/prices", params={"store": "shop"})).json()[0]["price"] == 10000
        assert (await api.get("/api/v1/products/G", params={"store": "other"})).status_code == 404
    async with client(site) as anybody:
        there = await anybody.get("/01/4006381333931", headers={"Accept": "application/json"})
        assert there.json()["sku"] == "G"
        sent_on = await anybody.get("/01/4006381333931", headers={"Accept": "text/html"})
        assert (sent_on.status_code, "gtin=4006381333931" in sent_on.headers["location"]) == (303, True)
        for wrong in ("4006381333932", "abc", "4006381333948"):
            assert (await anybody.get(f"/01/{wrong}")).status_code == 404


class _Server(HTTPServer):
    data = b""
    answers: list[int]
    how = "well"


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        how, tag = self.server.how, f'"{hash(self.server.data)}"'
        status = 200
        if how == "broken":
            status = 503
        elif how == "elsewhere":
            status = 302
        elif self.headers.get("If-None-Match") == tag:
            status = 304
        self.server.answers.append(status)
        self.send_response(status)
        self.send_header("ETag", tag)
        if how == "elsewhere":
            self.send_header("Location", "file:///etc/passwd")
        body = self.server.data if status == 200 else b""
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if how == "half" else body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    one = _Server(("127.0.0.1", 0), _Handler)
    one.answers = []
    thread = threading.Thread(target=one.serve_forever, daemon=True)
    thread.start()
    yield one
    one.shutdown()
    one.server_close()


async def test_a_feed_on_time_is_fetched_only_when_it_changed(shop: Any, server: _Server) -> None:
    await shop.load()
    url = f"http://127.0.0.1:{server.server_port}/feed.yml"
    server.data = many(10)
    async with shop.runtime.db.write() as session:
        await service.put(session, "shop", "main", FeedIn(format="yml", url=url, every_minutes=30), shop.now)
    states = []
    for how, data in (
        ("well", many(10)),
        ("well", many(10)),
        ("broken", many(10)),
        ("half", many(11)),
        ("well", many(11)[:-40]),
        ("well", many(11)[:-40]),
        ("well", many(12)),
        ("elsewhere", many(12)),
    ):
        server.how, server.data = how, data
        await service.fetch_due(shop.runtime)
        await service.fetch_due(shop.runtime)  # not due: asks nobody
        async with shop.runtime.db.read() as session:
            (shown,) = await service.shown(session, "shop")
        states.append((shown.runs[0].state, shown.runs[0].written))
        shop.wait(1801)
    assert server.answers == [200, 304, 503, 200, 200, 200, 200, 302]
    assert states == [
        ("ok", 10),
        ("unchanged", 0),
        ("failed", 0),
        ("failed", 0),
        ("refused", 0),
        ("refused", 0),
        ("ok", 2),
        ("failed", 0),
    ]
    assert len(await on_sale(shop)) == 12


async def test_signs_no_database_takes_are_left_out_or_refused(shop: Any, site: Any) -> None:
    async with shop.runtime.db.read() as session:
        agreed = await service.terms(session, "shop", "main", "google", True)
    assert agreed is not None
    table = "id\ttitle\tprice\tstore_code\tquantity\nn\ta\0b\t1 EUR\to\0p\t3\nhuge\tx\t1e999999 EUR\t\t\n"
    run = await take(shop.runtime, io.BytesIO(table.encode()), replace(agreed, max_bad_share=0.6), "file")
    assert (run.state, run.written, run.bad) == ("ok", 1, 1)
    async with client(site, await _token(shop, "site")) as api:
        for path, query in (
            ("/api/v1/products", {"q": "\0a"}),
            ("/api/v1/products", {"gtin": "\0"}),
            ("/api/v1/products/%00", {}),
            ("/api/v1/products/%00/prices", {}),
            ("/01/%00", {}),
            ("/site/search", {"q": "lighter than X\0Y, \0brand"}),
            ("/api/v1/preferences/parameters", {"sku": "\0"}),
        ):
            answer = await api.get(path, params={"store": "shop", **query})
            assert answer.status_code in {200, 404, 422}, (path, answer.status_code)
        query_ = {"conditions": [{"parameter": "weight", "direction": "less", "than": {"sku": "\0"}}], "brands": ["\0"]}
        for body in ({"text": "\0 lighter than \0"}, {"query": query_}, {"text": "x", "subject": "\0"}):
            answer = await api.post("/api/v1/preferences/search", json={"store": "shop", **body})
            assert answer.status_code in {200, 422}, body


async def test_only_the_web_is_fetched(tmp_path: Path) -> None:
    for url in ("file:///etc/passwd", "ftp://x/y", "http://", "gopher://127.0.0.1/"):
        with pytest.raises(FetchError), (tmp_path / "x").open("wb") as into:
            await asyncio.to_thread(fetch, url, into, None, None)


async def test_the_command_line(shop: Any, tmp_path: Path) -> None:
    await shop.load()
    path = tmp_path / "feed.yml"
    path.write_bytes(many(10))
    words = ["feed", "import", str(path), "--format", "yml", "--store"]
    assert '"written": 10' in await feed_import(shop.runtime, parser().parse_args([*words, "shop"]))
    with pytest.raises(MisconfiguredError, match="no store"):
        await feed_import(shop.runtime, parser().parse_args([*words, "nowhere"]))
    path.write_bytes(feed(offer("a", "x"), offer("b", "y")))
    with pytest.raises(MisconfiguredError, match="(?s)2 of 2 rows.*line 2: price"):
        await feed_import(shop.runtime, parser().parse_args([*words, "shop"]))
    path.unlink()
    with pytest.raises(MisconfiguredError, match="cannot be read"):
        await feed_import(shop.runtime, parser().parse_args([*words, "shop"]))


async def test_a_label_leads_to_the_customers_page_by_its_gtin(shop: Any) -> None:
    shop.runtime.settings = replace(shop.runtime.settings, public_url="https://me.shop.example")
    await shop.load()
    await shop.birth()
    assert {command.content.link for command in shop.commands("label.show")} == {""}  # no GTIN known
    await taken(shop, feed(offer("HP-1", 150, "<barcode>4006381333931</barcode>")))
    link = [command for command in shop.commands("label.show") if command.label == "label-1"][-1].content.link
    assert link == "https://me.shop.example/01/04006381333931?store=shop"
    async with shop.runtime.db.write() as session:
        row = await products.by_gtin(session, "shop", link)
        assert row is not None
        assert row.sku == "HP-1"
        row.url = "https://shop.example/hp-1"  # the retailer's own address comes first
        assert link_of(row, "https://me.shop.example") == "https://shop.example/hp-1"
