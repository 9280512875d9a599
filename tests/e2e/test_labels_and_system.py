"""What the labels show, and how the nodes are."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from contract.state import Status

if TYPE_CHECKING:
    from conftest import FakeNode, Visitor


def test_a_label_turns_personal_and_back_while_the_page_is_open(visitor: Visitor, node: FakeNode) -> None:
    page = visitor.staff("vera", "/labels")
    label = page.locator("#label-l2")
    expect(label).to_contain_text("On the glass")
    expect(label.get_by_role("img")).to_have_attribute("alt", re.compile("Edifier A2, 189"))
    page.evaluate("window.notReloaded = true")
    visit, track = node.arrive("anna"), f"floor-1-{uuid.uuid4().hex[:6]}"
    node.enter("speakers", visit, track)
    node.dwell("speakers", visit, track)
    expect(label.get_by_text("Personal price", exact=True)).to_be_visible()
    expect(label.get_by_role("img")).not_to_have_attribute("alt", re.compile("Edifier A2, 189"))
    drawing = page.request.get(label.get_by_role("img").get_attribute("src") or "").text()
    assert "Your price" in drawing or "Ваша цена" in drawing
    node.enter("speakers", None, f"floor-1-{uuid.uuid4().hex[:6]}")  # somebody else comes near
    expect(label.get_by_text("Personal price", exact=True)).to_have_count(0)
    expect(label.get_by_role("img")).to_have_attribute("alt", re.compile("Edifier A2, 189"))
    assert page.evaluate("window.notReloaded") is True
    node.leave(visit)


def test_filters_say_when_there_is_nothing(visitor: Visitor, node: FakeNode) -> None:
    page = visitor.staff("vera", "/labels")
    page.get_by_role("link", name="Problems").click()
    expect(page.get_by_role("heading", name="All labels are fine")).to_be_visible()


def test_the_system_page_shows_the_node(visitor: Visitor, node: FakeNode) -> None:
    node.online()  # whatever ran before, it has just reported
    page = visitor.staff("vera", "/system")
    here = page.locator(f"#node-{node.name}")
    expect(here).to_contain_text("Online")
    expect(here.get_by_role("row", name=re.compile("entrance"))).to_contain_text("24.6")
    expect(here.locator(".counted")).to_contain_text("1,240")
    expect(here.locator(".counted")).to_contain_text("94 inferred")
    expect(here).to_contain_text("The clock of edge-7 differs from this node’s by 2.0 s")
    here.get_by_text("Models, licences and drivers").click()
    expect(here).to_contain_text("Apache-2.0")
    page.wait_for_timeout(5600)  # the list is drawn again by then
    expect(here.get_by_text("Apache-2.0")).to_be_visible()


def test_the_figures_say_how_many_were_not_seen(visitor: Visitor, node: FakeNode) -> None:
    node.online()
    page = visitor.staff("vera", "/analytics")
    said = re.search(
        r"Of ([\d,]+) passages counted .*, ([\d,]+) \((\d+\.\d) %\)", page.locator("#inferred").inner_text()
    )
    assert said is not None
    counted, inferred = (int(said[place].replace(",", "")) for place in (1, 2))
    assert counted >= 2420
    assert float(said[3]) == round(100 * inferred / counted, 1)
    russian = visitor.staff("vera", "/analytics", language="ru")
    expect(russian.locator("#inferred")).to_contain_text("восстановлены")
    expect(russian.locator("#inferred")).to_contain_text(",")


def test_a_lost_node_is_loud_and_a_new_key_waits_for_an_administrator(visitor: Visitor, node: FakeNode) -> None:
    node.online()
    other = replace(node, name="edge-2", session=uuid.uuid4().hex, sequence=0)
    other.online(health=False)
    other.online(health=False, key="another key")
    other.send(Status(state="offline", session=other.session))
    manager = visitor.staff("vera", "/system")
    here = manager.locator("#node-edge-2")
    expect(here).to_contain_text("Offline")
    expect(manager.get_by_text("1 node is not reporting")).to_be_visible()
    expect(here).to_contain_text("This node has a new key")
    expect(here.get_by_role("button")).to_have_count(0)
    admin = visitor.staff("root", "/system")
    admin.locator("#node-edge-2").get_by_role("button", name="Accept the new key").click()
    expect(admin.get_by_text("This node has a new key")).to_have_count(0)
    expect(manager.get_by_text("This node has a new key")).to_have_count(0)
