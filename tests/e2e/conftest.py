"""A real central (its own process, broker and database), a node that speaks MQTT, and Debian's chromium."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import yaml
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from central.web import assets
from contract.channels import Address, channel_for, subscription
from contract.codec import Envelope, decode, encode
from contract.commands import LabelRevert, LabelShow, Receipt
from contract.events import (
    FloorOccupancy,
    LabelState,
    VisitEnded,
    VisitIdentified,
    VisitStarted,
    ZoneDwelled,
    ZoneEntered,
)
from contract.state import CameraHealth, Health, ModelCard, PolicyState, Status
from contract.values import Wire

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
)
STORE = "corner"
PASSWORD = "a long enough password"
STAFF = {"marina": "consultant", "ilya": "consultant", "vera": "manager", "root": "admin"}
CONSENTS = ("identify", "profile", "personal_price", "consultant_alert", "analytics")
DEADLINE_S = 20.0


def customer(ident: str, name: str, language: str, interests: list[str], *, profile: bool = True) -> dict[str, object]:
    purposes = {purpose: profile or purpose != "profile" for purpose in CONSENTS}
    given = {"text_version": "1", "text_sha256": "0" * 64, "channel": "import", "at": "2026-01-01T00:00:00Z"}
    return {
        "id": ident,
        "subject": hashlib.sha256(ident.encode()).hexdigest()[:32],
        "name": name,
        "language": language,
        "interests": interests,
        "bonuses_minor": 5000,
        "discount_share": 0.1,
        "external_ids": {},
        "consents": {"purposes": purposes, **given},
    }


CUSTOMERS = [
    customer("anna", "Anna Sokolova", "ru", ["over-ear headphones", "vinyl"]),
    customer("jonas", "Jonas Weber", "en", ["bookshelf speakers"]),
    customer("quiet", "Somebody Quiet", "en", ["nothing to know"], profile=False),
    *(customer(f"extra{number}", f"Visitor {number}", "en", ["turntables"]) for number in range(10)),
]


@dataclass(slots=True)
class Central:
    """The running service."""

    data: Path
    url: str
    broker: str
    signing_key: bytes = b""
    """Raw Ed25519 public key, as an edge is configured with it."""

    def command(self, *arguments: str, stdin: str = "") -> str:
        """`python -m central ...` on the same data; fails the test with what it printed."""
        call = [sys.executable, "-m", "central", *arguments, "--data", str(self.data)]
        done = subprocess.run(call, input=stdin, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"central {' '.join(arguments)}: {done.stderr}"
        return done.stdout


def _start(data: Path, log: Path) -> tuple[subprocess.Popen[str], dict[str, str]]:
    call = [sys.executable, "-m", "central", "run", "--data", str(data), "--port", "0", "--broker-port", "0"]
    # Ways to send codes that are there and take nothing: the page offers them all the same.
    call += ["--smtp", "smtp://127.0.0.1:1", "--mail-from", "codes@shop.example", "--sms-url", "http://127.0.0.1:1/sms"]
    call += ["--webhook-network", "127.0.0.0/8"]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=log.open("w"), text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"central did not start: {log.read_text()[-2000:]}"
    return process, json.loads(line)


@pytest.fixture(scope="session")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    if not CHROMIUM.exists():
        pytest.skip("these tests drive /usr/bin/chromium, which is not installed (apt-get install chromium)")
    gone = assets.missing()
    if gone is not None:
        pytest.skip(str(gone))
    folder = tmp_path_factory.mktemp("central")
    data = folder / "data"
    store_file = folder / "store.json"
    plan = json.loads(Path(__file__).with_name("store.json").read_text(encoding="utf-8"))
    store_file.write_text(json.dumps(plan | {"customers": CUSTOMERS}), encoding="utf-8")
    process, ready = _start(data, folder / "central.log")
    service = Central(data, ready["url"], ready["broker"])
    try:
        service.command("import", str(store_file))
        for name, role in STAFF.items():
            account = ("staff", "add", name, "--role", role, "--store", STORE, "--password-stdin")
            service.command(*account, stdin=PASSWORD + "\n")
        trust = yaml.safe_load(service.command("keys"))["trust"]
        service.signing_key = base64.b64decode(trust["central_signing_key"])
        yield service
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def eventually(look: Callable[[], object], what: str) -> None:
    """Ask until there is an answer."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        if look():
            return
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {DEADLINE_S:.0f} s")


