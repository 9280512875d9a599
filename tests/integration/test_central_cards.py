"""The consultant's card: what the site knew, what was tried, what matters; deeds noted; nothing without consent."""

from __future__ import annotations

import io
from typing import Any

import httpx
import pytest
from sqlalchemy import event, select

from central.alerts import service as alerts
from central.alerts.tables import Alert
from central.app import create_app
from central.behaviour.access import Source
from central.behaviour.intake import take
from central.behaviour.schemas import BatchIn
from central.cards import actions, service
from central.cards.comparing import compare
from central.cards.schemas import CardDetail, OpinionBody
from central.catalogue.feeds import service as feeds
from central.catalogue.feeds.taking import take as take_feed
from central.contribution.tables import ContributionEvidence
from central.identity import service as identity
from central.privacy import service as privacy
from central.privacy.tables import ProfileRead
from central.staff import service as staff
from central.staff.access import Principal
from central.visits.tables import Visit

SUBJECT, OTHER = "a" * 32, "b" * 32
PASSWORD = "correct horse"
ILYA = Principal("staff", "1", "ilya", "consultant", "shop")
MODELS = {  # sku: (title, price, weight g, bass dB, in stock or None: online only)
    "X": ("Aurora One", 120, 254, 3, 1),
    "Y": ("Borealis Two", 90, 230, 5, 0),
    "third": ("Corona Three", 95, 198, 8, 2),
    "web": ("Gale Seven", 70, 0.2, 6, None),
}


def feed() -> bytes:
    offers = []
    for sku, (title, price, weight, bass, stock) in MODELS.items():
        unit = "kg" if weight < 1 else "g"
        where = "<store>false</store>" if stock is None else f'<outlets><outlet id="shop" instock="{stock}"/></outlets>'
        offers.append(
            f'<offer id="{sku}"><name>{title}</name><price>{price}</price><categoryId>2</categoryId>'
            f'<param name="Weight" unit="{unit}">{weight}</param><param name="Bass" unit="dB">{bass}</param>'
            f"{where}</offer>"
        )
    return (
        "<yml_catalog><shop><categories><category id='1'>Audio</category><category id='2' parentId='1'>Headphones"
        "</category></categories><delivery-options><option days='2'/></delivery-options>"
        f"<offers>{''.join(offers)}</offers></shop></yml_catalog>"
    ).encode()


def track(name: str, number: int, **properties: Any) -> dict[str, Any]:
    return {"type": "track", "event": name, "messageId": f"m{number}", "userId": "c1", "properties": properties}


async def filled(shop: Any) -> None:
    """A catalogue, an evening on the site, an arrival and two opinions."""
    await shop.load()
    async with shop.runtime.db.read() as session:
        terms = await feeds.terms(session, "shop", "main", "yml", False)
    await take_feed(shop.runtime, io.BytesIO(feed()), terms, "file")
    web = Source("shop", "web", server=True, key="k")
    events = [
        track("Product List Filtered", 1, category="Audio / Headphones", sorts=[{"type": "price", "value": "asc"}],
              filters=[{"type": "price", "value": {"max": 100}}, {"type": "colour", "value": "black"}]),
        track("Product Viewed", 2, sku="X", category="Audio / Headphones"),
        track("Product Viewed", 3, sku="third", category="Audio / Headphones"),
        track("Product Added", 4, sku="third", category="Audio / Headphones", quantity=1),
        track("Products Searched", 5, query="light headphones"),
        track("Delivery Options Viewed", 6, sku="third", delivery_days=5),
    ]  # fmt: skip
    assert (await take(shop.runtime, web, BatchIn(batch=events))).rejected == 0
    shop.wait(60)
    await shop.arrive("v1")


async def opened(shop: Any, language: str = "en", visit: str = "v1") -> CardDetail:
    async with shop.runtime.db.read() as session:
        row = await service.find(session, "shop", visit)
        return await service.assemble(session, shop.runtime.vault, row, shop.now, language)


async def opine(shop: Any, sku: str, **said: Any) -> None:
    async with shop.runtime.change() as effects:
        row = await service.find(effects.session, "shop", "v1")
        await actions.opine(effects, row, "ilya", OpinionBody(sku=sku, **said))


async def deeds(shop: Any) -> list[tuple[str, str, str | None, bool]]:
    async with shop.runtime.db.read() as session:
        rows = (await session.scalars(select(ContributionEvidence).order_by(ContributionEvidence.id))).all()
    return [(row.kind, row.consultant, row.sku, row.undone_at is None) for row in rows]


async def consent(shop: Any, **purposes: bool) -> None:
    shop.wait(1)
    async with shop.runtime.change() as effects:
        text = {"text_version": "1", "text_sha256": "0" * 64, "channel": "page", "given_at": shop.now}
        await privacy.record(effects, SUBJECT, purposes, **text)


