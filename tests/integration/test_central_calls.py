"""A customer asks for a consultant: the card says where and about what, and ends with the visit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from central.alerts import service
from central.alerts.tables import Alert, AlertChange
from central.contribution.tables import ContributionEvidence
from contract.events import VisitEnded, VisitIdentified

SUBJECT = "a" * 32


async def _call(shop: Any, zone: str | None = "audio", sku: str | None = "HP-1") -> int:
    async with shop.runtime.change() as effects:
        return (await service.call(effects, "shop", SUBJECT, "v1", zone, sku)).id


async def _cards(shop: Any, state: str = "open") -> list[Any]:
    async with shop.runtime.db.read() as session:
        found = await service.cards(session, shop.runtime.vault, "shop", state, now=shop.now, language="ru")
    return [card for card in found if card.kind == "call"]


async def test_a_call_says_where_and_about_what_and_again_is_the_same_call(shop: Any) -> None:
    await shop.load()
    await shop.arrive("v1")
    first = await _call(shop)
    shop.wait(30)
    assert await _call(shop, "video", None) == first
    (card,) = await _cards(shop)
    assert (card.zone.name, card.article, card.customer.name) == ({"en": "Video", "ru": "Видео"}, None, "Anna")
    async with shop.runtime.db.read() as session:
        events = (await session.scalars(select(AlertChange.event).where(AlertChange.alert == first))).all()
    assert events == ["arrival", "updated"]


async def test_nobody_calls_who_is_not_here_and_a_call_ends_with_the_visit(shop: Any) -> None:
    await shop.load()
    with pytest.raises(service.NotHereError):
        await _call(shop)
    await shop.arrive("v1")
    await _call(shop)
    await shop.feed(VisitEnded(visit="v1", reason="exit", duration_s=60, at=shop.now))
    assert await _cards(shop) == []
    assert [card.state for card in await _cards(shop, "all")] == ["expired"]
    with pytest.raises(service.NotHereError):
        await _call(shop)


async def test_a_call_of_somebody_mistaken_for_another_is_withdrawn(shop: Any) -> None:
    await shop.load()
    await shop.arrive("v1")
    await _call(shop)
    shop.wait(5)
    clue = {"method": "face", "device": "door-1", "confidence": 0.9, "first_usable_at": shop.now, "at": shop.now}
    await shop.feed(VisitIdentified(visit="v1", subject=SUBJECT, stage="final", outcome="retracted", **clue))
    (card,) = await _cards(shop, "all")
    assert (card.state, card.customer.guest) == ("retracted", True)


async def test_called_off_and_called_again_after_it_was_done(shop: Any) -> None:
    await shop.load()
    await shop.arrive("v1")
    number = await _call(shop)
    async with shop.runtime.change() as effects:
        assert await service.call_off(effects, "shop", "v1")
        assert not await service.call_off(effects, "shop", "v1")
    assert await _call(shop) == number
    async with shop.runtime.change() as effects:
        alert = await effects.session.get(Alert, number)
        await service.claim(effects, alert, "ilya")
        await service.done(effects, alert, "ilya", force=False)
    shop.wait(60)
    await _call(shop)
    (card,) = await _cards(shop)
    assert (card.claimed_by, card.created_at, card.article.sku) == (None, shop.now, "HP-1")
    assert card.expires_at > shop.now + timedelta(minutes=1)


async def test_handed_over_counts_for_both_and_only_the_holder_may(shop: Any) -> None:
    await shop.load()
    await shop.arrive("v1")
    async with shop.runtime.change() as effects:
        alert = (await effects.session.scalars(select(Alert))).one()
        await service.claim(effects, alert, "ilya")
    async with shop.runtime.change() as effects:
        alert = (await effects.session.scalars(select(Alert))).one()
        with pytest.raises(service.ClaimedError, match="ilya"):
            await service.hand_over(effects, alert, "marina", "marina", force=False)
    async with shop.runtime.change() as effects:
        alert = (await effects.session.scalars(select(Alert))).one()
        await service.hand_over(effects, alert, "ilya", "marina", force=False)
        assert alert.claimed_by == "marina"
    async with shop.runtime.db.read() as session:
        rows = (await session.scalars(select(ContributionEvidence))).all()
    assert {(row.consultant, row.kind) for row in rows} == {
        ("ilya", "claimed"),
        ("ilya", "handed_over"),
        ("marina", "claimed"),
    }
