"""From a claimed arrival to a share of what was bought, and back when the visit was somebody else's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from central.alerts import service as alerts
from central.alerts.tables import Alert
from central.catalogue.tables import Store
from central.contribution import report as reports
from central.contribution import service
from central.contribution.tables import ContributionShare
from central.sales import service as sales
from central.sales.schemas import SaleIn, SaleLineIn
from contract.events import VisitIdentified


async def _claimed(shop: Any, who: str = "ilya", visit: str = "v1") -> None:
    await shop.arrive(visit)
    async with shop.runtime.change() as effects:
        card = (await effects.session.scalars(select(Alert).where(Alert.visit == visit))).one()
        await alerts.claim(effects, card, who)


async def _subject(shop: Any) -> str:
    async with shop.runtime.db.read() as session:
        return str((await session.scalars(select(Alert.subject))).first())


async def _bought(shop: Any, sku: str = "HP-1", price: int = 10_000, channel: str = "site", number: str = "o1") -> None:
    sale = SaleIn(
        channel=channel,
        scope="web",
        id=number,
        store="shop",
        subject=await _subject(shop),
        currency="EUR",
        at=shop.now,
        lines=(SaleLineIn(sku=sku, price=price),),
    )
    async with shop.runtime.change() as effects:
        await sales.record(effects, sale)


async def _report(shop: Any, only: str | None = None) -> Any:
    async with shop.runtime.db.read() as session:
        store = await session.get(Store, "shop")
        start, end = shop.now - timedelta(days=40), shop.now + timedelta(days=1)
        return await reports.report(session, store, start, end, only)


async def _detail(shop: Any, who: str) -> Any:
    async with shop.runtime.db.read() as session:
        start, end = shop.now - timedelta(days=40), shop.now + timedelta(days=1)
        return await reports.detail(session, "shop", who, start, end)


async def test_an_order_next_day_counts_for_the_consultant_and_says_why(shop: Any) -> None:
    await shop.load()
    await _claimed(shop)
    async with shop.runtime.change() as effects:
        who = {"subject": await _subject(shop), "visit": "v1", "sku": "HP-1"}
        await service.note(effects, "suggested", "ilya", "shop", "s1", **who)
        await service.note(effects, "opinion", "marina", "shop", "o1", **{**who, "sku": "TV-1"})
    shop.wait(86_400)
    await _bought(shop)
    found = await _report(shop)
    assert [item.consultant for item in found.consultants] == ["ilya", "marina"]
    assert found.consultants[0].deeds == {"claimed": 1, "suggested": 1}
    assert (found.sold, found.consultants[0].site) == (10_000, found.consultants[0].amount)
    assert 7_000 < found.consultants[0].amount < 9_000
    detail = await _detail(shop, "ilya")
    assert detail.amount == found.consultants[0].amount
    assert [reason.kind for reason in detail.lines[0].reasons] == ["claimed", "suggested"]
    assert detail.lines[0].reasons[1].age_days == pytest.approx(1, abs=0.01)
    assert [item.consultant for item in (await _report(shop, "marina")).consultants] == ["marina"]


async def test_a_visit_that_was_somebody_elses_takes_its_shares_away(shop: Any) -> None:
    await shop.load()
    await _claimed(shop)
    shop.wait(60)
    await _bought(shop)
    assert (await _report(shop)).shared > 0
    shop.wait(60)
    known = {"method": "face", "device": "door-1", "confidence": 0.9, "first_usable_at": shop.now, "at": shop.now}
    await shop.feed(
        VisitIdentified(visit="v1", subject=await _subject(shop), stage="final", outcome="retracted", **known)
    )
    assert (await _report(shop)).shared == 0
    again = {**known, "at": shop.now + timedelta(seconds=5)}
    await shop.feed(VisitIdentified(visit="v1", subject=await _subject(shop), stage="final", **again))
    assert (await _report(shop)).shared > 0


async def test_a_deed_undone_and_a_line_voided(shop: Any) -> None:
    await shop.load()
    await _claimed(shop)
    shop.wait(60)
    await _bought(shop, channel="till")
    assert (await _report(shop)).shared > 0
    async with shop.runtime.change() as effects:
        card = (await effects.session.scalars(select(Alert))).one()
        await alerts.release(effects, card, "ilya", force=False)
    assert (await _report(shop)).shared == 0
    shop.wait(1)
    async with shop.runtime.change() as effects:
        card = (await effects.session.scalars(select(Alert))).one()
        await alerts.claim(effects, card, "marina")
    assert (await _report(shop)).shared == 0  # claimed again, but after the sale
    await _bought(shop, number="o2")
    assert (await _report(shop)).consultants[0].consultant == "marina"
    async with shop.runtime.change() as effects:
        await sales.remove_line(effects, "site", "web", "o2", "HP-1")
    assert (await _report(shop)).shared == 0


async def test_a_guest_without_a_profile_is_known_by_the_visit_alone(shop: Any) -> None:
    await shop.load()
    await _claimed(shop)
    await _claimed(shop, "marina", "v2")
    shop.wait(60)
    sale = {"channel": "till", "scope": "shop", "store": "shop", "currency": "EUR", "at": shop.now}
    lines = (SaleLineIn(sku="HP-1", price=10_000),)
    async with shop.runtime.change() as effects:
        for number, visit in (("r1", "v1"), ("r2", None)):
            await sales.record(effects, SaleIn(id=number, visit=visit, subject=None, lines=lines, **sale))
    found = await _report(shop)
    assert found.sold == 20_000
    assert [item.consultant for item in found.consultants if item.amount] == ["ilya"]
    async with shop.runtime.change() as effects:
        await sales.remove_line(effects, "till", "shop", "r1", "HP-1")
    assert (await _report(shop)).shared == 0


async def test_a_formula_counts_from_when_it_is_put_in_force(shop: Any) -> None:
    await shop.load()
    await _claimed(shop)
    shop.wait(60)
    await _bought(shop)
    before = (await _report(shop)).shared
    async with shop.runtime.change() as effects:
        await service.activate(effects, "shop", "version: 1\nweights: {claimed: 0}\n", "test")
    assert (await _report(shop)).shared == before
    await _bought(shop, number="o2")
    async with shop.runtime.db.read() as session:
        rows = (await session.scalars(select(ContributionShare))).all()
    assert [(row.sale, row.formula) for row in rows] == [("o1", None)]
    shop.wait(60)
    await _claimed(shop, who="marina", visit="v2")  # everything of theirs is shared anew
    assert (await _report(shop)).shared == before
    async with shop.runtime.change() as effects:
        await service.activate(effects, "shop", "version: 1\nweights: {claimed: 9}\n", "test")
    shop.wait(60)
    await _claimed(shop, who="olga", visit="v3")
    assert (await _report(shop)).shared == before
    await _bought(shop, number="o3")
    async with shop.runtime.db.read() as session:
        rows = (await session.scalars(select(ContributionShare).order_by(ContributionShare.sale))).all()
    assert {row.sale: row.formula for row in rows} == {"o1": None, "o3": 2}


async def test_totals_and_deeds_are_opened_too(shop: Any) -> None:
    await shop.load()
    await _claimed(shop)
    shop.wait(60)
    await _bought(shop)
    await _bought(shop, "TV-1", 7_000, number="o2")
    shop.wait(60)
    await _claimed(shop, visit="v2")  # of a visit after which nothing was bought
    found = await _detail(shop, "ilya")
    assert [(deed.kind, deed.lines) for deed in found.deeds] == [("claimed", 0), ("claimed", 2)]
    total = await _report(shop)
    async with shop.runtime.db.read() as session:
        start, end = shop.now - timedelta(days=40), shop.now + timedelta(days=1)
        lines = await reports.sold(session, "shop", start, end)
        none = await reports.sold(session, "shop", start, start + timedelta(days=1))
    assert sum(line.total for line in lines) == total.sold == 17_000
    assert sum(line.shared for line in lines) == total.shared == found.amount
    assert {line.sku: line.total for line in lines} == {"HP-1": 10_000, "TV-1": 7_000}
    assert none == []
    assert sum(item.deeds["claimed"] for item in total.consultants) == len(found.deeds)
