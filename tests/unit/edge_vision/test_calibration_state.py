"""What a node makes of calibration files: never silently wrong metres, and a clear word wherever something is wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from calibration.audit.compare import count_error
from calibration.audit.file import AuditFile, audit_yaml
from calibration.background import reference
from calibration.floor_file import FloorPoints, PointPair, floor_file, floor_yaml, solve
from calibration.homography import project
from calibration.lens.model import Lens
from contract.events import FloorOccupancy, LineCrossed, ZoneEntered, ZoneLeft
from contract.quality import CameraCalibration
from edge.calibration_watch import LOOK_AGAIN_S, LOOK_EVERY_S, CalibrationWatch
from edge.cli import main
from edge.config import ConfigError, load_config
from edge.config.load import examine_config
from edge.engines import Engines
from edge.floor.plane import FloorPlane
from edge.gallery import Gallery
from edge.values import Emission, Frame, Instant
from edge.vision_node import Vision
from simulator.scenes.floor import FloorScene

At = Callable[..., Instant]
AT = datetime(2026, 3, 1, tzinfo=UTC)
PIXELS = np.array([[200, 650], [1100, 640], [640, 480], [300, 420], [1000, 420], [640, 620]], float)
NODE = """\
store: shop
node: n1
state_dir: var
cameras:
  - id: floor
    role: floor
    source: {{driver: simulated}}
    calibration: floor.yaml
{camera}
{more}
"""
PLAN = """\
operator: A
drawn_at: 2026-03-01T00:00:00Z
width_m: 10
height_m: 8
zones:
  - {id: near, polygon: [[4, 4], [6, 4], [6, 5], [4, 5]], dwell_s: 9}
  - {id: behind, polygon: [[4, 0.1], [6, 0.1], [6, 1], [4, 1]]}
lines:
  - {id: aisle, from: [3, 5], to: [7, 5], inside: right}
