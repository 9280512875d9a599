"""The page of webhooks and messages: a receiver that fails is seen and tried again; a message is written and read."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from central.webhooks import signing

if TYPE_CHECKING:
    from conftest import Central, FakeNode, Visitor


class Receiver(ThreadingHTTPServer):
    """A site that says 410 until it is mended, and keeps what it took."""

    status = 410

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hook)
        self.taken: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class _Hook(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.server.status == 200:
            self.server.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *words: object) -> None:
        """Silent."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_receiver_is_added_fails_is_switched_on_again_and_gets_what_waited(
    visitor: Visitor, node: FakeNode, central: Central, receiver: Receiver
) -> None:
    page = visitor.staff("root", "/system")
    page.get_by_role("link", name="Back to the site").click()
    page.get_by_text("Add a receiver").click()
    page.get_by_label("Address").fill("https://10.0.0.1/hook")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#added")).to_contain_text("Nothing was changed")
    page.get_by_label("Address").fill(receiver.url)
    page.get_by_role("checkbox", name="a visit ended").check()
    page.get_by_role("button", name="Add", exact=True).click()
    secret = page.locator("#added code").inner_text()
    assert secret.startswith("whsec_")
    row = page.locator("article.receiver").filter(has_text=receiver.url)
    expect(row).to_contain_text("all delivered")
    visit = node.arrive("anna")
    node.settle()
    node.leave(visit)
    expect(row).to_contain_text("410", timeout=40_000)
    expect(row.locator(".chip")).to_have_text("off")
    receiver.status = 200
    row.get_by_role("button", name="Switch on").click()
    row.get_by_text("Last deliveries").click()
    expect(row.get_by_role("row", name=re.compile("a visit ended delivered")).first).to_be_visible(timeout=40_000)
    headers, body = receiver.taken[0]
    assert json.loads(body)["type"] == "visit.finished"
    said = signing.headers(secret, headers["webhook-id"], int(headers["webhook-timestamp"]), body)
    assert headers["webhook-signature"] == said["webhook-signature"]
    page.on("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0)


def test_a_message_is_previewed_saved_and_mistakes_are_named(visitor: Visitor, node: FakeNode) -> None:
    page = visitor.staff("vera", "/system/site?message=en")
    page.get_by_label("Subject").fill("{{ name }}, until soon at {{ shop }}")
    page.get_by_label("HTML").fill('<p style="color: green">{{ tried[0].title }}</p>')
    page.get_by_role("button", name="Preview").click()
    frame = page.frame_locator("iframe.preview")
    expect(frame.locator("body")).to_contain_text("html:1: only names, loops, conditions and filters")
    page.get_by_label("HTML").fill('{% for item in tried %}<p style="color: green">{{ item.title }}</p>{% endfor %}')
    page.get_by_role("button", name="Preview").click()
    expect(frame.get_by_role("heading")).to_have_text(re.compile("^Anna, until soon at "))
    expect(frame.get_by_text("Headphones One").first).to_have_css("color", "rgb(0, 128, 0)")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#saved")).to_contain_text("Saved")
    page.reload()
    expect(page.get_by_label("Subject")).to_have_value("{{ name }}, until soon at {{ shop }}")
    page.get_by_label("Text", exact=True).fill("{{ 1 + 1 }}")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#saved")).to_contain_text("text:1")


def test_a_manager_sees_but_does_not_change_receivers(visitor: Visitor, node: FakeNode) -> None:
    page = visitor.staff("vera", "/system/site")
    expect(page.get_by_text("Administrators add and remove receivers.")).to_be_visible()
    expect(page.get_by_text("Add a receiver")).to_have_count(0)
    page = visitor.staff("ilya", "/arrivals")
    assert page.request.get("/system/site").status == 403


def test_the_description_of_the_api_is_read_without_anything_from_outside(visitor: Visitor, node: FakeNode) -> None:
    page = visitor.staff("vera", "/arrivals")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/system/api")
    page.get_by_text("/api/v1/till/redeem").click()
    one = page.locator("details.operation").filter(has_text="/api/v1/till/redeem")
    expect(one.get_by_text('"charged": ').first).to_be_visible()
    expect(one).to_contain_text("bearer token")
    assert {url for url in asked if not url.startswith(visitor.base)} == set()
    whole = page.request.get("/openapi.json").json()
    assert len(whole["paths"]) > 80
    assert page.locator("details.operation").count() == sum(len(methods) for methods in whole["paths"].values())
