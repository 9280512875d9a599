"""What the site is told, over a real connection to receivers that misbehave, on both databases."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import func, select

from central.preferences import service as preferences
from central.preferences.schemas import OpinionIn
from central.privacy import service as privacy
from central.segments import service as segments
from central.webhooks import service, subscriptions
from central.webhooks.changes import LATE_NEWS, forget_old, tell
from central.webhooks.dispatch import Dispatcher
from central.webhooks.schedule import PAUSES_S
from central.webhooks.schemas import SubscriptionIn
from central.webhooks.tables import Delivery, SiteChange, Subscription
from contract.events import PURPOSES, VisitEnded, ZoneDwelled, ZoneEntered, ZoneLeft

ANNA, BORIS = "a" * 32, "b" * 32
DAY = 86_400.0
ONE_DATABASE = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
Answer = Callable[[dict[str, Any], asyncio.StreamWriter], Awaitable[str | None]]


@dataclass
class Receiver:
    """A site's server. `answer` gets the body and gives the status line and headers, or None to say nothing."""

    url: str = ""
    answer: Answer | None = None
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            body = await reader.readexactly(int(headers["content-length"]))
            self.got.append((headers, body))
            said = "200 OK\r\n" if self.answer is None else await self.answer(json.loads(body), writer)
            if said is not None:
                writer.write(f"HTTP/1.1 {said}content-length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @property
    def told(self) -> list[tuple[str, str]]:
        """(customer, what) in the order of arrival."""
        bodies = [json.loads(body) for _, body in self.got]
        return [(body["customer"], str(body["data"].get("n", body["type"]))) for body in bodies]


@asynccontextmanager
async def listening() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook?from=vitrina"
    try:
        yield receiver
    finally:
        server.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with listening() as found:
        yield found


@pytest.fixture
async def dispatcher(shop: Any) -> AsyncIterator[Dispatcher]:
    shop.runtime.settings = replace(shop.runtime.settings, webhook_networks=("127.0.0.0/8",))
    made = Dispatcher(shop.runtime, timeout_s=0.5, seed=1)
    yield made
    await made.aclose()


async def _load(shop: Any, import_document: Any) -> None:
    document = import_document()
    (anna,) = document["customers"]
    document["customers"].append({**anna, "id": "c2", "subject": BORIS, "name": "Boris"})
    await shop.load(document)


async def _subscribe(shop: Any, url: str, *kinds: str) -> str:
    async with shop.runtime.change() as effects:
        made = await subscriptions.add(effects, SubscriptionIn(store="shop", url=url, kinds=list(kinds)), "test")
        assert made.secret is not None
        return made.secret


async def _tell(shop: Any, number: int, subject: str = ANNA) -> None:
    async with shop.runtime.change() as effects:
        customer = {ANNA: "c1", BORIS: "c2"}[subject]
        assert await tell(effects, "shop", subject, customer, "segment.changed", f"r{number}", {"n": number})


async def _deliver(shop: Any, dispatcher: Dispatcher, after_s: float = 0.0) -> None:
    shop.wait(after_s)
    await dispatcher.tick()
    await dispatcher.idle()


async def _states(shop: Any) -> dict[str, int]:
    async with shop.runtime.db.read() as session:
        rows = await session.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
        return {row[0]: row[1] for row in rows.all()}


async def _consent(shop: Any, **purposes: bool) -> None:
    given = {**dict.fromkeys(PURPOSES, True), **purposes}
    shop.wait(1)
    async with shop.runtime.change() as effects:
        await privacy.record(
            effects, ANNA, given, text_version="1", text_sha256="0" * 64, channel="test", given_at=shop.now
        )


async def _visit(shop: Any) -> None:
    """Anna stands before the headphones, sees her price, says what she thinks, leaves."""
    await shop.birth()
    await shop.confirm_labels()
    shop.bus.sent.clear()
    await shop.arrive()
    where = {"visit": "v1", "track": "floor-1-1-1", "zone": "audio"}
    await shop.feed(ZoneEntered(**where, at=shop.now))
    shop.wait(6)
    await shop.feed(ZoneDwelled(**where, dwell_s=6.0, at=shop.now))
    await shop.confirm_labels()
    async with shop.runtime.change() as effects:
        opinion = {"liked": True, "parameters": {"bass": 2}, "note": "a word among us"}
        await preferences.record(
            effects, OpinionIn(subject=ANNA, store="shop", visit="v1", sku="HP-1", by="consultant:Eva", **opinion)
        )
    shop.wait(30)
    await shop.feed(VisitEnded(visit="v1", reason="exit", duration_s=36.0, at=shop.now))
    await shop.feed(ZoneLeft(**where, dwell_s=36.0, at=shop.now))


async def _tell_ended(shop: Any) -> int:
    async with shop.runtime.db.read() as session:
        due = await service.visits_due(session, shop.now)
    for store, visit in due:
        async with shop.runtime.change() as effects:
            await service.tell_visit(effects, store, visit)
    return len(due)


async def test_a_finished_visit_is_told_once_signed_and_whole(
    shop: Any, dispatcher: Dispatcher, receiver: Receiver
) -> None:
    await shop.load()
    secret = await _subscribe(shop, receiver.url)
    await _visit(shop)
    assert await _tell_ended(shop) == 0, "late news of a visit may still come in"
    shop.wait(LATE_NEWS.total_seconds())
    assert await _tell_ended(shop) == 1
    await _deliver(shop, dispatcher)
    await _deliver(shop, dispatcher, 3600)

    key = base64.b64decode(secret.removeprefix("whsec_"))
    for headers, body in receiver.got:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        assert headers["host"] == receiver.url.split("/")[2]
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == len(receiver.got) == 4
    said = {json.loads(body)["type"]: json.loads(body) for _, body in receiver.got}
    assert set(said) == {"product.tried", "visit.finished", "recommendation.made", "quote.open"}
    visit = said["visit.finished"]
    assert visit["customer"] == "c1"
    assert [(stay["zone"], stay["dwell_s"]) for stay in visit["data"]["stays"]] == [("audio", 36.0)]
    (tried,) = visit["data"]["tried"]
    assert (tried["sku"], tried["title"], tried["liked"], tried["parameters"]) == (
        "HP-1",
        "Headphones",
        True,
        {"bass": 2},
    )
    assert visit["data"]["retargeting"][0] == "HP-1"
    (quote,) = said["quote.open"]["data"]["quotes"]
    assert (quote["sku"], quote["public"]) == ("HP-1", 20_000)
    assert quote["price"] < 20_000
    assert quote["disclosure"] == "This price was personalised for you by automated decision."
    whole = b"".join(body for _, body in receiver.got)
    for secret_word in (b"Anna", ANNA.encode(), b"a word among us", b"Eva"):
        assert secret_word not in whole
    assert await _states(shop) == {"done": 4}


async def test_without_consent_nothing_is_told_and_taking_it_back_stops_what_waits(
    shop: Any, dispatcher: Dispatcher, receiver: Receiver
) -> None:
    await shop.load()
    await _subscribe(shop, receiver.url)
    await _visit(shop)
    shop.wait(10)
    await _tell_ended(shop)
    async with shop.runtime.db.read() as session:
        before = await service.changes(session, shop.runtime.vault, "shop", 0, (), 100)
    await _consent(shop, personal_price=False)
    async with shop.runtime.db.read() as session:
        without = await service.changes(session, shop.runtime.vault, "shop", 0, (), 100)
    assert {change.type for change in before.changes} - {change.type for change in without.changes} == {"quote.open"}
    assert all(change.data.get("quotes", []) == [] for change in without.changes)
    await _consent(shop, profile=False)
    async with shop.runtime.db.read() as session:
        nothing = await service.changes(session, shop.runtime.vault, "shop", 0, (), 100)
    assert nothing.changes == []
    assert nothing.next == before.next
    await _deliver(shop, dispatcher)
    assert receiver.got == []
    assert await _states(shop) == {"dropped": 4}
    await shop.arrive("v2")
    await shop.feed(VisitEnded(visit="v2", reason="exit", duration_s=5.0, at=shop.now))
    shop.wait(10)
    assert await _tell_ended(shop) == 1
    async with shop.runtime.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(SiteChange)) == 4


