"""The manager's look back: periods, comparison, funnel, queue, heat by the hour, files."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncSession

from central.analytics.hours import day_start, zone_of
from central.analytics.rollup import roll_up
from central.analytics.tables import Progress, Stay
from central.catalogue.tables import Store
from central.database import Database
from central.sales.tables import Sale, SaleLine
from central.settings import async_url
from central.visits.tables import Visit

if TYPE_CHECKING:
    from conftest import Central, Visitor

DAYS = 10
ZONES = ("headphones", "speakers", "vinyl")


def _generator() -> ModuleType:
    path = Path(__file__).parents[1] / "bench" / "store_month.py"
    spec = importlib.util.spec_from_file_location("store_month", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["store_month"] = module
    spec.loader.exec_module(module)
    return module


async def _fill(central: Central) -> None:
    made = _generator()
    database = Database(async_url(f"sqlite:///{central.data / 'central.db'}"))
    today = day_start(datetime.now(UTC), zone_of("Europe/Berlin"))
    month = made.Month(today - timedelta(days=DAYS), DAYS, 300, "corner", 5, ZONES)
    async with database.write() as session:
        store = await session.get(Store, "corner")
        assert store is not None
        for number in range(DAYS):
            for table, rows in month.day(number).items():
                await session.execute(insert(table), rows)
        await _ordered_at_home(session, today - timedelta(hours=36))
        await session.execute(delete(Progress))  # central has looked through these days already
        await roll_up(session, store, datetime.now(UTC), 10)
    await database.close()


async def _ordered_at_home(session: AsyncSession, noon: datetime) -> None:
    """Twelve customers who stood before the headphones two days ago and ordered them on the site in the evening."""
    who = ["anna", "jonas", *(f"extra{number}" for number in range(10))]
    at, names = noon + timedelta(hours=8), {"channel": "site", "scope": "web"}
    for number, ident in enumerate(who):
        subject, visit = hashlib.sha256(ident.encode()).hexdigest()[:32], f"past-{number}"
        session.add(Visit(store="corner", id=visit, node="edge-1", subject=subject, first_seen_at=noon, ended_at=noon))
        stay = {"store": "corner", "zone": "headphones", "visit": visit, "track": f"past-{number}", "calibrated": True}
        session.add(Stay(**stay, dwell_s=40.0, stopped=True, left_at=noon))
        sale = f"past-{number}"
        session.add(Sale(**names, id=sale, store="corner", subject=subject, currency="EUR", at=at, recorded_at=at))
        await session.flush()
        session.add(SaleLine(**names, sale=sale, sku="HP-1", quantity=1, price=39_900))
    await session.flush()


@pytest.fixture(scope="session")
def past(central: Central) -> None:
    """Ten days of a shop with about 300 visitors a day. In a thread: Playwright's loop runs in this one."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, _fill(central)).result()


def number(page: Page, selector: str) -> int:
    text = page.locator(selector).inner_text()
    return int("".join(letter for letter in text if letter.isdigit()))


def ready(page: Page) -> None:
    expect(page.locator("#figures")).to_have_attribute("aria-busy", "false")
    expect(page.locator("#failed")).to_be_hidden()


@pytest.mark.usefixtures("past")
def test_a_week_with_comparison_funnel_queue_and_heat(visitor: Visitor) -> None:
    page = visitor.staff("vera", "/analytics")
    ready(page)
    week = number(page, "#entered")
    assert 1000 < week < 4000
    expect(page.locator("#trust")).to_contain_text("Not audited")
    expect(page.locator("#funnel tr")).to_have_count(3)
    later = page.get_by_role("columnheader", name="Ordered later")
    expect(later).to_have_attribute("title", "on the site, within 14 days")
    place = page.locator("#funnel-table th").all_inner_texts().index("Ordered later")
    headphones = page.locator("#funnel tr").filter(has_text="Headphones")
    assert headphones.locator("th, td").nth(place).inner_text().strip() == "12"
    expect(page.locator("#queues tr")).to_have_count(1)
    assert page.locator("#distribution tr").count() >= 4
    assert page.locator("#footfall canvas").count() == 1
    page.get_by_label("Compare with").select_option("before")
    expect(page.locator("#entered-delta")).to_contain_text("the period before")
    page.get_by_role("button", name="Yesterday").click()
    ready(page)
    assert number(page, "#entered") < week / 3
    slider = page.get_by_label("Hour of the day")
    with page.expect_request(lambda request: "hour=0" in request.url):
        slider.press("ArrowRight")
    expect(page.locator("#hour-text")).to_have_text("00:00 to 01:00, all days")
    expect(page.locator("#heat-note")).to_contain_text("No place had enough people")


@pytest.mark.usefixtures("past")
def test_files_hold_the_same_figures(visitor: Visitor) -> None:
    page = visitor.staff("vera", "/analytics")
    ready(page)
    with page.expect_download() as started:
        page.get_by_role("link", name="CSV: Footfall").click()
    lines = started.value.path().read_text().splitlines()
    place = lines[0].split(",").index("entered")
    assert sum(int(line.split(",")[place]) for line in lines[1:]) == number(page, "#entered")
    with page.expect_download() as started:
        page.get_by_role("link", name="Parquet: Heat").click()
    assert started.value.path().read_bytes()[:4] == b"PAR1"


def test_an_empty_period_and_a_failure_say_so(visitor: Visitor) -> None:
    page = visitor.staff("vera", "/analytics")
    ready(page)
    page.get_by_role("button", name="Dates").click()
    page.get_by_label("From", exact=True).fill("2026-01-05")
    page.get_by_label("To", exact=True).fill("2026-01-06")
    page.get_by_role("button", name="Show").click()
    for name in ("footfall", "profile", "dwell", "funnel", "queues"):
        expect(page.locator(f"#no-{name}")).to_be_visible()

    def broken(route: Route) -> None:
        route.fulfill(status=503, body="{}")

    page.route("**/analytics/dwell**", broken)
    page.get_by_role("button", name="7 days").click()
    expect(page.locator("#failed")).to_be_visible()
    page.unroute("**/analytics/dwell**", broken)
    page.get_by_role("button", name="Try again").click()
    ready(page)


@pytest.mark.usefixtures("past")
@pytest.mark.parametrize(("width", "language"), [(390, "ru"), (1280, "en")])
def test_pictures(visitor: Visitor, width: int, language: str, tmp_path: Path) -> None:
    page = visitor.staff("vera", "/analytics", width=width, height=844, language=language)
    ready(page)
    page.locator("#against").select_option("before")
    page.wait_for_timeout(700)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    picture = tmp_path / "analytics.png"
    page.screenshot(path=picture, full_page=True)
    assert picture.stat().st_size > 20_000
