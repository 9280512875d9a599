"""Every route x every role: nobody gets or changes what belongs to another store or another customer (PRIVACY S8).

The routes come from the application itself: a new one cannot be forgotten. Strangers ask for the shop's objects in
every way; then the shop's own people must get through, so that the requests are known to reach the objects.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from dataclasses import dataclass
from typing import Any, Final, get_args, get_origin

import httpx2 as httpx
import pytest
from fastapi.params import Form
from fastapi.routing import APIRoute
from pydantic import BaseModel

from central.contribution.formula import DEFAULT_TEXT
from central.privacy import texts
from tests.security.world import ANNA, FEED, PERSON_MARK, RULES, STORE_MARK, World, live, routes_of

ONE_DATABASE = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
PLAIN_RULES = RULES.replace(STORE_MARK, "Plain")
YML = b"""<?xml version="1.0" encoding="UTF-8"?><yml_catalog date="2026-03-02 10:00"><shop><name>Shop</name>
<currencies><currency id="EUR" rate="1"/></currencies><categories><category id="1">Audio</category></categories>
<offers><offer id="HP-1" available="true"><name>Headphones</name><price>200</price><currencyId>EUR</currencyId>
<categoryId>1</categoryId></offer></offers></shop></yml_catalog>"""
PERIOD = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-03T00:00:00Z"}
P256 = "AmsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKW"
"""The curve's base point, compressed: a key as good as any."""
OBJECTS: Final[dict[str, Any]] = {
    "store": "shop", "visit": "v1", "sku": "HP-1", "subject": ANNA, "customer": "c1", "customer_id": "c1",
    "q": "lighter", "language": "en",
    "label": "label-1", "node": "node-1", "name": "main", "gtin": "4006381333931", "consultant": "q-consultant",
    "receipt": "R-1", "folder": "none", **PERIOD, "what": "footfall",
}  # fmt: skip
"""What a path, a query or a body may name: objects of the shop, and Anna's. A new kind of object: add one here."""
IN_BODIES = {"store", "visit", "sku", "subject", "customer", "receipt"}
BODIES: Final[dict[str, Any]] = {
    "Rules": {"k": 12}, "RulesIn": {"text": PLAIN_RULES}, "DryRunIn": {"text": PLAIN_RULES},
    "FormulaIn": {"text": DEFAULT_TEXT}, "ConditionIn": {"value": "rain", "until": PERIOD["to"]},
    "FeedIn": {**FEED, "url": "https://plain.example/"}, "SearchIn": {"text": "lighter than HP-1"},
    "ReconcileIn": {"lines": [
        {"code": "x", "receipt": "R-9", "sku": "HP-1", "charged": 1, "at": PERIOD["from"]}
    ]},
    "CodeIn": {"code": "AAAAAAAA"}, "PhoneKeyIn": {"public_key": P256},
    "ConsentsIn": {"purposes": {"identify": True}, "text_version": texts.VERSION, "text_sha256": texts.SHA256},
    "HandOverBody": {"to": "q-consultant"},
    "AuthoriseBody": {"store": "shop", "by": "loyalty", "value": "77000049", "confirmed": True},
    "LinkIn": {"kind": "email", "value": "new@somewhere.org"}, "UndoIn": {"reason": "wrong"},
}  # fmt: skip
"""Fields of bodies beside the objects. A new body: add it here, or give its model an example."""
FORMS = {
    "sku": "HP-1", "liked": "yes", "to": "q-consultant", "by": "loyalty", "value": "77000049", "confirmed": "yes",
    "visit": "v1", "quantity": "1", "number": "1", "who": "c1", "text": PLAIN_RULES,
    "name": "nobody", "password": "wrong password", "url": "https://192.0.2.1/hook", "title": "Thank you", "html": "",
    "kind": "loyalty", "reason": "wrong", "format": "yml", "what": "fetch", "role": "till",
}  # fmt: skip
RAW: Final[dict[str, Any]] = {
    "/v1/events": {
        "json": {"batch": [{"type": "track", "event": "Product Viewed", "messageId": "new", "userId": "c1"}]}
    },
    "/api/v1/feeds": {"content": YML, "query": {"format": "yml"}},
}
"""Routes that read their body themselves."""
STREAM = "/api/v1/alerts/stream"
"""Never ends for those who may have it."""
UNREACHED = {
    STREAM, "/api/v1/me/login", "/api/v1/me/login-code", "/login", "/static/vendor/{folder}/{name}",
    "/api/v1/me/erase", "/api/v1/customers/{customer_id}/erase", "/people/{customer_id}/erase", "/api/v1/webhooks",
    "/api/v1/webhooks/{subscription}/deliveries/{delivery}/replay",
}  # fmt: skip
"""Never ends; needs a secret, the internet, a failed delivery; takes all away: their own tests show that they work."""
LAST = ("POST /api/v1/feeds", "DELETE", "logout", "erase")
"""Asked at the end by those who may: they take away what the others need."""
PUBLIC = {"/01/{gtin}", "/site/search", "/me/scan", "/me/find", "/health"}
"""As the catalogue is."""
WITHOUT_A_SESSION = {"/login", "/api/v1/me/login", "/api/v1/me/login-code", "/v1/events"}
"""Nothing to forge: they prove who asks by themselves."""


