"""Opinions, consent, relative search and the page for the site, on both databases."""

from __future__ import annotations

import io
import json
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from central.app import create_app
from central.catalogue.feeds import service as feeds
from central.catalogue.feeds.taking import take
from central.cli import parser
from central.preferences import learning, service
from central.preferences.schemas import OpinionIn, Query
from central.preferences.tables import Opinion, Prior
from central.privacy import service as privacy
from central.privacy.tables import ProfileRead
from central.profiles import service as profiles
from central.segments.tables import CustomerSegments
from central.staff import service as staff

SUBJECT, OTHER = "a" * 32, "b" * 32
BASE = "http://central.test"
PASSWORD = "correct horse"
MODELS = {
    # sku: (title, brand, price, weight g, bass dB, noise cancelling, instock)
    "X": ("Aurora One", "Aurora", 120, 254, 3, "yes", 1),
    "Y": ("Borealis Two", "Borealis", 90, 230, 5, "no", 1),
    "third": ("Corona Three", "Corona", 95, 198, 8, "yes", 2),
    "heavy": ("Dune Four", "Dune", 60, 310, 9, "no", 0),
    "light": ("Echo Five", "Echo", 80, 150, 1, "yes", 4),
    "dear": ("Fjord Six", "Fjord", 300, 190, 9, "yes", 1),
    "web": ("Gale Seven", "Gale", 70, 200, 6, "yes", None),
}


def feed() -> bytes:
    offers = []
    for sku, (title, brand, price, weight, bass, anc, stock) in MODELS.items():
        where = "<store>false</store>" if stock is None else f'<outlets><outlet id="shop" instock="{stock}"/></outlets>'
        offers.append(
            f'<offer id="{sku}"><name>{title}</name><vendor>{brand}</vendor><price>{price}</price>'
            "<categoryId>2</categoryId>"
            f'<param name="Weight" unit="g">{weight}</param><param name="Bass" unit="dB">{bass}</param>'
            f'<param name="Noise cancelling">{anc}</param><param name="Impedance" unit="Ohm">{weight // 8}</param>'
            f"{where}</offer>"
        )
    return (
        "<yml_catalog><shop><categories><category id='1'>Audio</category><category id='2' parentId='1'>Headphones"
        "</category></categories><delivery-options><option days='2'/></delivery-options>"
        f"<offers>{''.join(offers)}</offers></shop></yml_catalog>"
    ).encode()


@pytest.fixture
async def store(shop: Any, import_document: Any) -> Any:
    document = import_document()
    document["customers"].append({"id": "c2", "subject": OTHER, "name": "Boris"})
    await shop.load(document)
    async with shop.runtime.db.read() as session:
        terms = await feeds.terms(session, "shop", "main", "yml", False)
    assert terms is not None
    assert (await take(shop.runtime, io.BytesIO(feed()), terms, "file")).written == len(MODELS)
    return shop


def opinion(sku: str, liked: bool | None = None, **fields: Any) -> OpinionIn:
    return OpinionIn(**{"subject": SUBJECT, "store": "shop", "sku": sku, "by": "customer", "liked": liked, **fields})


async def tell(shop: Any, *opinions: OpinionIn) -> None:
    for one in opinions:
        async with shop.runtime.change() as effects:
            await service.record(effects, one)


async def found(shop: Any, asked: Any, subject: str | None = SUBJECT, language: Any = "en", limit: int = 10) -> Any:
    async with shop.runtime.db.read() as session:
        return await service.search(session, shop.runtime.vault, subject, "shop", asked, limit, shop.now, language)


def skus(answer: Any) -> list[str]:
    return [suggestion.sku for suggestion in answer.suggestions]


async def agree(shop: Any, subject: str, **purposes: bool) -> None:
    async with shop.runtime.change() as effects:
        await privacy.record(
            effects, subject, purposes, text_version="1", text_sha256="0" * 64, channel="test", given_at=effects.now
        )
    shop.wait(1)


