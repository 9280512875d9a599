"""Any order of quoting, showing, price changes, rules, selling and voiding: what was shown is what is charged (S7)."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import pytest

from central.catalogue.tables import Product, Store
from central.pricing import quoting, rulebook, service, till
from central.pricing.schemas import RedeemIn, VoidIn
from central.profiles.tables import Customer
from central.visits.tables import Visit

WINDOW = timedelta(minutes=15)
FILES = (
    "version: 1\n",
    "version: 1\nrules:\n  - {id: a, give: {share: 0.2}, campaign: c}\ncampaigns:\n  - {id: c, budget: 9000}\n",
    "version: 1\nrules:\n  - {id: b, give: {amount: 700}}\n  - {id: d, give: {share: 0.03}, group: more}\n",
)


class _Story:
    """Plays one random story and keeps its own account of what was seen."""

    def __init__(self, shop: Any, seed: int) -> None:
        self.shop, self.rng = shop, random.Random(seed)
        self.seen: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
        self.visits = 0
        self.sold: list[tuple[str, int]] = []
        self.redeemed = 0

    async def step(self, number: int) -> None:
        action = self.rng.choice(("arrive", "quote", "quote", "wait", "price", "rules", "redeem", "redeem", "void"))
        await getattr(self, action)(number)

    async def arrive(self, number: int) -> None:
        self.visits += 1
        await self.shop.arrive(f"v{self.visits}")

    async def wait(self, number: int) -> None:
        self.shop.wait(self.rng.choice((5, 60, 500, 1000)))

    async def price(self, number: int) -> None:
        async with self.shop.runtime.change() as effects:
            product = await effects.session.get(Product, ("shop", "HP-1"))
            product.price = self.rng.choice((12_000, 15_000, 20_000, 25_000))

    async def rules(self, number: int) -> None:
        async with self.shop.runtime.change() as effects:
            await rulebook.activate(effects, "shop", self.rng.choice(FILES), "test")
            customer = await effects.session.get(Customer, "c1")
            customer.discount_share = self.rng.choice((0.0, 0.1, 0.25))
            customer.bonuses_minor = self.rng.choice((0, 500, 3_000))

    async def quote(self, number: int) -> None:
        visit = f"v{self.rng.randint(1, max(1, self.visits))}"
        async with self.shop.runtime.change() as effects:
            session = effects.session
            row = await session.get(Visit, ("shop", visit))
            store, product = await session.get(Store, "shop"), await session.get(Product, ("shop", "HP-1"))
            if row is None:
                return
            quote = await quoting.quote_for(effects, store, row, product, None)
            if quote is None:
                return
            service.show_on_phone(effects, quote)
            floor = (product.cost or 0) if "promised" not in quote.reasons else 0
            assert quote.price < product.price
            assert quote.price >= floor or any(price == quote.price for _, price in self.seen[visit])
            assert all(quote.price <= price for at, price in self._all_recent()), "dearer than an earlier quote"
            self.seen[visit].append((effects.now, quote.price))
            self.until = quote.expires_at + WINDOW

    def _all_recent(self) -> list[tuple[datetime, int]]:
        return [item for items in self.open().values() for item in items]

    def open(self) -> dict[str, list[tuple[datetime, int]]]:
        """Seen within the last 15 minutes by a visit that did not buy yet."""
        bought = {visit for visit, _ in self.sold}
        limit = self.shop.now - WINDOW
        return {v: [i for i in items if i[0] >= limit] for v, items in self.seen.items() if v not in bought}

    async def redeem(self, number: int) -> None:
        visit = f"v{self.rng.randint(1, max(1, self.visits))}"
        async with self.shop.runtime.change() as effects:
            public = (await effects.session.get(Product, ("shop", "HP-1"))).price
            request = RedeemIn(store="shop", sku="HP-1", receipt=f"r{number}", visit=visit)
            sold = await till.redeem(effects, request)
        assert sold.charged <= public
        assert all(sold.charged <= price for _, price in self.open().get(visit, [])), "charged above shown"
        if sold.redeemed:
            assert visit not in {name for name, _ in self.sold}, "one quote redeemed twice"
            self.sold.append((visit, number))
            self.redeemed += 1

    async def void(self, number: int) -> None:
        if self.sold:
            sale = self.sold.pop()[1]
            async with self.shop.runtime.change() as effects:
                await till.void(effects, VoidIn(store="shop", receipt=f"r{sale}"))


@pytest.mark.parametrize("seed", range(3))
async def test_what_was_shown_is_what_is_charged(shop: Any, seed: int) -> None:
    await shop.load()
    await shop.birth()
    await shop.confirm_labels()
    story = _Story(shop, seed)
    await story.arrive(0)
    for number in range(150):
        await story.step(number)
        async with shop.runtime.db.read() as session:
            customer = await session.get(Customer, "c1")
            assert customer.bonuses_minor >= 0
    assert story.redeemed >= 3