async def test_a_failing_customer_holds_back_only_their_own_later_changes(
    shop: Any, import_document: Any, dispatcher: Dispatcher, receiver: Receiver
) -> None:
    await _load(shop, import_document)
    await _subscribe(shop, receiver.url)
    broken = True

    async def answer(body: dict[str, Any], writer: asyncio.StreamWriter) -> str:
        return "500 Oh\r\n" if broken and body["customer"] == "c1" else "204 Good\r\n"

    receiver.answer = answer
    for number, subject in enumerate((ANNA, BORIS, ANNA, BORIS, ANNA), 1):
        await _tell(shop, number, subject)
    await _deliver(shop, dispatcher)
    assert receiver.told.count(("c1", "1")) == 1
    assert [what for who, what in receiver.told if who == "c2"] == ["2", "4"]
    broken = False
    await _deliver(shop, dispatcher, PAUSES_S[0] * 0.7)
    assert len(receiver.told) == 3, "not before its time"
    await _deliver(shop, dispatcher, PAUSES_S[0] * 0.6)
    assert [what for who, what in receiver.told if who == "c1"] == ["1", "1", "3", "5"]
    ids = [headers["webhook-id"] for headers, body in receiver.got if json.loads(body)["data"] == {"n": 1}]
    assert len(ids) == 2
    assert len(set(ids)) == 1