async def test_two_taps_then_a_note_are_one_opinion(store: Any) -> None:
    await tell(store, opinion("X", True, visit="v1", by="consultant:Eva"))
    await tell(store, opinion("X", visit="v1", by="consultant:Eva", parameters={"bass": 1, "weight": -2}))
    await tell(store, opinion("X", visit="v1", by="consultant:Eva", parameters={"bass": 2}, note="pinches"))
    await tell(store, opinion("X", False))
    store.wait(90_000)
    await tell(store, opinion("X", None, note="still thinking"))
    async with store.runtime.db.read() as session:
        said = await service.of_subject(session, store.runtime.vault, SUBJECT)
        (tried,) = await service.tried(session, store.runtime.vault, SUBJECT)
        rows = (await session.scalars(select(Opinion))).all()
    assert [(one.by, one.liked, one.parameters, one.note) for one in said] == [
        ("customer", None, {}, "still thinking"),
        ("customer", False, {}, ""),
        ("consultant:Eva", True, {"bass": 2, "weight": -2}, "pinches"),
    ]
    assert (tried.liked, tried.parameters, tried.visits) == (False, {"bass": 2, "weight": -2}, ["v1"])
    assert all(b"pinches" not in row.sealed and b"bass" not in row.sealed for row in rows)


async def test_without_consent_nothing_is_kept_read_or_ranked_by(store: Any) -> None:
    with pytest.raises(service.NoConsentError):
        await tell(store, opinion("X", True, subject=OTHER))
    with pytest.raises(service.UnknownSkuError):
        await tell(store, opinion("nothing", True))
    await tell(store, opinion("X", True, parameters={"weight": -2}), opinion("light", True, parameters={"weight": 2}))
    assert (await found(store, "headphones")).personal
    await agree(store, SUBJECT, profile=False, identify=True)
    answer = await found(store, "headphones")
    assert not answer.personal
    assert skus(answer) == skus(await found(store, "headphones", None))
    async with store.runtime.db.read() as session:
        assert await service.of_subject(session, store.runtime.vault, SUBJECT) == []
        assert (await service.model(session, store.runtime.vault, SUBJECT, store.now)).opinions == 0


async def test_an_erased_person_has_no_opinions(store: Any) -> None:
    await tell(store, opinion("X", True))
    store.runtime.vault.destroy([SUBJECT])
    async with store.runtime.db.read() as session:
        assert await service.of_subject(session, store.runtime.vault, SUBJECT) == []
    with pytest.raises(service.NoConsentError, match="erased"):
        await tell(store, opinion("Y", True))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("lighter than X, more bass than Y, under 100", "en"),
        ("легче чем X, больше баса чем Y, до 100", "ru"),
        ("lighter than Aurora One, more bass than Borealis, under 100", "en"),
        ("легче Aurora One, больше баса чем у Borealis Two, до 100 евро", "ru"),
    ],
)
async def test_relative_search_in_words_finds_the_right_third(store: Any, text: str, language: str) -> None:
    answer = await found(store, text, None, language)
    assert skus(answer) == ["third", "web"]
    assert answer.unknown == []
    first = answer.suggestions[0]
    figures = ["198 g, 56 g lighter than Aurora One", "8 dB, 3 dB more bass than Borealis Two", "in stock here: 2"]
    russian = ["198 г, на 56 г легче, чем Aurora One", "8 дБ, на 3 дБ больше баса, чем Borealis Two"]
    assert first.reasons == (figures if language == "en" else [*russian, "есть в этом магазине: 2 шт."])
    assert answer.suggestions[1].availability.status == "online"
    assert first.exact


async def test_the_same_as_a_query_in_structure(store: Any) -> None:
    query = Query.model_validate(
        {
            "conditions": [
                {"parameter": "Вес", "direction": "less", "than": {"sku": "X"}},
                {"parameter": "bass", "direction": "more", "than": {"value": 5, "unit": "dB"}, "or_equal": True},
            ],
            "price_max": 10000,
            "here": True,
        }
    )
    answer = await found(store, query, None)
    assert set(skus(answer)) == {"third", "Y"}
    assert answer.query.conditions[0].parameter == "weight"
    assert query.conditions[0].parameter == "Вес"


