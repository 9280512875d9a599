"""The kiosk over HTTP: only our own page changes anything, every answer carries the safe headers; its configuration."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from contract.clock import SystemClock
from edge.checkin import Accepted, Refused
from edge.config import ConfigError, EdgeConfig, load_config, parse_config
from edge.config.kiosk import KioskConfig
from edge.config.vision import Mode
from edge.errors import NodeError
from edge.kiosk.desk import Desk
from edge.kiosk.host import Conflict
from edge.kiosk.server import COOKIE, KioskServer

ROOT = Path(__file__).parents[3]
PICTURE = cv2.imencode(".jpg", np.full((240, 320, 3), 128, np.uint8))[1].tobytes()


class Host:
    def __init__(self) -> None:
        self.granted: Mode = "verify"

    def mode(self) -> Mode:
        return self.granted

    def admit(self, _text: str) -> Accepted | Refused | None:
        return Refused("not_a_token")

    def forget(self, subject: str) -> None:
        raise AssertionError(subject)

    def conflict(self, subject: str, _vectors: object) -> Conflict:
        raise AssertionError(subject)


def config_in(folder: Path, **changes: object) -> EdgeConfig:
    (folder / "en.txt").write_text("I agree <b>& more</b>")
    (folder / "ru.txt").write_text("Я согласен", encoding="utf-8")
    consent = {"en": folder / "en.txt", "ru": folder / "ru.txt"}
    kiosk = KioskConfig.model_validate({"listen": "127.0.0.1:0", "consent": consent, "consent_version": "7"} | changes)
    return EdgeConfig(store="demo", node="node1", state_dir=folder, kiosk=kiosk)


def serve(config: EdgeConfig, host: Host) -> KioskServer:
    assert config.kiosk is not None
    return KioskServer(config.kiosk, Desk(config, config.kiosk, host, SystemClock()))


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def page(tmp_path: Path, host: Host) -> Iterator[httpx.Client]:
    server = serve(config_in(tmp_path), host)
    server.start()
    with httpx.Client(base_url=server.url, headers={"Origin": server.url.rstrip("/")}) as client:
        yield client
    server.stop()


def begin(page: httpx.Client, errand: str = "enrol") -> dict[str, str]:
    """Headers of a session that has begun; its cookie stays in the client."""
    answer = page.post("/api/session", json={"errand": errand, "language": "en"})
    assert answer.status_code == 201
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    return {"X-Kiosk-Token": answer.json()["csrf"]}


def test_the_page_is_closed_to_everything_from_outside(page: httpx.Client) -> None:
    for path in ("/", "/static/kiosk.js", "/nowhere", "/static/..%2fdesk.py", "/static/texts.en.json"):
        answer = page.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert "camera=(self)" in answer.headers["permissions-policy"]
        assert answer.status_code == (200 if path in ("/", "/static/kiosk.js") else 404)
    text = page.get("/").text
    assert "http://" not in text
    assert "https://" not in text


def test_the_consent_text_is_shown_as_text_in_the_language_asked_for(page: httpx.Client) -> None:
    english = page.get("/", headers={"Accept-Language": "de, en;q=0.8"}).text
    assert '<html lang="en">' in english
    assert "I agree &lt;b&gt;&amp; more&lt;/b&gt;" in english
    russian = page.get("/?lang=ru").text
    assert '<html lang="ru">' in russian
    assert "Я согласен" in russian
    assert "checked" not in english
    assert english.count('role="switch"') == 5


def test_both_languages_have_the_same_words() -> None:
    folder = ROOT / "edge" / "kiosk" / "static"
    english, russian = (json.loads((folder / f"texts.{name}.json").read_text("utf-8")) for name in ("en", "ru"))
    assert english.keys() == russian.keys()
    assert all(english.values())
    assert all(russian.values())


def test_only_our_own_page_changes_anything(page: httpx.Client) -> None:
    wish = {"errand": "enrol", "language": "en"}
    for origin in ("https://elsewhere.example", "null", ""):
        assert page.post("/api/session", json=wish, headers={"Origin": origin}).status_code == 403
    token = begin(page)
    agreement = {"purposes": ["identify"], "text_sha256": "0" * 64}
    assert page.post("/api/consent", json=agreement).json() == {"error": "forbidden"}
    assert page.post("/api/consent", json=agreement, headers={"X-Kiosk-Token": "x"}).status_code == 403
    assert page.post("/api/consent", json=agreement, headers=token).json() == {"error": "consent_changed"}
    with httpx.Client(base_url=page.base_url, headers=page.headers) as stranger:
        assert stranger.post("/api/consent", json=agreement, headers=token).status_code == 401
        assert stranger.post("/api/session", json=wish).json() == {"error": "busy"}
        assert stranger.delete("/api/session", headers=token).status_code == 401
    assert page.delete("/api/session", headers=token).status_code == 204
    assert page.post("/api/consent", json=agreement, headers=token).status_code == 401


@pytest.mark.parametrize("body", [b"", b"[]", b'{"errand": "steal", "language": "en"}', b'{"errand": "enrol"', b"\xff"])
def test_malformed_requests_are_refused(page: httpx.Client, body: bytes) -> None:
    answer = page.post("/api/session", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert page.post("/api/session", content=body).status_code == 415


def test_pictures_are_limited_in_size_and_rate(page: httpx.Client) -> None:
    token = begin(page, "withdraw")
    assert page.post("/api/picture", content=PICTURE, headers=token).json()["step"] == "code"
    assert page.post("/api/picture", content=PICTURE, headers=token).status_code == 429
    assert page.post("/api/picture", content=b"\xff\xd8" * 500_000, headers=token).status_code == 413
    assert page.post("/api/picture", content=PICTURE).status_code == 403


def test_under_qr_only_the_page_offers_withdrawal_alone(page: httpx.Client, host: Host) -> None:
    host.granted = "qr_only"
    text = page.get("/").text
    assert 'id="enrol" type="button" hidden' in text
    assert page.post("/api/session", json={"errand": "enrol", "language": "en"}).json() == {"error": "policy"}
    begin(page, "withdraw")


def test_the_kiosk_under_qr_only_imports_no_face_module(tmp_path: Path) -> None:
    program = """
