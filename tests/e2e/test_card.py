"""The consultant's card in a real browser: from the arrivals list to a recorded opinion, a basket and a colleague."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import Page, expect

from central.web.assets import NODE_MODULES

if TYPE_CHECKING:
    from conftest import Central, FakeNode, Visitor

AXE = NODE_MODULES / "axe-core" / "axe.min.js"
VIOLATIONS = """async () => {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'];
  const result = await axe.run(document, { runOnly: tags, resultTypes: ['violations'] });
  return result.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 90)).join(' | ')}`);
}"""
SMALL = """() => [...document.querySelectorAll('main button, main summary')]
  .filter((it) => it.offsetParent && it.getBoundingClientRect().height < 44).map((it) => it.outerHTML.slice(0, 80))"""
FEED = """<yml_catalog><shop><categories><category id="1">Audio</category><category id="2" parentId="1">Headphones</category>
</categories><delivery-options><option days="2"/></delivery-options><offers>
<offer id="C-1"><name>Aurora One</name><price>120</price><categoryId>2</categoryId><param name="Weight" unit="g">254</param><param name="Bass" unit="dB">3</param><outlets><outlet id="corner" instock="1"/></outlets></offer>
<offer id="C-2"><name>Borealis Two</name><price>90</price><categoryId>2</categoryId><param name="Weight" unit="g">230</param><param name="Bass" unit="dB">5</param><outlets><outlet id="corner" instock="0"/></outlets></offer>
<offer id="C-3"><name>Corona Three</name><price>95</price><categoryId>2</categoryId><param name="Weight" unit="g">198</param><param name="Bass" unit="dB">8</param><outlets><outlet id="corner" instock="2"/></outlets></offer>
<offer id="C-4"><name>Gale Seven</name><price>70</price><categoryId>2</categoryId><param name="Weight" unit="kg">0.2</param><param name="Bass" unit="dB">6</param><store>false</store></offer>
</offers></shop></yml_catalog>"""  # noqa: E501


@pytest.fixture(scope="session")
def known_from_the_site(central: Central) -> None:
    """A feed of four models and an evening of Anna's on the site."""
    token = central.command("token", "create", "--role", "site", "--store", "corner", "--source", "web").strip()
    headers = {"Authorization": f"Bearer {token}"}
    feed = f"{central.url}/api/v1/feeds?store=corner&format=yml&name=card&delta=true"
    answer = httpx.post(feed, content=FEED.encode(), headers=headers, timeout=30)
    assert answer.status_code < 300, answer.text
    batch = [
        _track(
            "Product List Filtered",
            category="Audio / Headphones",
            sorts=[{"type": "price", "value": "asc"}],
            filters=[{"type": "price", "value": {"max": 100}}, {"type": "colour", "value": "black"}],
        ),
        _track("Product Viewed", sku="C-1", category="Audio / Headphones"),
        _track("Product Viewed", sku="C-3", category="Audio / Headphones"),
        _track("Products Compared", products=[{"sku": "C-1"}, {"sku": "C-3"}]),
        _track("Product Added", sku="C-3", category="Audio / Headphones", quantity=1),
        _track("Delivery Options Viewed", sku="C-3", delivery_days=5),
    ]
    sent = httpx.post(f"{central.url}/v1/events", json={"batch": batch}, headers=headers, timeout=30)
    assert sent.json()["rejected"] == 0, sent.text


def _track(name: str, **properties: object) -> dict[str, object]:
    at = datetime.now(UTC).isoformat()
    message = f"card-{name}-{properties.get('sku', '')}-{at}"
    return {"type": "track", "event": name, "messageId": message, "userId": "anna", "properties": properties}


def opened(visitor: Visitor, visit: str, name: str = "marina", **look: object) -> Page:
    page = visitor.staff(name, f"/card/{visit}?store=corner", **look)
    expect(page.locator("h1")).to_be_visible()
    return page


@pytest.mark.usefixtures("known_from_the_site")
def test_from_the_arrival_to_opinion_search_comparison_and_basket(visitor: Visitor, node: FakeNode) -> None:
    visit = node.arrive("anna")
    node.settle()
    page = visitor.staff("marina", "/arrivals", width=390, height=844)
    arrival = page.locator(f'[data-visit="{visit}"]')
    expect(arrival).to_contain_text("Price: up to 100")
    arrival.get_by_role("link", name="Anna Sokolova").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Anna Sokolova")
    expect(page.get_by_role("region", name="What matters to them")).to_contain_text("No waiting: Corona Three")
    expect(page.get_by_role("region", name="What holds them back")).to_contain_text("looked at delivery: 5 days")
    page.get_by_role("button", name="I’ll take it").click()
    expect(page.get_by_role("button", name="Done")).to_be_visible()

    page.get_by_role("group", name="Opinion on Aurora One").get_by_role("button", name="Did not like it").first.click()
    sheet = page.get_by_role("dialog", name="Aurora One")
    expect(sheet).to_contain_text("Saved")
    sheet.get_by_label("Bass").press("ArrowLeft")
    sheet.get_by_label("Bass").press("ArrowLeft")
    expect(sheet.locator("output").first).to_have_text("−2")
    sheet.get_by_role("button", name="Save").click()
    tried = page.get_by_role("region", name="What they tried and thought").locator("li", has_text="Aurora One")
    expect(tried).to_contain_text("bass −2")
    expect(tried).not_to_contain_text("weight")  # that slider was not touched
    expect(tried.get_by_role("button", name="Did not like it")).to_have_attribute("aria-pressed", "true")

    page.get_by_label("What they want").fill("lighter than C-1, more bass than C-2")
    page.get_by_label("What they want").press("Enter")
    found = page.locator("#found")
    expect(found.get_by_role("heading", level=3).first).to_have_text("Corona Three")
    for name in ("Corona Three", "Gale Seven"):
        found.locator("li", has_text=name).get_by_role("button", name="Compare").click()
    table = page.locator("#compare table")
    expect(table.get_by_role("columnheader")).to_have_count(2)
    expect(table.locator("tr.differs", has_text="Weight")).to_contain_text("0.2 kg")
    found.locator("li", has_text="Corona Three").get_by_role("button", name="Basket").click()
    expect(page.locator("#basket")).to_contain_text("Corona Three")
    page.get_by_role("button", name="Finish later on the site").click()
    expect(page.locator("#basket")).to_contain_text("They can finish it on the site.")
    node.leave(visit)
    expect(page.locator("#who-title + p")).to_contain_text("The visit is over")


def test_handed_over_and_the_page_follows_by_itself(visitor: Visitor, node: FakeNode) -> None:
    visit = node.arrive("jonas")
    node.settle()
    mine, theirs = opened(visitor, visit), opened(visitor, visit, "ilya")
    mine.get_by_role("button", name="I’ll take it").click()
    expect(theirs.locator("#live")).to_contain_text("marina is with this guest")
    mine.get_by_text("Hand over", exact=True).click()
    mine.get_by_role("button", name="ilya").click()
    expect(theirs.get_by_role("button", name="Done")).to_be_visible()
    expect(mine.locator("#live")).to_contain_text("ilya is with this guest")
    node.leave(visit)


def test_a_private_guest_shows_nothing(visitor: Visitor, node: FakeNode) -> None:
    visit = node.arrive("quiet")
    node.settle()
    page = opened(visitor, visit)
    expect(page.get_by_role("heading", level=1)).to_have_text("A guest")
    expect(page.locator("main")).not_to_contain_text(re.compile("Somebody Quiet|nothing to know"))
    expect(page.get_by_role("group", name=re.compile("Opinion"))).to_have_count(0)
    expect(page.locator("#basket")).to_have_count(0)
    assert page.request.get("/card/no-such-visit?store=corner").status == 404
    node.leave(visit)


def test_recognised_by_a_card_only_with_the_guests_word(visitor: Visitor, node: FakeNode, central: Central) -> None:
    manager = visitor.staff("vera", "/arrivals")
    body = {"kind": "loyalty", "value": "2000 0077"}
    csrf = manager.locator('meta[name="csrf"]').get_attribute("content")
    address = "/api/v1/customers/extra5/identity"
    linked = manager.request.post(address, data=body, headers={"X-CSRF-Token": csrf or ""})
    assert linked.ok, linked.text()
    page = visitor.staff("marina", "/arrivals", width=390, height=844)
    page.get_by_text("Recognise a guest").click()
    page.get_by_label("Number the guest gave you").fill("9999 1234")
    page.get_by_role("button", name="Open the card").click()
    expect(page).to_have_url(re.compile("/arrivals"))  # not without the guest's word
    page.get_by_label("The guest is here and agrees").check()
    page.get_by_role("button", name="Open the card").click()
    expect(page.get_by_role("alert").last).to_contain_text("Nobody can be recognised by this here")
    page.get_by_label("Number the guest gave you").fill("2000 0077")
    page.get_by_role("button", name="Open the card").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Visitor 5")
    page.get_by_text("Wrong person?").click()
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A guest")
    expect(page.locator("main")).not_to_contain_text("Visitor 5")


@pytest.mark.usefixtures("known_from_the_site")
@pytest.mark.parametrize(("width", "other", "language", "dark"), [(390, 1280, "ru", True), (1280, 390, "en", False)])
def test_fits_and_is_accessible(
    visitor: Visitor, node: FakeNode, width: int, other: int, language: str, dark: bool
) -> None:
    visit = node.arrive("anna")
    node.settle()
    page = opened(visitor, visit, width=width, height=844, language=language, dark=dark)
    page.locator("[data-compare]").first.click()
    expect(page.locator("#compare table")).to_be_visible()
    for size in (width, other):
        page.set_viewport_size({"width": size, "height": 844})
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= size
        assert page.evaluate(SMALL) == []
    if AXE.is_file():
        page.evaluate(AXE.read_text(encoding="utf-8"))
        assert page.evaluate(VIOLATIONS) == []
    node.leave(visit)