async def test_what_is_not_understood_is_said(store: Any) -> None:
    answer = await found(
        store, "wobbly headphones lighter than Zeppelin, more impedance than X, more fluff than X", None
    )
    assert answer.unknown == ["Zeppelin", "wobbly", "fluff"]
    assert skus(answer) == ["heavy"]
    assert answer.understood == ["more impedance than Aurora One", "headphones"]


async def test_when_nothing_has_it_all_the_closest_come_with_what_they_miss(store: Any) -> None:
    answer = await found(store, "lighter than Echo Five, under 100", None)
    assert answer.notes == ["Nothing here has all of that; these come closest."]
    assert not any(suggestion.exact for suggestion in answer.suggestions)
    assert "not lighter than Echo Five: 230 g against 150 g" in next(
        one.reasons for one in answer.suggestions if one.sku == "Y"
    )


async def test_brand_flags_stock_and_what_was_tried_last(store: Any) -> None:
    assert skus(await found(store, "echo with noise cancelling in stock", None)) == ["light"]
    assert skus(await found(store, "headphones without noise cancelling in stock", None)) == ["Y"]
    await tell(store, opinion("Y", False, parameters={"bass": -1}))
    answer = await found(store, "with more bass than the ones I heard, lighter")
    assert answer.understood == ["more bass than Borealis Two", "lighter than Borealis Two"]
    assert set(skus(answer)) == {"third", "web", "dear"}
    soft = await found(store, "lighter", None)
    assert skus(soft)[0] == "light"


async def test_tastes_rank_and_say_why(store: Any) -> None:
    await tell(
        store,
        opinion("heavy", False, parameters={"weight": -2, "bass": 1}),
        opinion("X", False, parameters={"weight": -1}),
        opinion("light", True, parameters={"weight": 2}),
    )
    async with store.runtime.db.read() as session:
        taste = await service.model(session, store.runtime.vault, SUBJECT, store.now)
        suggestions = await service.suggest(session, store.runtime.vault, SUBJECT, "shop", 3, store.now)
        choices = await service.parameter_choices(session, "shop", "X", "ru")
    (category,) = taste.categories
    assert category.category == "Audio / Headphones"
    weight = next(one for one in category.tastes if one.parameter == "weight")
    assert (weight.weight < 0, weight.learned, weight.sure > 0.9) == (True, True, True)
    assert service.phrases(taste, "en")[0] == "likes: lighter"
    assert service.phrases(taste, "ru")[0] == "нравится: легче"
    assert {one.sku for one in suggestions}.isdisjoint({"heavy", "X", "light"})
    assert suggestions[0].sku in {"dear", "third", "web"}
    assert any("usual" in reason and "lighter suits this taste" in reason for reason in suggestions[0].reasons)
    assert [choice.label for choice in choices][:2] == ["бас", "вес"]


async def test_priors_are_learned_from_enough_people_only_and_help_a_newcomer(store: Any) -> None:
    people = [f"{n:032x}" for n in range(6)]
    for number, subject in enumerate(people):
        if number == 4:
            async with store.runtime.db.read() as session:
                assert (await session.scalars(select(Prior))).all() == []
        await agree(store, subject, profile=True)
        await tell(
            store,
            opinion("heavy", False, subject=subject, parameters={"weight": -2}),
            opinion("light", True, subject=subject, parameters={"weight": 2}),
            opinion("dear", True, subject=subject),
        )
        if number == 3:
            assert await learning.relearn(store.runtime.db, store.runtime.vault, "shop", store.now) == 0
    async with store.runtime.db.write() as session:
        for subject in (*people, SUBJECT):
            times = {"computed_at": store.now, "changed_at": store.now}
            session.add(CustomerSegments(subject=subject, store="shop", segments=["core"], **times))
    assert await learning.relearn(store.runtime.db, store.runtime.vault, "shop", store.now) == 2
    async with store.runtime.db.read() as session:
        rows = {row.segment: row for row in (await session.scalars(select(Prior))).all()}
    assert (rows[""].people, rows["core"].people) == (6, 6)
    assert rows[""].likes == {"heavy": [0, 6], "light": [6, 0], "dear": [6, 0]}
    answer = await found(store, "headphones", None)
    assert skus(answer)[-1] == "heavy"
    assert skus(await found(store, "headphones", SUBJECT))[-1] == "heavy"
    assert "liked by 6 of 6 who tried it" in answer.suggestions[0].reasons
    await agree(store, people[0], profile=False)
    await agree(store, people[1], profile=False)
    assert await learning.relearn(store.runtime.db, store.runtime.vault, "shop", store.now) == 0


