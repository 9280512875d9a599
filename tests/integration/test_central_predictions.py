"""Predictions from sales that were really kept, with consent, on both databases."""

from __future__ import annotations

from typing import Any

from central.predictions import service
from central.privacy import service as privacy
from central.sales import service as sales
from central.sales.schemas import SaleIn, SaleLineIn
from contract.events import PURPOSES

DAY = 86_400.0
PEOPLE = [f"{number:x}" * 32 for number in range(1, 7)]


async def _load(shop: Any, import_document: Any) -> None:
    document = import_document()
    (anna,) = document["customers"]
    document["customers"] = [{**anna, "id": f"c{number}", "subject": subject} for number, subject in enumerate(PEOPLE)]
    await shop.load(document)


async def _buy_ink(shop: Any) -> None:
    for number in range(5):
        shop.wait(30 * DAY)
        async with shop.runtime.change() as effects:
            for subject in PEOPLE:
                line = SaleLineIn(sku="ink", price=100)
                sale = {"channel": "site", "scope": "web", "id": f"{subject[:4]}-{number}", "store": "shop"}
                await sales.record(
                    effects, SaleIn.model_validate({**sale, "subject": subject, "currency": "EUR", "at": shop.now,
                                                    "lines": (line,)})
                )  # fmt: skip


async def test_what_comes_next_is_learned_from_sales_of_those_who_agreed(shop: Any, import_document: Any) -> None:
    await _load(shop, import_document)
    await _buy_ink(shop)
    shop.wait(10 * DAY)
    async with shop.runtime.db.read() as session:
        assert (await service.of_subject(session, PEOPLE[0], shop.now)).replenishment == [], "nothing was learned yet"
    await service.relearn(shop.runtime.db, "shop", shop.now)
    async with shop.runtime.db.read() as session:
        found = await service.of_subject(session, PEOPLE[0], shop.now)
    (again,) = found.replenishment
    assert (again.sku, again.times) == ("ink", 5)
    assert 10 < (again.next_at - shop.now).total_seconds() / DAY < 35
    assert again.from_at < again.next_at < again.to_at
    assert found.next_purchase[0].sku == "ink"
    for subject in PEOPLE[:4]:
        async with shop.runtime.change() as effects:
            given = {**dict.fromkeys(PURPOSES, True), "profile": False}
            await privacy.record(
                effects, subject, given, text_version="1", text_sha256="0" * 64, channel="test", given_at=shop.now
            )
    async with shop.runtime.db.read() as session:
        assert (await service.of_subject(session, PEOPLE[0], shop.now)).next_purchase == []
    model = await service.relearn(shop.runtime.db, "shop", shop.now)
    assert model.rhythms == {}, "two people are too few"
