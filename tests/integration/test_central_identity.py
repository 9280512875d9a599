"""Linking: what was seen decides, in any order; a shared tablet merges nobody; undoing a link undoes its effects."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from central.behaviour import intake, service
from central.behaviour.access import Source
from central.behaviour.schemas import BatchIn
from central.behaviour.summary import canonical
from central.behaviour.tables import SiteEvent
from central.identity import service as identity
from central.identity.rules import RULES
from central.identity.service import Claim, Identifier, Seen
from central.identity.tables import IdentityEvidence, IdentityLink

PEOPLE = ["a" * 32, "b" * 32, "c" * 32]
EXAMPLES = count(1)
WEB = Source("shop", "web", server=True, key="server-key")
PAGE = Source("shop", "web", server=False, key="public-key")
CLAIMS = st.lists(
    st.tuples(st.sampled_from(["visitor", "device", "loyalty"]), st.sampled_from("pq"), st.sampled_from(PEOPLE)),
    min_size=1,
    max_size=10,
)
LOOSE = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
Drawn = tuple[str, str, str]


@pytest.fixture
async def two(shop: Any, import_document: Any) -> Any:
    """The shop with three customers."""
    document = import_document()
    first = document["customers"][0]
    document["customers"] = [
        {**first, "id": f"c{number}", "subject": subject} for number, subject in enumerate(PEOPLE, 1)
    ]
    await shop.load(document)
    return shop


class _World:
    """Identifiers nobody has used before, so that one database serves many examples."""

    def __init__(self, shop: Any) -> None:
        self.shop, self.number = shop, next(EXAMPLES)

    def identifier(self, kind: str, name: str) -> Identifier:
        found = identity.identifier(self.shop.runtime.keys, "shop", kind, f"X{name}{self.number:06d}Z")  # type: ignore[arg-type]
        assert found is not None
        return found

    async def claim(self, drawn: Sequence[Drawn]) -> None:
        seen = Seen("signed-in event", self.shop.now, "web", "site:web")
        async with self.shop.runtime.change() as effects:
            claims = [Claim(self.identifier(kind, name), subject, seen) for kind, name, subject in drawn]
            await identity.claim(effects, claims)

    async def rows(self) -> list[IdentityLink]:
        values = [self.identifier(kind, name).value for kind in ("visitor", "device", "loyalty") for name in "pq"]
        async with self.shop.runtime.db.read() as session:
            statement = select(IdentityLink).where(IdentityLink.value.in_(values))
            return list((await session.scalars(statement)).all())

    async def states(self) -> set[Drawn]:
        names = {self.identifier(kind, name).value: name for kind in ("visitor", "device", "loyalty") for name in "pq"}
        return {(f"{row.kind}-{names[row.value]}", row.subject, row.state) for row in await self.rows()}

    async def undo(self, row: IdentityLink) -> None:
        async with self.shop.runtime.change() as effects:
            mine = await effects.session.get(IdentityLink, row.id)
            await identity.undo(effects, mine, "staff:eve", "wrong")

    async def restore(self, row: IdentityLink) -> None:
        async with self.shop.runtime.change() as effects:
            mine = await effects.session.get(IdentityLink, row.id)
            await identity.restore(effects, mine, "staff:eve")


@LOOSE
@given(drawn=CLAIMS, random=st.randoms(use_true_random=False))
async def test_links_follow_from_what_was_seen_in_any_order(two: Any, drawn: list[Drawn], random: Any) -> None:
    straight, shuffled = _World(two), _World(two)
    await straight.claim(drawn)
    for part in random.sample([*drawn, *drawn], 2 * len(drawn)):
        await shuffled.claim([part])
    assert await straight.states() == await shuffled.states()


@LOOSE
@given(drawn=CLAIMS)
async def test_who_shares_is_not_merged(two: Any, drawn: list[Drawn]) -> None:
    world = _World(two)
    await world.claim(drawn)
    used: dict[tuple[str, str], set[str]] = {}
    for kind, name, subject in drawn:
        used.setdefault((kind, name), set()).add(subject)
    async with two.runtime.db.read() as session:
        for (kind, name), people in used.items():
            value = f"X{name}{world.number:06d}Z"
            found = await identity.resolve(session, two.runtime.keys, "shop", kind, value)  # type: ignore[arg-type]
            assert found == (next(iter(people)) if len(people) == 1 else None)
            owner = world.identifier(kind, name).owner
            holders = [person for person in PEOPLE if owner in await identity.owners(session, person)]
            assert holders == (list(people) if len(people) == 1 and kind == "visitor" else [])
    limits = {kind: RULES[kind].limit for kind in ("visitor", "device", "loyalty")}  # type: ignore[index]
    for row in await world.rows():
        people = {other.subject for other in await world.rows() if other.value == row.value}
        assert row.state == ("live" if len(people) <= limits[row.kind] else "shared")


@LOOSE
@given(drawn=CLAIMS, late=st.tuples(st.just("visitor"), st.just("p"), st.sampled_from(PEOPLE)))
async def test_undoing_is_as_if_it_had_never_been(two: Any, drawn: list[Drawn], late: Drawn) -> None:
    world = _World(two)
    await world.claim([claim for claim in drawn if claim != late])
    before = await world.states()
    await world.claim([late])
    with_it = await world.states()
    (row,) = [row for row in await world.rows() if (row.kind, row.value, row.subject) == (
        "visitor", world.identifier("visitor", "p").value, late[2]
    )]  # fmt: skip
    await world.undo(row)
    await world.claim([late])  # the same evidence again does not renew it
    undone = {state for state in await world.states() if state[2] != "undone"}
    assert undone == before
    await world.restore(row)
    assert await world.states() == with_it


class _Sender:
    """Sends events and reads interests."""

    def __init__(self, shop: Any) -> None:
        self.shop, self.number = shop, 0

    async def viewed(self, sku: str, source: Source = WEB, **fields: Any) -> None:
        self.number += 1
        event = {"type": "track", "event": "Product Viewed", "messageId": f"m{self.number}", "properties": {"sku": sku}}
        batch = BatchIn(batch=[{**event, "timestamp": self.shop.now.isoformat(), **fields}])
        out = await intake.take(self.shop.runtime, source, batch)
        assert out.accepted == 1, out.errors

    async def seen(self, person: str = PEOPLE[0]) -> set[str]:
        async with self.shop.runtime.db.read() as session:
            found = await service.interests(session, self.shop.runtime.vault, person, self.shop.now)
            entries = await service.timeline(session, self.shop.runtime.vault, person)
        skus = {row.sku for row in found.viewed}
        assert skus == {entry.sku for entry in entries}
        return skus


async def test_a_shared_tablet_counts_for_nobody_until_the_wrong_link_is_undone(two: Any) -> None:
    site = _Sender(two)
    await site.viewed("ANON", anonymousId="tablet")
    assert await site.seen() == set()
    await site.viewed("A", anonymousId="tablet", userId="c1")
    assert await site.seen() == {"ANON", "A"}
    await site.viewed("B", anonymousId="tablet", userId="c2")
    assert (await site.seen(), await site.seen(PEOPLE[1])) == ({"A"}, {"B"})
    async with two.runtime.db.read() as session:
        links = (await session.scalars(select(IdentityLink).where(IdentityLink.kind == "visitor"))).all()
        evidence = (
            await session.scalars(select(IdentityEvidence).where(IdentityEvidence.what == "signed-in event"))
        ).all()
    assert {row.state for row in links} == {"shared"}
    assert {(row.source, row.who, row.message) for row in evidence} == {
        ("web", "site:web", "m2"),
        ("web", "site:web", "m3"),
    }
    world = _World(two)
    await world.undo(next(row for row in links if row.subject == PEOPLE[1]))
    assert (await site.seen(), await site.seen(PEOPLE[1])) == ({"ANON", "A"}, {"B"})
    await site.viewed("B2", anonymousId="tablet", userId="c2")
    assert (await site.seen(), await site.seen(PEOPLE[1])) == ({"ANON", "A"}, {"B", "B2"})


async def test_an_unauthenticated_event_never_merges(two: Any) -> None:
    site = _Sender(two)
    await site.viewed("A", userId="c1", anonymousId="home")
    await site.viewed("EVIL", PAGE, anonymousId="foreign", userId="c1")
    await site.viewed("EVIL", PAGE, userId="c1")
    await site.viewed("EVIL", WEB, anonymousId="kiosk", userId="c1", context={"signedIn": False})
    traits = {"email": "anna@shop.ru", "phone": "+7 916 123 45 67", "loyaltyCard": "220055577"}
    await site.viewed("EVIL", PAGE, type="identify", anonymousId="foreign", userId="c1", traits=traits)
    assert await site.seen() == {"A"}
    async with two.runtime.db.read() as session:
        subjects = (await session.scalars(select(IdentityLink.subject).where(IdentityLink.kind != "customer"))).all()
        assert subjects == [PEOPLE[0]]
        assert await identity.resolve(session, two.runtime.keys, "shop", "email", "anna@shop.ru") is None


async def test_a_server_that_identifies_teaches_cards_phones_and_devices(two: Any) -> None:
    site = _Sender(two)
    traits = {"email": " Anna@Shop.RU", "phone": "8 (916) 123-45-67", "loyaltyCard": "2200-55577", "name": "Anna"}
    await site.viewed("A", type="identify", userId="c1", traits=traits, context={"device": {"id": "device-77"}})
    async with two.runtime.db.read() as session:
        for kind, value in [("email", "anna@shop.ru"), ("phone", "+79161234567"), ("loyalty", "220055577")]:
            assert await identity.resolve(session, two.runtime.keys, "shop", kind, value) == PEOPLE[0]  # type: ignore[arg-type]
            assert await identity.resolve(session, two.runtime.keys, "other", kind, value) is None  # type: ignore[arg-type]
        assert await identity.resolve(session, two.runtime.keys, "shop", "device", "device-77") == PEOPLE[0]
        assert await identity.resolve(session, two.runtime.keys, "shop", "customer", "c2") == PEOPLE[1]


async def test_erasing_one_of_two_does_not_hand_the_tablet_to_the_other(two: Any) -> None:
    site = _Sender(two)
    await site.viewed("ANON", anonymousId="tablet")
    await site.viewed("A", anonymousId="tablet", userId="c1")
    await site.viewed("B", anonymousId="tablet", userId="c2")
    async with two.runtime.db.write() as session:
        await session.execute(delete(IdentityLink).where(IdentityLink.subject == PEOPLE[0]))
    await site.viewed("B2", anonymousId="tablet", userId="c2")
    assert await site.seen(PEOPLE[1]) == {"B", "B2"}


@LOOSE
@given(
    sent=st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from(["A", "B", "C"]), st.sampled_from([None, "c1"])), max_size=15
    ),
    random=st.randoms(use_true_random=False),
)
async def test_kept_summaries_are_what_the_events_say(
    two: Any, sent: list[tuple[int, str, str | None]], random: Any
) -> None:
    """In two halves, in any order, with duplicates: incremental equals recomputed from the stored events."""
    number = next(EXAMPLES)
    events = [
        {
            "type": "track", "event": "Product Viewed", "messageId": f"e{number}-{place}", "anonymousId": f"v-{number}",
            "timestamp": (two.now - timedelta(minutes=ago)).isoformat(), "properties": {"sku": sku},
            **({"userId": user} if user else {}),
        }
        for place, (ago, sku, user) in enumerate(sent)
    ]  # fmt: skip
    shuffled = random.sample(events, len(events))
    for part in (shuffled[: len(events) // 2], shuffled, shuffled[::-1]):
        if part:
            await intake.take(two.runtime, WEB, BatchIn(batch=part))
    async with two.runtime.db.read() as session:
        for owner in set((await session.scalars(select(SiteEvent.owner))).all()):
            kept = await service.state_of(session, two.runtime.vault, [owner])
            counted = await service.recompute(session, two.runtime.vault, owner)
            assert canonical(kept) == canonical(counted)


async def test_two_requests_at_once(two: Any) -> None:
    """The same events twice at the same moment count once, and a tablet of two people is never linked to one."""
    events = [
        {
            "type": "track", "event": "Product Viewed", "messageId": f"at-once-{number}", "anonymousId": "tablet",
            "properties": {"sku": f"S{number % 7}"}, "userId": f"c{1 + number % 2}",
        }
        for number in range(40)
    ]  # fmt: skip
    batches = [BatchIn(batch=events[::step]) for step in (1, -1, 1, -1)] + [BatchIn(batch=events[n::2]) for n in (0, 1)]
    outs = await asyncio.gather(*(intake.take(two.runtime, WEB, batch) for batch in batches))
    assert sum(out.accepted for out in outs) == 40
    async with two.runtime.db.read() as session:
        assert set((await session.scalars(select(IdentityLink.state).where(IdentityLink.kind == "visitor"))).all()) == {
            "shared"
        }
        for person in PEOPLE[:2]:
            kept = await service.state_of(session, two.runtime.vault, [person])
            assert canonical(kept) == canonical(await service.recompute(session, two.runtime.vault, person))
            assert len(kept["looks"]) == 20


async def test_a_manager_sees_links_and_undoes_them(two: Any) -> None:
    from httpx2 import ASGITransport, AsyncClient

    from central.app import create_app
    from central.staff import service as staff

    await _Sender(two).viewed("A", anonymousId="tablet", userId="c1")
    async with two.runtime.db.write() as session:
        await staff.add(session, "manager", "manager", "shop", "a good password")
        await staff.add(session, "seller", "consultant", "shop", "a good password")
    app = create_app(two.runtime.settings, two.clock, bus=False)
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=ASGITransport(app=app), base_url="http://x") as http,
    ):
        await http.post("/login", data={"name": "seller", "password": "a good password"})
        assert (await http.get("/api/v1/customers/c1/identity")).status_code == 403
        await http.post("/login", data={"name": "manager", "password": "a good password"})
        http.headers["X-CSRF-Token"] = (await http.get("/api/v1/session")).json()["csrf"]
        links = (await http.get("/api/v1/customers/c1/identity")).json()["links"]
        (visitor,) = [link for link in links if link["kind"] == "visitor"]
        assert (visitor["state"], visitor["customers"], visitor["evidence"][0]["source"]) == ("live", 1, "web")
        undone = await http.post(f"/api/v1/identity/links/{visitor['id']}/undo", json={"reason": "a shop tablet"})
        assert (undone.json()["state"], undone.json()["undone_by"]) == ("undone", "staff:manager")
        back = await http.post(f"/api/v1/identity/links/{visitor['id']}/restore")
        assert back.json()["state"] == "live"
        card = {"kind": "loyalty", "value": "2200 555 77"}
        assert (await http.post("/api/v1/customers/c1/identity", json=card)).json()["state"] == "live"
        assert (await http.post("/api/v1/customers/c2/identity", json=card)).json()["state"] == "shared"
        assert len((await http.get("/api/v1/identity/shared?store=shop")).json()) == 2
        blocked = {"kind": "loyalty", "value": "0000000"}
        assert (await http.post("/api/v1/customers/c1/identity", json=blocked)).status_code == 422
        assert (await http.get("/api/v1/identity/shared?store=other")).status_code == 404
        assert (await http.post("/api/v1/identity/links/99999/undo", json={"reason": "none"})).status_code == 404