async def test_the_command_evaluates_stored_and_generated_opinions(store: Any) -> None:
    for number in range(8):
        subject = f"{number:032x}"
        await agree(store, subject, profile=True)
        await tell(store, *(opinion(sku, sku in {"light", "third", "web"}, subject=subject) for sku in MODELS))
    words = parser().parse_args(["preferences", "evaluate", "--store", "shop", "--people", "30"])
    report = json.loads(await words.work(store.runtime, words))
    stored = report["stored"]["Audio / Headphones"]
    assert (stored["people"], stored["opinions"]) == (8, 56)
    assert stored["pairwise"]["mean"] > 0.9
    assert report["generated"]["people"] > 20


class Api:
    """The application over HTTP."""

    def __init__(self, shop: Any) -> None:
        self.shop = shop
        self.app = create_app(shop.runtime.settings, shop.clock, bus=False)
        self.app.state.runtime = shop.runtime

    def client(self, token: str | None = None, **headers: str) -> httpx.AsyncClient:
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=BASE, headers=headers)

    async def token(self, role: str, store: str = "shop") -> str:
        async with self.shop.runtime.db.write() as session:
            return str(await staff.create_token(session, role, store, self.shop.runtime))

    async def consultant(self) -> httpx.AsyncClient:
        async with self.shop.runtime.db.write() as session:
            await staff.add(session, "Eva", "consultant", "shop", PASSWORD)
        client = self.client()
        assert (await client.post("/login", data={"name": "Eva", "password": PASSWORD})).status_code == 303
        client.headers["X-CSRF-Token"] = (await client.get("/api/v1/session")).json()["csrf"]
        return client

    async def customer(self) -> httpx.AsyncClient:
        async with self.shop.runtime.db.write() as session:
            code = await profiles.login_code(session, "c1", self.shop.now)
        assert code is not None
        client = self.client()
        assert (await client.post("/api/v1/me/login", json={"code": code.code})).status_code == 204
        client.headers["X-CSRF-Token"] = (await client.get("/api/v1/me")).json()["csrf"]
        return client


@pytest.fixture
def api(store: Any) -> Api:
    return Api(store)


async def test_a_consultant_writes_down_and_reading_is_audited(api: Api) -> None:
    async with aclosing(await api.consultant()) as eva:
        body = {
            "store": "shop",
            "subject": SUBJECT,
            "visit": "v1",
            "sku": "X",
            "liked": True,
            "parameters": {"bass": 2},
        }
        answer = await eva.post("/api/v1/preferences/opinions", json=body)
        assert (answer.status_code, answer.json()["by"]) == (201, "consultant:Eva")
        for wrong, status in (
            ({"sku": "none"}, 404),
            ({"subject": OTHER}, 409),
            ({"subject": "c" * 32}, 404),
            ({"store": "other"}, 404),
            ({"subject": None}, 422),
            ({"parameters": {"bass": 3}}, 422),
        ):
            refused = await eva.post("/api/v1/preferences/opinions", json={**body, **wrong})
            assert refused.status_code == status, wrong
        where = f"/api/v1/preferences/{SUBJECT}"
        for path in ("", "/tried", "/suggestions"):
            assert (await eva.get(where + path, params={"store": "shop"})).status_code == 200
            assert (await eva.get(where + path, params={"store": "other"})).status_code == 404
        choices = await eva.get("/api/v1/preferences/parameters", params={"store": "shop", "sku": "X", "lang": "ru"})
        assert choices.json()[0] == {"name": "bass", "label": "бас"}
        del eva.headers["X-CSRF-Token"]
        assert (await eva.post("/api/v1/preferences/opinions", json=body)).status_code == 403
    async with api.shop.runtime.db.read() as session:
        reads = (await session.scalars(select(ProfileRead.place))).all()
    assert sorted(reads) == ["preferences", "suggestions", "tried products"]