@dataclass(frozen=True)
class Call:
    """One request for objects of the shop."""

    method: str
    path: str
    template: str
    query: dict[str, Any]
    sending: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"

    @property
    def named(self) -> bool:
        """Whether it names an object at all."""
        return self.path != self.template or bool({"store", "subject"} & {*self.query, *self.sending.get("json", ())})

    def elsewhere(self) -> Call:
        """The same objects, but in the asker's own store."""
        query = {**self.query, "store": "other"} if "store" in self.query else self.query
        sending = dict(self.sending)
        if "store" in sending.get("json", ()):
            sending["json"] = {**sending["json"], "store": "other"}
        return Call(self.method, self.path, self.template, query, sending)

    async def ask(self, client: httpx.AsyncClient, **headers: str) -> httpx.Response:
        return await asyncio.wait_for(
            client.request(self.method, self.path, params=self.query, headers=headers, **self.sending), 20
        )


def _body(annotation: Any) -> dict[str, Any]:
    model = annotation if isinstance(annotation, type) else next(
        kind for kind in get_args(annotation) if isinstance(kind, type) and issubclass(kind, BaseModel)
    )  # fmt: skip
    assert issubclass(model, BaseModel), (annotation, get_origin(annotation))
    examples = (model.model_config.get("json_schema_extra") or {}).get("examples", [{}])  # type: ignore[union-attr]
    body = BODIES[model.__name__] if model.__name__ in BODIES else examples[0]
    named = {name: OBJECTS[name] for name in model.model_fields if name in IN_BODIES}
    return {name: value for name, value in (body | named).items() if name != "quote"}


def _sending(template: str, route: APIRoute) -> dict[str, Any]:
    if template in RAW and "GET" not in route.methods:
        return {name: value for name, value in RAW[template].items() if name != "query"}
    if route.body_field is None:
        return {}
    fields = route.dependant.body_params
    if len(fields) == 1 and not isinstance(fields[0].field_info, Form):
        return {"json": _body(fields[0].field_info.annotation)}
    missing = {field.alias for field in fields if field.field_info.is_required()} - set(FORMS)
    assert not missing, f"{template}: put into FORMS what a person would type for {missing}"
    return {"data": {field.alias: FORMS[field.alias] for field in fields if field.alias in FORMS}}


