"""The door of the store in a box: forty-two people, half strangers, three at once, crossing (issue 3, Must hold).

The pipeline was developed on seeds 1 to 5 and 21 to 24 (docs/recognition.md). Other seeds:
`VITRINA_ENTRANCE_SEEDS=11,12,13 pytest tests/replay/test_replay_entrance.py -s`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from contract.events import VisitIdentified
from edge.cli import main
from models.evaluation.entrance import Appearance
from models.weights import default_weights_dir
from simulator.scenes.crowd import SHUTTER, CrossingWalker, crowd, duration, ground_truth
from simulator.scenes.entrance import EntranceScene, EntranceWalker
from simulator.scenes.entrance_day import FPS, EntranceDay, config_text, play
from simulator.scenes.footage import KNOWN, Footage, MissingFootageError, load_footage

pytestmark = pytest.mark.skipif(
    not (default_weights_dir() / "manifest.json").exists(), reason="the model weights are not built here"
)
GROUPS = 14
SEEDS = tuple(int(seed) for seed in os.environ.get("VITRINA_ENTRANCE_SEEDS", "12,13").split(","))


@pytest.fixture(scope="module")
def footage() -> Footage:
    try:
        return load_footage()
    except MissingFootageError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def days(footage: Footage) -> list[EntranceDay]:
    played = [play(footage, crowd(GROUPS, seed=seed), seed, KNOWN) for seed in SEEDS]
    for seed, day in zip(SEEDS, played, strict=True):
        print(f"seed {seed}:", json.dumps(day.report()), dict(day.counters.decisions))
    return played


def test_every_enrolled_person_is_known_and_no_stranger_named(days: list[EntranceDay]) -> None:
    for report in (report_of(day) for day in days):
        assert (report["people"], report["strangers"]) == (42, 21)
        assert (report["strangers_named"], report["nobody_named"], report["wrong"]) == (0, 0, 0)
        assert report["missed"] == 0
        assert report["right"] == 42


def test_heads_turn_and_faces_are_smeared(footage: Footage) -> None:
    """The crowd is as the issue wants it: a third or more turn or bow their heads at some time, and things move."""
    walkers = crowd(GROUPS, seed=SEEDS[0])
    turning = [one for one in walkers if isinstance(one, CrossingWalker) and one.glances]
    assert len(turning) >= len(walkers) / 3
    scene, still = (EntranceScene(footage, SEEDS[0], shutter=shutter) for shutter in (SHUTTER, 0.0))
    smeared = [np.abs(scene.render(t, walkers).astype(int) - still.render(t, walkers)).max() for t in (4.0, 10.0, 16.0)]
    assert min(smeared) > 20


def report_of(day: EntranceDay) -> dict[str, Any]:
    return day.report()


def test_only_the_enrolled_appear_in_what_is_sent(days: list[EntranceDay]) -> None:
    for day in days:
        assert {event.subject for event in day.told if isinstance(event, VisitIdentified)} == set(KNOWN)


def test_names_come_in_time_after_the_first_usable_face(days: list[EntranceDay]) -> None:
    """By the pipeline's own first usable face, which it tells, and by the first that any picture showed: over all days,
    for of twenty-one people on one the 95th percentile is the second slowest."""
    waits = [wait for day in days for wait in day.recorder.waits_s]
    reports = [report_of(day) for day in days]
    own, late = float(np.percentile(waits, 95)), sum(report["late"] for report in reports)
    print(f"own p95 {own:.3f} s; later than 0.6 s: {late} of {21 * len(days)}; {[one['delay_s'] for one in reports]}")
    assert len(waits) >= 21 * len(days)
    assert own <= 0.6
    assert late <= 0.05 * 21 * len(days)


def test_the_embedder_is_called_at_most_four_times_for_every_person(days: list[EntranceDay]) -> None:
    for day in days:
        calls = report_of(day)["embedder_calls"]
        assert calls["total"] == day.counters.embedder_calls
        assert calls["most"] <= 4
        assert calls["per_person"] <= 3


def test_evaluate_entrance_says_the_same_of_a_recording(
    footage: Footage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    walkers = crowd(2, seed=3)
    scene = EntranceScene(footage, 3, shutter=SHUTTER)
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
    assert 0 < report["embedder_calls"]["per_person"] <= report["embedder_calls"]["most"] <= 4
    assert report["decision_s"]["p95"] <= 0.6
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
