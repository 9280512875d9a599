"""Two stores of the same shape, the life of a customer in one of them, and everybody who may knock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import httpx2 as httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import select, update

from central.alerts.tables import Alert
from central.app import create_app
from central.behaviour import intake
from central.behaviour.access import Source
from central.behaviour.schemas import BatchIn
from central.identity.tables import IdentityLink
from central.preferences import service as preferences
from central.preferences.schemas import OpinionIn
from central.pricing import rulebook
from central.pricing.tables import LedgerEntry
from central.privacy import service as privacy
from central.privacy.tables import Erasure
from central.profiles import service as profiles
from central.staff import service as staff
from central.webhooks import subscriptions
from central.webhooks.changes import tell
from central.webhooks.schemas import SubscriptionIn
from central.webhooks.tables import Delivery
from contract.events import PURPOSES, ZoneDwelled, ZoneEntered

ANNA, BORIS, CLARA = "a" * 32, "b" * 32, "c" * 32
BASE = "http://central.test"
PASSWORD = "correct horse"
STORE_MARK, PERSON_MARK = "Quokka", "Zanzibar"
"""Stand in everything that is the shop's, and Anna's: found in an answer, they tell whose data leaked."""
EVERYTHING: dict[str, bool] = dict.fromkeys(map(str, PURPOSES), True)
RULES = "version: 1\nrules:\n  - id: morning\n    title: {en: Quokka morning}\n    give: {share: 0.05}\n"
FEED = {"format": "yml", "url": "https://quokka.example/Quokka.yml", "every_minutes": 60}


def routes_of(app: FastAPI) -> Iterator[tuple[str, APIRoute]]:
    """Every route of the application with its whole path, however deep it was included."""
    queue: list[tuple[str, Any]] = [("", route) for route in app.routes]
    while queue:
        prefix, route = queue.pop(0)
        if isinstance(route, APIRoute):
            yield prefix + route.path, route
        inner = getattr(route, "original_router", None)
        if inner is not None:
            prefix += route.include_context.prefix
            queue = [*((prefix, child) for child in inner.routes), *queue]


def _document(import_document: Any, store: str, mark: str, customers: list[tuple[str, str, str]]) -> dict[str, Any]:
    document: dict[str, Any] = import_document(id=store, name=f"{mark} {store}")
    (first,) = document["customers"]
    document["store"]["plan"]["svg"] = f'<svg xmlns="http://www.w3.org/2000/svg"><title>{mark}</title></svg>'
    for zone in document["store"]["zones"]:
        zone["name"] = {"en": f"{mark} {zone['id']}", "ru": f"{mark} {zone['id']}"}
    for product, gtin in zip(document["products"], ("4006381333931", "4006381333924"), strict=True):
        product |= {"title": {"en": f"{mark} {product['sku']}"}, "parameters": {"weight": 200}, "gtin": gtin}
    document["customers"] = [
        {
            **first,
            "id": customer,
            "subject": subject,
            "name": f"{name}",
            "interests": [f"{name} headphones"],
            "external_ids": {"email": f"{customer}@somewhere.org", "loyalty": f"77{ord(customer[-1]):06d}"},
        }
        for customer, subject, name in customers
    ]
    return document


@dataclass
class World:
    """A central with a shop that has everything, another one, and clients of every role."""

    shop: Any
    app: FastAPI
    stack: AsyncExitStack
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def runtime(self) -> Any:
        return self.shop.runtime

    async def client(self, **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return await self.stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)
        )

    async def staff(self, role: str, store: str | None) -> httpx.AsyncClient:
        """Logged in; the token against forged requests stands in the headers."""
        name = f"{'q' if store == 'shop' else 'o'}-{role}"
        async with self.runtime.db.write() as session:
            await staff.add(session, name, role, store, PASSWORD)
        client = await self.client()
        assert (await client.post("/login", data={"name": name, "password": PASSWORD})).status_code == 303
        client.headers["X-CSRF-Token"] = (await client.get("/api/v1/session")).json()["csrf"]
        return client

    async def machine(self, role: str, store: str) -> httpx.AsyncClient:
        async with self.runtime.db.write() as session:
            token = await staff.create_token(session, role, store, self.runtime)
        return await self.client(Authorization=f"Bearer {token}")

    async def customer(self, customer: str) -> httpx.AsyncClient:
        async with self.runtime.db.write() as session:
            code = await profiles.login_code(session, customer, self.runtime.clock.now())
        client = await self.client()
        assert (await client.post("/api/v1/me/login", json={"code": code.code})).status_code == 204
        client.headers["X-CSRF-Token"] = (await client.get("/api/v1/me")).json()["csrf"]
        return client


@asynccontextmanager
async def opened(shop: Any, import_document: Any) -> AsyncIterator[World]:
    """Shop and other; Anna (c1) and Clara (c3) are customers of the shop, Boris (c2) of the other."""
    people = [("c1", ANNA, f"{PERSON_MARK} Anna"), ("c3", CLARA, "Clara")]
    await shop.load(_document(import_document, "shop", STORE_MARK, people))
    await shop.load(_document(import_document, "other", "Plain", [("c2", BORIS, "Boris")]))
    app = create_app(shop.runtime.settings, shop.clock, bus=False)
    app.state.runtime = shop.runtime
    async with AsyncExitStack() as stack:
        yield World(shop, app, stack)


async def agree(world: World, **purposes: bool) -> None:
    """Anna changes her mind; what is not named she agrees to."""
    async with world.runtime.change() as effects:
        await privacy.record(
            effects, ANNA, EVERYTHING | purposes, text_version="1", text_sha256="0" * 64, channel="page",
            given_at=effects.now,
        )  # fmt: skip


async def live(world: World, **purposes: bool) -> None:
    """What a day leaves behind: site events, a visit with card, quote and opinion, rules, a feed, a sale."""
    shop, runtime = world.shop, world.runtime
    if purposes:
        await agree(world, **purposes)
    site = Source("shop", "web", server=True, key="key")
    names = ({"event": "Product Viewed", "properties": {"sku": "HP-1"}},)
    names += ({"event": "Products Searched", "properties": {"query": f"{PERSON_MARK} headphones"}},)
    events = [
        {**name, "type": "track", "messageId": f"m{number}", "userId": "c1", "timestamp": shop.now.isoformat()}
        for number, name in enumerate(names)
    ]
    await intake.take(runtime, site, BatchIn(batch=events))
    async with runtime.change() as effects:
        await rulebook.activate(effects, "shop", RULES, "staff:q-manager")
    await shop.birth()
    await shop.confirm_labels()
    await shop.arrive("v1", ANNA)
    where = {"zone": "audio", "visit": "v1", "track": "floor-1-run-1"}
    await shop.feed(ZoneEntered(**where, at=shop.now))
    shop.wait(6)
    await shop.feed(ZoneDwelled(**where, dwell_s=6.0, at=shop.now))
    await shop.confirm_labels()
    said = {"liked": True, "parameters": {"weight": 1}, "note": f"{PERSON_MARK} pinches"}
    async with AsyncExitStack() as stack:
        effects = await stack.enter_async_context(runtime.change())
        if not purposes.get("profile", True):
            stack.enter_context(pytest.raises(preferences.NoConsentError))
        await preferences.record(
            effects, OpinionIn(subject=ANNA, store="shop", visit="v1", sku="HP-1", by="consultant:q-consultant", **said)
        )
    admin = await world.staff("admin", "shop")
    assert (await admin.put("/api/v1/feeds/main", params={"store": "shop"}, json=FEED)).status_code == 200
    sold = {"store": "shop", "sku": "HP-1", "visit": "v1", "receipt": "R-1"}
    till = await world.machine("till", "shop")
    assert (await till.post("/api/v1/till/redeem", json=sold)).json()["redeemed"] or purposes
    world.ids["number"] = "0f" * 16
    async with runtime.db.write() as session:
        earlier = {"state": "done", "owners": [], "asked_at": shop.now, "asked_by": "customer", "rows": {}, "keys": 1}
        session.add(Erasure(id=world.ids["number"], subject=None, completed_at=shop.now, **earlier))
    hook = {"store": "shop", "url": "https://192.0.2.1/hook", "kinds": []}
    async with runtime.change() as effects:
        made = await subscriptions.add(effects, SubscriptionIn.model_validate(hook), "test")
        await tell(effects, "shop", CLARA, "c3", "segment.changed", "r1", {"before": [], "now": [STORE_MARK]})
        dead = update(Delivery).values(state="dead").returning(Delivery.id)
        world.ids["delivery"] = str(await effects.session.scalar(dead))
        world.ids["subscription"] = made.id
    async with runtime.db.write() as session:
        spare = await staff.create_token(session, "report", "shop", runtime)
    world.ids["ident"] = sha256(spare.encode()).hexdigest()[:12]
    async with runtime.db.read() as session:
        world.ids["alert_id"] = str(await session.scalar(select(Alert.id)))
        line = select(LedgerEntry.id).where(LedgerEntry.store == "shop").order_by(LedgerEntry.id.desc()).limit(1)
        world.ids["line"] = str(await session.scalar(line))
        world.ids["link_id"] = str(await session.scalar(select(IdentityLink.id).where(IdentityLink.subject == ANNA)))
