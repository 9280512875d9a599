"""Rules in force, campaigns, the phone, the till's voids and its time without a network, on both databases."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from central.catalogue.tables import Product, Store
from central.pricing import ledger, quoting, reconcile, rulebook, service, till
from central.pricing.dry_run import dry_run
from central.pricing.ledger import entries
from central.pricing.opened import as_csv, opened
from central.pricing.ruleset import parse
from central.pricing.schemas import OfflineSaleIn, ReconcileIn, RedeemIn, VerifyIn, VoidIn
from central.pricing.tables import CampaignUse, Quote
from central.privacy import service as privacy
from central.profiles.tables import Customer
from central.rule_files import RuleFileError
from central.sales import service as sales
from central.visits.tables import Visit
from contract.events import ZoneDwelled, ZoneEntered

SUBJECT = "a" * 32
RULES = """
version: 1
rules:
  - {id: friday, give: {share: 0.05}, campaign: november}
campaigns:
  - {id: november, budget: 1500, uses_per_customer: 2}
"""


async def _ready(shop: Any, rules: str | None = RULES) -> None:
    await shop.load()
    await shop.birth()
    await shop.confirm_labels()
    await shop.arrive()
    if rules:
        async with shop.runtime.change() as effects:
            await rulebook.activate(effects, "shop", rules, "test")


async def _subject(shop: Any) -> str:
    async with shop.runtime.db.read() as session:
        subject = (await session.get(Customer, "c1")).subject
        assert isinstance(subject, str)
        return subject


async def _quote(shop: Any, sku: str = "HP-1", visit: str = "v1", *, seen: bool = True) -> Quote | None:
    async with shop.runtime.change() as effects:
        session = effects.session
        store, product = await session.get(Store, "shop"), await session.get(Product, ("shop", sku))
        row = await session.get(Visit, ("shop", visit))
        quote = await quoting.quote_for(effects, store, row, product, None)
        if quote is not None and seen:
            service.show_on_phone(effects, quote)
        return quote


async def _redeem(shop: Any, receipt: str, sku: str = "HP-1", **by: Any) -> Any:
    async with shop.runtime.change() as effects:
        return await till.redeem(effects, RedeemIn(store="shop", sku=sku, receipt=receipt, **by))


async def _void(shop: Any, receipt: str, **by: Any) -> Any:
    async with shop.runtime.change() as effects:
        return await till.void(effects, VoidIn(store="shop", receipt=receipt, **by))


async def _bonuses(shop: Any) -> int:
    async with shop.runtime.db.read() as session:
        return int((await session.get(Customer, "c1")).bonuses_minor)


async def test_a_rule_its_campaign_and_the_customers_own_discount_make_the_price(shop: Any) -> None:
    await _ready(shop)
    quote = await _quote(shop)
    assert quote is not None
    assert quote.price == 20_000 - 2_000 - 1_000 - 500
    async with shop.runtime.db.read() as session:
        (out,) = await service.quotes(session, "shop", "v1", shop.now)
    assert [(item.rule, item.campaign, item.off) for item in out.discounts] == [
        ("discount", None, 2_000),
        ("friday", "november", 1_000),
    ]


async def test_a_budget_counts_promises_and_gets_them_back_when_they_lapse(shop: Any) -> None:
    await _ready(shop)
    first = await _quote(shop)
    assert first is not None
    await shop.arrive("v2")
    second = await _quote(shop, "TV-1", "v2")
    assert second is not None
    async with shop.runtime.db.read() as session:
        uses = await quoting.campaign_uses(session, "shop", first.subject, shop.now)
        assert uses["november"].spent == 1_500  # 500 were left of the budget
        assert uses["november"].by_customer == 2
    shop.wait(3600)
    async with shop.runtime.db.read() as session:
        assert await quoting.campaign_uses(session, "shop", first.subject, shop.now) == {}


async def test_the_same_bonus_is_not_promised_twice(shop: Any) -> None:
    await _ready(shop, None)
    first, second = await _quote(shop), await _quote(shop, "TV-1")
    assert first is not None
    assert second is not None
    assert (first.bonus_minor, second.bonus_minor) == (500, 0)


async def test_a_phones_price_is_charged_once_and_voided_whole(shop: Any) -> None:
    await _ready(shop)
    quote = await _quote(shop)
    assert quote is not None
    async with shop.runtime.db.read() as session:
        asked = VerifyIn(store="shop", sku="HP-1", customer="c1")
        assert (await till.verify(session, asked, shop.now)).charged == quote.price
    sold = await _redeem(shop, "r1", visit="v1", quantity=2)
    assert (sold.charged, sold.total, sold.redeemed) == (quote.price, quote.price + 20_000, True)
    assert await _bonuses(shop) == 0
    assert (await _redeem(shop, "r2", visit="v1")).charged == 20_000
    async with shop.runtime.db.read() as session:
        (sale, other) = sorted(await sales.of_subject(session, quote.subject), key=lambda sale: sale.id)
        assert (sale.lines[0].quantity, sale.lines[0].quote, other.lines[0].price) == (2, quote.id, 20_000)
        assert (await session.scalars(select(CampaignUse))).one().off == 1_000
    voided = await _void(shop, "r1", sku="HP-1")
    assert voided.voided[0].voided
    assert await _void(shop, "r1") == voided
    assert await _bonuses(shop) == 500
    async with shop.runtime.db.read() as session:
        assert [sale.id for sale in await sales.of_subject(session, quote.subject)] == ["r2"]
        assert (await session.scalars(select(CampaignUse))).all() == []
        steps = [line.step for line in await entries(session, "shop", sku="HP-1", visit="v1")]
    assert steps[:2] == ["voided", "charged"]
    assert (await _redeem(shop, "r3", visit="v1")).charged == quote.price


async def test_a_buyer_known_by_customer_number_owns_the_sale_without_any_quote(shop: Any) -> None:
    await _ready(shop)
    await _redeem(shop, "r1", customer="c1")
    await _redeem(shop, "r2", customer="nobody")
    async with shop.runtime.db.read() as session:
        assert [sale.id for sale in await sales.of_subject(session, await _subject(shop))] == ["r1"]


async def test_a_receipt_nobody_charged_cannot_be_voided(shop: Any) -> None:
    await _ready(shop)
    with pytest.raises(till.UnknownReceiptError, match="r9"):
        await _void(shop, "r9")


async def test_a_new_visit_inside_the_window_is_never_shown_more(shop: Any) -> None:
    await _ready(shop)
    first = await _quote(shop)
    assert first is not None
    async with shop.runtime.change() as effects:
        await rulebook.activate(effects, "shop", "version: 1\n", "test")
        (await effects.session.get(Customer, "c1")).discount_share = 0.0
    await shop.arrive("v2")
    second = await _quote(shop, visit="v2")
    assert second is not None
    assert (second.price, second.reasons) == (first.price, ["promised"])
    shop.wait(3600)
    await shop.arrive("v3")
    assert (third := await _quote(shop, visit="v3")) is not None
    assert third.price == 19_500  # bonuses alone


async def test_a_mistaken_file_changes_nothing(shop: Any) -> None:
    await _ready(shop)
    with pytest.raises(RuleFileError, match=r"prices\.yaml:2: rules: "):
        async with shop.runtime.change() as effects:
            await rulebook.activate(effects, "shop", "version: 1\nrules: 5\n", "test")
    async with shop.runtime.db.read() as session:
        assert (await rulebook.in_force(session, "shop")).rules[0].id == "friday"


async def test_a_dry_run_replays_what_happened(shop: Any) -> None:
    await _ready(shop)
    for number in range(4):
        await shop.arrive(f"d{number}")
        await _quote(shop, visit=f"d{number}", seen=False)
        shop.wait(3600)
    proposed = parse(
        "version: 1\nrules:\n"
        "  - {id: half, give: {share: 0.5}}\n"
        "  - {id: never, when: {skus: [X]}, give: {amount: 1}}\n"
    )
    async with shop.runtime.db.read() as session:
        store = await session.get(Store, "shop")
        found = await dry_run(session, shop.runtime.vault, store, proposed, shop.now, 30)
        again = await dry_run(session, shop.runtime.vault, store, proposed, shop.now, 30)
    assert found == again
    assert (found.occasions, found.quotes_now, found.quotes_then) == (4, 4, 4)
    assert found.off_now == 4 * 2_500 + 1_500  # the budget and two uses a customer cut the rest
    assert found.off_then == 4 * 6_000  # the store's limit of 30 %
    assert (found.cheaper, found.dearer, found.at_discount_limit) == (4, 0, 4)
    assert found.unused == ["never"]
    assert [change.visit for change in found.changes] == ["d3", "d2", "d1", "d0"]
    last, first = found.changes[0], found.changes[-1]
    assert (first.sku, first.public, first.price_now, first.price_then) == ("HP-1", 20_000, 16_500, 14_000)
    assert first.reasons_now == ["discount", "friday", "bonuses"]
    assert first.reasons_then == ["discount", "half", "bonuses", "limited"]
    assert "friday" not in last.reasons_now
    assert sum(change.price_now - change.price_then for change in found.changes) == found.off_then - found.off_now
    shop.runtime.vault.destroy([await _subject(shop)])
    async with shop.runtime.db.read() as session:
        store = await session.get(Store, "shop")
        gone = await dry_run(session, shop.runtime.vault, store, proposed, shop.now, 30)
    assert (gone.occasions, gone.unreadable, gone.changes) == (0, 4, [])


@pytest.mark.parametrize("purpose", ["profile", "personal_price"])
async def test_a_dry_run_leaves_out_who_took_back_a_purpose(shop: Any, purpose: str) -> None:
    await _ready(shop)
    await _quote(shop, seen=False)
    purposes = {"identify": True, "profile": True, "personal_price": True} | {purpose: False}
    async with shop.runtime.change() as effects:
        await privacy.record(
            effects, await _subject(shop), purposes,
            text_version="1", text_sha256="0" * 64, channel="web", given_at=shop.now,
        )  # fmt: skip
    async with shop.runtime.db.read() as session:
        store = await session.get(Store, "shop")
        proposed = parse("version: 1\nrules:\n  - {id: half, give: {share: 0.5}}\n")
        found = await dry_run(session, shop.runtime.vault, store, proposed, shop.now, 30)
    assert (found.occasions, found.withheld, found.off_then, found.changes) == (0, 1, 0, [])


async def _opened(shop: Any, number: int, store: str = "shop") -> Any:
    async with shop.runtime.db.read() as session:
        return await opened(session, shop.runtime.keys, store, number, shop.now)


async def test_a_charge_is_opened_down_to_what_was_confirmed(shop: Any) -> None:
    await _ready(shop)
    await shop.feed(ZoneEntered(zone="audio", visit="v1", track="t-1", at=shop.now))
    shop.wait(6)
    await shop.feed(ZoneDwelled(zone="audio", visit="v1", track="t-1", dwell_s=6.0, at=shop.now))
    await shop.confirm_labels()
    shop.wait(20)
    sold = await _redeem(shop, "r1", visit="v1", quantity=1)
    await _redeem(shop, "r2")
    async with shop.runtime.db.read() as session:
        public, personal = (await entries(session, "shop", sku="HP-1"))[:2]
    found = await _opened(shop, personal.id)
    assert [(step.step, step.place, step.label) for step in found.behind] == [
        ("quoted", "label", "label-1"), ("shown", "label", "label-1"), ("confirmed", "label", "label-1"),
        ("charged", "till", None),
    ]  # fmt: skip
    assert (found.line.price, found.receipt, found.quote.id) == (sold.charged, "r1", sold.quote)
    assert (
        found.quote.public - sum(part.off for part in found.quote.discounts) - found.quote.bonus_minor == sold.charged
    )
    assert found.signature_fits
    plain = await _opened(shop, public.id)
    assert [(step.step, step.variant) for step in plain.behind] == [("confirmed", "public"), ("charged", "public")]
    assert (plain.quote, plain.receipt, plain.line.price) == (None, "r2", 20_000)
    assert await _opened(shop, personal.id, "other") is None
    async with shop.runtime.change() as effects:
        (await effects.session.get(Quote, sold.quote)).price -= 1
    assert not (await _opened(shop, personal.id)).signature_fits
    async with shop.runtime.change() as effects:
        await effects.session.delete(await effects.session.get(Quote, sold.quote))
    assert [step.step for step in (await _opened(shop, personal.id)).behind] == [step.step for step in found.behind]


async def test_the_ledger_is_written_out_as_a_table(shop: Any) -> None:
    await _ready(shop)
    await _redeem(shop, "r1")
    async with shop.runtime.change() as effects:
        ledger.enter(effects, "shop", "=1+1", "public", "shown", 5)
    async with shop.runtime.db.read() as session:
        text = await as_csv(session, "shop", shop.now - timedelta(hours=1), shop.now + timedelta(hours=1))
        none = await as_csv(session, "shop", shop.now + timedelta(hours=1), shop.now + timedelta(hours=2))
        count = len(await entries(session, "shop"))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == count
    assert {row["step"] for row in rows} == {"shown", "confirmed", "charged"}
    assert [row["sku"] for row in rows if row["price"] == "5"] == ["'=1+1"], "no formula for a spreadsheet"
    assert len(none.splitlines()) == 1


def _offline(shop: Any, quote: Quote, receipt: str, **more: Any) -> OfflineSaleIn:
    line = {"code": reconcile.code_of(quote), "receipt": receipt, "sku": "HP-1", "charged": quote.price, "at": shop.now}
    return OfflineSaleIn(**{**line, **more})


async def _told(shop: Any, *lines: OfflineSaleIn) -> list[Any]:
    async with shop.runtime.change() as effects:
        return await reconcile.reconcile(effects, ReconcileIn(store="shop", lines=list(lines)))


async def test_what_was_sold_offline_is_kept_and_contradictions_are_named(shop: Any) -> None:
    await _ready(shop)
    quote = await _quote(shop)
    assert quote is not None
    good, twice = _offline(shop, quote, "o1"), _offline(shop, quote, "o2")
    forged = _offline(shop, quote, "o3", code=good.code[:-6] + "AAAAAA")
    dear = _offline(shop, quote, "o4", charged=quote.price + 1)
    late = _offline(shop, quote, "o5", at=shop.now + timedelta(hours=2))
    answers = await _told(shop, good, twice, forged, dear, late)
    assert [item.conflict for item in answers] == [
        None,
        "redeemed_before",
        "forged",
        "charged_above_shown",
        "expired",
    ]
    assert await _told(shop, good, twice, forged, dear, late) == answers
    assert await _bonuses(shop) == 0
    async with shop.runtime.db.read() as session:
        kept = await sales.of_subject(session, quote.subject)
    assert {sale.id for sale in kept} >= {"o1", "o2"}
