"""Erased in the middle of a visit: the label that shows their price goes back at once, whatever the floor knows."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, select

from central.labels.tables import Label, Presence
from central.outgoing import service as outgoing
from central.outgoing.tables import OutgoingCommand
from central.pricing.tables import Quote
from central.privacy import erasing, rights
from contract.events import LabelState, ZoneDwelled, ZoneEntered, ZoneLeft

SUBJECT = "a" * 32


async def _at_the_label(shop: Any, *, confirmed: bool) -> Any:
    await shop.load()
    await shop.birth()
    await shop.confirm_labels()
    await shop.arrive()
    who = {"visit": "v1", "track": "t1", "zone": "audio"}
    await shop.feed(ZoneEntered(**who, at=shop.now))
    shop.wait(5)
    await shop.feed(ZoneDwelled(**who, dwell_s=5.0, at=shop.now))
    show = shop.commands("label.show")[-1]
    assert (show.variant, show.visit) == ("personal", "v1")
    if confirmed:
        await shop.confirm_labels()
    shop.bus.sent.clear()
    return show


async def _erase(shop: Any) -> None:
    async with shop.runtime.change() as effects:
        await rights.erase(effects, SUBJECT)
    assert await erasing.complete(shop.runtime) == 1


@pytest.mark.parametrize("floor", ["sees them", "lost them"])
@pytest.mark.parametrize("confirmed", [True, False])
async def test_the_label_goes_back_and_is_told_again_until_it_has(shop: Any, floor: str, confirmed: bool) -> None:
    show = await _at_the_label(shop, confirmed=confirmed)
    if floor == "lost them":
        async with shop.runtime.db.write() as session:
            await session.execute(delete(Presence))
    await _erase(shop)
    (revert,) = shop.commands("label.revert")
    assert (revert.label, revert.quote) == (show.label, show.quote)
    async with shop.runtime.db.read() as session:
        assert (await session.scalars(select(Quote))).all() == []
        label = await session.get(Label, ("shop", show.label))
        assert (label.wanted_variant, label.wanted_visit, label.wanted_quote) == ("public", None, None)
        waiting = (await session.scalars(select(OutgoingCommand.kind).where(OutgoingCommand.state == "waiting"))).all()
    assert waiting == ["label.revert"]  # nothing is left that could show it again
    shop.wait(60)
    async with shop.runtime.db.write() as session:
        assert [row.kind for row in await outgoing.due(session, shop.now)] == ["label.revert"]

    # What the label did meanwhile comes late; then it is public.
    personal = {"state": "shown", "variant": "personal", "quote": show.quote, "command": show.sequence}
    await shop.feed(LabelState(label=show.label, price=show.content.price, at=shop.now, **personal))
    shop.wait(1)
    public = {"state": "shown", "variant": "public", "cause": "command", "command": revert.sequence}
    await shop.feed(LabelState(label=show.label, price=20_000, at=shop.now, **public))
    await shop.feed(ZoneLeft(visit="v1", track="t1", zone="audio", dwell_s=70.0, at=shop.now))
    async with shop.runtime.db.read() as session:
        label = await session.get(Label, ("shop", show.label))
        assert (label.glass_variant, label.glass_quote) == ("public", None)
        assert (await session.scalars(select(Quote))).all() == []
