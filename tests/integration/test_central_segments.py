"""Segments from what really happened, on both databases."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from central.pricing import rulebook
from central.profiles.tables import Customer
from central.sales import service as sales
from central.sales.schemas import SaleIn, SaleLineIn
from central.segments import service

DAY = 86_400


async def _subject(shop: Any) -> str:
    async with shop.runtime.db.read() as session:
        return str(await session.scalar(select(Customer.subject)))


async def _buy(shop: Any, number: int) -> None:
    sale = SaleIn(
        channel="site",
        scope="web",
        id=f"o{number}",
        store="shop",
        subject=await _subject(shop),
        currency="EUR",
        at=shop.now,
        lines=(SaleLineIn(sku="HP-1", price=100), SaleLineIn(sku="TV-1", price=100)),
    )
    async with shop.runtime.change() as effects:
        await sales.record(effects, sale)


async def _found(shop: Any) -> list[str]:
    async with shop.runtime.db.read() as session:
        found = await service.segments_of(session, await _subject(shop), shop.now)
        assert isinstance(found, list)
        return found


async def test_a_customer_moves_through_segments_and_each_move_is_told_once(shop: Any) -> None:
    await shop.load()
    assert await _found(shop) == []
    await shop.arrive()
    assert await _found(shop) == ["new", "active"]
    for number in range(3):
        shop.wait(40 * DAY)
        await _buy(shop, number)
    assert await _found(shop) == ["active", "core"]
    async with shop.runtime.change() as effects:
        people = await service.due(effects.session, shop.now)
        (moved,) = await service.recompute(effects, people)
        assert (moved.before, moved.now) == ((), ("active", "core"))
    async with shop.runtime.change() as effects:
        assert await service.due(effects.session, shop.now) == []
        assert await service.recompute(effects, people) == []
    shop.wait(200 * DAY)
    async with shop.runtime.change() as effects:
        (moved,) = await service.recompute(effects, await service.due(effects.session, shop.now))
        assert moved.now == ("core", "lapsed")


async def test_without_consent_to_a_profile_there_are_none(shop: Any) -> None:
    await shop.load()
    await shop.arrive()
    async with shop.runtime.change() as effects:
        from central.privacy.service import record

        consent = {"text_version": "1", "text_sha256": "0" * 64, "channel": "test", "given_at": shop.now}
        await record(effects, await _subject(shop), {"identify": True}, **consent)
    assert await _found(shop) == []


async def test_a_segment_is_a_reason_for_a_price(shop: Any) -> None:
    from contract.events import ZoneDwelled, ZoneEntered

    await shop.load()
    await shop.birth()
    await shop.confirm_labels()
    shop.bus.sent.clear()
    rules = "version: 1\nrules:\n  - {id: welcome, when: {segments: [new]}, give: {amount: 700}}\n"
    async with shop.runtime.change() as effects:
        await rulebook.activate(effects, "shop", rules, "test")
    await shop.arrive()
    who = {"visit": "v1", "track": "floor-1-1-1", "zone": "audio"}
    await shop.feed(ZoneEntered(**who, at=shop.now))
    shop.wait(5)
    await shop.feed(ZoneDwelled(**who, dwell_s=5.0, at=shop.now))
    (show,) = shop.commands("label.show")
    assert show.content.price == 20_000 - 2_000 - 700 - 500
