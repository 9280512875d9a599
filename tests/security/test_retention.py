"""What is past its time goes (PRIVACY P7), shown with a clock that is moved."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from central.background import Background
from central.behaviour.tables import SiteEvent, SiteInterest
from central.ingest.tables import Event
from central.preferences.tables import Opinion
from central.pricing.tables import PriceOccasion
from central.privacy import erasing
from central.privacy.tables import SubjectConsent, Template
from central.profiles.tables import Customer
from central.visits.tables import Evidence, Visit
from tests.security.test_rights import _enrol
from tests.security.world import ANNA, World, live

pytestmark = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
DAY = 86400


async def _count(world: World, table: Any, *where: Any) -> int:
    async with world.runtime.db.read() as session:
        return await session.scalar(select(func.count()).select_from(table).where(*where)) or 0


async def _later(world: World, days: float) -> None:
    world.shop.wait(days * DAY)
    await Background(world.runtime).retain()


async def test_events_go_after_thirty_days_templates_after_a_year_profiles_when_set(world: World) -> None:
    await live(world)
    await _enrol(world)
    world.shop.wait(100)
    await _later(world, 29)
    assert await _count(world, SiteEvent) == 2
    await _later(world, 2)
    assert [await _count(world, table) for table in (SiteEvent, Event, Evidence)] == [0, 0, 0]
    assert await _count(world, Visit, Visit.subject.is_not(None)) == 0
    assert [await _count(world, table) for table in (Template, Opinion, PriceOccasion)] == [1, 1, 1]
    await _later(world, 300)
    assert await _count(world, Template) == 1
    await world.shop.arrive("v2", ANNA)
    assert await _count(world, PriceOccasion) == 1
    await _later(world, 364)
    assert await _count(world, PriceOccasion) == 0, "no dry run looks back so far"
    assert await _count(world, Template) == 1
    async with world.runtime.db.read() as session:
        consent = await session.get(SubjectConsent, ANNA)
        assert consent is not None
        assert consent.seen_at is not None
    await _later(world, 2)
    assert await _count(world, Template) == 0
    assert world.shop.commands("gallery.drop")[-1].reason == "retention"
    assert await _count(world, Customer, Customer.subject == ANNA) == 1
    await _later(world, 1095)
    await erasing.complete(world.runtime)
    assert [await _count(world, table) for table in (Opinion, SiteInterest)] == [0, 0]
    assert await _count(world, Customer, Customer.subject == ANNA) == 0
    assert ANNA in world.runtime.vault.destroyed()