def calls(world: World) -> list[Call]:
    """One call for every route and method."""
    objects = OBJECTS | world.ids
    made = []
    for template, route in routes_of(world.app):
        names = re.findall(r"{(\w+)(?::path)?}", template)
        path = template
        for name in names:
            assert name in objects, f"{template}: put an object of the shop into OBJECTS for {name!r}"
            path = re.sub(rf"{{{name}(:path)?}}", str(objects[name]), path)
        query = {}
        for parameter in route.dependant.query_params:
            if parameter.field_info.is_required() or parameter.alias in {"store", "subject", "visit"}:
                assert parameter.alias in objects, f"{template}: put an object into OBJECTS for {parameter.alias!r}"
                query[parameter.alias] = objects[parameter.alias]
        # Pages take the store from the request itself.
        query |= {} if template.startswith(("/api/", "/v1/", "/01/", "/openapi")) else {"store": "shop"}
        query |= RAW.get(template, {}).get("query", {})
        made += [
            Call(method, path, template, query, _sending(template, route))
            for method in sorted(route.methods - {"HEAD"})
        ]
    return made


class Watch:
    """Whether anything of the shop or of its people changed in the database."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path)
        self._version = self._mark()
        self._rows = self._shops()

    def _mark(self) -> int:
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def _shops(self) -> dict[str, set[tuple[Any, ...]]]:
        tables = [row[0] for row in self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            table: {row for row in self._connection.execute(f"SELECT * FROM {table}") if _shops(row)}
            for table in tables
        }

    def changed(self) -> dict[str, int]:
        """Tables with rows that came, went or changed since the last time it was asked, and how many."""
        version = self._mark()
        if version == self._version:
            return {}
        before, self._rows, self._version = self._rows, self._shops(), version
        return {table: len(before[table] ^ rows) for table, rows in self._rows.items() if before[table] != rows}


def _shops(row: tuple[Any, ...]) -> bool:
    if "other" in row:  # of the other store, whatever is written in it
        return False
    return any(value in {"shop", "c1", ANNA} or (isinstance(value, str) and value.startswith("shop/")) for value in row)


@pytest.fixture
async def lived(world: World) -> World:
    await live(world)
    return world


async def _strangers(world: World) -> dict[str, httpx.AsyncClient]:
    found = {"nobody": await world.client(), "customer of the other": await world.customer("c2")}
    for role in ("consultant", "manager", "admin"):
        found[f"{role} of the other"] = await world.staff(role, "other")
    for role in ("till", "site", "public", "report"):
        found[f"{role} token of the other"] = await world.machine(role, "other")
    return found


@ONE_DATABASE
async def test_strangers_get_and_change_nothing_of_the_shop(lived: World, tmp_path: Any) -> None:
    """Asked in the shop's name, and with the shop's objects in the asker's own store."""
    watch, wrong = Watch(str(tmp_path / "central.db")), []
    everything, strangers = calls(lived), await _strangers(lived)
    assert len(everything) > 80
    for who, client in strangers.items():
        watch.changed()
        for call in sorted(everything, key=_late):
            twice = call.template != STREAM and call.elsewhere() != call
            for attempt in (call, call.elsewhere()) if twice else (call,):
                lived.app.state.limiter.__init__()
                answer = await attempt.ask(client)
                found = _leaks(attempt, call, answer, watch)
                wrong += [f"{who}: {call.name} {attempt.query}: {answer.status_code}, {what}" for what in found]
    assert not wrong, "\n".join(wrong)


def _leaks(attempt: Call, call: Call, answer: httpx.Response, watch: Watch) -> list[str]:
    found = []
    public = call.template in PUBLIC
    if PERSON_MARK in answer.text or (STORE_MARK in answer.text and not public):
        found.append(f"says {answer.text[:200]!r}")
    if answer.status_code >= 500:
        found.append("a server error")
    own_page = call.template == "/login" or re.match(r"/me\b", call.template)
    if attempt is call and "shop" in call.query.values() and answer.status_code < 300 and not (public or own_page):
        found.append("was let in")
    changed = watch.changed()
    if changed:
        found.append(f"changed {changed}")
    return found


def _late(call: Call) -> int:
    return next((place for place, word in enumerate(LAST, 1) if word in call.name), 0)


