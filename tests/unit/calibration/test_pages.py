"""The installer's pages without a browser: who is let in, what is refused, where pictures come from."""

from __future__ import annotations

import json
import os
import re
import signal
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import cv2
import httpx
import numpy as np
import pytest

from calibration.errors import CalibrationError
from calibration.lens.file import LensError, LensFile
from calibration.markers import DICTIONARY, find_markers, marker_sheets
from calibration.plan_checks import Word
from calibration.source import camera_source, source_of
from calibration.web.draft import Draft
from calibration.web.floor_desk import Files, FloorDesk
from calibration.web.floor_page import FloorPage
from calibration.web.pages import texts
from calibration.web.server import Listen, PageServer
from contract.clock import ManualClock

STATIC = Path(__file__).parents[3] / "calibration" / "web" / "static"
EMPTY = {"width_m": 10, "height_m": 8}


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "view.png"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8))
    return path


@pytest.fixture
def desk(tmp_path: Path, picture: Path) -> FloorDesk:
    files = Files(tmp_path / "out" / "floor.floor.yaml", tmp_path / "out" / "plan.yaml")
    return FloorDesk("floor", source_of(str(picture)), None, files, ManualClock(), lambda _s: None)


@pytest.fixture
def client(desk: FloorDesk) -> Iterator[httpx.Client]:
    server = PageServer(Listen(), lambda server: FloorPage(desk, server).application())
    server.start()
    with httpx.Client(
        base_url=server.url.partition("/?")[0], headers={"X-Key": server.url.partition("key=")[2]}
    ) as one:
        yield one
    server.stop()


def enter(client: httpx.Client) -> dict[str, str]:
    answer = client.get("/", params={"key": client.headers["X-Key"]})
    assert answer.status_code == 303
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=Strict" in answer.headers["set-cookie"]
    return {"Origin": str(client.base_url).rstrip("/")}


def test_nobody_without_the_key(client: httpx.Client) -> None:
    for path in ("/", "/?key=wrong", "/api/start", "/static/page.css"):
        assert client.get(path).status_code == 403
    assert client.post("/api/still").status_code == 403


def test_another_site_cannot_make_the_page_act(client: httpx.Client) -> None:
    own = enter(client)
    assert client.post("/api/still", headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.post("/api/still").status_code == 403
    answer = client.post("/api/still", headers=own)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-width"] == "320"
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**EMPTY, "width_m": -1},
        {**EMPTY, "zones": [{"id": 1}]},
        {**EMPTY, "surprise": 1},
        [],
        {**EMPTY, "points": [{"image": [1]}]},
    ],
)
def test_bad_bodies_are_refused_in_words(client: httpx.Client, body: object) -> None:
    answer = client.post("/api/judge", json=body, headers=enter(client))
    assert answer.status_code == 422
    assert answer.json()["error"] == "bad_field"
    assert answer.json()["text"]


def test_nothing_is_written_but_the_results(client: httpx.Client, desk: FloorDesk, tmp_path: Path) -> None:
    own = enter(client)
    before = {path.name for path in tmp_path.rglob("*")}
    client.post("/api/still", headers=own)
    assert client.post("/api/save", json=EMPTY, headers=own).json()["error"] == "no_operator"
    assert {path.name for path in tmp_path.rglob("*")} == before
    answer = client.post("/api/save", json={**EMPTY, "operator": "A"}, headers=own).json()
    assert answer["calibrated"] is False
    assert {path.name for path in tmp_path.rglob("*")} - before == {"out", "plan.yaml"}


def test_markers_in_the_picture_are_found_and_sheets_are_readable() -> None:
    sheets = marker_sheets(3, 100)
    picture = np.full((900, 1400), 255, np.uint8)
    for number, left in enumerate((60, 500, 940)):
        sheet = np.asarray(sheets[number].image(dpi=70))
        picture[200 : 200 + sheet.shape[0], left : left + sheet.shape[1]] = sheet
    found = find_markers(picture)
    assert sorted(found) == [0, 1, 2]
    expected = 500 + sheets[1].width / 2 / 25.4 * 70
    assert found[1][0] == pytest.approx(expected, abs=1.5)
    assert DICTIONARY == cv2.aruco.DICT_4X4_50


