"""A basket built in the shop lies in the customer's account and reaches the site."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from central.baskets import service
from central.baskets.tables import Basket
from central.contribution.tables import ContributionEvidence
from central.privacy import service as privacy
from central.sales import service as sales
from central.sales.schemas import SaleIn, SaleLineIn

SUBJECT = "a" * 32
BY = "consultant:ilya"


async def _put(shop: Any, sku: str, quantity: int = 1, by: str = BY) -> Any:
    async with shop.runtime.change() as effects:
        return await service.put(effects, "shop", SUBJECT, sku, quantity, by, "v1")


async def _site(shop: Any, after: str | None = None) -> Any:
    shop.wait(3)
    async with shop.runtime.db.read() as session:
        return await service.for_site(session, shop.runtime.vault, "shop", after, 10, shop.now)


async def test_put_change_take_out_and_what_it_contributed(shop: Any) -> None:
    await shop.load()
    await _put(shop, "TV-1")
    basket = await _put(shop, "HP-1", 2)
    assert ([(line.sku, line.quantity) for line in basket.lines], basket.total) == (
        [("TV-1", 1), ("HP-1", 2)],
        130_000,
    )
    basket = await _put(shop, "TV-1", 3, by="customer")
    assert [(line.sku, line.quantity, line.by) for line in basket.lines] == [("TV-1", 3, BY), ("HP-1", 2, BY)]
    await _put(shop, "HP-1", 0)
    async with shop.runtime.db.read() as session:
        notes = (await session.scalars(select(ContributionEvidence).order_by(ContributionEvidence.sku))).all()
        row = (await session.scalars(select(Basket))).one()
    assert [(note.sku, note.undone_at is None) for note in notes] == [("HP-1", False), ("TV-1", True)]
    assert b"TV-1" not in row.sealed


async def test_refused_what_the_store_has_not_and_without_consent(shop: Any) -> None:
    await shop.load()
    with pytest.raises(service.UnknownSkuError):
        await _put(shop, "XX")
    async with shop.runtime.change() as effects:
        text = {"text_version": "1", "text_sha256": "0" * 64, "channel": "page", "given_at": shop.now}
        await privacy.record(effects, SUBJECT, {"identify": True}, **text)
    with pytest.raises(service.NoConsentError):
        await _put(shop, "HP-1")
    own = await _put(shop, "HP-1", by="customer")  # their own act on their own page
    assert len(own.lines) == 1
    assert (await _site(shop)).baskets == []


async def test_the_site_gets_what_changed_since_its_cursor(shop: Any) -> None:
    await shop.load()
    await _put(shop, "HP-1")
    first = await _site(shop)
    assert [(one.customer, one.state) for one in first.baskets] == [("c1", "open")]
    assert (await _site(shop, first.next)).baskets == []
    async with shop.runtime.change() as effects:
        assert await service.finish(effects, "shop", SUBJECT) is not None
    later = await _site(shop, first.next)
    assert [(one.state, [line.sku for line in one.lines]) for one in later.baskets] == [("later", ["HP-1"])]
    async with shop.runtime.db.read() as session:
        (mine,) = await service.of_subject(session, shop.runtime.vault, SUBJECT, shop.now)
    assert mine.state == "later"
    await _put(shop, "HP-1", 0)
    assert [one.lines for one in (await _site(shop, later.next)).baskets] == [[]]


async def test_a_key_destroyed_leaves_nothing_to_read(shop: Any) -> None:
    await shop.load()
    await _put(shop, "HP-1")
    shop.runtime.vault.destroy([SUBJECT])
    async with shop.runtime.db.read() as session:
        assert await service.of_subject(session, shop.runtime.vault, SUBJECT, shop.now) == []
    with pytest.raises(service.NoConsentError):
        await _put(shop, "HP-1")


def _sale(shop: Any, number: str, lines: dict[str, int], at: Any = None, **fields: Any) -> SaleIn:
    sold = tuple(SaleLineIn(sku=sku, quantity=quantity, price=100) for sku, quantity in lines.items())
    whole = {"channel": "site", "scope": "web", "store": "shop", "subject": SUBJECT, "currency": "EUR", **fields}
    return SaleIn(id=number, at=at or shop.now, lines=sold, **whole)


async def _mine(shop: Any) -> dict[str, int]:
    async with shop.runtime.db.read() as session:
        found = await service.of_subject(session, shop.runtime.vault, SUBJECT, shop.now)
    return {line.sku: line.quantity for basket in found for line in basket.lines}


async def test_what_was_bought_lies_in_the_basket_no_more(shop: Any) -> None:
    await shop.load()
    await _put(shop, "TV-1", 3)
    await _put(shop, "HP-1")
    async with shop.runtime.change() as effects:
        await service.finish(effects, "shop", SUBJECT)
    first = await _site(shop)
    async with shop.runtime.change() as effects:
        await sales.record(effects, _sale(shop, "w-1", {"TV-1": 1, "XX": 1}))
    assert await _mine(shop) == {"TV-1": 2, "HP-1": 1}
    async with shop.runtime.change() as effects:  # told again, it was bought once
        await sales.record(effects, _sale(shop, "w-1", {"TV-1": 1, "XX": 1}))
        await sales.record(effects, _sale(shop, "r-1", {"HP-1": 2}, channel="till", scope="shop"))
    assert await _mine(shop) == {"TV-1": 2}
    (told,) = (await _site(shop, first.next)).baskets
    assert (told.state, [(line.sku, line.quantity) for line in told.lines]) == ("later", [("TV-1", 2)])
    async with shop.runtime.change() as effects:
        await sales.record(effects, _sale(shop, "w-2", {"TV-1": 2}))
    (empty,) = (await _site(shop, first.next)).baskets
    assert (empty.state, empty.lines) == ("open", [])
    async with shop.runtime.db.read() as session:
        notes = (await session.scalars(select(ContributionEvidence))).all()
    assert [note.undone_at for note in notes] == [None, None]  # it was the consultant's basket all the same


async def test_late_news_of_a_purchase_leave_what_came_after_it_and_nobody_elses(shop: Any) -> None:
    await shop.load()
    bought_at = shop.now
    shop.wait(60)
    await _put(shop, "HP-1")
    async with shop.runtime.change() as effects:
        await sales.record(effects, _sale(shop, "w-1", {"HP-1": 1}, at=bought_at))
        await sales.record(effects, _sale(shop, "w-2", {"HP-1": 1}, subject=None))
        await sales.record(effects, _sale(shop, "w-3", {"HP-1": 1}, store="elsewhere"))
    assert await _mine(shop) == {"HP-1": 1}


async def test_what_a_voided_line_took_out_lies_in_the_basket_again(shop: Any) -> None:
    await shop.load()
    await _put(shop, "TV-1", 3)
    await _put(shop, "HP-1")
    shop.wait(60)
    async with shop.runtime.change() as effects:
        await sales.record(effects, _sale(shop, "r-1", {"TV-1": 2, "HP-1": 2}, channel="till", scope="shop"))
        await sales.record(effects, _sale(shop, "r-2", {"TV-1": 5}, channel="till", scope="shop"))
    assert await _mine(shop) == {}
    for _ in range(2):
        async with shop.runtime.change() as effects:
            await sales.remove_line(effects, "till", "shop", "r-1", "HP-1")  # one of two had lain there
    assert await _mine(shop) == {"HP-1": 1}
    await _put(shop, "TV-1")
    async with shop.runtime.change() as effects:
        await sales.remove_line(effects, "till", "shop", "r-1", "TV-1")
        await sales.remove_line(effects, "till", "shop", "r-9", "TV-1")
    assert await _mine(shop) == {"HP-1": 1, "TV-1": 3}
    async with shop.runtime.change() as effects:
        await sales.remove_line(effects, "till", "shop", "r-2", "TV-1")
    assert await _mine(shop) == {"HP-1": 1, "TV-1": 4}


async def test_what_a_consultant_had_put_in_does_not_come_back_without_consent(shop: Any) -> None:
    await shop.load()
    await _put(shop, "HP-1", by="consultant:marina")
    await _put(shop, "TV-1", by="customer")
    async with shop.runtime.change() as effects:
        await sales.record(effects, _sale(shop, "r-1", {"TV-1": 1, "HP-1": 1}, channel="till", scope="shop"))
    shop.wait(60)
    async with shop.runtime.change() as effects:
        await privacy.record(
            effects, SUBJECT, {"identify": True}, text_version="1", text_sha256="0" * 64, channel="web",
            given_at=shop.now,
        )  # fmt: skip
        for sku in ("HP-1", "TV-1"):
            await sales.remove_line(effects, "till", "shop", "r-1", sku)
    assert await _mine(shop) == {"TV-1": 1}
