"""The API: who may ask, what they see, and what a mistake answers."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi.routing import APIRoute
from sqlalchemy import select

from central.app import create_app
from central.privacy import texts
from central.privacy.tables import ProfileRead
from central.staff import service as staff
from contract.checkin import parse_certificate

BASE = "http://central.test"
PASSWORD = "correct horse"
PUBLIC = {
    "/health",
    "/login",
    "/me",
    "/",
    "/api/v1/me/login",
    "/api/v1/me/login-code",
    "/01/{gtin}",
    "/site/search",
    "/api/v1/erasures/{number}",
}


class Site:
    """The application with the shop behind it."""

    def __init__(self, shop: Any, app: Any) -> None:
        self.shop, self.app = shop, app

    def client(self, **headers: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=BASE, headers=headers)

    async def staff(self, name: str, role: str, store: str | None = "shop") -> httpx.AsyncClient:
        async with self.shop.runtime.db.write() as session:
            await staff.add(session, name, role, store, PASSWORD)
        client = self.client()
        answer = await client.post("/login", data={"name": name, "password": PASSWORD})
        assert answer.status_code == 303
        client.headers["X-CSRF-Token"] = (await client.get("/api/v1/session")).json()["csrf"]
        return client

    async def machine(self, role: str, store: str = "shop") -> httpx.AsyncClient:
        async with self.shop.runtime.db.write() as session:
            token = await staff.create_token(session, role, store, self.shop.runtime)
        return self.client(Authorization=f"Bearer {token}")


@pytest.fixture
async def site(shop: Any, import_document: Any) -> Site:
    await shop.load()
    other = import_document(id="other", name="Another shop")
    other["customers"] = []
    await shop.load(other)
    app = create_app(shop.runtime.settings, shop.clock, bus=False)
    app.state.runtime = shop.runtime
    return Site(shop, app)


def _routes(app: Any) -> list[tuple[str, str]]:
    found, queue = [], list(app.routes)
    while queue:
        route = queue.pop()
        inner = getattr(route, "original_router", None) or getattr(route, "router", None)
        if isinstance(route, APIRoute):
            found += [(method, route.path) for method in route.methods]
        elif inner is not None:
            queue += list(inner.routes)
    return found


async def test_nothing_is_public_but_health_login_and_the_customers_page(site: Site) -> None:
    routes = [(method, path) for method, path in _routes(site.app) if not path.startswith("/static")]
    assert len(routes) > 30
    async with site.client() as client:
        for method, path in routes:
            if path in PUBLIC or path.startswith("/me"):
                continue
            where = path
            for name in ("store", "node", "label", "visit", "customer_id", "alert_id"):
                where = where.replace("{" + name + "}", "1" if name == "alert_id" else "shop")
            answer = await client.request(method, where, params={"store": "shop"})
            if method == "OPTIONS":  # a browser asks before it has a key to show; the answer says nothing
                assert (answer.status_code, answer.content) == (204, b"")
                continue
            assert answer.status_code in {303, 401}, (method, path, answer.status_code)
            if answer.status_code == 303:
                assert answer.headers["location"].startswith("/login")


async def test_health_and_headers(site: Site) -> None:
    async with site.client() as client:
        answer = await client.get("/health")
    assert answer.json()["status"] == "ok"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_log_in_wrong_limited_and_out(site: Site) -> None:
    client = await site.staff("kim", "consultant")
    assert client.cookies.get("vitrina_session")
    assert (await client.post("/logout")).status_code == 303
    assert (await client.get("/api/v1/session")).status_code == 401
    wrong = [(await client.post("/login", data={"name": "kim", "password": "x"})).status_code for _ in range(12)]
    assert wrong[0] == 401
    assert wrong[-1] == 429


async def test_log_in_does_not_lead_to_other_sites(site: Site) -> None:
    await site.staff("kim", "consultant")
    for bad in ("//evil.example/", "https://evil.example/", "/\\evil.example"):
        async with site.client() as client:
            answer = await client.post("/login", data={"name": "kim", "password": PASSWORD, "next": bad})
            assert answer.headers["location"] == "/arrivals"
    async with site.client(**{"Sec-Fetch-Site": "cross-site"}) as client:
        assert (await client.post("/login", data={"name": "kim", "password": PASSWORD})).status_code == 403


async def test_a_session_ends(site: Site) -> None:
    client = await site.staff("kim", "consultant")
    site.shop.wait(13 * 3600)
    assert (await client.get("/api/v1/session")).status_code == 401


async def test_changes_need_the_csrf_token(site: Site) -> None:
    client = await site.staff("kim", "consultant")
    await site.shop.arrive()
    del client.headers["X-CSRF-Token"]
    assert (await client.post("/api/v1/alerts/1/claim")).status_code == 403
    csrf = (await client.get("/api/v1/session")).json()["csrf"]
    assert (await client.post("/api/v1/alerts/1/claim", data={"csrf": csrf})).status_code == 200


async def test_claim_conflict_and_audit(site: Site) -> None:
    kim, lee = await site.staff("kim", "consultant"), await site.staff("lee", "consultant")
    await site.shop.arrive()
    (card,) = (await kim.get("/api/v1/alerts", params={"store": "shop"})).json()
    assert card["customer"]["name"] == "Anna"
    assert (await kim.post(f"/api/v1/alerts/{card['id']}/claim")).json()["claimed_by"] == "kim"
    refused = await lee.post(f"/api/v1/alerts/{card['id']}/claim")
    assert (refused.status_code, refused.json()["detail"]) == (409, "claimed by kim")
    async with site.shop.runtime.db.read() as session:
        reads = (await session.scalars(select(ProfileRead))).all()
    assert {(read.reader, read.subject, read.place) for read in reads} == {
        ("staff:kim", "a" * 32, "alerts"),
        ("staff:kim", "a" * 32, "alerts/claim"),
    }


async def test_nobody_sees_another_store(site: Site) -> None:
    await site.shop.arrive()
    stranger = await site.staff("eve", "manager", "other")
    machine = await site.machine("report", "other")
    paths = [
        "alerts?store=shop",
        "visits?store=shop",
        "visits/v1?store=shop",
        "labels?store=shop",
        "labels/shop/label-1/image.svg",
        "nodes?store=shop",
        "prices/quotes?store=shop",
        "prices/ledger?store=shop",
        "ingest?store=shop",
        "stores/shop",
        "analytics/live?store=shop",
        "analytics/heatmap?store=shop&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z",
    ]
    for client in (stranger, machine):
        for path in paths:
            assert (await client.get(f"/api/v1/{path}")).status_code == 404, path
    for path in ("alerts/1/claim", "customers/c1/login-code"):
        assert (await stranger.post(f"/api/v1/{path}")).status_code == 404, path
    assert (await stranger.get("/api/v1/customers/c1")).status_code == 404
    assert [store["id"] for store in (await stranger.get("/api/v1/stores")).json()] == ["other"]


async def test_roles(site: Site) -> None:
    consultant, admin = await site.staff("kim", "consultant"), await site.staff("root", "admin", None)
    await site.shop.birth()
    assert (await consultant.post("/api/v1/nodes/shop/node-1/accept-key")).status_code == 403
    assert (await admin.post("/api/v1/nodes/shop/node-1/accept-key")).json()["key_state"] == "trusted"
    body = {"store": "shop", "sku": "HP-1", "receipt": "r1"}
    assert (await consultant.post("/api/v1/till/redeem", json=body)).status_code == 403
    report, till = await site.machine("report"), await site.machine("till")
    assert (await report.get("/api/v1/ingest", params={"store": "shop"})).status_code == 200
    assert (await report.post("/api/v1/till/redeem", json=body)).status_code == 403
    assert (await till.get("/api/v1/ingest", params={"store": "shop"})).status_code == 403
    answer = await till.post("/api/v1/till/redeem", json=body)
    assert (answer.status_code, answer.json()["charged"]) == (200, 20000)
    unknown = await till.post("/api/v1/till/redeem", json={**body, "sku": "XX"})
    assert unknown.status_code == 404
    assert "no product 'XX'" in unknown.json()["detail"]
    assert (await till.post("/api/v1/till/redeem", json={**body, "store": "other"})).status_code == 404


async def test_the_customers_page(site: Site) -> None:
    kim = await site.staff("kim", "consultant")
    code = (await kim.post("/api/v1/customers/c1/login-code")).json()["code"]
    me = site.client()
    assert (await me.post("/api/v1/me/login", json={"code": code.lower()})).status_code == 204
    assert (await site.client().post("/api/v1/me/login", json={"code": code})).status_code == 401
    session = (await me.get("/api/v1/me")).json()
    assert session["customer"] == {"id": "c1", "name": "Anna", "language": "en"}
    phone = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = phone.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    key = {"public_key": base64.b64encode(point).decode()}
    assert (await me.post("/api/v1/me/phone-key", json=key)).status_code == 403
    me.headers["X-CSRF-Token"] = session["csrf"]
    made = (await me.post("/api/v1/me/phone-key", json=key)).json()
    certificate = parse_certificate(base64.b64decode(made["certificate"]))
    assert (certificate.subject_id, certificate.phone_key) == ("a" * 32, point)
    site.shop.runtime.keys.signing.public_key().verify(certificate.signature, certificate.signed_part())
    body = {"purposes": {"identify": False}, "text_version": texts.VERSION, "text_sha256": texts.SHA256}
    after = (await me.put("/api/v1/me/consents", json=body)).json()
    assert not any(after["purposes"].values())
    assert (await me.post("/api/v1/me/phone-key", json=key)).status_code == 409
    assert (await me.put("/api/v1/me/consents", json={**body, "text_version": "old"})).status_code == 409


async def test_label_image_and_analytics(site: Site) -> None:
    report = await site.machine("report")
    await site.shop.birth()
    await site.shop.confirm_labels()
    image = await report.get("/api/v1/labels/shop/label-1/image.svg")
    assert image.headers["content-type"].startswith("image/svg+xml")
    assert "Headphones" in image.text
    wrong = {"store": "shop", "from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
    assert (await report.get("/api/v1/analytics/dwell", params=wrong)).status_code == 422


async def test_a_huge_body_is_refused(site: Site) -> None:
    till = await site.machine("till")
    answer = await till.post("/api/v1/till/redeem", content=b"{" + b" " * 2_000_000 + b"}")
    assert answer.status_code == 413


async def test_openapi_names_every_route(site: Site) -> None:
    paths = site.app.openapi()["paths"]
    assert all(operation.get("summary") for item in paths.values() for operation in item.values())