def test_markers_become_answers(desk: FloorDesk) -> None:
    with pytest.raises(CalibrationError, match="picture first"):
        desk.markers()
    desk.still()
    assert desk.markers() == {"markers": {}}


def test_a_lens_of_another_resolution_is_refused(desk: FloorDesk) -> None:
    desk._lens = LensFile(
        camera="floor", operator="a", calibrated_at=ManualClock().now(), verdict="VALID", board="charuco:9x6:28",
        pictures=20, image_size=(1280, 720), error_px=LensError(rms=0.2, worst_picture=0.4), coverage=0.9,
        kind="pinhole", focal=(900, 900), centre=(640, 360), distortion=(0, 0, 0, 0),
    )  # fmt: skip
    with pytest.raises(CalibrationError, match="1280x720"):
        desk.still()


def test_a_password_is_used_and_never_told(tmp_path: Path) -> None:
    path = tmp_path / "edge.yaml"
    path.write_text(
        "cameras: [{id: floor, source: {driver: rtsp, url: 'rtsp://cam:554/a', username: u, password: 's3:cret'}},\n"
        "  {id: other, source: {driver: scripted}}]\n"
    )
    source = camera_source(path, "floor")
    assert source.address == "rtsp://u:s3%3Acret@cam:554/a"
    assert "s3" not in source.name
    with pytest.raises(CalibrationError, match="floor, other"):
        camera_source(path, "door")
    with pytest.raises(CalibrationError, match="scripted"):
        camera_source(path, "other")
    assert source_of("http://u:p@cam/x.mjpg").name == "http://cam/x.mjpg"


@pytest.mark.parametrize("text", ["0.0.0.0:8090", "192.168.1.5:1", "localhost:80", "127.0.0.1", "127.0.0.1:70000"])
def test_only_this_machine_without_a_certificate(text: str) -> None:
    with pytest.raises(CalibrationError, match="--listen"):
        Listen.parse(text, None, None)
    assert Listen.parse("127.0.0.1:0", None, None).port == 0


@pytest.mark.parametrize("page", ["floor", "audit"])
def test_both_languages_say_everything(page: str) -> None:
    english, russian = texts(page, "en"), texts(page, "ru")  # type: ignore[arg-type]
    assert english.keys() == russian.keys()
    fields = string.Formatter()
    for name, text in english.items():
        wanted = {part for _, part, _, _ in fields.parse(text) if part}
        assert wanted == {part for _, part, _, _ in fields.parse(russian[name]) if part}, name
        assert russian[name] != text or not re.search("[a-z]{3}", text), f"{name} is not translated"
    names = ("wire.js", "audit.js") if page == "audit" else ("wire.js", "tables.js", "pane.js", "floor.js")
    scripts = "".join((STATIC / name).read_text() for name in names)
    used = set(re.findall(r'words\.([a-z_A-Z]+)|say\("([a-z_]+)"', scripts))
    missing = {name for pair in used for name in pair if name and name not in english}
    assert missing == set()


def test_every_finding_has_a_text() -> None:
    english = texts("floor", "en")
    source = (STATIC.parent / "judgement.py").read_text()
    words = set(re.findall(r'Told\(\([^{}]*?\), "([a-z_]+)"', source)) | set(get_args(Word)) - {"line_outside_view"}
    words |= {"few_points", "image_on_a_line", "floor_on_a_line", "not_finite", "no_fit", "line_outside_camera"}
    assert len(words) > 20
    assert {word for word in words if f"find_{word}" not in english} == set()


def test_judging_needs_no_picture(desk: FloorDesk) -> None:
    answer = desk.judge(Draft(width_m=5, height_m=5))
    assert answer["state"] == "UNCALIBRATED"
    assert json.dumps(answer)


def test_the_command_serves_and_ends_in_order(tmp_path: Path, picture: Path) -> None:
    call = [
        sys.executable,
        "-m",
        "calibration",
        "floor",
        "--camera",
        "floor",
        "--source",
        str(picture),
        "--out",
        str(tmp_path),
    ]
    process = subprocess.Popen(call, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"})
    assert process.stderr is not None
    line = process.stderr.readline()
    url = line.removeprefix("open ").strip()
    assert httpx.get(url).status_code == 303, line
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
