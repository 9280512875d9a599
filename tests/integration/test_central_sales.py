"""Sales: told twice, kept once; a receipt told line by line grows."""

from __future__ import annotations

from central.sales import service
from central.sales.schemas import SaleIn, SaleLineIn


def _sale(shop, *skus: str, subject: str | None = None) -> SaleIn:  # type: ignore[no-untyped-def]
    lines = tuple(SaleLineIn(sku=sku, price=100) for sku in skus)
    return SaleIn(
        channel="till",
        scope="demo",
        id="r-1",
        store="demo",
        subject=subject,
        currency="EUR",
        at=shop.clock.now(),
        lines=lines,
    )


async def test_a_receipt_grows_and_is_kept_once(shop) -> None:  # type: ignore[no-untyped-def]
    async with shop.runtime.change() as effects:
        assert await service.record(effects, _sale(shop, "A", "B"))
    async with shop.runtime.change() as effects:
        assert not await service.record(effects, _sale(shop, "B", "A", "A"))
        assert await service.record(effects, _sale(shop, "C", subject="anna"))
    async with shop.runtime.db.read() as session:
        (sale,) = await service.of_subject(session, "anna")
        assert await service.of_subject(session, "boris") == []
    assert sorted((line.sku, line.quantity) for line in sale.lines) == [("A", 1), ("B", 1), ("C", 1)]


async def test_two_lines_of_one_article_are_added_up(shop) -> None:  # type: ignore[no-untyped-def]
    lines = (SaleLineIn(sku="A", price=100, quantity=3), SaleLineIn(sku="A", price=60))
    async with shop.runtime.change() as effects:
        assert await service.record(
            effects, _sale(shop, "B", subject="anna").model_copy(update={"lines": lines, "channel": "site"})
        )
    async with shop.runtime.db.read() as session:
        (sale,) = await service.of_subject(session, "anna")
    assert [(line.quantity, line.price) for line in sale.lines] == [(4, 90)]
