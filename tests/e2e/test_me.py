"""The customer's own page: the code on its screen is one an edge accepts."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from playwright.sync_api import Page, expect

from contract.checkin import CheckinToken, parse_token

if TYPE_CHECKING:
    from conftest import Central, Visitor

zxingcpp = pytest.importorskip("zxingcpp", reason="zxing-cpp reads the code from the screenshot")
image = pytest.importorskip("PIL.Image", reason="Pillow opens the screenshot")


def connected(visitor: Visitor, ident: str) -> Page:
    """A phone that was given a one-time code by staff."""
    staff = visitor.staff("vera").request
    csrf = staff.get("/api/v1/session").json()["csrf"]
    given = staff.post(f"/api/v1/customers/{ident}/login-code", headers={"X-CSRF-Token": csrf})
    assert given.ok, given.text()
    page = visitor.open(width=390, height=844)
    page.goto(f"/me#{given.json()['code']}")
    expect(page.locator("#qr svg")).to_be_visible()
    return page


def read(page: Page) -> str:
    found = zxingcpp.read_barcodes(image.open(io.BytesIO(page.locator("#qr").screenshot())).convert("L"))
    assert [code.format.name for code in found] == ["QRCode"]
    return str(found[0].text)


def check(token: CheckinToken, central_key: bytes) -> None:
    """Both signatures, as the contract describes them."""
    Ed25519PublicKey.from_public_bytes(central_key).verify(token.certificate.signature, token.certificate.signed_part())
    phone = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), token.certificate.phone_key)
    r, s = (int.from_bytes(token.signature[at : at + 32], "big") for at in (0, 32))
    phone.verify(encode_dss_signature(r, s), token.signed_part(), ec.ECDSA(SHA256()))


def test_the_code_on_the_screen_is_a_valid_check_in(visitor: Visitor, central: Central) -> None:
    page = connected(visitor, "anna")
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Anna Sokolova")
    assert page.evaluate("location.hash") == ""
    text = read(page)
    token = parse_token(text)
    check(token, central.signing_key)
    assert abs(token.issued_ms / 1000 - datetime.now(UTC).timestamp()) < 25
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    page.reload()  # the key stays on the phone
    expect(page.locator("#qr svg")).to_be_visible()
    again = parse_token(read(page))
    assert again.certificate.phone_key == token.certificate.phone_key
    assert again.nonce != token.nonce


def test_an_edge_accepts_it_once(visitor: Visitor, central: Central) -> None:
    checkin = pytest.importorskip("edge.checkin", reason="the edge's verifier needs the edge extra")
    values = pytest.importorskip("edge.values")
    page = connected(visitor, "jonas")
    text, now = read(page), datetime.now(UTC)
    verifier = checkin.CheckinVerifier(central.signing_key, values.Instant(100.0, now - timedelta(minutes=1)))
    answer = verifier.step(text, values.Instant(160.0, now))
    assert isinstance(answer, checkin.Accepted), answer
    assert answer.subject == hashlib.sha256(b"jonas").hexdigest()[:32]
    assert verifier.step(text, values.Instant(161.0, now + timedelta(seconds=1))).reason == "replayed"


def test_the_private_key_cannot_leave_the_browser(visitor: Visitor) -> None:
    page = connected(visitor, "extra3")
    extractable = page.evaluate("""async () => {
      const { load } = await import('/static/js/keystore.js');
      const { pair } = await load();
      const refused = await crypto.subtle.exportKey('pkcs8', pair.privateKey).then(
        () => 'exported', (error) => error.name);
      return [pair.privateKey.extractable, refused];
    }""")
    assert extractable == [False, "InvalidAccessError"]


def test_the_code_changes_and_a_sleeping_phone_wakes_to_a_new_one(visitor: Visitor) -> None:
    page = connected(visitor, "extra4")
    first = parse_token(read(page))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # shown again after sleep
    page.wait_for_timeout(800)
    second = parse_token(read(page))
    assert second.issued_ms > first.issued_ms


def test_a_consent_is_taken_back_and_stays_so(visitor: Visitor) -> None:
    page = connected(visitor, "extra5")
    prices = page.get_by_role("switch", name="Show me personal prices")
    expect(prices).to_be_checked()
    page.locator("label.switch", has_text="Show me personal prices").click()
    expect(page.locator("#saved")).to_have_text("Saved")
    page.reload()
    expect(prices).to_be_enabled()
    expect(prices).not_to_be_checked()
    expect(page.get_by_role("switch", name="Use my profile")).to_be_checked()


def test_a_used_code_is_refused_with_a_sentence(visitor: Visitor) -> None:
    page = visitor.open(width=390, height=844, language="ru")
    page.goto("/me")
    page.get_by_label("Одноразовый код").fill("NOT-A-CODE")
    page.get_by_role("button", name="Подключить телефон").click()
    expect(page.get_by_role("alert")).to_contain_text("больше не действует")


def test_a_link_opened_where_the_page_is_open_already_connects(visitor: Visitor) -> None:
    staff = visitor.staff("vera").request
    csrf = staff.get("/api/v1/session").json()["csrf"]
    code = staff.post("/api/v1/customers/extra1/login-code", headers={"X-CSRF-Token": csrf}).json()["code"]
    page = visitor.open(width=390, height=844)
    page.goto("/me")
    expect(page.get_by_role("button", name="Connect this phone")).to_be_visible()
    page.goto(f"/me#{code}")  # changes the hash alone
    expect(page.locator("#qr svg")).to_be_visible()
    assert page.evaluate("location.hash") == ""


def test_signing_out_forgets_the_key(visitor: Visitor) -> None:
    page = connected(visitor, "extra6")
    page.get_by_role("button", name="Disconnect this phone").click()
    expect(page.get_by_label("One-time code")).to_be_visible()
    gone = page.evaluate("async () => (await (await import('/static/js/keystore.js')).load()) === undefined")
    assert gone is True
