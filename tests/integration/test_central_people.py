"""The pages of people: finding, links and their undoing, audit, export and erasure; roles; another store's customer."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import select

from central.app import create_app
from central.identity import service as identity
from central.identity.service import Seen
from central.identity.tables import IdentityLink
from central.privacy.tables import ProfileRead
from central.staff import service as staff

PASSWORD = "correct horse"
ANNA, BORIS = "a" * 32, "b" * 32


@pytest.fixture
async def site(shop: Any, import_document: Any) -> Any:
    document = import_document()
    document["customers"].append({**document["customers"][0], "id": "c2", "subject": BORIS, "name": "Boris"})
    await shop.load(document)
    await shop.load(
        import_document(id="elsewhere") | {"customers": [{"id": "far", "subject": "f" * 32, "name": "Far"}]}
    )
    async with shop.runtime.change() as effects:
        seen = Seen("signed-in event", shop.now, "web", "site:web")
        for subject in (ANNA, BORIS):
            await identity.link(effects, "shop", "email", "family@shopmail.com", subject, seen)
        await identity.link(effects, "shop", "loyalty", "2000 0001", ANNA, seen)
    async with shop.runtime.db.write() as session:
        for name, role in (("kim", "consultant"), ("vera", "manager"), ("root", "admin")):
            await staff.add(session, name, role, "shop" if role != "admin" else None, PASSWORD)
    app = create_app(shop.runtime.settings, shop.clock, bus=False)
    app.state.runtime = shop.runtime
    return app


class Desk:
    """Somebody at work."""

    def __init__(self, client: httpx.AsyncClient, csrf: str) -> None:
        self.client, self.csrf = client, csrf

    async def get(self, path: str, language: str = "en") -> httpx.Response:
        return await self.client.get(path, headers={"Accept": "text/html", "Accept-Language": language})

    async def post(self, path: str, **form: str) -> httpx.Response:
        return await self.client.post(path, data={"csrf": self.csrf, **form}, headers={"Accept": "text/html"})


async def at_work(app: Any, name: str) -> Desk:
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://central.test")
    assert (await client.post("/login", data={"name": name, "password": PASSWORD})).status_code == 303
    return Desk(client, (await client.get("/api/v1/session")).json()["csrf"])


async def test_found_by_a_card_shown_with_what_it_stands_on_and_audited(shop: Any, site: Any) -> None:
    vera = await at_work(site, "vera")
    missed = await vera.post("/people", who="9999")
    assert "No customer of this shop has this number." in missed.text
    found = await vera.post("/people", who=" 20000001 ")
    assert found.headers["location"] == "/people/c1"  # the number that was typed stands in no address
    page = await vera.get("/people/c1")
    assert "Anna" in page.text
    assert "used while signed in" in page.text
    assert "of 2 people: names nobody" in page.text
    assert "family@shopmail.com" not in page.text
    assert "20000001" not in page.text
    assert "Erase this customer" not in page.text  # for administrators
    assert "Связать" in (await vera.get("/people/c1", "ru")).text
    assert "Used by several people" in (await vera.get("/people")).text
    async with shop.runtime.db.read() as session:
        reads = (await session.scalars(select(ProfileRead.place).where(ProfileRead.subject == ANNA))).all()
    assert reads.count("people") == 2


async def test_a_wrong_link_is_taken_back_and_the_other_names_somebody_again(shop: Any, site: Any) -> None:
    vera = await at_work(site, "vera")

    async def named() -> str | None:
        async with shop.runtime.db.read() as session:
            return await identity.resolve(session, shop.runtime.keys, "shop", "email", "family@shopmail.com")

    async with shop.runtime.db.read() as session:
        wrong = await session.scalar(
            select(IdentityLink.id).where(IdentityLink.subject == BORIS, IdentityLink.kind == "email")
        )
    assert await named() is None
    assert (await vera.post(f"/people/c1/links/{wrong}", reason="x")).status_code == 404  # it is not Anna's
    assert (await vera.post(f"/people/c2/links/{wrong}", reason="a family's address")).status_code == 303
    assert await named() == ANNA
    assert "taken back: a family&#39;s address" in (await vera.get("/people/c2")).text
    assert (await vera.post(f"/people/c2/links/{wrong}", restore="yes")).status_code == 303
    assert await named() is None
    assert (await vera.post("/people/c2/links", kind="phone", value="+49 151 2345 678")).status_code == 303
    refused = await vera.post("/people/c2/links", kind="phone", value="000")
    assert "no such number, or a placeholder" in refused.text
    assert "seen by a colleague" in (await vera.get("/people/c2")).text


async def test_an_administrator_exports_erases_and_reads_the_audit(shop: Any, site: Any) -> None:
    root = await at_work(site, "root")
    page = await root.get("/people/c1?store=shop")
    assert "/api/v1/customers/c1/export?as=zip" in page.text
    kept = await root.post("/people/c1/erase", typed="c2")
    assert "Nothing was erased" in kept.text
    gone = await root.post("/people/c1/erase", typed="c1")
    assert gone.headers["location"].startswith("/people?receipt=")
    after = await root.get(gone.headers["location"])
    assert "Number of the receipt" in after.text
    assert (await root.get("/people/c1")).status_code == 404
    listed = await root.get("/people")
    assert "erased" in listed.text  # that somebody was looked at stays, whom does not
    assert "Anna" not in listed.text
    assert "as they were written" in (await root.get("/people/chains")).text
    async with shop.runtime.db.write() as session:
        row = (await session.scalars(select(ProfileRead).order_by(ProfileRead.id))).first()
        row.reader = "staff:nobody"
    assert "The audit was changed: line 1." in (await root.get("/people/chains")).text


async def test_who_may_not(site: Any) -> None:
    kim, vera = await at_work(site, "kim"), await at_work(site, "vera")
    for path in ("/people", "/people/c1", "/people/audit", "/people/chains"):
        assert (await kim.get(path)).status_code == 403
    for path in ("/people/audit", "/people/chains"):
        assert (await vera.get(path)).status_code == 403
    assert (await vera.post("/people/c1/erase", typed="c1")).status_code == 403
    assert (await vera.get("/people/far")).status_code == 404
    assert (await vera.post("/people/far/links", kind="phone", value="+49 151 2345 678")).status_code == 404
    bare = await vera.client.post("/people/c1/links", data={"kind": "phone", "value": "+49 151 2345 678"})
    assert bare.status_code == 403  # without the token against forged requests
