"""The contribution report in a browser: a claimed guest, an order, the number and what is behind it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from conftest import Central, FakeNode, Visitor


def _minor(text: str) -> int:
    """Minor units of a price as it is written."""
    digits = re.sub(r"[^0-9.]", "", text)
    return round(float(digits) * 100)


def _order(central: Central, number: str) -> None:
    token = central.command("token", "create", "--role", "till", "--store", "corner").strip()
    line = {"store": "corner", "sku": "HP-1", "receipt": number, "customer": "extra6"}
    answer = httpx.post(f"{central.url}/api/v1/till/redeem", json=line, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text


def test_a_claimed_guest_who_buys_is_opened_down_to_the_claim(
    visitor: Visitor, node: FakeNode, central: Central
) -> None:
    visit = node.arrive("extra6")
    page = visitor.staff("marina", "/arrivals")
    page.locator(f'[data-visit="{visit}"]').get_by_role("button").click()
    expect(page.locator(f'#group-mine [data-visit="{visit}"]')).to_be_visible()
    receipt = f"r-{datetime.now(UTC).timestamp():.0f}"
    _order(central, receipt)
    page.goto("/contribution")
    expect(page.get_by_role("link", name=re.compile("marina"))).to_be_visible()
    page.get_by_role("link", name=re.compile("marina")).click()
    expect(page.get_by_role("heading", name="marina")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("took the guest")).first).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("took the guest.*in|took the guest.*article")).last).to_be_visible()
    assert page.request.get("/contribution/ilya").status == 404
    assert page.request.get("/contribution/all/sales").status == 403
    node.leave(visit)
    _every_number_adds_up(visitor.staff("vera", "/contribution"), receipt)


def _every_number_adds_up(page: Page, receipt: str) -> None:
    """From the total to the lines, from a consultant's sum to its lines, from a line's share to its points."""
    sums = [_minor(text) for text in page.locator(".person-sum").all_inner_texts()]
    words = page.locator(".sum").inner_text()
    shared, sold = (_minor(text) for text in re.findall(r"€\s?\d[\d,.\s]*|\d[\d,.\s]*€", words)[:2])
    assert sum(sums) == shared
    person = page.get_by_role("link", name=re.compile("marina"))
    own = _minor(person.locator(".person-sum").inner_text())
    page.get_by_role("link", name="All sales").click()
    table = page.locator("table.data tbody tr")
    expect(page.get_by_role("row", name=re.compile(receipt))).to_be_visible()
    columns = [[_minor(cell) for cell in row.locator("td.right").all_inner_texts()] for row in table.all()]
    assert sum(row[0] for row in columns) == sold == _minor(page.locator(".big-sum").inner_text())
    assert sum(row[1] for row in columns) == shared
    assert all(row[0] == row[1] + row[2] for row in columns)
    page.go_back()
    person.click()
    assert _minor(page.locator(".big-sum").inner_text()) == own
    assert sum(_minor(text) for text in page.locator(".sale-sum strong").all_inner_texts()) == own
    expect(page.locator("li.sale").filter(has_text=receipt).get_by_role("row", name=re.compile("took"))).to_be_visible()


def test_a_manager_changes_the_formula_and_mistakes_are_named(visitor: Visitor, node: FakeNode) -> None:
    page = visitor.staff("vera", "/contribution")
    page.get_by_label("Formula").last.fill("version: 1\nmost: 3\n")
    page.get_by_role("button", name="Put in force").click()
    expect(page.get_by_role("row", name=re.compile("2.*most"))).to_be_visible()
    page.get_by_label("Formula").last.fill("version: 1\n")
    page.get_by_role("button", name="Put in force").click()
    expect(page.locator("#result")).to_contain_text("In force since")