async def _hang(body: dict[str, Any], writer: asyncio.StreamWriter) -> str | None:
    await asyncio.sleep(2)
    return None


async def _close(body: dict[str, Any], writer: asyncio.StreamWriter) -> str | None:
    return None


async def _drip(body: dict[str, Any], writer: asyncio.StreamWriter) -> str | None:
    for letter in b"HTTP/1.1 200 OK":
        writer.write(bytes([letter]))
        await writer.drain()
        await asyncio.sleep(0.1)
    return None


async def _garbage(body: dict[str, Any], writer: asyncio.StreamWriter) -> str | None:
    writer.write(b"\x00\xff\xff nothing like HTTP\r\n\r\n")
    return None


async def _redirect(body: dict[str, Any], writer: asyncio.StreamWriter) -> str:
    return "302 Elsewhere\r\nlocation: http://127.0.0.1:1/other\r\n"


@ONE_DATABASE
@pytest.mark.parametrize("misbehave", [_hang, _close, _drip, _garbage, _redirect])
async def test_a_receiver_that_misbehaves_is_tried_again_and_others_do_not_wait(
    shop: Any, dispatcher: Dispatcher, receiver: Receiver, misbehave: Answer
) -> None:
    await shop.load()
    receiver.answer = misbehave
    async with listening() as good:
        await _subscribe(shop, receiver.url)
        await _subscribe(shop, good.url)
        await _tell(shop, 1)
        await _deliver(shop, dispatcher)
        assert await _states(shop) == {"open": 1, "done": 1}
        receiver.answer = None
        await _deliver(shop, dispatcher, PAUSES_S[0] * 1.3)
        assert await _states(shop) == {"done": 2}
        assert (len(receiver.got), len(good.got)) == (2, 1)


@ONE_DATABASE
async def test_after_days_in_vain_a_change_is_dead_and_can_be_replayed(
    shop: Any, dispatcher: Dispatcher, receiver: Receiver
) -> None:
    await shop.load()
    await _subscribe(shop, receiver.url)
    asked: list[str] = ["Retry-After: 7200\r\n"]

    async def answer(body: dict[str, Any], writer: asyncio.StreamWriter) -> str:
        return "503 Later\r\n" + (asked.pop() if asked else "")

    receiver.answer = answer
    await _tell(shop, 1)
    await _deliver(shop, dispatcher)
    await _deliver(shop, dispatcher, 7100)
    assert len(receiver.got) == 1, "the receiver asked for two hours"
    for seconds in (100, *PAUSES_S[1:]):
        await _deliver(shop, dispatcher, seconds * 1.25)
    assert await _states(shop) == {"dead": 1}
    assert len(receiver.got) == len(PAUSES_S) + 1
    receiver.answer = None
    await _deliver(shop, dispatcher, 30 * DAY)
    assert len(receiver.got) == len(PAUSES_S) + 1
    async with shop.runtime.change() as effects:
        (row,) = await subscriptions.of_store(effects.session, "shop")
        assert (row.waiting, row.dead) == (0, 1)
        (dead,) = await subscriptions.deliveries(effects.session, row.id, "dead", 10)
        assert (dead.status, dead.attempts) == (503, len(PAUSES_S) + 1)
        assert await subscriptions.replay(effects, row.id, dead.id) == 1
        assert await subscriptions.replay(effects, row.id) == 0
    await _deliver(shop, dispatcher)
    assert await _states(shop) == {"done": 1}
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1