@dataclass(slots=True)
class FakeNode:
    """An edge node as the wire sees it: birth, health, events with receipts, labels that confirm what they show."""

    name: str
    client: mqtt.Client
    session: str = field(default_factory=lambda: uuid.uuid4().hex)
    sequence: int = 0
    receipted: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def send(self, data: Wire) -> int:
        """Publish one message; durable kinds get the next sequence number, which is returned."""
        with self.lock:
            channel = channel_for(data)
            address = Address(STORE, self.name, channel.kind)
            now = datetime.now(UTC)
            envelope = Envelope(id=uuid.uuid4().hex, source=address.source, type=channel.event_type, time=now)
            if channel.durable:
                self.sequence += 1
                envelope = envelope.model_copy(update={"session": self.session, "sequence": self.sequence})
            self.client.publish(address.topic, encode(envelope, data), qos=1, retain=channel.retain)
            return self.sequence

    def settle(self) -> None:
        """Wait until central has committed everything sent so far."""
        wanted = self.sequence
        eventually(lambda: self.receipted >= wanted, f"receipt of {wanted}")

    def heard(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        command = decode(message.topic, message.payload).data
        if isinstance(command, Receipt) and command.session == self.session:
            self.receipted = max(self.receipted, command.sequence)
        elif isinstance(command, LabelShow):
            self.send(
                LabelState(
                    label=command.label,
                    state="shown",
                    variant=command.variant,
                    quote=command.quote,
                    command=command.sequence,
                    price=command.content.price,
                    battery_mv=2950,
                    at=datetime.now(UTC),
                )
            )
        elif isinstance(command, LabelRevert):
            self.send(
                LabelState(
                    label=command.label, state="shown", variant="public", command=command.sequence, at=datetime.now(UTC)
                )
            )

    def online(self, *, health: bool = True, key: str = "") -> None:
        """Birth and the first health report."""
        policy = PolicyState(mode="qr_only", region="EU")
        models = (ModelCard(name="person detector", sha256="ab" * 32, licence="Apache-2.0"),)
        public = base64.b64encode(hashlib.sha256((self.name + key).encode()).digest()).decode()
        self.send(
            Status(
                state="online",
                session=self.session,
                version="0.1.0",
                started_at=datetime.now(UTC),
                public_key=public,
                drivers={"entrance": "file"},
                models=models,
                policy=policy,
            )
        )
        if health:
            camera = CameraHealth(id="entrance", state="running", fps=24.6, captured=9000, processed=8800, dropped=190)
            self.send(
                Health(
                    uptime_s=90,
                    cameras=(camera,),
                    outbox_depth=0,
                    gallery_subjects=2,
                    disk_free_mb=40000,
                    rss_mb=420,
                    crossings={"in": 1240, "out": 1180, "in_unseen": 31, "out_unseen": 94, "ghosts": 12, "turned": 40},
                    neighbours_off={"edge-7": 2.0},
                )
            )

    def arrive(self, ident: str, *, stage: str = "final", ago_s: float = 0.0) -> str:
        """A check-in of a customer; returns the visit."""
        visit, at = uuid.uuid4().hex, datetime.now(UTC) - timedelta(seconds=ago_s)
        subject = hashlib.sha256(ident.encode()).hexdigest()[:32]
        self.send(VisitStarted(visit=visit, method="qr", device="entrance", at=at))
        self.send(
            VisitIdentified.model_validate(
                {
                    "visit": visit,
                    "subject": subject,
                    "method": "qr",
                    "device": "entrance",
                    "stage": stage,
                    "confidence": 1.0,
                    "first_usable_at": at,
                    "at": at,
                }
            )
        )
        return visit

    def leave(self, visit: str) -> None:
        """The visit ends."""
        self.send(VisitEnded(visit=visit, reason="exit", duration_s=60, at=datetime.now(UTC)))

    def enter(self, zone: str, visit: str | None, track: str) -> None:
        """Somebody steps into a zone and stays."""
        self.send(ZoneEntered(visit=visit, track=track, zone=zone, at=datetime.now(UTC)))

    def dwell(self, zone: str, visit: str | None, track: str) -> None:
        """The stay reached the zone's threshold."""
        self.send(ZoneDwelled(visit=visit, track=track, zone=zone, dwell_s=5, at=datetime.now(UTC)))

    def occupy(self, minutes_ago: int, cells: list[tuple[int, int, float]]) -> None:
        """A minute of floor occupancy."""
        minute = (datetime.now(UTC) - timedelta(minutes=minutes_ago)).replace(second=0, microsecond=0)
        self.send(FloorOccupancy(camera="floor", minute=minute, cells=tuple(cells)))


@pytest.fixture(scope="session")
def node(central: Central) -> Iterator[FakeNode]:
    """One node that is online for the whole session."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"fake-{uuid.uuid4().hex[:8]}")
    address = urlsplit(central.broker)
    assert address.hostname is not None
    assert address.port is not None
    if address.username:
        client.username_pw_set(address.username, address.password)
    fake = FakeNode("edge-1", client)
    client.on_message = fake.heard
    client.connect(address.hostname, address.port)
    client.loop_start()
    for kind in ("receipt", "label.show", "label.revert"):
        client.subscribe(subscription(kind, STORE, fake.name), qos=1)
    fake.online()
    yield fake
    client.loop_stop()
    client.disconnect()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """One driver for the whole session: a second one, or an asyncio test, cannot start while it runs."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
    yield browser
    browser.close()


@pytest.fixture(autouse=True)
def patience() -> None:
    """On a machine that is busy with other things a page takes longer, and is no other page."""
    expect.set_options(timeout=DEADLINE_S * 1000)


@dataclass(slots=True)
class Visitor:
    """Opens browser contexts; whatever the browser complains about (script errors, CSP refusals) fails the test."""

    browser: Browser
    base: str
    contexts: list[BrowserContext] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    cookies: dict[str, str] = field(default_factory=dict)

    def open(self, width: int = 1280, height: int = 860, language: str = "en", dark: bool = False) -> Page:
        """A page of a fresh browser context."""
        context = self.browser.new_context(
            base_url=self.base,
            viewport={"width": width, "height": height},
            locale=language,
            color_scheme="dark" if dark else "light",
        )
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(DEADLINE_S * 1000)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("console", lambda message: self._listen(message.type, message.text))
        return page

    def _listen(self, kind: str, text: str) -> None:
        if kind == "error" and "Failed to load resource" not in text and "sse" not in text:
            self.complaints.append(text)

    def staff(self, name: str, path: str = "/arrivals", **look: object) -> Page:
        """A signed-in page. Sessions are kept: logging in is limited and has a test of its own."""
        page = self.open(**look)  # type: ignore[arg-type]
        if name not in self.cookies:
            answer = httpx.post(f"{self.base}/login", data={"name": name, "password": PASSWORD, "next": "/arrivals"})
            assert answer.status_code == 303, answer.text
            self.cookies[name] = answer.cookies["vitrina_session"]
        page.context.add_cookies([{"name": "vitrina_session", "value": self.cookies[name], "url": self.base}])
        page.goto(path)
        return page


@pytest.fixture(scope="session")
def sessions() -> dict[str, str]:
    """Cookies of members of staff who have logged in once."""
    return {}


@pytest.fixture
def visitor(browser: Browser, central: Central, sessions: dict[str, str]) -> Iterator[Visitor]:
    someone = Visitor(browser, central.url, cookies=sessions)
    yield someone
    for context in someone.contexts:
        context.close()
    assert someone.complaints == []