async def test_the_card_shows_what_the_site_knew_and_why_it_matters(shop: Any) -> None:
    await filled(shop)
    card = await opened(shop)
    assert (card.visitor.name, card.visitor.guest, card.live) == ("Anna", False, True)
    assert "Price: up to 100" in card.lines
    assert card.interests.sort == "price asc"
    assert (card.items[0].sku, card.items[0].why) == ("third", ["basket", "viewed"])
    kinds = {argument.kind: argument for argument in card.arguments}
    assert "Corona Three" in kinds["speed"].text  # it is here: no delivery to wait for
    assert "100" in kinds["price"].text
    assert all(argument.evidence for argument in card.arguments)
    assert [barrier.kind for barrier in card.barriers] == ["price", "delivery_time"]
    assert card.suggestions
    assert all(suggestion.reasons for suggestion in card.suggestions)
    in_russian = await opened(shop, "ru")
    assert "Цена: до 100" in in_russian.lines
    assert in_russian.barriers[1].text.startswith("Долгая доставка")
    assert in_russian.barriers[1].evidence == "смотрел(а) доставку, дней: 5"


async def test_opinions_are_tried_noted_and_become_arguments(shop: Any) -> None:
    await filled(shop)
    for sku, weight, bass in (("X", -2, -2), ("Y", -1, 1)):
        await opine(shop, sku, liked=False)
        await opine(shop, sku, parameters={"weight": weight, "bass": bass})
    shop.wait(5)
    await opine(shop, "X", note="pinches")
    card = await opened(shop)
    assert [(tried.sku, tried.liked, tried.here) for tried in card.tried] == [("X", False, True), ("Y", False, True)]
    assert card.tried[0].notes == ["pinches"]
    assert {rating.label for rating in card.tried[0].ratings} == {"weight", "bass"}
    assert {suggestion.sku for suggestion in card.suggestions}.isdisjoint({"X", "Y"})
    said = [argument for argument in card.arguments if any("Aurora One" in line for line in argument.evidence)]
    assert said, card.arguments
    noted = await deeds(shop)
    assert noted == [("opinion", "ilya", "X", True), ("opinion", "ilya", "Y", True)]


async def test_without_consent_a_guest_and_nothing_else(shop: Any) -> None:
    await filled(shop)
    await opine(shop, "X", liked=True)
    async with shop.runtime.change() as effects:
        row = await service.find(effects.session, "shop", "v1")
        await actions.put(effects, row, "ilya", "third", 1)
    await consent(shop, identify=True, consultant_alert=True)
    card = await opened(shop)
    assert (card.visitor.id, card.visitor.name, card.visitor.guest) == (None, "a guest", True)
    person = ("lines", "items", "tried", "arguments", "barriers", "likes", "suggestions", "purchases", "earlier")
    assert [name for name in person if getattr(card, name)] == []
    assert (card.basket, card.visitor.segments, card.interests.categories) == (None, [], [])
    assert "Anna" not in card.model_dump_json()
    with pytest.raises(actions.NobodyError):
        await opine(shop, "X", liked=False)


async def test_comparing_with_one_sold_online_only(shop: Any) -> None:
    await filled(shop)
    async with shop.runtime.db.read() as session:
        visit = await service.find(session, "shop", "v1")
        found = await compare(session, visit, ["X", "web", "no-such", "third"], shop.now, "en")
    assert [one.sku for one in found.products] == ["X", "web", "third"]
    assert [one.availability.status for one in found.products] == ["here", "online", "here"]
    rows = {row.name: row for row in found.rows}
    assert rows["weight"].values == ["254 g", "0.2 kg", "198 g"]
    assert (rows["weight"].differs, rows["weight"].most) == (True, [True, False, False])
    assert rows["bass"].most == [False, False, True]


async def test_recognised_by_a_card_undone_and_nobody_learns_from_a_wrong_number(shop: Any) -> None:
    await filled(shop)
    async with shop.runtime.change() as effects:
        seen = identity.Seen("import", shop.now, "import", "import")
        await identity.link(effects, "shop", "loyalty", "2000 0001", SUBJECT, seen)
        row = await service.find(effects.session, "shop", "v1")
        row.ended_at = shop.now
    for by, value in (("loyalty", "9999 9999"), ("phone", "+49 151 1234567")):
        with pytest.raises(actions.UnknownError, match="no customer can be recognised"):
            await actions.authorise(shop.runtime, ILYA, "shop", by, value, None)
    visit = await actions.authorise(shop.runtime, ILYA, "shop", "loyalty", "20000001", None)
    card = await opened(shop, visit=visit)
    assert (card.visitor.name, card.method, card.recognised.by) == ("Anna", "loyalty", "ilya")
    assert (card.arrival.state, card.arrival.claimed_by) == ("claimed", "ilya")
    shop.wait(5)
    async with shop.runtime.change() as effects:
        row = await service.find(effects.session, "shop", visit)
        assert await actions.unauthorise(effects, row)
    after = await opened(shop, visit=visit)
    assert (after.visitor.guest, after.live, after.recognised) == (True, False, None)
    assert [deed for deed in await deeds(shop) if deed[0] == "authorised"] == [("authorised", "ilya", None, False)]
    await consent(shop, profile=True)  # no longer wants to be recognised: the same answer as a wrong number
    with pytest.raises(actions.UnknownError, match="no customer can be recognised"):
        await actions.authorise(shop.runtime, ILYA, "shop", "loyalty", "20000001", None)
    async with shop.runtime.db.read() as session:
        places = (await session.scalars(select(ProfileRead.place))).all()
    assert "authorised by loyalty" in places


