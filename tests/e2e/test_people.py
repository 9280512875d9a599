"""People, connections, reviews and sent codes in a real browser: usable with a keyboard, on a phone, in Russian."""

from __future__ import annotations

import os
from pathlib import Path
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
REVIEWS = """<feed><reviews>
<review><review_id>r1</review_id><review_timestamp>2026-02-01T10:00:00Z</review_timestamp>
<title>Light as a feather</title>
<content>I forget that I wear them. They stay on my head all day, and the bass is there but not everywhere.</content>
<pros><pro>weight</pro><pro>comfort</pro></pros><cons><con>thin case</con></cons>
<ratings><overall min="1" max="5">5</overall></ratings>
<products><product><product_ids><skus><sku>{sku}</sku></skus></product_ids></product></products></review>
<review><review_id>r2</review_id><review_timestamp>2026-02-20T10:00:00Z</review_timestamp>
<content>Good for the price.</content><ratings><overall min="1" max="5">4</overall></ratings>
<products><product><product_ids><skus><sku>{sku}</sku></skus></product_ids></product></products></review>
</reviews></feed>"""


def picture(page: Page, name: str) -> None:
    """With VITRINA_PICTURES=folder: to look at."""
    folder = os.environ.get("VITRINA_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def fits(page: Page) -> None:
    """No sideways scrolling at either width, nothing axe objects to."""
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        page.wait_for_timeout(150)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    if AXE.is_file():
        page.evaluate(AXE.read_text(encoding="utf-8"))
        assert page.evaluate(VIOLATIONS) == []


@pytest.fixture(scope="session")
def token(central: Central) -> str:
    return central.command("token", "create", "--role", "site", "--store", "corner", "--source", "shop").strip()


def test_a_manager_mends_a_link_and_an_administrator_answers_a_request(visitor: Visitor) -> None:
    page = visitor.staff("root", "/people?store=corner", width=390, height=844)
    page.get_by_label("Customer number").fill("extra7")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Visitor 7")
    page.get_by_label("What", exact=True).select_option("loyalty")
    page.get_by_label("Number or address you saw").fill("2000 7777 7")
    page.get_by_role("button", name="Link", exact=True).click()
    row = page.locator(".link-row", has_text="Loyalty card")
    expect(row).to_contain_text("seen by a colleague")
    row.get_by_label("Why").fill("another guest's card")
    row.get_by_role("button", name="Take back").click()
    expect(row).to_contain_text("taken back: another guest's card")
    picture(page, "person-390")
    fits(page)
    picture(page, "person-1280")
    with page.expect_download() as saved:
        page.get_by_role("link", name="ZIP").click()
    assert saved.value.suggested_filename == "export.zip"
    page.get_by_text("Erase this customer").click()
    page.get_by_label("Customer number").last.fill("extra7")
    page.get_by_role("button", name="Erase", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Number of the receipt")
    page.get_by_role("button", name="Check the records").click()
    expect(page.locator("#chains")).to_contain_text("as they were written")
    fits(page)
    picture(page, "people-1280")
    russian = visitor.staff("root", "/people?store=corner&lang=ru", width=390, height=844)
    picture(russian, "people-390-ru")
    fits(russian)


def test_an_administrator_sets_up_a_feed_and_a_key(visitor: Visitor) -> None:
    page = visitor.staff("root", "/system?store=corner", width=390, height=844)
    page.get_by_label("Name", exact=True).fill("voices")
    page.get_by_label("What it is").select_option("reviews")
    page.get_by_label("Address").fill("https://127.0.0.1:1/reviews.xml")
    page.get_by_role("button", name="Fetch on time").click()
    expect(page.locator("details", has_text="voices").first).to_be_visible()
    page.get_by_label("Which site or app").fill("app")
    page.get_by_role("button", name="Make a key").click()
    expect(page.get_by_role("heading", name="The new key")).to_be_visible()
    picture(page, "system-390")
    fits(page)
    picture(page, "system-1280")
    page.goto("/system?store=corner")
    keys = page.locator("li", has_text="app")
    expect(keys).to_have_count(1)
    keys.get_by_role("button", name="Revoke").click()
    expect(page.locator("li", has_text="app")).to_have_count(0)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_reviews_stand_on_the_product_page(visitor: Visitor, central: Central, token: str, language: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    sku = httpx.get(f"{central.url}/api/v1/products?store=corner&limit=1", headers=headers, timeout=30).json()[0]["sku"]
    address = f"{central.url}/api/v1/feeds?store=corner&format=reviews&name=words"
    sent = httpx.post(address, content=REVIEWS.format(sku=sku).encode(), headers=headers, timeout=30)
    assert sent.json()["written"] + sent.json()["unchanged"] == 2, sent.text
    page = visitor.open(width=390, height=844, language=language)
    page.goto(f"/me/scan?sku={sku}&store=corner")
    reviews = page.locator("section", has=page.locator("#reviews-title"))
    expect(reviews).to_contain_text({"en": "4.5 of 5, 2 reviews", "ru": "4,5 из 5, 2 отзыва"}[language])
    expect(reviews.locator("article").first).to_contain_text("Good for the price.")
    picture(page, f"reviews-390-{language}")
    fits(page)
    picture(page, f"reviews-1280-{language}")


def test_the_card_shows_the_days_on_the_site(visitor: Visitor, central: Central, node: FakeNode, token: str) -> None:
    events = [
        {
            "type": "track",
            "event": "Products Searched",
            "messageId": "t-1",
            "userId": "extra8",
            "properties": {"query": "light"},
        },
        {
            "type": "track",
            "event": "Reviews Read",
            "messageId": "t-2",
            "userId": "extra8",
            "properties": {"sku": "X-1"},
        },
    ]
    headers = {"Authorization": f"Bearer {token}"}
    sent = httpx.post(f"{central.url}/v1/events", json={"batch": events}, headers=headers, timeout=30)
    assert sent.json()["accepted"] == 2, sent.text
    visit = node.arrive("extra8")
    node.settle()
    page = visitor.staff("marina", f"/card/{visit}?store=corner", width=390, height=844)
    page.get_by_text("On the site, day by day").click()
    expect(page.locator("#timeline")).to_contain_text("Read reviews of: X-1")
    expect(page.locator("#timeline")).to_contain_text("Searched: “light”")
    picture(page, "card-timeline-390")
    fits(page)
    node.leave(visit)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_code_is_asked_for_and_nobody_learns_whose(visitor: Visitor, language: str) -> None:
    page = visitor.open(width=390, height=844, language=language)
    page.goto("/me")
    page.get_by_text({"en": "Have a code sent", "ru": "Прислать код"}[language]).click()
    place = page.get_by_label({"en": "E-mail or phone number", "ru": "E-mail или телефон"}[language])
    ask = page.get_by_role("button", name={"en": "Send me a code", "ru": "Прислать мне код"}[language])
    place.fill("somebody")
    ask.click()
    expect(page.locator("#sent")).to_have_text(
        {
            "en": "This is not an address or number a code can be sent to.",
            "ru": "На такой адрес или номер код отправить нельзя.",
        }[language]
    )
    place.fill(f"nobody-{language}@shopmail.com")
    ask.click()
    expect(page.locator("#sent")).to_contain_text({"en": "a code is on its way", "ru": "код уже отправлен"}[language])
    expect(page.locator("#code")).to_be_focused()
    picture(page, f"code-390-{language}")
    fits(page)
    picture(page, f"code-1280-{language}")
