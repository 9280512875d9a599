"""A visit that was somebody else's: the site hears of it, and what was done in it counts for nobody wrongly."""

from __future__ import annotations

from typing import Any

from central.baskets import service as baskets
from central.preferences import service as preferences
from central.preferences.learning import people
from central.preferences.schemas import OpinionIn
from central.webhooks import service as webhooks
from central.webhooks.changes import LATE_NEWS
from contract.events import VisitEnded, VisitIdentified

ANNA, BORIS = "a" * 32, "b" * 32


async def _load(shop: Any, document: dict[str, Any]) -> None:
    anna = document["customers"][0]
    document["customers"].append({**anna, "id": "c2", "subject": BORIS, "name": "Boris"})
    await shop.load(document)


async def _identified(shop: Any, subject: str, outcome: str = "known") -> None:
    shop.wait(1)
    known = {"method": "face", "device": "door-1", "confidence": 0.9, "first_usable_at": shop.now, "at": shop.now}
    await shop.feed(VisitIdentified(visit="v1", subject=subject, stage="final", outcome=outcome, **known))


async def _in_the_shop(shop: Any) -> None:
    """A consultant writes an opinion down and fills the basket; the guest says something on the phone as well."""
    await shop.arrive("v1", ANNA)
    async with shop.runtime.change() as effects:
        about = {"subject": ANNA, "store": "shop", "visit": "v1", "liked": True}
        await preferences.record(effects, OpinionIn(**about, sku="HP-1", by="consultant:ilya"))
        await preferences.record(effects, OpinionIn(**about, sku="TV-1", by="customer"))
        await baskets.put(effects, "shop", ANNA, "HP-1", 1, "consultant:ilya", "v1")
        await baskets.put(effects, "shop", ANNA, "TV-1", 1, "customer", "v1")


async def _tell(shop: Any) -> None:
    shop.wait(LATE_NEWS.total_seconds() + 1)
    async with shop.runtime.change() as effects:
        for store, visit in await webhooks.visits_due(effects.session, shop.now):
            await webhooks.tell_visit(effects, store, visit)


async def _told(shop: Any) -> list[tuple[str, str, str | None]]:
    async with shop.runtime.db.read() as session:
        found = await webhooks.changes(session, shop.runtime.vault, "shop", 0, (), 100)
    return [(one.type, one.customer, one.data.get("visit")) for one in found.changes if one.type.startswith("visit")]


async def _knows(shop: Any, subject: str) -> tuple[set[str], set[str]]:
    """What is thought to have been tried, and what lies in the basket."""
    async with shop.runtime.db.read() as session:
        tried = await preferences.tried(session, shop.runtime.vault, subject)
        kept = await baskets.of_subject(session, shop.runtime.vault, subject, shop.now)
        learned = {opinion.sku for opinion in (await people(session, shop.runtime.vault, "shop")).get(subject, [])}
    assert learned == {entry.sku for entry in tried}
    return {entry.sku for entry in tried}, {line.sku for basket in kept for line in basket.lines}


async def test_the_site_hears_that_it_was_somebody_else(shop: Any, import_document: Any) -> None:
    await _load(shop, import_document())
    await _in_the_shop(shop)
    await shop.feed(VisitEnded(visit="v1", reason="exit", duration_s=60.0, at=shop.now))
    await _tell(shop)
    assert await _told(shop) == [("visit.finished", "c1", "v1")]
    assert await _knows(shop, ANNA) == ({"HP-1", "TV-1"}, {"HP-1", "TV-1"})

    await _identified(shop, ANNA, "retracted")
    assert await _told(shop) == [("visit.finished", "c1", "v1"), ("visit.withdrawn", "c1", "v1")]
    assert await _knows(shop, ANNA) == ({"TV-1"}, {"TV-1"})  # what she said herself, on her own page, is hers

    await _identified(shop, BORIS)
    await _tell(shop)
    assert (await _told(shop))[2:] == [("visit.finished", "c2", "v1")]
    assert await _knows(shop, ANNA) == ({"TV-1"}, {"TV-1"})
    assert await _knows(shop, BORIS) == (set(), set())

    await _identified(shop, ANNA)
    await _tell(shop)
    assert (await _told(shop))[3:] == [("visit.withdrawn", "c2", "v1"), ("visit.finished", "c1", "v1")]
    assert (await _knows(shop, ANNA))[0] == {"HP-1", "TV-1"}


async def test_nothing_is_taken_back_that_was_never_told(shop: Any, import_document: Any) -> None:
    await _load(shop, import_document())
    await shop.arrive("v1", ANNA)
    await _identified(shop, BORIS)
    await shop.feed(VisitEnded(visit="v1", reason="exit", duration_s=60.0, at=shop.now))
    await _tell(shop)
    assert await _told(shop) == [("visit.finished", "c2", "v1")]


async def test_an_opinion_that_was_told_at_once_is_taken_back_too(shop: Any, import_document: Any) -> None:
    await _load(shop, import_document())
    await _in_the_shop(shop)
    await _identified(shop, BORIS)
    assert await _told(shop) == [("visit.withdrawn", "c1", "v1")]


async def test_a_visit_that_only_forgot_its_person_keeps_what_was_said(shop: Any, import_document: Any) -> None:
    from central.privacy.retention import forget_old

    await _load(shop, import_document())
    await _in_the_shop(shop)
    shop.wait(40 * 86400)
    async with shop.runtime.db.write() as session:
        await forget_old(session, shop.now, shop.runtime.settings)
    assert (await _knows(shop, ANNA))[0] == {"HP-1", "TV-1"}
