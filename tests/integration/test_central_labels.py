"""Labels, prices and the till, from events to commands, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update

from central.background import Background
from central.fleet.tables import Node
from central.labels import service as labels
from central.outgoing.service import next_sequence
from central.pricing import service as pricing
from central.pricing import till
from central.pricing.ledger import entries
from central.pricing.schemas import RedeemIn
from central.pricing.tables import LedgerEntry
from contract.events import LabelState, VisitEnded, ZoneDwelled, ZoneEntered, ZoneLeft
from contract.signing import signing_bytes


async def _ready(shop: Any) -> None:
    await shop.load()
    await shop.birth()
    await shop.confirm_labels()
    shop.bus.sent.clear()


def _zone(shop: Any, model: type[Any], track: str = "floor-1-1-1", visit: str | None = "v1", **more: Any) -> Any:
    if model is not ZoneEntered:
        more = {"dwell_s": 5.0, **more}
    return model(visit=visit, track=track, zone="audio", at=more.pop("at", shop.now), **more)


async def _dwell(shop: Any) -> None:
    await shop.arrive()
    await shop.feed(_zone(shop, ZoneEntered))
    shop.wait(5)
    await shop.feed(_zone(shop, ZoneDwelled))


async def _redeem(shop: Any, receipt: str = "r1", **by: str) -> Any:
    async with shop.runtime.change() as effects:
        return await till.redeem(effects, RedeemIn(store="shop", sku="HP-1", receipt=receipt, **by))


async def test_a_birth_brings_public_prices_once(shop: Any) -> None:
    await shop.load()
    await shop.birth()
    shown = shop.commands("label.show")
    assert {command.label for command in shown} == {"label-1", "label-2"}
    assert all(command.variant == "public" for command in shown)
    await shop.confirm_labels()
    shop.bus.sent.clear()
    await shop.birth()
    assert shop.commands("label.show") == []


async def test_commands_carry_centrals_signature(shop: Any) -> None:
    await shop.load()
    await shop.birth()
    import base64

    message = next(message for message in shop.bus.sent if message.channel.kind == "label.show")
    signature = base64.b64decode(message.data.signature)
    covered = signing_bytes("label.show", "shop", "node-1", message.raw)
    shop.runtime.keys.signing.public_key().verify(signature, covered)


async def test_one_person_dwelling_sees_a_personal_price_and_is_charged_it(shop: Any) -> None:
    await _ready(shop)
    await _dwell(shop)
    (show,) = shop.commands("label.show")
    assert (show.variant, show.label, show.visit) == ("personal", "label-1", "v1")
    assert show.content.price == 20000 - 2000 - 500
    assert show.content.was == 20000
    assert show.content.disclosure
    before = await _redeem(shop, "r0", visit="v1")
    assert (before.charged, before.redeemed) == (20000, False)
    await shop.confirm_labels()
    answer = await _redeem(shop, visit="v1")
    assert (answer.charged, answer.redeemed) == (17500, True)
    assert shop.commands("label.revert")[-1].reason == "redeemed"
    assert await _redeem(shop, visit="v1") == answer
    again = await _redeem(shop, "r2", visit="v1")
    assert (again.charged, again.redeemed) == (20000, False)


async def test_a_camera_that_is_not_calibrated_earns_no_personal_price(shop: Any) -> None:
    await _ready(shop)
    await shop.arrive()
    await shop.feed(_zone(shop, ZoneEntered, calibrated=False))
    shop.wait(5)
    await shop.feed(_zone(shop, ZoneDwelled, calibrated=False))
    assert shop.commands("label.show") == []
    await shop.feed(_zone(shop, ZoneDwelled))
    assert [command.variant for command in shop.commands("label.show")] == ["personal"]


async def test_a_second_person_takes_the_personal_price_away(shop: Any) -> None:
    await _ready(shop)
    await _dwell(shop)
    await shop.feed(_zone(shop, ZoneEntered, track="floor-1-1-2", visit=None))
    (revert,) = shop.commands("label.revert")
    assert revert.reason == "shared"
    await shop.feed(_zone(shop, ZoneDwelled, track="floor-1-1-2", visit=None))
    assert len(shop.commands("label.show")) == 1


async def test_a_name_that_is_withheld_takes_its_price_away_and_what_was_shown_stays_owed(shop: Any) -> None:
    await _ready(shop)
    await _dwell(shop)
    await shop.confirm_labels()
    first = shop.commands("label.show")[-1]
    shop.wait(3)
    await shop.feed(_zone(shop, ZoneEntered, visit=None))  # the same track; the edge is not sure who it is
    revert = shop.commands("label.revert")[-1]
    assert (revert.label, revert.quote, revert.reason) == ("label-1", first.quote, "left")
    await shop.feed(LabelState(label="label-1", state="shown", variant="public", price=20000, at=shop.now))
    async with shop.runtime.db.read() as session:
        (shown, *_) = await labels.shown(session, "shop")
        (quote,) = await pricing.quotes(session, "shop", "v1", shop.now)
        steps = [line.step for line in await entries(session, "shop", sku="HP-1")]
    assert (shown.variant, shown.content.price, shown.quote) == ("public", 20000, None)
    assert quote.state == "armed"
    assert steps[:4] == ["confirmed", "confirmed", "shown", "quoted"]
    await shop.feed(_zone(shop, ZoneDwelled, visit=None))
    assert len(shop.commands("label.show")) == 1, "nobody in particular: no personal price"
    shop.wait(3)
    await shop.feed(_zone(shop, ZoneEntered), _zone(shop, ZoneDwelled))  # sure again
    again = shop.commands("label.show")[-1]
    assert (again.variant, again.quote, again.content.price) == ("personal", first.quote, first.content.price)
    assert (await _redeem(shop, visit="v1")).charged == 17500


async def test_old_news_does_not_bring_a_withheld_name_back(shop: Any) -> None:
    await _ready(shop)
    await shop.arrive()
    entered, then = _zone(shop, ZoneEntered), shop.now
    shop.wait(5)
    dwelled = _zone(shop, ZoneDwelled)
    shop.wait(1)
    await shop.feed(_zone(shop, ZoneEntered, visit=None))
    await shop.feed(entered, dwelled)  # overtaken on the way, and younger than what is too old to count
    assert (shop.now - then).total_seconds() < 30
    assert shop.commands("label.show") == []
    shop.wait(1)
    await shop.feed(_zone(shop, ZoneEntered))
    assert [command.variant for command in shop.commands("label.show")] == ["personal"]


async def test_an_identity_taken_back_takes_the_price_away(shop: Any) -> None:
    await _ready(shop)
    await _dwell(shop)
    await shop.confirm_labels()
    await shop.arrive(outcome="retracted", confidence=0.0)
    assert shop.commands("label.revert")[-1].label == "label-1"
    assert (await _redeem(shop, visit="v1")).charged == 17500, "the glass has shown it"


async def test_leaving_reverts_and_the_window_ends_after_a_quarter_of_an_hour(shop: Any) -> None:
    await _ready(shop)
    await _dwell(shop)
    await shop.confirm_labels()
    await shop.feed(_zone(shop, ZoneLeft))
    assert shop.commands("label.revert")[-1].reason == "left"
    await shop.feed(LabelState(label="label-1", state="shown", variant="public", price=20000, at=shop.now))
    shop.wait(14 * 60)
    async with shop.runtime.db.read() as session:
        (quote,) = await pricing.quotes(session, "shop", "v1", shop.now)
    assert quote.state == "armed"
    shop.wait(2 * 60)
    answer = await _redeem(shop, visit="v1")
    assert (answer.charged, answer.redeemed) == (20000, False)


async def test_events_of_a_stay_in_the_wrong_order_end_with_the_public_price(shop: Any) -> None:
    await _ready(shop)
    await shop.arrive()
    entered, left_at = shop.now, shop.now + timedelta(seconds=9)
    shop.wait(10)
    await shop.feed(_zone(shop, ZoneLeft, at=left_at))
    await shop.feed(_zone(shop, ZoneDwelled, at=entered + timedelta(seconds=5)))
    await shop.feed(_zone(shop, ZoneEntered, at=entered))
    assert shop.commands("label.show") == []


async def test_old_news_never_makes_a_label_personal(shop: Any) -> None:
    await _ready(shop)
    await shop.arrive()
    old = shop.now - timedelta(minutes=5)
    await shop.feed(_zone(shop, ZoneEntered, at=old), _zone(shop, ZoneDwelled, at=old + timedelta(seconds=5)))
    assert shop.commands("label.show") == []


async def test_a_skewed_clock_is_corrected_by_the_offset_the_node_states(shop: Any) -> None:
    await _ready(shop)
    await shop.arrive()
    skewed = shop.now - timedelta(hours=1)
    for model in (ZoneEntered, ZoneDwelled):
        await shop.feed(shop.message(_zone(shop, model, at=skewed), offset=-3600.0))
    assert len(shop.commands("label.show")) == 1


async def test_the_end_of_a_visit_reverts(shop: Any) -> None:
    await _ready(shop)
    await _dwell(shop)
    await shop.feed(VisitEnded(visit="v1", reason="exit", duration_s=10, at=shop.now))
    assert len(shop.commands("label.revert")) == 1


async def test_an_unconfirmed_command_is_sent_again_until_it_is_confirmed(shop: Any) -> None:
    await _ready(shop)
    await _dwell(shop)
    background = Background(shop.runtime)
    shop.wait(4)
    await background.resend()
    first, second = shop.commands("label.show")
    assert first == second
    await shop.confirm_labels()
    shop.wait(60)
    await background.resend()
    assert len(shop.commands("label.show")) == 2


async def test_an_expired_personal_price_is_not_resent_and_no_longer_wanted(shop: Any) -> None:
    await _ready(shop)
    await _dwell(shop)
    shop.bus.sent.clear()
    shop.wait(125)
    background = Background(shop.runtime)
    await background.expire()
    await background.resend()
    assert not [command for command in shop.commands("label.show") if command.variant == "personal"]
    async with shop.runtime.db.read() as session:
        label = (await labels.shown(session, "shop"))[0]
    assert label.wanted is not None
    assert label.wanted.variant == "public"


async def test_a_restarted_node_forgets_who_stood_where(shop: Any) -> None:
    await _ready(shop)
    await _dwell(shop)
    shop.wait(1)
    await shop.birth()
    assert len(shop.commands("label.revert")) == 1


async def test_a_new_disk_gets_the_public_prices_again(shop: Any) -> None:
    await _ready(shop)
    shop.session = "outbox-2"
    await shop.birth()
    assert {command.variant for command in shop.commands("label.show")} == {"public"}


async def test_the_ledger_tells_the_whole_story(shop: Any) -> None:
    await _ready(shop)
    await _dwell(shop)
    await shop.confirm_labels()
    await _redeem(shop, visit="v1")
    async with shop.runtime.db.read() as session:
        statement = select(LedgerEntry.step, func.count()).where(LedgerEntry.variant == "personal")
        counted = dict((await session.execute(statement.group_by(LedgerEntry.step))).all())
    assert counted == {"quoted": 1, "shown": 1, "confirmed": 1, "charged": 1}


async def test_a_raised_price_is_not_charged_while_a_label_still_shows_the_old_one(
    shop: Any, import_document: Any
) -> None:
    await _ready(shop)
    dearer = import_document()
    dearer["products"][0]["price"] = 25000
    await shop.load(dearer)
    answer = await _redeem(shop)
    assert answer.charged == 20000
    assert {command.content.price for command in shop.commands("label.show")} == {25000}


async def test_after_the_edge_went_back_by_itself_the_same_visit_may_see_its_price_again(shop: Any) -> None:
    await _ready(shop)
    await _dwell(shop)
    await shop.confirm_labels()
    shop.wait(2)
    went_back = LabelState(label="label-1", state="shown", variant="public", price=20000, cause="zone", at=shop.now)
    await shop.feed(_zone(shop, ZoneLeft), went_back)
    shop.wait(2)
    await shop.feed(_zone(shop, ZoneEntered))
    shop.wait(5)
    await shop.feed(_zone(shop, ZoneDwelled))
    first, again = shop.commands("label.show")
    assert (first.quote, first.content.price) == (again.quote, again.content.price)
    assert again.sequence > first.sequence


async def test_a_restored_older_database_does_not_repeat_command_numbers(shop: Any) -> None:
    """An old backup must not leave central counting below what the nodes have passed: they would refuse withdrawals."""

    async def number() -> int:
        async with shop.runtime.change() as effects:
            return await next_sequence(effects.session, "demo", "restored", effects.now)

    first = await number()
    async with shop.runtime.change() as effects:
        await effects.session.execute(update(Node).where(Node.node == "restored").values(command_sequence=3))
    shop.wait(60)
    later = await number()
    assert later > first
    assert await number() == later + 1
