"""Two at once: what the till, the phone and the label ask for at the same moment, on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import func, select

from central.catalogue.tables import Product, Store
from central.pricing import quoting, rulebook, service, till
from central.pricing.schemas import RedeemIn, RedeemOut, VoidIn
from central.pricing.tables import CampaignUse, Quote, Redemption
from central.profiles.tables import Customer
from central.sales.tables import SaleLine
from central.visits.tables import Visit
from contract.events import ZoneDwelled, ZoneEntered

ROUNDS = 6
ONCE = "version: 1\nrules:\n  - {id: gift, give: {amount: 400}, campaign: c}\ncampaigns:\n  - {id: c, budget: 400}\n"


async def _ready(shop: Any, rules: str = ONCE, *, people: int = 1) -> None:
    document = _document(people)
    await shop.load(document)
    await shop.birth()
    await shop.confirm_labels()
    async with shop.runtime.change() as effects:
        await rulebook.activate(effects, "shop", rules, "test")


def _document(people: int) -> dict[str, Any]:
    from tests.conftest import shop_document

    document = shop_document()
    (first,) = document["customers"]
    document["customers"] = [
        {**first, "id": f"c{number}", "subject": f"{number:032x}", "discount_share": 0.0}
        for number in range(1, people + 1)
    ]
    return document


async def _quote(shop: Any, visit: str, sku: str = "HP-1") -> Quote | None:
    async with shop.runtime.change() as effects:
        session = effects.session
        store, product = await session.get(Store, "shop"), await session.get(Product, ("shop", sku))
        row = await session.get(Visit, ("shop", visit))
        quote = await quoting.quote_for(effects, store, row, product, None)
        if quote is not None:
            service.show_on_phone(effects, quote)
        return quote


async def _redeem(shop: Any, receipt: str, **by: Any) -> RedeemOut:
    async with shop.runtime.change() as effects:
        return await till.redeem(effects, RedeemIn(store="shop", receipt=receipt, **{"sku": "HP-1", **by}))


async def _void(shop: Any, receipt: str) -> Any:
    async with shop.runtime.change() as effects:
        return await till.void(effects, VoidIn(store="shop", receipt=receipt))


async def _count(shop: Any, what: Any) -> int:
    async with shop.runtime.db.read() as session:
        return int(await session.scalar(what) or 0)


async def test_a_campaign_never_promises_more_than_it_has(shop: Any) -> None:
    people = 8
    await _ready(shop, people=people)
    for number in range(1, people + 1):
        await shop.arrive(f"v{number}", f"{number:032x}")
    quotes = await asyncio.gather(*(_quote(shop, f"v{number}") for number in range(1, people + 1)))
    given = [quote for quote in quotes if quote is not None and "gift" in quote.reasons]
    assert len(quotes) == people
    assert len(given) == 1, "a budget for one"


async def test_one_visit_asks_by_label_and_by_phone_at_once_and_gets_one_price(shop: Any) -> None:
    await _ready(shop)
    for number in range(ROUNDS):
        visit, track = f"v{number}", f"floor-1-run-{number}"
        await shop.arrive(visit, f"{1:032x}")
        where = {"zone": "audio", "visit": visit, "track": track}
        await shop.feed(ZoneEntered(**where, at=shop.now))
        shop.wait(6)
        dwelled = ZoneDwelled(**where, dwell_s=6.0, at=shop.now)
        await asyncio.gather(shop.feed(dwelled), *(_quote(shop, visit) for _ in range(3)))
        mine = select(func.count()).select_from(Quote).where(Quote.visit == visit)
        assert await _count(shop, mine) == 1
        assert shop.commands("label.show")[-1].variant == "personal", "the label was not refused its message"
        shop.wait(1200)


async def test_a_receipt_line_sent_twice_at_once_is_charged_once(shop: Any) -> None:
    await _ready(shop)
    for number in range(ROUNDS):
        await shop.arrive(f"v{number}", f"{1:032x}")
        quote = await _quote(shop, f"v{number}")
        assert quote is not None
        answers = await asyncio.gather(*(_redeem(shop, f"r{number}", visit=f"v{number}") for _ in range(4)))
        assert answers == [answers[0]] * 4
        assert (answers[0].charged, answers[0].redeemed) == (quote.price, True)
        voids = await asyncio.gather(*(_void(shop, f"r{number}") for _ in range(3)))
        assert voids == [voids[0]] * 3
        shop.wait(1200)
    assert await _count(shop, select(func.count()).select_from(Redemption)) == ROUNDS
    assert await _count(shop, select(func.count()).select_from(SaleLine)) == 0, "every receipt was voided, once"
    assert await _count(shop, select(func.count()).select_from(CampaignUse)) == 0


async def test_two_tills_spend_each_bonus_once_and_one_quote_once(shop: Any) -> None:
    rules = "version: 1\nrules:\n  - {id: gift, give: {amount: 100}}\n"
    await _ready(shop, rules)
    await shop.arrive("v1", f"{1:032x}")
    first, other = await _quote(shop, "v1"), await _quote(shop, "v1", "TV-1")
    assert first is not None
    assert other is not None
    before = await _count(shop, select(Customer.bonuses_minor))
    promised = first.bonus_minor + other.bonus_minor
    tills = [_redeem(shop, f"a{number}", quote=first.id) for number in range(4)]
    tills += [_redeem(shop, f"b{number}", quote=other.id, sku="TV-1") for number in range(4)]
    answers = await asyncio.gather(*tills)
    assert [sum(answer.redeemed for answer in answers if answer.sku == sku) for sku in ("HP-1", "TV-1")] == [1, 1]
    assert await _count(shop, select(Customer.bonuses_minor)) == before - promised
