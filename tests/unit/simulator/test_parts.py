"""The parts of the store in a box, each alone: phone, scanner's line, glass, options, event stream, configuration."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from central.imports.service import read as read_import
from contract.channels import Address, channel_for
from contract.checkin import Certificate
from contract.clock import ManualClock, SystemClock
from contract.codec import Envelope, Message, plain
from contract.commands import LabelContent
from contract.events import ZoneLeft
from contract.state import CameraHealth, Health
from contract.values import Wire
from edge.checkin import Accepted, CheckinVerifier
from edge.config import load_config
from edge.labels.render import Glass, render
from edge.values import Instant
from hardware.labels.base import LabelInfo
from hardware.labels.image import prepare
from hardware.labels.virtual import VirtualTag, encode
from hardware.scanners.options import SerialOptions
from hardware.scanners.serial_port import SerialScanner
from simulator.cast import LabelEntry, load_cast
from simulator.glass import GlassWatcher, is_personal
from simulator.listener import BusListener
from simulator.office import ServerSent, parse_events
from simulator.options import Kill, parse_kill
from simulator.phone import Phone
from simulator.scanner import PtyScanner
from simulator.store import Wiring, edge_document, entrance_source, import_document
from simulator.studio import in_convex
from simulator.timebase import TimeBase

SUBJECT = "0f" * 16
CAST = load_cast()


def certified(central: Ed25519PrivateKey, now: datetime) -> Phone:
    phone = Phone()
    key = base64.b64decode(phone.public_key)
    blank = Certificate(bytes.fromhex(SUBJECT), key, int((now + timedelta(days=1)).timestamp()))
    signed = Certificate(blank.subject, key, blank.not_after, central.sign(blank.signed_part()))
    phone.accept(base64.b64encode(signed.encode()).decode())
    return phone


def test_the_edge_accepts_the_phone_once_and_no_stranger_to_central() -> None:
    clock = SystemClock()
    central = Ed25519PrivateKey.generate()
    started = Instant(clock.monotonic() - 60, clock.now() - timedelta(seconds=60))
    verifier = CheckinVerifier(central.public_key().public_bytes_raw(), started)
    now = Instant(clock.monotonic(), clock.now())
    code = certified(central, now.wall).code(now.wall)
    assert verifier.step(code, now) == Accepted(SUBJECT)
    assert not isinstance(verifier.step(code, now), Accepted)
    forged = certified(Ed25519PrivateKey.generate(), now.wall).code(now.wall)
    assert not isinstance(verifier.step(forged, now), Accepted)


def test_a_phone_without_certificate_shows_nothing() -> None:
    with pytest.raises(RuntimeError, match="register"):
        Phone().code(datetime.now(UTC))


def test_the_serial_driver_reads_the_scanner() -> None:
    with PtyScanner() as line:
        driver = SerialScanner(SerialOptions(driver="serial", port=line.port), SystemClock())
        driver.open()
        try:
            line.present("VITRINA1.first")
            line.present("second")
            heard = [scan.text for _ in range(6) if (scan := driver.read()) is not None]
        finally:
            driver.close()
    assert heard == ["VITRINA1.first", "second"]


def test_a_line_nobody_reads_does_not_hold_the_scanner_up() -> None:
    with PtyScanner() as line:
        for _ in range(2000):
            line.present("x" * 100)


@pytest.mark.parametrize("entry", CAST.labels, ids=lambda entry: entry.id)
def test_personal_and_public_glass_are_told_apart(entry: LabelEntry) -> None:
    tag = VirtualTag(entry.address, hw_type=entry.hw_type)
    content = LabelContent(
        title="Aurora",
        sku="hp-1",
        price=29900,
        was=34900,
        currency="EUR",
        disclosure="Personalised",
        link="https://x.example",
    )
    for personal in (True, False):
        picture = render(content, Glass(tag.kind.width, tag.kind.height), personal=personal)
        glass = prepare(picture, info(tag)).convert("RGB")
        assert is_personal(glass) is personal
    assert not is_personal(Image.new("RGB", (296, 128), "white"))


def info(tag: VirtualTag) -> LabelInfo:
    kind = tag.kind
    return LabelInfo(
        tag.mac, kind.width, kind.height, kind.colours, kind.name, 3000, -50, 200, None, 20, 0, tag.hash
    )  # fmt: skip


def test_the_watcher_notes_spells_and_only_when_the_glass_changed() -> None:
    clock = ManualClock()
    tag = VirtualTag("000002186A5B3E01", hw_type=0x01)
    watcher = GlassWatcher({tag.mac: tag}, {"one": tag.mac}, TimeBase(clock.monotonic(), clock.now()), clock)
    red = Image.new("RGB", (296, 128), (255, 0, 0))
    white = Image.new("RGB", (296, 128), "white")
    for at, picture in ((1.0, white), (1.0, red), (3.0, red), (1.0, white)):
        clock.advance(at)
        tag.show(encode(picture, tag.kind), 0.0)
        watcher.look()
        watcher.look()
    (spell,) = watcher.spells
    assert (spell.label, spell.begin, spell.end) == ("one", 2.0, 6.0)
    assert watcher.personal_now == ()


def test_kills_are_read_and_nonsense_is_explained() -> None:
    assert parse_kill("edge@20.5") == Kill("edge", 20.5)
    for text in ("edge", "postgres@3", "edge@soon"):
        with pytest.raises(ValueError, match="edge@20"):
            parse_kill(text)


async def test_server_sent_events() -> None:
    async def lines() -> AsyncIterator[str]:
        for line in (": open", "", "event: arrival", "id: 7", "data: {", "data: }", "", "retry: 1000", "", "data: cut"):
            yield line

    assert [found async for found in parse_events(lines())] == [ServerSent("arrival", "7", "{\n}")]


def test_the_bus_listener_counts_an_event_once_and_frames_over_restarts() -> None:
    bus = BusListener("127.0.0.1", 1, "demo")
    now = datetime.now(UTC)
    left = ZoneLeft(track="floor-a-1", zone="players", dwell_s=5.0, at=now)
    for _ in range(3):
        bus.hear(message(left, sequence=4))
    assert len(bus.stays) == 1
    for uptime, captured in ((30.0, 300), (60.0, 600), (30.0, 200)):
        camera = CameraHealth(
            id="floor", state="running", fps=10, captured=captured, processed=captured - 10, dropped=10
        )
        bus.hear(message(Health(uptime_s=uptime, cameras=(camera,), outbox_depth=0)))
    assert (bus.frames.captured, bus.frames.processed, bus.frames.dropped) == (800, 780, 20)


def message(data: Wire, sequence: int | None = None) -> Message:
    row = channel_for(data)
    session = None if sequence is None else "s"
    envelope = Envelope(
        id="1", source="/demo/box-1", type=row.event_type, time=datetime.now(UTC), session=session, sequence=sequence
    )
    return Message(Address("demo", "box-1", row.kind), row, envelope, data, plain(data))


def wiring() -> Wiring:
    key = base64.b64encode(bytes(32)).decode()
    return Wiring(
        broker="mqtt://127.0.0.1:1883",
        access_point="http://127.0.0.1:8000",
        scanner_port="/dev/pts/9",
        entrance=entrance_source(None, "http://127.0.0.1:8001/stream.mjpg"),
        floor_url="http://127.0.0.1:8002/stream.mjpg",
        homography=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
        lane=((0.2, 0.2), (0.8, 0.2), (0.8, 0.9), (0.2, 0.9)),
        signing_key=key,
        sealing_key=key,
    )


def test_the_edge_takes_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "edge.yaml"
    path.write_text(yaml.safe_dump(edge_document(CAST, wiring())), encoding="utf-8")
    config = load_config(path)
    assert config.policy.mode == "lane"
    assert config.labels is not None
    assert {place.id for place in config.labels.map} == {label.id for label in CAST.labels}


def test_central_takes_the_import(tmp_path: Path) -> None:
    path = tmp_path / "import.json"
    path.write_text(json.dumps(import_document(CAST, datetime.now(UTC))), encoding="utf-8")
    whole = read_import(path)
    assert len(whole.products) == len(CAST.products) == 14
    assert len(whole.customers) == 8


@pytest.mark.parametrize(
    ("video", "driver"),
    [
        ("0", "webcam"),
        ("/dev/video1", "webcam"),
        ("rtsp://cam/1", "rtsp"),
        ("http://cam/x", "http"),
        ("/a/b.mp4", "file"),
    ],
)
def test_a_video_takes_the_place_of_the_entrance(video: str, driver: str, tmp_path: Path) -> None:
    source = entrance_source(video, "http://127.0.0.1:1/")
    assert source["driver"] == driver
    document = edge_document(CAST, wiring())
    cameras = document["cameras"]
    assert isinstance(cameras, list)
    cameras[0]["source"] = source
    path = tmp_path / "edge.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    assert load_config(path).cameras[0].source.driver == driver


def test_in_convex_whichever_way_round() -> None:
    square = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    for corners in (square, tuple(reversed(square))):
        assert in_convex(corners, (0.5, 0.5))
        assert not in_convex(corners, (1.5, 0.5))