async def test_undoing_gives_the_visit_back_to_whom_the_camera_saw(shop: Any) -> None:
    await filled(shop)
    async with shop.runtime.change() as effects:
        seen = identity.Seen("import", shop.now, "import", "import")
        await identity.link(effects, "shop", "phone", "+49 151 1234567", SUBJECT, seen)
    visit = await actions.authorise(shop.runtime, ILYA, "shop", "phone", "+491511234567", None)
    assert visit == "v1"  # they are here already: one visit, two kinds of evidence
    assert (await opened(shop)).method == "staff"
    async with shop.runtime.change() as effects:
        assert await actions.unauthorise(effects, await service.find(effects.session, "shop", "v1"))
    async with shop.runtime.db.read() as session:
        row = await session.get(Visit, ("shop", "v1"))
    assert (row.subject, row.method, row.ended_at) == (SUBJECT, "face", None)


async def test_handing_over_takes_all_that_is_open(shop: Any) -> None:
    await filled(shop)
    async with shop.runtime.db.write() as session:
        for name in ("ilya", "marina"):
            await staff.add(session, name, "consultant", "shop", PASSWORD)
    async with shop.runtime.change() as effects:
        await alerts.call(effects, "shop", SUBJECT, "v1", "audio", None)
        for card in (await effects.session.scalars(select(Alert))).all():
            await alerts.claim(effects, card, "ilya")
        visit = await service.find(effects.session, "shop", "v1")
        with pytest.raises(actions.NoColleagueError):
            await actions.hand_over(effects, visit, ILYA, "nobody")
        await actions.hand_over(effects, visit, ILYA, "marina")
    card = await opened(shop)
    assert (card.arrival.claimed_by, card.call.claimed_by, card.call.zone.id) == ("marina", "marina", "audio")


async def test_queries_do_not_grow_with_what_is_known(shop: Any) -> None:
    await filled(shop)
    asked: list[str] = []
    engine = shop.runtime.db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    await opened(shop)
    asked.clear()
    await opened(shop)
    first = len(asked)
    web = Source("shop", "web", server=True, key="k")
    more = [track("Product Viewed", 100 + n, sku=f"S{n % 90}", category="Audio / Headphones") for n in range(400)]
    await take(shop.runtime, web, BatchIn(batch=more))
    for sku in ("X", "Y", "third", "HP-1"):
        await opine(shop, sku, liked=sku == "third", parameters={"weight": 1})
    for number in range(2, 6):
        await shop.arrive(f"v{number}")
    await opened(shop)
    asked.clear()
    await opened(shop)
    assert len(asked) <= first + 8, asked  # the taste's own queries come once there are opinions
    assert len(asked) <= 48


async def test_over_http_other_stores_and_wrong_bodies(shop: Any, import_document: Any) -> None:
    await filled(shop)
    await shop.load(import_document(id="elsewhere") | {"customers": []})
    async with shop.runtime.db.write() as session:
        await staff.add(session, "ilya", "consultant", "shop", PASSWORD)
        await staff.add(session, "far", "consultant", "elsewhere", PASSWORD)
    app = create_app(shop.runtime.settings, shop.clock, bus=False)
    app.state.runtime = shop.runtime
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://central.test") as http:
        for name, status in (("far", 404), ("ilya", 200)):
            await http.post("/login", data={"name": name, "password": PASSWORD})
            http.headers["X-CSRF-Token"] = (await http.get("/api/v1/session")).json()["csrf"]
            assert (await http.get("/api/v1/cards/v1?store=shop&lang=ru")).status_code == status
            opinion = {"sku": "X", "liked": True}
            answer = await http.post("/api/v1/cards/v1/opinions?store=shop", json=opinion)
            assert answer.status_code == (201 if status == 200 else 404)
        basket = await http.put("/api/v1/cards/v1/basket?store=shop", json={"sku": "third", "quantity": 2})
        assert basket.json()["total"] == 19_000
        assert (await http.post("/api/v1/cards/v1/basket/later?store=shop")).json()["state"] == "later"
        found = await http.get("/api/v1/cards/v1/search?store=shop&q=lighter than X, more bass than Y")
        assert found.json()["suggestions"][0]["sku"] == "third"
        assert found.json()["personal"] is True
        assert (await http.post("/api/v1/cards/v1/suggested?store=shop", json={"sku": "third"})).status_code == 204
        assert (await http.get("/api/v1/cards/v9?store=shop")).status_code == 404
        unconfirmed = {"store": "shop", "by": "loyalty", "value": "12345678", "confirmed": False}
        assert (await http.post("/api/v1/cards/authorise", json=unconfirmed)).status_code == 422
        tries = [
            (await http.post("/api/v1/cards/authorise", json={**unconfirmed, "confirmed": True})).status_code
            for _ in range(11)
        ]
        assert tries == [404] * 10 + [429]
