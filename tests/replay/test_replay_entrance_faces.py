"""The same crowd with forty-two people of published photographs: one picture of each walks in, half are enrolled.

Who walks in looks into the camera but for the glances of the scene, so a picture walks in that shows somebody who does:
the last of each person's that the kiosk would take. Three others that it takes enrol, as it asks for three. Some are so
unlike the others of the same person (years apart) that nobody could be known by them, at any distance: those are
counted by comparing the whole picture with the enrolment, before anybody walks, and told.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.config import parse_config
from edge.engines import load_engines
from edge.vision.enrolment import Sight, embed, examine
from edge.vision.thresholds import default_threshold
from models.faces.bundle import OnnxFaceModels
from models.weights import default_weights_dir
from simulator.scenes.crowd import crowd
from simulator.scenes.entrance_day import EntranceDay, enrolled, play
from simulator.scenes.photographed import photographed
from simulator.scenes.posing import PICTURES

FACES = Path(__file__).parents[3] / "shared" / "data" / "faces"
pytestmark = pytest.mark.skipif(
    not FACES.exists() or not (default_weights_dir() / "manifest.json").exists(),
    reason="../shared/data or the built weights are absent: nobody to walk in",
)
GROUPS, PEOPLE, SEED = 14, 42, 31
TARGET_FPIR = 5e-5
"""The node's own, as configured by default."""
CONFIG = """
store: s
node: n
state_dir: v
policy: {mode: lane}
cameras:
  - {id: door, role: entrance, source: {driver: simulated}, lane: [[0, 0], [1, 0], [1, 1], [0, 1]]}
"""
Photo = NDArray[np.uint8]


def photos(person: Path) -> list[Photo]:
    read = (cv2.imread(str(path)) for path in sorted(person.glob("*.jpg")))
    return [np.asarray(image, np.uint8) for image in read if image is not None]


@dataclass(frozen=True)
class Crowd:
    day: EntranceDay
    unlike: set[str]
    """Enrolled people whose picture that walks in is not like their enrolment."""


@pytest.fixture(scope="module")
def crowded() -> Crowd:
    faces = load_engines(parse_config(CONFIG), "lane").faces
    assert isinstance(faces, OnnxFaceModels)
    people: dict[str, list[Photo]] = {}
    known: list[str] = []
    others: list[str] = []
    for folder in sorted(FACES.glob("lfw_*")):
        taken = [one for one in photos(folder) if isinstance(examine(one, faces), Sight)]
        wanted = known if len(taken) > PICTURES and len(known) < PEOPLE // 2 else others
        if taken and len(wanted) < PEOPLE // 2:
            wanted.append(folder.name.removeprefix("lfw_"))
            people[wanted[-1]] = taken
        if len(people) == PEOPLE:
            break
    unlike = {name for name in known if not alike(people[name], faces)}
    day = play(photographed(people, faces), crowd(GROUPS, SEED, known, others), SEED, known)
    print(json.dumps(day.report()), dict(day.counters.decisions), "unlike:", sorted(unlike))
    return Crowd(day, unlike)


def alike(pictures: list[Photo], faces: OnnxFaceModels) -> bool:
    """Whether the picture that walks in would be known as it is, large and sharp, with all others in the gallery."""
    gallery = enrolled({"one": pictures[:-1]}, faces)
    live = examine(pictures[-1], faces)
    assert isinstance(live, Sight)
    found = gallery.search(embed(pictures[-1], live, faces).vector)
    return found is not None and found.similarity >= default_threshold(PICTURES * (PEOPLE // 2), TARGET_FPIR)


def test_who_can_be_known_is_known_and_no_stranger_is_named(crowded: Crowd) -> None:
    report: dict[str, Any] = crowded.day.report()
    assert (report["people"], report["enrolled"], report["strangers"]) == (PEOPLE, PEOPLE // 2, PEOPLE // 2)
    assert (report["strangers_named"], report["nobody_named"], report["wrong"]) == (0, 0, 0)
    named = {word.subject for track in crowded.day.recorder.tracks() for word in track.decisions}
    missed = {one.subject for one in crowded.day.truth if one.subject is not None} - named
    assert missed <= crowded.unlike
    assert len(missed) <= 0.15 * PEOPLE / 2


def test_nine_in_ten_names_come_in_time(crowded: Crowd) -> None:
    report: dict[str, Any] = crowded.day.report()
    assert report["right"] - report["strangers"] >= 18
    assert report["late"] <= 2


@pytest.mark.xfail(reason="two of 19 are known only when they look up again, a second later: p95 1.01 s", strict=True)
def test_names_come_in_time(crowded: Crowd) -> None:
    report: dict[str, Any] = crowded.day.report()
    assert report["delay_s"]["p95"] <= 0.6


def test_the_embedder_is_called_four_times_at_most(crowded: Crowd) -> None:
    report: dict[str, Any] = crowded.day.report()
    assert report["embedder_calls"]["most"] <= 4
