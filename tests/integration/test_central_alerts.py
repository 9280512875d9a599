"""Arrival cards: one a visit, only with consent, claimed by one, live on open pages."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from central.alerts import service
from central.alerts.tables import Alert
from central.background import Background
from central.privacy import service as privacy
from contract.events import VisitEnded, VisitIdentified


async def _cards(shop: Any, state: Any = "all") -> list[Any]:
    async with shop.runtime.db.read() as session:
        return await service.cards(session, shop.runtime.vault, "shop", state, now=shop.now)


async def _consent(shop: Any, **given: bool) -> None:
    shop.wait(1)
    async with shop.runtime.change() as effects:
        await privacy.record(
            effects, "a" * 32, given, text_version="1", text_sha256="0" * 64, channel="page", given_at=shop.now
        )


async def _act(shop: Any, what: Any, who: str, **more: Any) -> None:
    async with shop.runtime.change() as effects:
        alert = (await effects.session.scalars(select(Alert))).one()
        await what(effects, alert, who, **more)


async def test_one_card_a_visit_however_often_it_is_identified(shop: Any) -> None:
    await shop.load()
    with shop.runtime.hub.subscribe("shop") as stream:
        await shop.arrive(stage="provisional", confidence=0.7)
        await shop.arrive(stage="final", confidence=0.9)
        events = [stream.get_nowait().event for _ in range(stream.qsize())]
    (card,) = await _cards(shop)
    assert events == ["arrival", "updated"]
    assert (card.customer.name, card.interests, card.stage, card.confidence) == ("Anna", ["headphones"], "final", 0.9)
    assert card.first_usable_at == shop.now - timedelta(milliseconds=400)


async def test_provisional_and_final_in_one_batch_make_one_arrival(shop: Any) -> None:
    await shop.load()
    seen = {"visit": "v1", "subject": "a" * 32, "method": "face", "device": "d", "confidence": 0.9, "at": shop.now}
    with shop.runtime.hub.subscribe("shop") as stream:
        await shop.feed(
            VisitIdentified(**seen, stage="final", first_usable_at=shop.now),
            VisitIdentified(**seen, stage="provisional", first_usable_at=shop.now),
        )
        assert [stream.get_nowait().event for _ in range(stream.qsize())] == ["arrival"]


async def test_without_consent_to_alerts_there_is_no_card_and_without_a_profile_a_guest(shop: Any) -> None:
    await shop.load()
    await _consent(shop, identify=True)
    await shop.arrive("v1")
    assert await _cards(shop) == []
    await _consent(shop, identify=True, consultant_alert=True)
    (card,) = await _cards(shop)  # the visit goes on, so the new consent counts for it
    assert (card.customer.guest, card.customer.name, card.customer.id, card.interests) == (True, "a guest", None, [])


async def test_an_unknown_subject_makes_no_card(shop: Any) -> None:
    await shop.load()
    await shop.arrive(subject="f" * 32)
    assert await _cards(shop) == []


async def test_a_retraction_and_a_withdrawal_take_the_card_back(shop: Any) -> None:
    await shop.load()
    await shop.arrive("v1", stage="provisional")
    await shop.arrive("v2")
    with shop.runtime.hub.subscribe("shop") as stream:
        shop.wait(1)
        await shop.arrive("v1", outcome="retracted")
        await _consent(shop)
        changes = [stream.get_nowait() for _ in range(stream.qsize())]
    assert [(change.event, change.card.visit) for change in changes] == [("retracted", "v1"), ("retracted", "v2")]
    assert all(change.card.customer.guest for change in changes)


async def test_two_consultants_cannot_both_claim(shop: Any) -> None:
    await shop.load()
    await shop.arrive()
    outcomes = await asyncio.gather(
        *(_act(shop, service.claim, name) for name in ("kim", "lee", "max")), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, service.ClaimedError)]
    assert len(refused) == 2
    (card,) = await _cards(shop, "claimed")
    assert all(str(error) == f"claimed by {card.claimed_by}" for error in refused)


async def test_release_and_done_are_for_the_one_who_has_it(shop: Any) -> None:
    await shop.load()
    await shop.arrive()
    await _act(shop, service.claim, "kim")
    for action in (service.release, service.done):
        with pytest.raises(service.ClaimedError, match="claimed by kim"):
            await _act(shop, action, "lee", force=False)
    await _act(shop, service.release, "kim", force=False)
    await _act(shop, service.claim, "lee")
    await _act(shop, service.done, "lee", force=False)
    (card,) = await _cards(shop)
    assert (card.state, card.claimed_by) == ("done", "lee")


async def test_time_and_the_end_of_the_visit_close_a_card(shop: Any) -> None:
    await shop.load()
    await shop.arrive("v1")
    await shop.arrive("v2")
    await shop.feed(VisitEnded(visit="v1", reason="exit", duration_s=1, at=shop.now))
    assert {card.visit: card.state for card in await _cards(shop)} == {"v1": "expired", "v2": "open"}
    shop.wait(16 * 60)
    await Background(shop.runtime).expire()
    assert {card.state for card in await _cards(shop)} == {"expired"}


async def test_an_arrival_held_up_in_an_outbox_is_history(shop: Any) -> None:
    await shop.load()
    with shop.runtime.hub.subscribe("shop") as stream:
        await shop.arrive(first_usable_at=shop.now - timedelta(hours=3))
        assert stream.empty()
    assert [card.state for card in await _cards(shop)] == ["expired"]


async def test_identified_before_started_after_ended(shop: Any) -> None:
    await shop.load()
    await shop.feed(VisitEnded(visit="v1", reason="exit", duration_s=1, at=shop.now))
    await shop.arrive("v1")
    assert await _cards(shop) == []
