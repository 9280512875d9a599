"""Signing in and out, and what happens when a session ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from conftest import Central, Visitor

PASSWORD = "a long enough password"


def test_sign_in_goes_where_one_wanted_to_go(visitor: Visitor) -> None:
    page = visitor.open()
    page.goto("/labels")
    expect(page).to_have_url(f"{visitor.base}/login?next=/labels")
    page.get_by_label("Name").fill("vera")
    page.get_by_label("Password").fill("not this one, surely")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("not right")
    expect(page.get_by_label("Name")).to_have_value("vera")
    expect(page.get_by_label("Password")).to_have_value("")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{visitor.base}/labels")
    page.get_by_label("Account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/arrivals")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_an_ended_session_leads_back_to_the_page_one_was_on(visitor: Visitor) -> None:
    page = visitor.staff("vera", "/labels")
    page.context.clear_cookies()
    expect(page).to_have_url(f"{visitor.base}/login?next=%2Flabels")
    visitor.complaints.clear()


def test_a_page_that_is_not_there(visitor: Visitor) -> None:
    page = visitor.staff("vera", "/no-such-page")
    expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()
    assert page.request.get("/api/v1/no-such-page").headers["content-type"].startswith("application/json")


def test_only_the_listed_libraries_are_served(visitor: Visitor, central: Central) -> None:
    page = visitor.staff("vera")
    source = page.locator("script[src*='htmx.js']").get_attribute("src") or ""
    answer = page.request.get(source)
    assert answer.status == 200
    assert "immutable" in answer.headers["cache-control"]
    for wrong in ("package.json", "..%2fpackage.json", "%2e%2e/%2e%2e/package.json"):
        assert page.request.get(source.replace("htmx.js", wrong)).status == 404
    assert page.request.get("/static/vendor/axe-core@4.14.1/axe.min.js").status == 404