@ONE_DATABASE
async def test_another_customer_of_the_same_shop_learns_nothing_of_anna(lived: World, tmp_path: Any) -> None:
    clara, wrong = await lived.customer("c3"), []
    for call in sorted(calls(lived), key=_late):
        if "/me" in call.template and call.method != "GET":
            continue  # her own: there is nothing of Anna's to name
        lived.app.state.limiter.__init__()
        answer = await call.ask(clara)
        if PERSON_MARK in answer.text or ANNA in answer.text.replace(ANNA, "", answer.url.path.count(ANNA)):
            wrong.append(f"{call.name}: {answer.status_code} {answer.text[:200]}")
        if answer.status_code >= 500:
            wrong.append(f"{call.name}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@ONE_DATABASE
async def test_machines_of_the_shop_learn_no_names(lived: World) -> None:
    """A till and a page in a browser have no business with who somebody is."""
    wrong = []
    for role in ("till", "public"):
        client = await lived.machine(role, "shop")
        for call in sorted(calls(lived), key=_late):
            answer = await call.ask(client)
            if PERSON_MARK in answer.text or answer.status_code >= 500:
                wrong.append(f"{role}: {call.name}: {answer.status_code} {answer.text[:200]}")
    assert not wrong, "\n".join(wrong)


@ONE_DATABASE
async def test_a_change_needs_the_token_against_forged_requests(lived: World, tmp_path: Any) -> None:
    """Asked with the cookies of those who may, as a page of somebody else's would make a browser ask."""
    watch, wrong = Watch(str(tmp_path / "central.db")), []
    for client in (await lived.staff("manager", "shop"), await lived.customer("c1"), await lived.staff("admin", None)):
        del client.headers["X-CSRF-Token"]
        watch.changed()
        for call in calls(lived):
            if call.method in {"GET", "OPTIONS"} or call.template in WITHOUT_A_SESSION:
                continue
            answer = await call.ask(client, **{"Sec-Fetch-Site": "cross-site"})
            changed = watch.changed()
            if answer.status_code not in {401, 403, 303} or changed:
                wrong.append(f"{call.name}: {answer.status_code} {changed}")
    assert not wrong, "\n".join(wrong)


async def _own_people(world: World) -> list[httpx.AsyncClient]:
    world.app.state.limiter.__init__()
    people = [await world.client(), await world.staff("admin", "shop"), await world.customer("c1")]
    await world.staff("consultant", "shop")
    return people + [await world.machine(role, "shop") for role in ("till", "site", "report")]


@ONE_DATABASE
async def test_every_route_lets_its_own_people_through_and_writes_reads_down(lived: World, tmp_path: Any) -> None:
    """Otherwise the tests above would ask for things that are not there. Who is shown Anna stands in the audit."""
    own, reads = await _own_people(lived), _Reads(str(tmp_path / "central.db"))
    closed, unwritten = [], []
    for call in sorted(calls(lived), key=_late):
        if call.template in UNREACHED:
            continue
        lived.app.state.limiter.__init__()
        answers = []
        for client in own:
            answers.append(await call.ask(client))
            themselves = "vitrina_me" in client.cookies
            if not reads.new() and PERSON_MARK in answers[-1].text and not themselves:
                unwritten.append(f"{call.name}: {answers[-1].text[:200]}")
        good = [answer for answer in answers if answer.status_code < 300 or answer.status_code in {303, 409}]
        away = call.template != "/logout" and "/login"
        if not any(not away or away not in answer.headers.get("location", "") for answer in good):
            closed.append(f"{call.name}: {[(answer.status_code, answer.text[:150]) for answer in answers[1:4]]}")
    assert not closed, "\n".join(closed)
    assert not unwritten, "\n".join(unwritten)


class _Reads:
    """Lines of the audit."""

    def __init__(self, path: str) -> None:
        self._connection, self._count = sqlite3.connect(path), 0
        self.new()

    def new(self) -> int:
        before = self._count
        self._count = int(self._connection.execute("SELECT count(*) FROM profile_reads").fetchone()[0])
        return self._count - before
