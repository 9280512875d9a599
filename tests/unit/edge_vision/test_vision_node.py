"""Everything joined on one thread: a code in the picture, a person on the floor, a visit from zone to exit."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import zxingcpp
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from contract.checkin import Certificate, CheckinToken
from contract.events import ProductScanned
from contract.quality import CameraCalibration
from edge.checkin import CheckinVerifier
from edge.config import EdgeConfig
from edge.engines import Engines
from edge.gallery import Gallery
from edge.process import harden_process
from edge.values import Emission, Frame, Image, Instant
from edge.vision_node import Vision

At = Callable[..., Instant]
CENTRAL = Ed25519PrivateKey.generate()
SUBJECT = b"\x07" * 16


def checkin(issued: Instant) -> str:
    phone = ec.generate_private_key(ec.SECP256R1())
    point = phone.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    paper = Certificate(SUBJECT, point, int(issued.wall.timestamp()) + 3600)
    paper = replace(paper, signature=CENTRAL.sign(paper.signed_part()))
    token = CheckinToken(paper, int(issued.wall.timestamp() * 1000), os.urandom(8), b"")
    r, s = decode_dss_signature(phone.sign(token.signed_part(), ec.ECDSA(SHA256())))
    return replace(token, signature=r.to_bytes(32) + s.to_bytes(32)).encode()


def shown(text: str) -> Image:
    """A camera picture with a QR code held into it."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode)
    small = np.array(code.to_image(scale=4), np.uint8)
    picture = np.full((480, 640, 3), 128, np.uint8)
    height, width = small.shape[:2]
    picture[60 : 60 + height, 90 : 90 + width] = small.reshape(height, width, 1)
    return picture


@pytest.fixture
def node(store: Callable[[str], EdgeConfig], persons: Any, at: At) -> Vision:
    config = store("qr_only")
    cameras = tuple(camera.model_copy(update={"read_qr": True}) for camera in config.cameras)
    numbers = iter(range(1000))
    vision = Vision(
        config.model_copy(update={"cameras": cameras}),
        "qr_only",
        Gallery(searchable=False),
        Engines(persons=persons),
        at(0),
        run="t",
        new_id=lambda: f"v{next(numbers)}",
    )
    vision._desk._verifier = CheckinVerifier(CENTRAL.public_key().public_bytes_raw(), at(0))
    return vision


def names(events: list[Emission]) -> list[str]:
    return [type(event).__name__ for event in events]


def floor_frames(node: Vision, persons: Any, at: At, start: float, path: list[tuple[float, float]]) -> list[Emission]:
    """A person whose feet go along `path` (metres), ten steps a second."""
    noise = np.random.default_rng(4).integers(0, 255, (2, 400, 400, 3), dtype=np.uint8)
    told: list[Emission] = []
    for tick, (x, y) in enumerate(path):
        persons.boxes = [(100 * x - 20, 100 * y - 100, 100 * x + 20, 100 * y)]
        told += node.frame(Frame("floor", noise[tick % 2], at(start + tick / 10)))
    return told


def line(start: tuple[float, float], end: tuple[float, float], steps: int) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in np.linspace(start, end, steps)]


def test_from_the_code_to_the_shelf_to_the_door(node: Vision, persons: Any, at: At) -> None:
    told = floor_frames(node, persons, at, 0.0, [(2.3, 1.1)] * 10)
    told += node.frame(Frame("door", shown(checkin(at(0.9))), at(1.0)))
    told += floor_frames(node, persons, at, 1.1, line((2.3, 1.1), (1.5, 1.5), 10) + [(1.5, 1.5)] * 40)
    told += floor_frames(
        node, persons, at, 6.1, line((1.5, 1.5), (1.5, 0.8), 10) + [(1.5, 0.8)] * 12 + line((1.5, 0.8), (1.5, 0.05), 10)
    )
    told += [event for event in node.tick(at(13)) if not isinstance(event, CameraCalibration)]
    assert names(told) == [
        "VisitStarted",
        "VisitIdentified",
        "ZoneEntered",
        "ZoneDwelled",
        "ZoneLeft",
        "LineCrossed",
        "VisitEnded",
    ]
    dwelled = next(event for event in told if type(event).__name__ == "ZoneDwelled")
    assert dwelled.visit == "v0"  # type: ignore[attr-defined]
    assert told[-1].reason == "exit"  # type: ignore[attr-defined]
    assert node.counters().checkins == {"accepted": 1}


def test_a_code_held_into_the_picture_counts_once(node: Vision, at: At) -> None:
    picture = shown(checkin(at(0)))
    told = [event for n in range(20) for event in node.frame(Frame("door", picture, at(0.1 + n / 10)))]
    assert names(told) == ["VisitStarted", "VisitIdentified"]


def test_a_product_code_belongs_to_the_person_at_the_device(node: Vision, persons: Any, at: At) -> None:
    floor_frames(node, persons, at, 0.0, [(2.0, 1.1)] * 10)
    node.scan("desk", checkin(at(1.0)), at(1.0))
    floor_frames(node, persons, at, 1.1, [(2.0, 1.1)] * 5)
    (scanned,) = node.scan("desk", "https://id.gs1.org/01/04006381333931", at(1.7))
    assert isinstance(scanned, ProductScanned)
    assert (scanned.sku, scanned.visit, scanned.device) == ("04006381333931", "v0", "desk")
    (later,) = node.scan("desk", "SKU1", at(9.0))
    assert isinstance(later, ProductScanned)
    assert later.visit is None


def test_rubbish_codes_are_counted_and_silent(node: Vision, at: At) -> None:
    assert node.scan("desk", "WIFI:S:x;;", at(0)) == []
    assert node.scan("desk", "VITRINA1.xx", at(0)) == []
    assert node.counters().codes == {"unknown_code": 1}
    assert node.counters().checkins == {"not_a_token": 1}


def test_withdrawal_ends_the_visit_and_shutdown_the_rest(node: Vision, at: At) -> None:
    node.scan("desk", checkin(at(1.0)), at(1.0))
    assert names(node.withdraw(SUBJECT.hex(), at(2))) == ["VisitEnded"]
    node.scan("desk", checkin(at(3.0)), at(3.0))
    assert names(node.shutdown(at(4))) == ["VisitEnded"]


def test_leases_end_in_tick(node: Vision, at: At) -> None:
    node._gallery.put("anna", "t", np.ones(512, np.float32), at(10).monotonic)
    node.tick(at(9))
    assert node._gallery.templates == 1
    node.tick(at(10))
    assert node._gallery.templates == 0


def test_hardening_says_what_it_could_not_do() -> None:
    assert all(isinstance(line, str) for line in harden_process())
