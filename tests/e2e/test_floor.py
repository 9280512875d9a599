"""The manager's floor."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from conftest import FakeNode, Visitor

# Pixels of the heat canvas that are not transparent.
PAINTED = """() => {
  const canvas = document.querySelector('.heat-layer');
  const bytes = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let painted = 0;
  for (let at = 3; at < bytes.length; at += 4) painted += bytes[at] > 0;
  return painted;
}"""


def wait_for_heat(page: Page) -> None:
    """Playwright's own waiting would need eval, which the pages forbid."""
    for _ in range(200):
        if page.evaluate(PAINTED) > 200:
            return
        page.wait_for_timeout(100)
    raise AssertionError("no heat was drawn")


def test_people_in_zones_and_heat_appear_without_reloading(visitor: Visitor, node: FakeNode) -> None:
    page = visitor.staff("vera", "/floor")
    vinyl = page.locator(".zone-tag", has_text="Vinyl corner").locator("b")
    expect(vinyl).to_have_text("0")
    page.evaluate("window.notReloaded = true")
    node.enter("vinyl", None, f"floor-1-{uuid.uuid4().hex[:6]}")
    node.enter("vinyl", None, f"floor-1-{uuid.uuid4().hex[:6]}")
    node.occupy(1, [(40 + column, 5 + row, 6.0) for column in range(4) for row in range(3)])
    expect(vinyl).to_have_text("2")
    wait_for_heat(page)
    assert page.evaluate("window.notReloaded") is True
    expect(page.locator("#heat-note")).to_contain_text("last 5 minutes")


def test_the_heat_lies_where_the_people_were(visitor: Visitor, node: FakeNode) -> None:
    node.occupy(2, [(40 + column, 5 + row, 9.0) for column in range(4) for row in range(3)])
    node.settle()
    page = visitor.staff("vera", "/floor")
    wait_for_heat(page)
    place = page.evaluate("""() => {
      const canvas = document.querySelector('.heat-layer');
      const { data, width } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let x = 0, y = 0, mass = 0;
      for (let at = 3; at < data.length; at += 4) {
        const weight = data[at], pixel = (at - 3) / 4;
        x += (pixel % width) * weight; y += Math.floor(pixel / width) * weight; mass += weight;
      }
      const box = document.querySelector('path.wall-shape').getBoundingClientRect();
      const own = canvas.getBoundingClientRect();
      return [(own.x + x / mass - box.x) / box.width, (own.y + y / mass - box.y) / box.height];
    }""")
    # Cells 40..43 x 5..7 of 0.25 m on a plan of 14 x 9 m.
    assert abs(place[0] - 42 * 0.25 / 14) < 0.05
    assert abs(place[1] - 6.5 * 0.25 / 9) < 0.05


def test_the_past_can_be_asked_for_and_an_empty_one_says_so(visitor: Visitor, node: FakeNode) -> None:
    page = visitor.staff("vera", "/floor")
    page.get_by_role("button", name="Dates").click()
    page.get_by_label("From", exact=True).fill("2026-01-05")
    page.get_by_label("To", exact=True).fill("2026-01-06")
    with page.expect_request(lambda request: "heatmap" in request.url) as asked:
        page.get_by_role("button", name="Show").click()
    # Midnight in Berlin, in winter, is 23:00 UTC of the day before; "to" includes its day.
    assert "from=2026-01-04T23%3A00%3A00.000Z" in asked.value.url
    assert "to=2026-01-06T23%3A00%3A00.000Z" in asked.value.url
    expect(page.locator("#no-dwell")).to_be_visible()
    expect(page.locator("#no-footfall")).to_be_visible()
    expect(page.locator("#heat-note")).to_contain_text("No place had enough people")
    page.get_by_role("button", name="Today").click()
    expect(page.get_by_role("button", name="Today")).to_have_attribute("aria-pressed", "true")


def test_a_consultant_gets_a_friendly_no(visitor: Visitor) -> None:
    page = visitor.staff("marina", "/floor")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not for this account")
    page.get_by_role("link", name="Back to arrivals").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Arrivals")
    expect(page.get_by_role("link", name="Floor")).to_have_count(0)