"""


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    """The command line points the log at the stream of one test; the next has another."""
    before = logging.getLogger().handlers[:]
    yield
    logging.getLogger().handlers[:] = before


@pytest.fixture(scope="module")
def scene() -> FloorScene:
    return FloorScene(seed=1)


@pytest.fixture
def folder(tmp_path: Path, scene: FloorScene) -> Path:
    calibrate(tmp_path, scene)
    return tmp_path


def calibrate(folder: Path, scene: FloorScene, count: int = 6, shift: float = 0.0) -> None:
    floor = project(scene.homography, PIXELS)
    floor[2, 0] += shift
    pairs = tuple(
        PointPair(image=tuple(i), floor=tuple(f)) for i, f in zip(PIXELS.tolist(), floor.tolist(), strict=True)
    )[-count:]
    points = FloorPoints(camera="floor", operator="A", points=pairs, image_size=(1280, 720))
    background = reference([scene.render(0, []), scene.render(1, [])])
    (folder / "floor.yaml").write_text(floor_yaml(floor_file(points, solve(pairs, None), AT, background=background)))


def node(folder: Path, camera: str = "", more: str = "") -> Path:
    path = folder / "node.yaml"
    path.write_text(NODE.format(camera=camera, more=more))
    return path


def refused(folder: Path, **parts: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(node(folder, **parts))
    return [str(problem) for problem in caught.value.problems]


def test_the_file_gives_the_homography(folder: Path, scene: FloorScene) -> None:
    camera = load_config(node(folder)).cameras[0]
    assert camera.homography is not None
    assert camera.calibrated
    place = FloorPlane(camera.homography).to_plan((640, 480))
    assert place == pytest.approx(tuple(project(scene.homography, PIXELS[2:3])[0]), abs=0.02)


def test_zones_of_the_plan_that_this_node_sees_are_its_own(folder: Path) -> None:
    (folder / "plan.yaml").write_text(PLAN)
    config, notes = examine_config(node(folder, more="plan: plan.yaml"))
    assert [(zone.id, zone.dwell_s) for zone in config.zones] == [("near", 9)]
    assert [line.id for line in config.lines] == ["aisle"]
    (note,) = notes
    assert "node.yaml:10: plan: no calibrated camera of this node sees behind" in str(note)


@pytest.mark.parametrize(
    ("more", "line", "words"),
    [
        ("zones: [{id: z, polygon: [[4, 4], [6, 5], [6, 4], [4, 5]]}]", 10, "crosses or touches itself"),
        ("zones: [{id: z, polygon: [[4, 0.1], [6, 0.1], [6, 1]]}]", 10, "no calibrated camera sees this zone"),
        ("lines: [{id: l, from: [4, 0.1], to: [6, 0.1], inside: left}]", 10, "no calibrated camera sees this line"),
        (
            "lines:\n  - {id: a, from: [3, 5], to: [7, 5], inside: left}\n"
            "  - {id: b, from: [5, 4], to: [5, 6], inside: left}",
            12,
            "crosses line 'a' at (5.0, 5.0)",
        ),
        ("plan: nowhere.yaml", 10, "cannot be read"),
    ],
)
def test_bad_shapes_are_named_with_their_line(folder: Path, more: str, line: int, words: str) -> None:
    (found,) = refused(folder, more=more)
    assert found.startswith(f"node.yaml:{line}: ")
    assert words in found


def test_bad_files_are_named_with_their_line(folder: Path) -> None:
    assert "node.yaml:9: cameras[0].audit" in refused(folder, camera="    audit: none.yaml")[0]
    assert "keep one of them" in refused(folder, camera="    homography: [[1,0,0],[0,1,0],[0,0,1]]")[0]
    assert "holds its own lens" in refused(folder, camera="    lens: floor.yaml")[-1]
    (folder / "floor.yaml").write_text((folder / "floor.yaml").read_text().replace("camera: floor", "camera: door"))
    assert "about camera 'door', not 'floor'" in refused(folder)[0]
    (folder / "floor.yaml").write_text("camera: floor\n")
    assert "node.yaml:8: cameras[0].calibration" in refused(folder)[0]


@pytest.mark.parametrize(
    ("count", "shift", "words"), [(4, 0.0, "UNCHECKED: four points"), (6, 2.0, "INVALID: the points")]
)
def test_check_config_says_what_a_calibration_leaves_open(
    tmp_path: Path, scene: FloorScene, capsys: pytest.CaptureFixture[str], count: int, shift: float, words: str
) -> None:
    calibrate(tmp_path, scene, count, shift)
    assert main(["check-config", str(node(tmp_path))]) == 0
    told = capsys.readouterr()
    assert f"note: node.yaml:8: cameras[0].calibration: {words}" in told.err
    assert not load_config(tmp_path / "node.yaml").cameras[0].calibrated


def test_check_config_names_a_camera_without_calibration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = node(tmp_path)
    path.write_text(path.read_text().replace("    calibration: floor.yaml\n", ""))
    assert main(["check-config", str(path)]) == 0
    assert "not calibrated: its people are not placed" in capsys.readouterr().err


def look(watch: CalibrationWatch, picture: np.ndarray, when: Instant) -> list[CameraCalibration]:
    watch.look(Frame("floor", picture, when))
    return [event for event in watch.news(when) if isinstance(event, CameraCalibration)]


def turned(picture: np.ndarray) -> np.ndarray:
    return np.roll(picture, 120, axis=1)


def test_a_moved_camera_is_told_once_and_its_events_are_marked(
    folder: Path, scene: FloorScene, at: At, caplog: pytest.LogCaptureFixture
) -> None:
    watch = CalibrationWatch(load_config(node(folder)).cameras)
    straight, crooked = scene.render(3, []), turned(scene.render(3, []))
    first = look(watch, straight, at(0))
    assert [(event.state, event.reason) for event in first] == [("VALID", "")]
    assert first[0].residual_m is not None
    events = [
        LineCrossed(line="l", direction="in", track="t", at=AT),
        FloorOccupancy(camera="floor", minute=AT, cells=()),
        ZoneLeft(zone="z", track="t", dwell_s=1, at=AT),
    ]
    assert watch.mark(events) == events
    caplog.set_level(logging.WARNING)
    told: list[CameraCalibration] = []
    for minute in range(1, 8):
        for second in (0, LOOK_AGAIN_S, 2 * LOOK_AGAIN_S):
            told += look(watch, crooked, at(minute * LOOK_EVERY_S + second))
    (event,) = told
    assert (event.state, event.reason) == ("INVALID", "moved")
    assert event.drift_m is not None
    assert event.drift_m > 0.3
    assert "calibrate it again" in event.detail
    assert len([record for record in caplog.records if "INVALID" in record.message]) == 1
    assert [getattr(one, "calibrated", None) for one in watch.mark(events)] == [False, False, False]
    for minute in range(8, 12):
        told += look(watch, straight, at(minute * LOOK_EVERY_S))
    assert [(event.state, event.reason) for event in told[1:]] == [("VALID", "")]


def test_another_resolution_is_seen_at_once(folder: Path, scene: FloorScene, at: At) -> None:
    watch = CalibrationWatch(load_config(node(folder)).cameras)
    picture = scene.render(3, [])
    look(watch, picture, at(0))
    (event,) = look(watch, cv2.resize(picture, (640, 360)), at(0.1))
    assert (event.state, event.reason) == ("INVALID", "resolution")
    assert not watch.trusted("floor")
    assert look(watch, picture, at(0.2))[0].state == "VALID"


@pytest.mark.parametrize(
    ("camera", "state", "reason"),
    [
        ("    homography: [[0.01, 0, 0], [0, 0.01, 0], [0, 0, 1]]", "VALID", "by_hand"),
        (
            "    homography: [[0.01, 0, 0], [0, 0.01, 0], [0, 0, 1]]\n    calibrated: false",
            "UNCALIBRATED",
            "provisional",
        ),
        ("", "UNCALIBRATED", "no_calibration"),
    ],
)
def test_without_a_file_the_state_says_how_little_is_known(
    tmp_path: Path, at: At, camera: str, state: str, reason: str
) -> None:
    path = node(tmp_path, camera)
    path.write_text(path.read_text().replace("    calibration: floor.yaml\n", ""))
    watch = CalibrationWatch(load_config(path).cameras)
    (event,) = watch.news(at(0))
    assert isinstance(event, CameraCalibration)
    assert (event.state, event.reason, event.residual_m) == (state, reason, None)
    assert watch.news(at(1)) == []


def test_an_audit_goes_to_central_with_the_state(folder: Path, at: At) -> None:
    record = AuditFile(
        camera="floor", operator="V", audited_at=AT, until=AT.replace(month=8), footage="day.mp4", watched_s=900,
        count=count_error(120, 2, 1),
    )  # fmt: skip
    (folder / "audit.yaml").write_text(audit_yaml(record))
    watch = CalibrationWatch(load_config(node(folder, "    audit: audit.yaml")).cameras)
    (event,) = watch.news(at(0))
    assert isinstance(event, CameraCalibration)
    assert event.audit == record.audit


def test_a_lens_straightens_the_box_of_a_person() -> None:
    lens = Lens(
        "pinhole", (1280, 720), np.array([[900.0, 0, 640], [0, 900, 360], [0, 0, 1]]), np.array([-0.2, 0.03, 0, 0])
    )
    plane = FloorPlane(((0.01, 0, 0), (0, 0.01, 0), (0, 0, 1)), lens)
    straight = plane.straight((1100, 300, 1180, 600))
    assert straight is not None
    foot = lens.undistort(np.array([[1140.0, 600.0]]))[0]
    assert ((straight[0] + straight[2]) / 2, straight[3]) == pytest.approx(tuple(foot))
    assert straight[3] > 600, "barrel distortion pulls the edge of the picture inwards"
    assert FloorPlane(((0.01, 0, 0), (0, 0.01, 0), (0, 0, 1))).straight((1, 2, 3, 4)) == (1, 2, 3, 4)
    strong = Lens("pinhole", lens.size, lens.matrix, np.array([-0.7, 0.1, 0, 0]))
    assert FloorPlane(((0.01, 0, 0), (0, 0.01, 0), (0, 0, 1)), strong).straight((1240, 500, 1280, 719)) is None


def test_the_whole_node_says_so_on_every_event(folder: Path, scene: FloorScene, persons: Any, at: At) -> None:
    """A person walks into a zone before and after the camera is knocked: same pipeline, honest marks."""
    zone = project(scene.homography, np.array([[640.0, 520.0]]))[0]
    corners = [
        [round(float(zone[0] + x), 2), round(float(zone[1] + y), 2)] for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    more = f"zones:\n  - {{id: z, polygon: {corners}, enter_s: 0.5, grace_s: 0.5, dwell_s: 100}}"
    config = load_config(node(folder, more=more))
    vision = Vision(
        config, "qr_only", Gallery(searchable=False), Engines(persons=persons), at(0), run="t", new_id=lambda: "v"
    )
    straight = scene.render(3, [])
    crooked = turned(straight)
    persons.boxes = [(590, 300, 690, 520)]

    def walk(picture: np.ndarray, start: float, seconds: float) -> list[Emission]:
        told: list[Emission] = []
        for tick in range(int(seconds * 5)):
            now = at(start + tick / 5)
            frame = picture.copy()
            frame[100:140, (tick * 37) % 1200 : (tick * 37) % 1200 + 40] = 255
            frame[320:420, 600:680] = 255 * (tick % 2)
            told += vision.frame(Frame("floor", frame, now)) + vision.tick(now)
        return told

    good = walk(straight, 0, 4)
    assert vision.calibration("floor") == "VALID"
    walk(crooked, 70, 40)
    assert vision.calibration("floor") == "INVALID"
    bad = walk(crooked, 200, 4) + vision.shutdown(at(205))
    zones = [[event for event in told if isinstance(event, (ZoneEntered, ZoneLeft))] for told in (good, bad)]
    assert zones[0]
    assert all(event.calibrated for event in zones[0])
    assert zones[1]
    assert not any(event.calibrated for event in zones[1])
