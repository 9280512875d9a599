"""Pictures of the pages for the README: `pytest tests/e2e/pictures.py` draws docs/images anew. Not a test."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from playwright.sync_api import expect

from contract.events import LineCrossed, ZoneLeft

if TYPE_CHECKING:
    from conftest import Central, FakeNode, Visitor

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PLACES = [(2.6, 2.4, 0.8), (6.4, 2.2, 0.7), (11.4, 2.8, 0.9), (7.0, 6.8, 0.6)]
"""Where people stood: metres right, metres down, spread."""


def crowd(people: random.Random) -> list[tuple[int, int, float]]:
    """A minute of occupancy around the shelves and on the way to them."""
    cells: dict[tuple[int, int], float] = {}
    for x, y, spread in PLACES:
        for _ in range(14):
            cell = (int(people.gauss(x, spread) / 0.25), int(people.gauss(y, spread * 0.6) / 0.25))
            cells[cell] = cells.get(cell, 0.0) + 4.0
    return [(column, row, seconds) for (column, row), seconds in cells.items() if 0 <= column < 56 and 0 <= row < 36]


def people_through_the_shop(node: FakeNode, people: random.Random) -> None:
    """Some hours of walking in, staying and walking out; today's only, whatever the hour."""
    now = datetime.now(UTC)
    for number in range(60):
        at = now - timedelta(minutes=number * 2.6)
        track = f"floor-0-{number}"
        for direction, later in (("in", 0), ("out", people.randrange(2, 30))):
            if number * 2.6 > later:
                crossed = {"track": track, "line": "door", "direction": direction, "at": at + timedelta(minutes=later)}
                node.send(LineCrossed.model_validate(crossed))
        zone = people.choice(["headphones", "headphones", "speakers", "vinyl"])
        node.send(ZoneLeft(track=track, zone=zone, dwell_s=people.expovariate(1 / 90), at=at))


def what_the_site_knows(central: Central) -> None:
    """Four models by feed, and Anna's evening on the site."""
    token = central.command("token", "create", "--role", "site", "--store", "corner", "--source", "web").strip()
    headers = {"Authorization": f"Bearer {token}"}
    goods = [
        ("P-1", "Aurora One", 120, 254, 3),
        ("P-2", "Borealis Two", 90, 230, 5),
        ("P-3", "Corona Three", 95, 198, 8),
    ]
    offers = "".join(
        f'<offer id="{sku}"><name>{name}</name><price>{price}</price><categoryId>1</categoryId>'
        f'<param name="Weight" unit="g">{weight}</param><param name="Bass" unit="dB">{bass}</param>'
        '<outlets><outlet id="corner" instock="2"/></outlets></offer>'
        for sku, name, price, weight, bass in goods
    )
    shop = f'<categories><category id="1">Headphones</category></categories><offers>{offers}</offers>'
    feed = f"<yml_catalog><shop>{shop}</shop></yml_catalog>"
    address = f"{central.url}/api/v1/feeds?store=corner&format=yml&name=pictures&delta=true"
    httpx.post(address, content=feed.encode(), headers=headers, timeout=30).raise_for_status()
    prices = [{"type": "price", "value": {"max": 100}}, {"type": "colour", "value": "black"}]
    told = [
        ("Product List Filtered", {"category": "Headphones", "filters": prices}),
        ("Product Viewed", {"sku": "P-1", "category": "Headphones"}),
        ("Product Added", {"sku": "P-3", "category": "Headphones", "quantity": 1}),
        ("Delivery Options Viewed", {"sku": "P-3", "delivery_days": 5}),
    ]
    batch = [
        {"type": "track", "event": name, "messageId": uuid.uuid4().hex, "userId": "anna", "properties": properties}
        for name, properties in told
    ]
    httpx.post(f"{central.url}/v1/events", json={"batch": batch}, headers=headers, timeout=30).raise_for_status()


def test_draw_the_card(visitor: Visitor, node: FakeNode, central: Central) -> None:
    what_the_site_knows(central)
    visit = node.arrive("anna")
    node.settle()
    desk = visitor.staff("marina", f"/card/{visit}?store=corner", height=1050)
    desk.get_by_role("button", name="I’ll take it").click()
    desk.get_by_label("What they want").fill("lighter than P-1, more bass than P-2")
    desk.get_by_label("What they want").press("Enter")
    desk.locator("#found [data-compare]").first.click()
    desk.locator('#live [data-compare="P-1"]').first.click()
    desk.locator("#found [data-basket]").first.click()
    expect(desk.locator("#basket")).to_contain_text("Corona Three")
    desk.wait_for_timeout(6500)
    desk.evaluate("scrollTo(0, 0)")
    desk.screenshot(path=IMAGES / "card.png")
    phone = visitor.staff("marina", f"/card/{visit}?store=corner", width=390, height=844)
    phone.screenshot(path=IMAGES / "card-phone.png")
    node.leave(visit)


def test_draw(visitor: Visitor, node: FakeNode) -> None:
    people = random.Random(7)
    for minute in range(1, 5):
        node.occupy(minute, crowd(people))
    for zone, count in (("headphones", 2), ("vinyl", 1)):
        for _ in range(count):
            node.enter(zone, None, f"floor-1-{uuid.uuid4().hex[:6]}")
    people_through_the_shop(node, people)
    visits = [node.arrive(ident) for ident in ("anna", "jonas", "quiet", "extra1")]
    node.settle()
    IMAGES.mkdir(parents=True, exist_ok=True)
    colleague = visitor.staff("ilya")
    colleague.locator(f'[data-visit="{visits[3]}"]').get_by_role("button").click()
    expect(colleague.locator(f'#group-mine [data-visit="{visits[3]}"]')).to_be_visible()
    arrivals = visitor.staff("marina", height=900)
    expect(arrivals.locator("#live")).to_be_visible()
    arrivals.wait_for_timeout(5000)
    arrivals.screenshot(path=IMAGES / "arrivals.png")
    floor = visitor.staff("vera", "/floor", height=960)
    floor.wait_for_timeout(3000)
    floor.screenshot(path=IMAGES / "floor.png")
    for picture in (IMAGES / "arrivals.png", IMAGES / "floor.png"):
        assert picture.stat().st_size < 300_000
