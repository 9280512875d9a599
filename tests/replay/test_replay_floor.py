"""Recordings through the real pipeline with the real models. Needs ../shared/data and built weights."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from edge.config import ConfigError, EdgeConfig, parse_config
from edge.replay import replay
from hardware.errors import HardwareError
from models.weights import default_weights_dir

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
VIDEO = DATA / "video" / "one-by-one-person-detection.mp4"
needs_data = pytest.mark.skipif(not VIDEO.exists(), reason="../shared/data is absent: no recording to replay")
needs_weights = pytest.mark.skipif(
    not (default_weights_dir() / "manifest.json").exists(), reason="no weights; run `python -m models build`"
)

FLOOR = """
store: shop
node: n1
state_dir: var
policy: {mode: qr_only}
cameras:
  - id: floor
    role: floor
    source: {driver: file, path: x.mp4}
    analysed_fps: 10
    homography: [[0.01, 0, 0], [0, 0.01, 0], [0, 0, 1]]
zones:
  - {id: shelf, polygon: [[3.6, 3.45], [5.8, 3.45], [6.0, 4.18], [3.4, 4.18]], enter_s: 1.0, grace_s: 1.0, dwell_s: 5}
"""


@pytest.fixture(scope="module")
def events() -> list[dict[str, object]]:
    """The whole recording, once."""
    return [json.loads(line) for line in run(parse_config(FLOOR)).splitlines()]


def run(config: EdgeConfig, camera: str = "floor", video: Path = VIDEO) -> str:
    out = io.StringIO()
    replay(config, camera, video, out)
    return out.getvalue()


def of_kind(events: list[dict[str, object]], kind: str) -> list[dict[str, object]]:
    found = (event["data"] for event in events if event["type"] == f"com.vitrina.v1.{kind}")
    return [data for data in found if isinstance(data, dict)]


@needs_data
@needs_weights
def test_six_visits_with_their_dwell(events: list[dict[str, object]]) -> None:
    six_visits(events, total=0.03, worst_s=0.7)
    assert len(of_kind(events, "zone.entered")) == len(of_kind(events, "zone.dwelled")) == 6


@needs_data
@needs_weights
def test_six_visits_at_half_the_looks() -> None:
    text = run(parse_config(FLOOR.replace("analysed_fps: 10", "analysed_fps: 5")))
    six_visits([json.loads(line) for line in text.splitlines()], total=0.05, worst_s=1.0)


def six_visits(events: list[dict[str, object]], total: float, worst_s: float) -> None:
    """Everybody who came, once, and how long they stayed, against the truth by eye."""
    truth = json.loads((DATA / "gt" / "one-by-one_dwell.json").read_text())
    expected = [(visit["leave"] - visit["enter"]) / truth["fps"] for visit in truth["visits"]]
    left = of_kind(events, "zone.left")
    stays = [float(str(data["dwell_s"])) for data in left]
    assert len(stays) == len(expected) == 6
    assert abs(sum(stays) / sum(expected) - 1) <= total
    assert max(abs(stay - true) for stay, true in zip(stays, expected, strict=True)) <= worst_s
    assert len({data["track"] for data in left}) == 6


@needs_data
@needs_weights
def test_times_are_the_recordings_and_sequence_has_no_gap(events: list[dict[str, object]]) -> None:
    truth = json.loads((DATA / "gt" / "one-by-one_dwell.json").read_text())
    entered = [str(data["at"]) for data in of_kind(events, "zone.entered")]
    for told, visit in zip(entered, truth["visits"], strict=True):
        minute, second = told[14:16], told[17:].rstrip("Z")
        assert abs(int(minute) * 60 + float(second) - visit["enter"] / truth["fps"]) <= 1.0
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert len({str(event["session"]) for event in events}) == 1


@needs_data
@needs_weights
def test_occupancy_is_of_the_order_of_the_time_people_were_there(events: list[dict[str, object]]) -> None:
    cells = [cell for data in of_kind(events, "floor.occupancy") for cell in list(data["cells"])]  # type: ignore[call-overload]
    assert 94.2 <= sum(cell[2] for cell in cells) <= 140


@needs_data
@needs_weights
def test_the_same_input_gives_the_same_bytes() -> None:
    short = DATA / "video" / "store_aisle_4s.mp4"
    first, second = run(parse_config(FLOOR), video=short), run(parse_config(FLOOR), video=short)
    assert first == second
    assert first.count("\n") >= 1


@needs_data
@needs_weights
@pytest.mark.parametrize("name", ["enter_face_3s.mp4", "faces_pause_3s.mp4"])
def test_approaching_faces_are_found_and_without_a_gallery_none_is_embedded(name: str) -> None:
    door = parse_config(
        "store: s\nnode: n\nstate_dir: v\npolicy: {mode: lane}\ncameras:\n  - {id: door, role: entrance, "
        "analysed_fps: 15, source: {driver: file, path: x}, lane: [[0, 0], [1, 0], [1, 1], [0, 1]]}\n"
    )
    out = io.StringIO()
    report = replay(door, "door", DATA / "video" / name, out)
    assert report.counters.face_tracks >= 1
    assert report.counters.embedder_calls == 0
    assert out.getvalue() == ""


def test_an_unknown_camera_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cameras of this file: floor"):
        replay(parse_config(FLOOR), "door", tmp_path / "x.mp4", io.StringIO())


@needs_weights
def test_an_unreadable_recording_is_a_clear_error(tmp_path: Path) -> None:
    broken = tmp_path / "x.mp4"
    broken.write_bytes(b"not a video")
    for video in (broken, tmp_path / "none.mp4"):
        with pytest.raises(HardwareError, match=str(video.name)):
            replay(parse_config(FLOOR), "floor", video, io.StringIO())