async def test_a_customer_only_ever_asks_about_themselves(api: Api) -> None:
    async with aclosing(await api.customer()) as anna:
        body = {"store": "shop", "sku": "light", "liked": True, "parameters": {"weight": 2}}
        answer = await anna.post("/api/v1/preferences/opinions", json=body)
        assert (answer.status_code, answer.json()["by"]) == (201, "customer")
        assert (await anna.post("/api/v1/preferences/opinions", json={**body, "subject": OTHER})).status_code == 404
        assert (await anna.get(f"/api/v1/preferences/{OTHER}", params={"store": "shop"})).status_code == 404
        mine = await anna.post("/api/v1/preferences/search", json={"store": "shop", "text": "headphones"})
        assert mine.json()["personal"]
        page = await anna.get("/site/search", params={"store": "shop", "q": "headphones"})
        assert "Ordered by your own opinions." in page.text


async def test_the_sites_token_and_nobody_elses(api: Api) -> None:
    await tell(api.shop, opinion("light", True, parameters={"weight": 2}))
    ask = {"store": "shop", "text": "lighter than X", "subject": SUBJECT}
    async with api.client(await api.token("site")) as site:
        answer = await site.post("/api/v1/preferences/search", json=ask)
        assert (answer.status_code, answer.json()["personal"]) == (200, True)
        assert (await site.post("/api/v1/preferences/search", json={**ask, "store": "other"})).status_code == 404
        assert (await site.post("/api/v1/preferences/search", json={**ask, "subject": "c" * 32})).status_code == 404
        assert (await site.post("/api/v1/preferences/opinions", json={"store": "shop", "sku": "X"})).status_code == 403
        embedded = await site.get(
            "/site/search", params={"store": "shop", "q": "lighter", "subject": SUBJECT, "fragment": 1}
        )
        assert (embedded.status_code, "<html" in embedded.text) == (200, False)
    async with api.client(await api.token("till")) as till:
        assert (await till.post("/api/v1/preferences/search", json=ask)).status_code == 403
        assert (await till.get("/site/search", params={"store": "shop"})).status_code == 403
    async with api.client() as nobody:
        assert (await nobody.post("/api/v1/preferences/search", json=ask)).status_code == 401
        assert (await nobody.get("/site/search", params={"store": "shop", "subject": SUBJECT})).status_code == 403


async def test_the_page_of_the_site_works_without_scripts_in_both_languages(api: Api) -> None:
    async with api.client() as anybody:
        empty = await anybody.get("/site/search", params={"store": "shop"})
        assert (empty.status_code, "<script" in empty.text, 'method="get"' in empty.text) == (200, False, True)
        text = "lighter than X, more bass than Y, under 100 <script>wobbly"
        page = await anybody.get("/site/search", params={"store": "shop", "q": text})
        assert "198 g, 56 g lighter than Aurora One" in page.text
        assert "<script" not in page.text
        assert "wobbly" in page.text.split("Not understood")[1]
        russian = await anybody.get("/site/search", params={"store": "shop", "q": "легче чем X", "lang": "ru"})
        assert "на 56 г легче, чем Aurora One" in russian.text
        assert "Найти" in russian.text
        data = await anybody.get(
            "/site/search", params={"store": "shop", "q": text}, headers={"Accept": "application/json"}
        )
        assert [one["sku"] for one in data.json()["suggestions"]] == ["third", "web"]
        assert data.headers["cache-control"] == "no-store"
        assert not data.json()["personal"]
        assert (await anybody.get("/site/search", params={"store": "nowhere"})).status_code == 404
        codes = [(await anybody.get("/site/search", params={"store": "shop"})).status_code for _ in range(60)]
        assert codes[-1] == 429


async def test_opinions_of_long_ago_do_not_stop_counting(store: Any) -> None:
    await tell(store, opinion("light", True, parameters={"weight": 2}))
    store.wait(timedelta(days=400).total_seconds())
    assert (await found(store, "headphones")).personal
