"""The door of the store in a box: forty-two people, half strangers, three at once, crossing (issue 3, Must hold)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import pytest

from contract.events import VisitIdentified
from edge.cli import main
from edge.config import EdgeConfig, parse_config
from edge.engines import Engines, load_engines
from edge.evaluation.record import TrackRecorder
from edge.gallery import Gallery
from edge.schedule import FairSchedule
from edge.values import Emission, Frame, Instant
from edge.vision_node import Vision, VisionCounters
from models.evaluation.entrance import Appearance, score_entrance
from models.weights import default_weights_dir
from simulator.scenes.crowd import crowd, duration, ground_truth
from simulator.scenes.entrance import EntranceScene, EntranceWalker
from simulator.scenes.footage import KNOWN, Footage, MissingFootageError, load_footage

pytestmark = pytest.mark.skipif(
    not (default_weights_dir() / "manifest.json").exists(), reason="the model weights are not built here"
)
FPS = 15
START = datetime(2026, 1, 1, tzinfo=UTC)
GROUPS = 14


@pytest.fixture(scope="module")
def footage() -> Footage:
    try:
        return load_footage()
    except MissingFootageError as error:
        pytest.skip(str(error))


def config_of(scene: EntranceScene) -> EdgeConfig:
    return parse_config(config_text(scene))


def config_text(scene: EntranceScene) -> str:
    lane = [list(point) for point in scene.lane]
    return (
        "store: s\nnode: n\nstate_dir: v\npolicy: {mode: lane}\ncameras:\n"
        f"  - {{id: door, role: entrance, source: {{driver: simulated}}, lane: {lane}}}\n"
    )


def enrol(footage: Footage, engines: Engines) -> Gallery:
    from edge.vision.enrolment import Enrolled, assess

    gallery = Gallery()
    for name in KNOWN:
        for number, picture in enumerate(footage.enrolment(name)):
            answer = assess(picture, engines.faces)  # type: ignore[arg-type]
            if isinstance(answer, Enrolled):
                gallery.put(name, str(number), answer.vector, 1e9)
            else:
                print(f"{name}: picture {number} refused: {answer.reason}")
    assert gallery.subjects == len(KNOWN)
    return gallery


@dataclass(frozen=True)
class Day:
    """What a crowd at the door led to."""

    truth: list[Appearance]
    recorder: TrackRecorder
    told: list[Emission]
    counters: VisionCounters


def play(footage: Footage, walkers: Sequence[EntranceWalker], seed: int) -> Day:
    scene = EntranceScene(footage, seed)
    config = config_of(scene)
    engines = load_engines(config, "lane")
    ids, recorder = count(), TrackRecorder()
    vision = Vision(
        config, "lane", enrol(footage, engines), engines, Instant(0, START), run="r", new_id=lambda: f"v{next(ids)}",
        watch=recorder,
    )  # fmt: skip
    schedule = FairSchedule({"door": config.cameras[0].analysed_fps})
    told: list[Emission] = []
    for number in range(round(duration(walkers) * FPS)):
        now = Instant(number / FPS, START + timedelta(seconds=number / FPS))
        if schedule.pick(("door",), now.monotonic) is not None:
            told += vision.frame(Frame("door", scene.render(now.monotonic, walkers), now))
        if number % (FPS // 2) == 0:
            told += vision.tick(now)
    return Day(ground_truth(scene, walkers), recorder, told, vision.counters())


@pytest.fixture(scope="module")
def day(footage: Footage) -> Day:
    return play(footage, crowd(GROUPS, seed=1), seed=1)


def test_every_enrolled_person_is_known_and_no_stranger_named(day: Day) -> None:
    report = score_entrance(day.truth, day.recorder.tracks(), 0.0)
    print(json.dumps(report), day.counters.decisions)
    assert report["people"] == 42
    assert report["strangers"] == 21
    assert (report["strangers_named"], report["nobody_named"], report["wrong"]) == (0, 0, 0)
    assert report["missed"] == 0
    assert report["right"] == 42


def test_only_the_enrolled_appear_in_what_is_sent(day: Day) -> None:
    named = {event.subject for event in day.told if isinstance(event, VisitIdentified)}
    assert named == set(KNOWN)


def test_names_come_in_time_after_the_first_usable_face(day: Day) -> None:
    p95 = float(np.percentile(day.recorder.waits_s, 95))
    print(f"first name after the first usable face: p50 {np.median(day.recorder.waits_s):.3f} s, p95 {p95:.3f} s")
    assert len(day.recorder.waits_s) >= 21
    assert p95 <= 0.6


def test_the_embedder_is_called_at_most_four_times_a_person(day: Day) -> None:
    calls = score_entrance(day.truth, day.recorder.tracks(), 0.0)["embedder_calls"]
    assert isinstance(calls, dict)
    assert calls["per_person"] <= 4
    assert calls["total"] == day.counters.embedder_calls


def test_evaluate_entrance_says_the_same_of_a_recording(
    footage: Footage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    walkers = crowd(2, seed=3)
    scene = EntranceScene(footage, 3)
    config = tmp_path / "edge.yaml"
    config.write_text(config_text(scene))
    record(scene, walkers, tmp_path / "door.avi")
    truth = {
        "people": photographs(footage, tmp_path),
        "appearances": [_written(one) for one in ground_truth(scene, walkers)],
    }
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    out = tmp_path / "out.json"
    video = str(tmp_path / "door.avi")
    arguments = ["evaluate-entrance", "--config", str(config), "--camera", "door", "--video", video,
                 "--truth", str(tmp_path / "truth.json"), "--json", str(out)]  # fmt: skip
    assert main(arguments) == 0
    report = json.loads(out.read_text())
    assert (report["people"], report["found"], report["right"], report["wrong"]) == (6, 6, 6, 0)
    assert report["ms_per_person"] > 0
    assert 0 < report["embedder_calls"]["total"] <= 4 * report["tracks"]
    assert "people 6" in capsys.readouterr().out
    truth["appearances"][0]["person"] = "nobody"  # type: ignore[index]
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    assert main(arguments) == 2
    assert "appearances[0].person: 'nobody' is not among people" in capsys.readouterr().err


def record(scene: EntranceScene, walkers: Sequence[EntranceWalker], path: Path) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, scene.camera.size)
    for number in range(round(duration(walkers) * FPS)):
        writer.write(scene.render(number / FPS, walkers))
    writer.release()


def photographs(footage: Footage, folder: Path) -> dict[str, list[str]]:
    """Published footage, written for this test only."""
    for name in KNOWN:
        for number, picture in enumerate(footage.enrolment(name)):
            cv2.imwrite(str(folder / f"{name}-{number}.png"), picture)
    return {name: [path.name for path in sorted(folder.glob(f"{name}-*.png"))] for name in KNOWN}


def _written(one: Appearance) -> dict[str, object]:
    body = asdict(one)
    path = [[point.at_s, point.x, point.y] for point in one.path]
    return {"person": body["subject"], **{key: body[key] for key in ("start_s", "end_s", "usable_s")}, "path": path}
