"""The customer's page in the shop: without a connection, with the camera, with a price; a phone connected by staff."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from playwright.sync_api import Page, Playwright, expect

from central.pricing import quote_code

if TYPE_CHECKING:
    from conftest import Central, FakeNode, Visitor

zxingcpp = pytest.importorskip("zxingcpp", reason="zxing-cpp reads the code from the screenshot")
image = pytest.importorskip("PIL.Image", reason="Pillow opens the screenshot")
GTIN = "4006381333931"


def one_time_code(visitor: Visitor, ident: str) -> str:
    staff = visitor.staff("vera").request
    csrf = staff.get("/api/v1/session").json()["csrf"]
    given = staff.post(f"/api/v1/customers/{ident}/login-code", headers={"X-CSRF-Token": csrf})
    assert given.ok, given.text()
    return str(given.json()["code"])


def connected(visitor: Visitor, ident: str, base: str = "") -> Page:
    page = visitor.open(width=390, height=844)
    page.goto(f"{base}/me#{one_time_code(visitor, ident)}")
    expect(page.locator("#qr svg")).to_be_visible()
    return page


def read(page: Page, box: str) -> str:
    page.locator(box).evaluate("it => it.scrollIntoView({ block: 'center' })")  # not behind the tabs
    found = zxingcpp.read_barcodes(image.open(io.BytesIO(page.locator(box).screenshot())).convert("L"))
    assert [code.format.name for code in found] == ["QRCode"]
    return str(found[0].text)


class Relay:
    """A way to central that can be cut: the browser has no other. Tries to log in are counted by its address."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._target = (address.hostname, address.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target, source_address=("127.0.0.2", 0))
                self._open += [near, far]
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # a thread that waits in accept() would take one more
        self._listener.close()
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@pytest.fixture
def relay(central: Central) -> Iterator[Relay]:
    way = Relay(central.url)
    yield way
    way.cut()


def test_the_check_in_code_works_without_a_connection(visitor: Visitor, central: Central, relay: Relay) -> None:
    checkin = pytest.importorskip("edge.checkin", reason="the edge's verifier needs the edge extra")
    values = pytest.importorskip("edge.values")
    page = connected(visitor, "extra1", relay.url)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    relay.cut()
    page.reload()
    expect(page.get_by_role("alert")).to_have_text("No connection. Your code keeps working.")
    expect(page.locator("#qr svg")).to_be_visible()
    now = datetime.now(UTC)
    verifier = checkin.CheckinVerifier(central.signing_key, values.Instant(100.0, now - timedelta(minutes=1)))
    assert isinstance(verifier.step(read(page, "#qr"), values.Instant(160.0, now)), checkin.Accepted)
    page.get_by_role("link", name="Mine").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("No connection")
    page.get_by_role("link", name="Show my check-in code").click()
    expect(page.locator("#qr svg")).to_be_visible()


def test_the_page_can_be_installed(visitor: Visitor) -> None:
    page = visitor.open(width=390, height=844, language="ru")
    page.goto("/me")
    manifest = page.request.get(page.locator("link[rel=manifest]").get_attribute("href") or "").json()
    assert (manifest["name"], manifest["display"], manifest["start_url"]) == ("Vitrina: мой вход", "standalone", "/me")
    for icon in manifest["icons"]:
        picture = page.request.get(icon["src"])
        assert picture.ok
        if icon["sizes"] != "any":
            width, height = image.open(io.BytesIO(picture.body())).size
            assert icon["sizes"] == f"{width}x{height}"
    kept = page.request.get("/me/worker.js")
    assert kept.headers["service-worker-allowed"] == "/me"
    listed = json.loads(kept.text().split("\n", 1)[0].removeprefix("const SHELL = ").removesuffix(";"))
    assert [url for url in listed["urls"] if not page.request.get(url).ok] == []


def test_a_touch_gives_the_reader_the_same_token(visitor: Visitor, central: Central, relay: Relay) -> None:
    checkin = pytest.importorskip("edge.checkin", reason="the edge's verifier needs the edge extra")
    values = pytest.importorskip("edge.values")
    page = visitor.open(width=390, height=844)
    page.add_init_script("window.NDEFReader = class { async write(message) { window.written = message.records[0]; } };")
    page.goto(f"{relay.url}/me#{one_time_code(visitor, 'extra2')}")
    page.get_by_role("button", name="Touch the reader instead").click()
    expect(page.locator("#nfc-state")).to_have_text("Done: the reader has your code.")
    written, now = page.evaluate("window.written"), datetime.now(UTC)
    assert written["recordType"] == "text"
    verifier = checkin.CheckinVerifier(central.signing_key, values.Instant(100.0, now - timedelta(minutes=1)))
    assert isinstance(verifier.step(written["data"], values.Instant(160.0, now)), checkin.Accepted)