import sys
from edge.kiosk.desk import Desk
from edge.kiosk.host import NodeHost
from edge.kiosk.host import Conflict
from edge.kiosk.server import KioskServer
from edge.consent import record_withdrawal
print([name for name in sys.modules if name.startswith(("models.faces", "insightface", "edge.vision."))])
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_port_in_use_and_a_bad_certificate_are_named(tmp_path: Path, host: Host) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(NodeError, match=r"kiosk\.listen"):
            serve(config_in(tmp_path, listen=f"127.0.0.1:{taken.getsockname()[1]}"), host).start()
    (tmp_path / "bad.pem").write_text("not a certificate")
    with pytest.raises(NodeError, match="cert"):
        serve(config_in(tmp_path, cert=tmp_path / "bad.pem", key=tmp_path / "bad.pem"), host).start()


def test_over_https_the_cookie_is_secure(tmp_path: Path, host: Host) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kiosk")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    )  # fmt: skip
    (tmp_path / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = serialization.PrivateFormat.PKCS8
    raw = key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(raw)
    server = serve(config_in(tmp_path, cert=tmp_path / "cert.pem", key=tmp_path / "key.pem"), host)
    server.start()
    try:
        assert server.url.startswith("https://127.0.0.1:")
        headers = {"Origin": server.url.rstrip("/")}
        with httpx.Client(base_url=server.url, verify=False, headers=headers) as client:
            answer = client.post("/api/session", json={"errand": "withdraw", "language": "en"})
            assert COOKIE in answer.cookies
            assert "Secure" in answer.headers["set-cookie"]
    finally:
        server.stop()


BASE = "store: s\nnode: n\nstate_dir: state\nkiosk:\n  consent: {en: consent.txt}\n  consent_version: '1'\n  listen: "


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("0.0.0.0:8443", "https"),
        ("localhost:8443", "ADDRESS:PORT"),
        ("127.0.0.1", "ADDRESS:PORT"),
        ("127.0.0.1:99999", "ADDRESS:PORT"),
        ("127.0.0.1:1\n  cert: a.pem", "give both"),
        ("127.0.0.1:1\n  camera: front", "camera"),
    ],
)
def test_mistakes_in_the_configuration_are_named(rest: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        parse_config(BASE + rest)
    assert "kiosk" in str(caught.value)


def test_paths_are_taken_from_the_folder_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "node.yaml"
    file.write_text(BASE + "'[::1]:0'\n  cert: c.pem\n  key: /k.pem\n")
    kiosk = load_config(file).kiosk
    assert kiosk is not None
    assert (kiosk.consent["en"], kiosk.cert, kiosk.key) == (
        tmp_path / "consent.txt",
        tmp_path / "c.pem",
        Path("/k.pem"),
    )
    file.write_text("store: s\nnode: n\nstate_dir: state\n")
    assert load_config(file).kiosk is None, "off unless configured"
