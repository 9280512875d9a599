"""Codes in frames: turned, blurred, tilted, small; and reported once."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
import segno
from numpy.typing import NDArray
from PIL import Image

from contract.clock import ManualClock
from hardware.errors import TransientError
from hardware.scanners.camera_qr import QrStage, decode_qr
from hardware.scanners.options import CameraQrOptions, SimulatedScannerOptions
from hardware.scanners.simulated import Garbage, SimulatedScanner, Unplugged, Wait, from_options

TOKEN = "vitrina:1:" + "Qk9PTV9UT0tFTl9PRl9BX0NVU1RPTUVS" * 3
Picture = NDArray[np.uint8]


def scene(text: str, scale: int = 4, size: tuple[int, int] = (720, 1280)) -> Picture:
    """A QR code in a grey room with sensor noise."""
    stream = io.BytesIO()
    segno.make(text, error="m", micro=False).save(stream, kind="png", scale=scale, border=4)
    code = np.asarray(Image.open(stream).convert("RGB"))
    room = np.random.default_rng(5).normal(110, 8, (*size, 3)).clip(0, 255).astype(np.uint8)
    top, left = (size[0] - len(code)) // 2, (size[1] - code.shape[1]) // 2
    room[top : top + len(code), left : left + code.shape[1]] = code
    return room


def turned(image: Picture, degrees: float) -> Picture:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(image, matrix, (width, height), borderValue=(110, 110, 110)), np.uint8)


def tilted(image: Picture, share: float) -> Picture:
    height, width = image.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    away = corners + np.array([[share * width, share * height], [-share * width, 0], [0, 0], [0, 0]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, away)
    return np.asarray(cv2.warpPerspective(image, matrix, (width, height), borderValue=(110, 110, 110)), np.uint8)


def dim(image: Picture) -> Picture:
    return (image.astype(np.float32) * 0.35 + 10).astype(np.uint8)


@pytest.mark.parametrize("degrees", [0, 17, 45, 90, 133, 180, 271])
def test_turned(degrees: float) -> None:
    assert [code.text for code in decode_qr(turned(scene(TOKEN), degrees))] == [TOKEN]


@pytest.mark.parametrize("share", [0.05, 0.12, 0.2])
def test_tilted(share: float) -> None:
    assert [code.text for code in decode_qr(tilted(scene(TOKEN, 6), share))] == [TOKEN]


@pytest.mark.parametrize("sigma", [0.8, 1.4])
def test_blurred_and_dim(sigma: float) -> None:
    image = dim(np.asarray(cv2.GaussianBlur(scene(TOKEN), (0, 0), sigma), np.uint8))
    assert [code.text for code in decode_qr(image)] == [TOKEN]


def test_the_enlarged_try_reads_what_the_first_cannot() -> None:
    """Phones held far away: 1.3 to 2.4 pixels a module, turned, tilted, noisy."""
    chance = np.random.default_rng(3)
    without = CameraQrOptions(retry_scale=1.0)
    first_try = retried = 0
    for number in range(40):
        image = turned(tilted(scene(f"{TOKEN}{number}"), chance.uniform(0, 0.1)), chance.uniform(0, 360))
        share = chance.uniform(0.32, 0.6)
        small = cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        noisy = (small + chance.normal(0, 6, small.shape)).clip(0, 255).astype(np.uint8)
        first_try += bool(decode_qr(noisy, without))
        retried += bool(decode_qr(noisy))
    assert retried >= 38
    assert retried >= first_try + 4


def test_mixed_distortions_are_nearly_always_read() -> None:
    chance = np.random.default_rng(11)
    read = 0
    for number in range(30):
        text = f"{TOKEN}{number}"
        image = tilted(scene(text, 5), chance.uniform(0, 0.12))
        image = turned(image, chance.uniform(0, 360))
        image = dim(np.asarray(cv2.GaussianBlur(image, (0, 0), chance.uniform(0.3, 1.2)), np.uint8))
        read += [code.text for code in decode_qr(image)] == [text]
    assert read >= 28


def test_corners_are_where_the_code_is() -> None:
    for options in (CameraQrOptions(), CameraQrOptions(retry_scale=4.0)):
        (code,) = decode_qr(scene(TOKEN, 4), options)
        centre = np.mean(code.corners, axis=0)
        assert np.allclose(centre, (640, 360), atol=6)


def test_grey_pictures_nothing_and_formats() -> None:
    assert decode_qr(np.zeros((120, 160), np.uint8)) == ()
    grey = np.asarray(cv2.cvtColor(scene("x1"), cv2.COLOR_BGR2GRAY), np.uint8)
    assert [code.text for code in decode_qr(grey)] == ["x1"]
    assert decode_qr(grey, CameraQrOptions(formats=("ean13",))) == ()


def test_a_code_is_reported_once_until_it_was_out_of_view() -> None:
    stage, image, blank = QrStage("entrance"), scene("one"), np.full((100, 100, 3), 200, np.uint8)
    seen = []
    timeline = [(0.0, image), (0.2, image), (2.9, image), (5.0, image), (6.0, blank), (9.0, image), (9.1, image)]
    for now, picture in timeline:
        stage, scans = stage.step(picture, now)
        seen += [(scan.text, scan.at, scan.source) for scan in scans]
    assert seen == [("one", 0.0, "entrance"), ("one", 9.0, "entrance")]


def test_two_codes_do_not_hide_each_other() -> None:
    stage = QrStage("lane")
    stage, first = stage.observe(("a", "b", "a"), 0.0)
    stage, second = stage.observe(("b", "c"), 1.0)
    assert [scan.text for scan in first] == ["a", "b"]
    assert [scan.text for scan in second] == ["c"]
    stage, _ = stage.observe((), 100.0)
    assert stage.seen == {}


def test_the_simulated_scanner_plays_its_script() -> None:
    clock = ManualClock()
    scanner = SimulatedScanner(["a", Wait(1.0), Garbage(), "b", Unplugged(), "c"], clock, clock.advance)
    scanner.open()
    texts = [scan.text for _ in range(9) if (scan := scanner.read())]
    assert (texts, scanner.rejected) == (["a", "b"], 1)


def test_the_simulated_scanner_is_unplugged() -> None:
    scanner = SimulatedScanner([Unplugged(), "c"], ManualClock(), lambda seconds: None)
    with pytest.raises(TransientError):
        scanner.read()
    scanner.open()
    scan = scanner.read()
    assert scan is not None
    assert scan.text == "c"


def test_the_configured_simulation_repeats_its_texts() -> None:
    clock = ManualClock()
    scanner = from_options(SimulatedScannerOptions(texts=("x", "y"), interval_s=2.0), clock)
    texts = []
    for _ in range(40):
        clock.advance(0.5)
        scan = scanner.read() if scanner._silent_until <= clock.monotonic() else None
        texts += [scan.text] if scan else []
    assert texts[:4] == ["x", "y", "x", "y"]