def film(path: Path, text: str) -> None:
    """A short film of a label's code, as a camera sees it: YUV4MPEG2, grey."""
    segno = pytest.importorskip("segno", reason="segno draws the label's code")
    width, height, cell = 640, 480, 8
    matrix = [list(row) for row in segno.make(text, micro=False, error="m").matrix_iter(border=4)]
    left, top = (width - cell * len(matrix)) // 2, (height - cell * len(matrix)) // 2
    picture = bytearray([200]) * (width * height)
    for row, line in enumerate(matrix):
        for column, dark in enumerate(line):
            for y in range(top + row * cell, top + (row + 1) * cell):
                start = y * width + left + column * cell
                picture[start : start + cell] = bytes([16 if dark else 235]) * cell
    frame = b"FRAME\n" + picture + bytes([128]) * (width * height // 2)
    path.write_bytes(f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode() + frame * 3)


def test_the_camera_reads_the_label(playwright: Playwright, central: Central, tmp_path: Path) -> None:
    film(tmp_path / "label.y4m", f"https://id.example/01/0{GTIN}?17=271231")
    fake = (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={tmp_path / 'label.y4m'}",
    )
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(fake))
    try:
        page = browser.new_page(base_url=central.url, viewport={"width": 390, "height": 844}, locale="en")
        page.set_default_timeout(20_000)
        page.goto("/me/scan")
        page.get_by_role("button", name="Open the camera").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sony WH-1000XM6", timeout=20_000)
        expect(page.locator("dl.specs")).to_contain_text("254 g")
        expect(page.get_by_text("Connect this phone to see your own price")).to_be_visible()
    finally:
        browser.close()


def test_price_opinion_call_and_basket(visitor: Visitor, node: FakeNode, central: Central, relay: Relay) -> None:
    visit = node.arrive("extra3")
    node.settle()
    page = connected(visitor, "extra3", relay.url)
    page.goto(f"/01/{GTIN}")  # as the phone's own camera opens it
    expect(page.locator("#own-amount")).to_have_text("€309.10")
    expect(page.locator("#own-said")).to_have_text("This price was personalised for you by automated decision.")
    expect(page.get_by_role("timer")).to_contain_text("Valid for 1:")
    page.get_by_text("Code for the till", exact=True).click()
    said = quote_code.decode(read(page, "#own-code"), Ed25519PublicKey.from_public_bytes(central.signing_key))
    assert isinstance(said, quote_code.SignedQuote)
    assert (said.price, said.sku, said.visit) == (30_910, "HP-1", visit)

    page.get_by_role("button", name="I like it").click()
    expect(page.locator("#rated")).to_have_text("Thank you, saved.")
    page.get_by_label("weight").fill("-2")
    expect(page.locator(".rate", has_text="weight").locator("output")).to_have_text("much disliked")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Keep for later").click()
    expect(page.locator("#done")).to_contain_text("Kept for later")
    page.get_by_role("button", name="Call a consultant").click()
    expect(page.locator("#done")).to_contain_text("consultants were told")
    desk = visitor.staff("marina").request
    cards = desk.get("/api/v1/alerts?store=corner&state=open").json()
    (call,) = [card for card in cards if card["kind"] == "call" and card["visit"] == visit]
    assert (call["zone"]["id"], call["article"]["sku"]) == ("headphones", "HP-1")

    page.get_by_role("link", name="Mine").click()
    expect(page.locator("#mine")).to_contain_text("liked")
    expect(page.get_by_text("Checked in with a code · now")).to_be_visible()  # earlier visits end without "now"
    page.get_by_role("button", name="Finish later on the site").click()
    expect(page.get_by_role("alert")).to_have_text("The basket waits for you on the site.")
    node.leave(visit)


def test_a_price_needs_consent_and_recognition_its_code(visitor: Visitor, node: FakeNode, relay: Relay) -> None:
    visit = node.arrive("extra8")
    node.settle()
    page = connected(visitor, "extra8", relay.url)
    for name in ("Show me personal prices", "Recognise me when I come in"):
        with page.expect_response("**/api/v1/me/consents"):
            page.locator("label.switch", has_text=name).click()
    expect(page.locator("#no-pass")).to_be_visible()
    page.reload()
    expect(page.locator("#no-pass")).to_be_visible()
    page.goto("/me/scan?sku=HP-1")
    expect(page.locator("#own-state")).to_contain_text("You do not allow personal prices")
    node.leave(visit)


def test_staff_connect_a_phone_and_the_customer_erases_everything(visitor: Visitor) -> None:
    desk = visitor.staff("marina", "/codes", width=390, height=844)
    desk.get_by_label("Customer number").fill("nobody")
    desk.get_by_role("button", name="Make a code").click()
    expect(desk.get_by_role("alert")).to_have_text("No customer of this shop has this number.")
    desk.get_by_label("Customer number").fill("extra9")
    desk.get_by_role("button", name="Make a code").click()
    expect(desk.locator("#link svg")).to_be_visible()
    link = read(desk, "#link")
    assert link.endswith(f"/me#{desk.locator('.big-code').inner_text()}")

    page = visitor.open(width=390, height=844)
    page.goto(link)
    expect(page.locator("#qr svg")).to_be_visible()
    page.goto("/me/mine")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save my data").click()
    exported = json.loads(Path(saved.value.path()).read_text(encoding="utf-8"))
    assert exported["customers"] == ["extra9"]
    page.get_by_role("button", name="Erase everything about me").click()
    page.get_by_role("button", name="Erase", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("The number of your receipt")
    page.goto("/me")
    expect(page.get_by_label("One-time code")).to_be_visible()
