"""The manager's page of price rules: mistakes by line, a trial, putting in force, the ledger."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

import httpx
from playwright.sync_api import expect

if TYPE_CHECKING:
    from conftest import Central, FakeNode, Visitor


def test_a_mistake_is_named_with_its_line_and_changes_nothing(visitor: Visitor, node: FakeNode) -> None:
    page = visitor.staff("vera", "/prices")
    page.get_by_label("Rule file").fill("version: 1\nrules:\n  - {id: a, give: {share: 2}}\n")
    page.get_by_role("button", name="Put in force").click()
    expect(page.get_by_role("alert").filter(has_text="Nothing was changed")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile(r"3.*rules\[0\]\.give\.share"))).to_be_visible()
    page.reload()
    expect(page.get_by_label("Rule file")).not_to_have_value(re.compile("share: 2"))


def test_rules_are_put_in_force_and_stay(visitor: Visitor, node: FakeNode) -> None:
    page = visitor.staff("vera", "/prices")
    text = "version: 1\nrules:\n  - id: mornings\n    when: {days: [sun], hours: 03:00-03:01}\n    give: {amount: 1}\n"
    page.get_by_label("Rule file").fill(text)
    page.get_by_role("button", name="Try on 30 days").click()
    expect(page.locator("#result")).to_contain_text("No mistakes")
    page.get_by_role("button", name="Put in force").click()
    expect(page.locator("#result")).to_contain_text("In force since")
    page.reload()
    expect(page.get_by_label("Rule file")).to_have_value(text)
    expect(page.get_by_role("heading", name="Rules").locator("..")).to_contain_text("in force since")


def test_the_ledger_is_found_by_article(visitor: Visitor, node: FakeNode) -> None:
    page = visitor.staff("vera", "/prices")
    page.get_by_placeholder("Article").fill("NOSUCH")
    page.get_by_placeholder("Article").press("Enter")
    expect(page.get_by_text("Nothing was shown or charged for “NOSUCH” yet.")).to_be_visible()


def test_a_consultant_has_no_business_here(visitor: Visitor) -> None:
    page = visitor.staff("ilya", "/arrivals")
    expect(page.get_by_role("link", name="Prices")).to_have_count(0)
    assert page.request.get("/prices").status == 403


def test_a_charge_is_opened_down_to_the_label(visitor: Visitor, node: FakeNode, central: Central) -> None:
    visit, track = node.arrive("anna"), f"floor-1-{uuid.uuid4().hex[:6]}"
    node.enter("headphones", visit, track)
    node.dwell("headphones", visit, track)
    page = visitor.staff("vera", "/prices?sku=HP-1")
    seen = page.get_by_role("row", name=re.compile("seen on the label.*personal"))
    for _ in range(20):
        if seen.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    token = central.command("token", "create", "--role", "till", "--store", "corner").strip()
    line = {"store": "corner", "sku": "HP-1", "receipt": f"r-{uuid.uuid4().hex[:8]}", "visit": visit}
    sold = httpx.post(f"{central.url}/api/v1/till/redeem", json=line, headers={"Authorization": f"Bearer {token}"})
    assert sold.json()["redeemed"], sold.text
    page.reload()
    page.get_by_role("row", name=re.compile("charged.*personal")).first.get_by_role("link").click()
    expect(page.get_by_text(line["receipt"])).to_be_visible()
    steps = page.locator(".steps li .steps-what")
    expect(steps).to_have_text(["calculated l1", "sent to the label l1", "seen on the label l1", "charged"])
    expect(page.get_by_text("signature fits")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("the customer’s own discount"))).to_be_visible()
    node.leave(visit)
    page.goto("/prices")
    page.get_by_label("Rule file").fill("version: 1\nrules:\n  - {id: quarter, give: {share: 0.25}}\n")
    page.get_by_role("button", name="Try on 30 days").click()
    changed = page.get_by_role("list", name="Occasions with another price").get_by_role("listitem")
    expect(changed.first).to_contain_text(re.compile("HP-1.*quarter"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    with page.expect_download() as waiting:
        page.goto("/prices")
        page.get_by_role("link", name="The last 30 days as a CSV file").click()
    text = waiting.value.path().read_text()
    assert text.startswith("id,at,sku,")
    assert ",charged," in text