@ONE_DATABASE
async def test_a_receiver_that_is_gone_is_switched_off(shop: Any, dispatcher: Dispatcher, receiver: Receiver) -> None:
    await shop.load()
    await _subscribe(shop, receiver.url)

    async def answer(body: dict[str, Any], writer: asyncio.StreamWriter) -> str:
        return "410 Gone\r\n"

    receiver.answer = answer
    await _tell(shop, 1)
    await _deliver(shop, dispatcher)
    await _deliver(shop, dispatcher, DAY)
    assert len(receiver.got) == 1
    async with shop.runtime.change() as effects:
        row = (await effects.session.scalars(select(Subscription))).one()
        assert "410" in row.note
        receiver.answer = None
        await subscriptions.switch(effects, row, active=True)
    await _deliver(shop, dispatcher)
    assert await _states(shop) == {"done": 1}


@ONE_DATABASE
async def test_nothing_is_sent_into_networks_nobody_allowed(shop: Any, receiver: Receiver) -> None:
    await shop.load()
    dispatcher = Dispatcher(shop.runtime)
    await _subscribe(shop, receiver.url)
    await _tell(shop, 1)
    await _deliver(shop, dispatcher)
    await dispatcher.aclose()
    assert receiver.got == []
    async with shop.runtime.db.read() as session:
        row = (await session.scalars(select(Delivery))).one()
        assert "not a public address" in str(row.error)
        secret = (await session.scalars(select(Subscription))).one().secret
        assert "whsec_" not in secret
        assert b"whsec_" not in base64.b64decode(secret)


async def test_an_erasure_is_told_after_the_key_is_gone_and_says_nothing_else(
    shop: Any, import_document: Any, dispatcher: Dispatcher, receiver: Receiver
) -> None:
    from central.privacy import rights
    from central.privacy.person import find

    await _load(shop, import_document)
    await _subscribe(shop, receiver.url)
    await _tell(shop, 1)
    async with shop.runtime.change() as effects:
        await rights.erase(effects, ANNA)
        await rights.erase(effects, ANNA)
        whose = await find(effects.session, effects.keys, ANNA)
        await rights.delete_rows(effects.session, whose)
    shop.runtime.vault.destroy([ANNA])
    async with shop.runtime.db.read() as session:
        last = int(await session.scalar(select(func.max(SiteChange.id))))
    async with shop.runtime.change() as effects:
        assert not await tell(effects, "shop", ANNA, "c1", "segment.changed", "late", {})
    await _deliver(shop, dispatcher)
    assert [json.loads(body)["data"] for _, body in receiver.got] == [{}]
    assert receiver.told == [("c1", "customer.erased")]
    async with shop.runtime.db.read() as session:
        page = await service.changes(session, shop.runtime.vault, "shop", 0, (), 10)
    assert [(change.type, change.customer) for change in page.changes] == [("customer.erased", "c1")]
    # The erased row had the highest number but one; a number is never used again, even when the last row goes.
    async with shop.runtime.change() as effects:
        await forget_old(effects.session, shop.now.replace(year=2030))
    await _tell(shop, 2, BORIS)
    async with shop.runtime.db.read() as session:
        assert int(await session.scalar(select(func.max(SiteChange.id)))) > last


async def test_pages_of_changes_have_no_gaps_and_stay_in_the_store(shop: Any, import_document: Any) -> None:
    await _load(shop, import_document)
    for number in range(1, 8):
        await _tell(shop, number, (ANNA, BORIS)[number % 2])
    seen: list[int] = []
    after, more = 0, True
    while more:
        async with shop.runtime.db.read() as session:
            page = await service.changes(session, shop.runtime.vault, "shop", after, (), 3)
        seen += [change.data["n"] for change in page.changes]
        after, more = int(page.next or 0), page.more
    assert seen == list(range(1, 8))
    async with shop.runtime.db.read() as session:
        assert (await service.changes(session, shop.runtime.vault, "other", 0, (), 3)).changes == []
        assert (await service.changes(session, shop.runtime.vault, "shop", 0, ("quote.open",), 3)).changes == []


@ONE_DATABASE
async def test_who_moved_between_segments_is_told(shop: Any) -> None:
    await shop.load()
    await shop.arrive()
    async with shop.runtime.change() as effects:
        people = await segments.due(effects.session, shop.now)
        await service.tell_moves(effects, await segments.recompute(effects, people))
    async with shop.runtime.db.read() as session:
        (told,) = (await service.changes(session, shop.runtime.vault, "shop", 0, (), 10)).changes
    assert (told.type, told.customer, told.data) == ("segment.changed", "c1", {"before": [], "now": ["new", "active"]})
