"""The consultant's page in a real browser, fed through MQTT and central's ingest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from conftest import FakeNode, Visitor


def live(page: Page) -> Page:
    expect(page.locator("#live")).to_be_visible()
    page.evaluate("window.notReloaded = true")
    return page


def test_an_arrival_appears_without_reloading_and_is_claimed_across_browsers(visitor: Visitor, node: FakeNode) -> None:
    marina, ilya = live(visitor.staff("marina")), live(visitor.staff("ilya"))
    visit = node.arrive("anna")
    for page in (marina, ilya):
        here = page.locator(f'li.card[data-visit="{visit}"]')
        expect(here.get_by_role("heading", name="Anna Sokolova")).to_be_visible()
        expect(here).to_contain_text("over-ear headphones")
        expect(here).to_contain_text("Speaks Russian")
        assert page.evaluate("window.notReloaded") is True
    expect(marina.locator("#heard")).to_contain_text("Anna Sokolova has arrived")

    marina.locator(f'li.card[data-visit="{visit}"]').get_by_role("button", name="I’ll take it").click()
    expect(marina.locator(f'#group-mine [data-visit="{visit}"]')).to_be_visible()
    expect(ilya.locator(f'#group-others [data-visit="{visit}"]')).to_contain_text("marina is with this guest")
    expect(ilya.locator(f'[data-visit="{visit}"]').get_by_role("button")).to_have_count(0)

    marina.locator(f'li.card[data-visit="{visit}"]').get_by_role("button", name="Hand back").click()
    expect(ilya.locator(f'#group-open [data-visit="{visit}"]')).to_be_visible()
    ilya.locator(f'li.card[data-visit="{visit}"]').get_by_role("button", name="I’ll take it").click()
    ilya.locator(f'#group-mine [data-visit="{visit}"]').get_by_role("button", name="Done").click()
    for page in (marina, ilya):
        expect(page.locator(f'[data-visit="{visit}"]')).to_have_count(0)


def test_without_profile_consent_the_card_says_a_guest(visitor: Visitor, node: FakeNode) -> None:
    page = live(visitor.staff("marina"))
    visit = node.arrive("quiet")
    here = page.locator(f'li.card[data-visit="{visit}"]')
    expect(here.get_by_role("heading", name="A guest")).to_be_visible()
    expect(here).not_to_contain_text("Somebody Quiet")
    expect(here).not_to_contain_text("nothing to know")
    node.leave(visit)
    expect(here).to_have_count(0)


def test_who_comes_too_late_is_told_and_sees_who_has_the_guest(visitor: Visitor, node: FakeNode) -> None:
    late = visitor.open()
    late.context.route("**/alerts/stream*", lambda route: route.abort())
    late.context.add_cookies(visitor.staff("ilya").context.cookies())
    visit = node.arrive("extra0")
    node.settle()
    late.goto("/arrivals")
    first = visitor.staff("marina")
    first.locator(f'[data-visit="{visit}"]').get_by_role("button").click()
    expect(first.locator(f'#group-mine [data-visit="{visit}"]')).to_be_visible()
    late.locator(f'[data-visit="{visit}"]').get_by_role("button").click()
    expect(late.locator("#toasts")).to_contain_text("Somebody else has taken this guest")
    expect(late.locator(f'#group-others [data-visit="{visit}"]')).to_contain_text("marina")
    node.leave(visit)


def test_a_lost_connection_is_said_and_mends_itself(visitor: Visitor, node: FakeNode) -> None:
    page = live(visitor.staff("marina"))
    page.context.set_offline(True)
    expect(page.locator("#lost")).to_be_visible()
    expect(page.locator("#live")).to_be_hidden()
    visit = node.arrive("extra1")
    node.settle()
    page.context.set_offline(False)
    expect(page.locator(f'[data-visit="{visit}"]')).to_be_visible()
    expect(page.locator("#lost")).to_be_hidden()
    assert page.evaluate("window.notReloaded") is True
    node.leave(visit)
    visitor.complaints.clear()  # the browser rightly complained of the connection we cut


def test_russian_by_browser_by_switch_and_kept(visitor: Visitor, node: FakeNode) -> None:
    visit = node.arrive("jonas")
    node.settle()
    page = visitor.staff("marina", language="ru")
    expect(page.get_by_role("heading", level=1)).to_have_text("Гости")
    expect(page.locator(f'[data-visit="{visit}"]')).to_contain_text("Отметился по коду")
    expect(page.locator(f'[data-visit="{visit}"] time')).to_have_text(re.compile("только что|мин назад"))
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Arrivals")
    page.goto("/labels")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    node.leave(visit)


def test_the_sound_can_be_switched_on(visitor: Visitor, node: FakeNode) -> None:
    page = live(visitor.staff("marina"))
    sound = page.get_by_role("button", name="Sound")
    expect(sound).to_have_attribute("aria-pressed", "false")
    sound.click()
    expect(sound).to_have_attribute("aria-pressed", "true")
    visit = node.arrive("extra3")
    expect(page.locator(f'[data-visit="{visit}"]')).to_be_visible()
    node.leave(visit)


def test_the_keyboard_alone_is_enough(visitor: Visitor, node: FakeNode) -> None:
    visit = node.arrive("extra2")
    node.settle()
    page = live(visitor.staff("marina"))
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    button = page.locator(f'[data-visit="{visit}"] button')
    for _ in range(30):
        if button.evaluate("it => it === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(button).to_be_focused()
    assert button.evaluate("it => getComputedStyle(it).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator(f'#group-mine [data-visit="{visit}"]')).to_be_visible()
    node.leave(visit)
