"""The contribution report in a browser: a claimed guest, an order, the number and what is behind it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
from playwright.sync_api import expect

if TYPE_CHECKING:
    from conftest import Central, FakeNode, Visitor


def _order(central: Central, number: str) -> None:
    token = central.command("token", "create", "--role", "till", "--store", "corner").strip()
    line = {"store": "corner", "sku": "HP-1", "receipt": number, "customer": "jonas"}
    answer = httpx.post(f"{central.url}/api/v1/till/redeem", json=line, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text


def test_a_claimed_guest_who_buys_is_opened_down_to_the_claim(
    visitor: Visitor, node: FakeNode, central: Central
) -> None:
    visit = node.arrive("jonas")
    page = visitor.staff("marina", "/arrivals")
    card = page.locator("article, li").filter(has_text="Jonas Weber").last
    card.get_by_role("button").first.click()
    expect(page.get_by_text(re.compile("Jonas Weber")).first).to_be_visible()
    page.wait_for_timeout(500)
    _order(central, f"r-{datetime.now(UTC).timestamp():.0f}")
    page.goto("/contribution")
    expect(page.get_by_role("link", name=re.compile("marina"))).to_be_visible()
    page.get_by_role("link", name=re.compile("marina")).click()
    expect(page.get_by_role("heading", name="marina")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("took the guest")).first).to_be_visible()
    assert page.request.get("/contribution/ilya").status == 404
    node.leave(visit)


def test_a_manager_changes_the_formula_and_mistakes_are_named(visitor: Visitor, node: FakeNode) -> None:
    page = visitor.staff("vera", "/contribution")
    page.get_by_label("Formula").last.fill("version: 1\nmost: 3\n")
    page.get_by_role("button", name="Put in force").click()
    expect(page.get_by_role("row", name=re.compile("2.*most"))).to_be_visible()
    page.get_by_label("Formula").last.fill("version: 1\n")
    page.get_by_role("button", name="Put in force").click()
    expect(page.locator("#result")).to_contain_text("In force since")
