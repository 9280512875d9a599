"""Setting up feeds and keys on the System page; a key that was revoked opens nothing; the same on the command line."""

from __future__ import annotations

import argparse
from typing import Any

import httpx
import pytest

from central import cli
from central.app import create_app
from central.catalogue.feeds import service as feeds
from central.errors import MisconfiguredError
from central.staff import service as staff
from tests.integration.test_central_people import PASSWORD, Desk, at_work


@pytest.fixture
async def site(shop: Any, import_document: Any) -> Any:
    await shop.load()
    await shop.load(import_document(id="elsewhere") | {"customers": []})
    async with shop.runtime.db.write() as session:
        for name, role in (("vera", "manager"), ("root", "admin")):
            await staff.add(session, name, role, "shop" if role != "admin" else None, PASSWORD)
    app = create_app(shop.runtime.settings, shop.clock, bus=False)
    app.state.runtime = shop.runtime
    return app


async def _asked(app: Any, token: str) -> int:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://central.test") as http:
        event = {"type": "track", "event": "Checkout Step Viewed", "messageId": "m1", "userId": "c1", "properties": {}}
        headers = {"Authorization": f"Bearer {token}"}
        return (await http.post("/v1/events", json={"batch": [event]}, headers=headers)).status_code


async def _made(root: Desk, **form: str) -> str:
    page = await root.post("/system/keys?store=shop", **form)
    return page.text.partition("<code>")[2].partition("</code>")[0]


async def test_a_feed_is_set_up_fetched_now_and_forgotten(shop: Any, site: Any) -> None:
    root = await at_work(site, "root")
    wrong = await root.post("/system/feeds?store=shop", name="main", format="yml", url="ftp://x", every="30")
    assert "The address must begin with" in wrong.text
    assert (
        "Between 1 and 10080"
        in (
            await root.post("/system/feeds?store=shop", name="main", format="yml", url="https://x.example/f", every="0")
        ).text
    )
    form = {"name": "voices", "format": "reviews", "url": "https://shop.example/reviews.xml", "every": "60"}
    assert (await root.post("/system/feeds?store=shop", **form)).status_code == 303
    assert "https://shop.example/reviews.xml" in (await root.get("/system?store=shop")).text
    shop.wait(5)
    assert (await root.post("/system/feeds/voices?store=shop", what="fetch")).status_code == 303
    async with shop.runtime.db.read() as session:
        (feed,) = await feeds.shown(session, "shop")
    assert (feed.format, feed.every_minutes, feed.next_at) == ("reviews", 60, shop.now)
    assert (await root.post("/system/feeds/voices?store=elsewhere", what="forget")).status_code == 404
    assert (await root.post("/system/feeds/voices?store=shop", what="forget")).status_code == 303
    assert "voices" not in (await root.get("/system?store=shop")).text


async def test_a_key_is_shown_once_works_and_is_revoked(shop: Any, site: Any) -> None:
    root = await at_work(site, "root")
    token = await _made(root, role="site", source="web")
    assert await _asked(site, token) == 200
    page = (await root.get("/system?store=shop")).text
    assert token not in page
    assert "Events: 1" in page
    async with shop.runtime.db.read() as session:
        (row,) = await staff.tokens(session, "shop")
    ident = row.token_hash[:12]
    assert ident in page
    assert (await root.post(f"/system/keys/{ident}?store=elsewhere")).status_code == 404
    assert (await root.post(f"/system/keys/{ident}?store=shop")).status_code == 303
    assert await _asked(site, token) == 401


async def test_managers_see_sources_and_change_nothing(site: Any) -> None:
    vera = await at_work(site, "vera")
    page = (await vera.get("/system")).text
    assert "Sites, apps and tills" in page
    assert "Make a key" not in page
    for path, form in (
        ("/system/keys", {"role": "site"}),
        ("/system/keys/" + "0" * 12, {}),
        ("/system/feeds", {"name": "a", "format": "yml", "url": "https://x.example"}),
        ("/system/feeds/main", {"what": "forget"}),
    ):
        assert (await vera.post(path, **form)).status_code == 403


async def test_on_the_command_line(shop: Any) -> None:
    await shop.load()
    async with shop.runtime.db.write() as session:
        await staff.create_token(session, "till", "shop", shop.runtime)
    listed = await cli._token_list(shop.runtime, argparse.Namespace(store=None))
    ident = listed.split()[0]
    assert listed == f"{ident}  shop  till  -  since 2026-03-02"
    for wrong in ("", ident[:6], "f" * 12):
        with pytest.raises(MisconfiguredError, match="token list"):
            await cli._token_revoke(shop.runtime, argparse.Namespace(token=wrong))
    await cli._token_revoke(shop.runtime, argparse.Namespace(token=ident))
    assert await cli._token_list(shop.runtime, argparse.Namespace(store="shop")) == "no tokens"
    assert cli.parser().parse_args(["token", "revoke", ident]).action == "revoke"
