"""The same crowd with forty-two people of published photographs: one picture of each walks in, half are enrolled.

A single press photograph is sometimes so unlike the others of the same person that nobody could be known by it, at any
distance: those are counted by comparing the whole picture with the enrolment, before anybody walks, and told.
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
from edge.vision.enrolment import Enrolled, assess
from edge.vision.thresholds import default_threshold
from models.faces.bundle import OnnxFaceModels
from models.weights import default_weights_dir
from simulator.scenes.crowd import crowd
from simulator.scenes.entrance_day import EntranceDay, enrolled, play
from simulator.scenes.photographed import photographed

FACES = Path(__file__).parents[3] / "shared" / "data" / "faces"
pytestmark = pytest.mark.skipif(
    not FACES.exists() or not (default_weights_dir() / "manifest.json").exists(),
    reason="../shared/data or the built weights are absent: nobody to walk in",
)
GROUPS, PEOPLE, PHOTOS, SEED = 14, 42, 4, 31
CONFIG = """
store: s
node: n
state_dir: v
policy: {mode: lane}
cameras:
  - {id: door, role: entrance, source: {driver: simulated}, lane: [[0, 0], [1, 0], [1, 1], [0, 1]]}
"""
Photo = NDArray[np.uint8]


@dataclass(frozen=True)
class Crowd:
    day: EntranceDay
    unlike: set[str]
    """Enrolled people whose picture that walks in is not like their enrolment."""


def photos(person: Path) -> list[Photo]:
    read = (cv2.imread(str(path)) for path in sorted(person.glob("*.jpg"))[:PHOTOS])
    return [np.asarray(image, np.uint8) for image in read if image is not None]


@pytest.fixture(scope="module")
def crowded() -> Crowd:
    folders = [one for one in sorted(FACES.glob("lfw_*")) if len(list(one.glob("*.jpg"))) >= PHOTOS]
    faces = load_engines(parse_config(CONFIG), "lane").faces
    assert isinstance(faces, OnnxFaceModels)
    people = {folder.name.removeprefix("lfw_"): photos(folder) for folder in folders[: 2 * PEOPLE]}
    fit = [name for name, pictures in people.items() if any(enrols(one, faces) for one in pictures[:-1])]
    known = fit[: PEOPLE // 2]
    others = [name for name in people if name not in known][: PEOPLE // 2]
    people = {name: people[name] for name in (*known, *others)}
    unlike = {name for name in known if not alike(people[name], faces)}
    print("unlike:", sorted(unlike))
    day = play(photographed(people, faces), crowd(GROUPS, SEED, known, others), SEED, known)
    print(json.dumps(day.report()), dict(day.counters.decisions), "unlike:", sorted(unlike))
    return Crowd(day, unlike)


def enrols(picture: Photo, faces: OnnxFaceModels) -> bool:
    """Whether the kiosk would take it."""
    return isinstance(assess(picture, faces), Enrolled)


def alike(pictures: list[Photo], faces: OnnxFaceModels) -> bool:
    """Whether the picture that walks in would be known as it is, large and sharp."""
    gallery = enrolled({"one": pictures[:-1]}, faces)
    live = assess(pictures[-1], faces)
    if not isinstance(live, Enrolled):
        return False  # turned, blurred or small
    found = gallery.search(live.vector)
    return found is not None and found.similarity >= default_threshold(3 * (PEOPLE // 2), 1e-3)


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


@pytest.mark.xfail(reason="one of 18 is like the one press picture enrolled only from near: p95 1.14 s", strict=True)
def test_names_come_in_time(crowded: Crowd) -> None:
    report: dict[str, Any] = crowded.day.report()
    assert report["delay_s"]["p95"] <= 0.6


@pytest.mark.xfail(reason="two who cross and are like nobody are decided twice: six calls for one", strict=True)
def test_the_embedder_is_called_four_times_at_most(crowded: Crowd) -> None:
    report: dict[str, Any] = crowded.day.report()
    assert report["embedder_calls"]["most"] <= 4
