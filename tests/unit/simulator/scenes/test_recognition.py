"""The product's own detectors and embedder on the scenes: a simulation they cannot see would test nothing."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from models.catalogue import CATALOGUE
from models.detections import Detections
from models.faces import FaceModels, load_face_models
from models.persons import PersonDetector, load_person_detector
from models.weights import default_weights_dir, fault, read_manifest
from simulator.scenes.entrance import EntranceScene, EntranceWalker
from simulator.scenes.floor import FIGURES, FloorPose, FloorScene
from simulator.scenes.footage import KNOWN, STRANGERS, Footage
from simulator.scenes.plan import STORE

Box = tuple[float, float, float, float]


@pytest.fixture(scope="module")
def weights() -> Path:
    folder = default_weights_dir()
    if any(fault(model, folder, read_manifest(folder)) for model in CATALOGUE):
        pytest.skip("the model weights are not built here: run `python -m models build`")
    return folder


@pytest.fixture(scope="module")
def persons(weights: Path) -> PersonDetector:
    return load_person_detector(weights)


@pytest.fixture(scope="module")
def faces(weights: Path) -> FaceModels:
    return load_face_models(weights)


def overlaps(box: Box, found: Detections) -> npt.NDArray[np.float64]:
    """Intersection over union of one box with each detection."""
    wide = np.minimum(box[2], found.boxes[:, 2]) - np.maximum(box[0], found.boxes[:, 0])
    tall = np.minimum(box[3], found.boxes[:, 3]) - np.maximum(box[1], found.boxes[:, 1])
    both = np.clip(wide, 0, None) * np.clip(tall, 0, None)
    areas = (found.boxes[:, 2] - found.boxes[:, 0]) * (found.boxes[:, 3] - found.boxes[:, 1])
    return np.asarray(both / ((box[2] - box[0]) * (box[3] - box[1]) + areas - both), np.float64)


def random_people(rng: np.random.Generator, count: int) -> list[FloorPose]:
    """People anywhere on the free floor, at least 0.9 m from each other."""
    people: list[FloorPose] = []
    while len(people) < count:
        x, y = rng.uniform(0.7, 9.0), rng.uniform(3.0, 7.1)
        solid = any(s.x1 - 0.3 < x < s.x2 + 0.3 and s.y1 - 0.3 < y < s.y2 + 0.3 for s in STORE.shelves)
        if solid or (x > 8.2 and y < 3.9) or any(math.hypot(x - p.x, y - p.y) < 0.9 for p in people):
            continue
        figure, heading = int(rng.integers(0, FIGURES)), float(rng.uniform(-math.pi, math.pi))
        people.append(FloorPose(figure, x, y, heading, float(rng.uniform(0, 5)), bool(rng.random() < 0.6)))
    return people


def test_the_person_detector_finds_the_figures(persons: PersonDetector) -> None:
    scene, rng = FloorScene(), np.random.default_rng(11)
    scores, distances = [], []
    for moment in range(100):
        people = random_people(rng, 4)
        found = persons.detect(scene.render(moment, people))
        for truth in scene.truth(people):
            inside = truth.box[0] > 2 and truth.box[2] < 1278 and truth.box[3] < 718
            if truth.visible < 0.75 or not inside:
                continue
            hits = np.nonzero(overlaps(truth.box, found) > 0.4)[0]
            best = max(hits, key=lambda hit: found.scores[hit], default=None)
            scores.append(0.0 if best is None else float(found.scores[best]))
            if best is not None:
                x1, _, x2, y2 = found.boxes[best]
                floor = scene.homography @ np.array([(x1 + x2) / 2, y2, 1.0])
                distances.append(math.dist((truth.x, truth.y), floor[:2] / floor[2]))
    share, weak = (float(np.mean(np.array(scores) >= limit)) for limit in (0.4, 0.25))
    report(
        f"floor: {len(scores)} figures, score >= 0.4: {share:.3f}, >= 0.25: {weak:.3f}, {np.median(scores):.2f}; "
        f"foot point error median {np.median(distances):.2f} m, "
        f"p90 {np.quantile(distances, 0.9):.2f} m"
    )
    assert len(scores) > 250
    assert share >= 0.9
    assert np.median(distances) < 0.3


def test_the_empty_store_holds_nobody(persons: PersonDetector) -> None:
    found = persons.detect(FloorScene().render(1.0, []))
    assert not np.any(found.scores > 0.3)


@dataclass(frozen=True, slots=True)
class Walk:
    """What the models made of one person's walk, frame by frame."""

    frames: int
    detected: int
    similar: npt.NDArray[np.float64]
    """Cosine with the enrolment of each known identity: (good frames, known)."""


def enrolled(footage: Footage, faces: FaceModels) -> npt.NDArray[np.float64]:
    """One unit vector for each known identity."""
    centroids = []
    for identity in KNOWN:
        crops = []
        for image in footage.enrolment(identity):
            border = max(image.shape[:2]) // 3
            padded = np.pad(image, ((border, border), (border, border), (0, 0)), constant_values=128)
            found = faces.detect(padded)
            assert len(found) >= 1, f"no face in an enrolment picture of {identity}"
            crops.append(faces.align(padded, faces.landmarks(padded, found.boxes[0]).five))
        mean = faces.embed(crops).mean(axis=0)
        centroids.append(mean / np.linalg.norm(mean))
    return np.array(centroids, np.float64)


def watch(scene: EntranceScene, faces: FaceModels, gallery: npt.NDArray[np.float64], identity: str) -> Walk:
    frames, detected, similar = 0, 0, []
    for lane in (-0.35, 0.3):
        walker = EntranceWalker(identity, 0.0, lane=lane)
        for number in range(0, int(walker.duration * 15), 2):
            t = number / 15
            truths = [face for face in scene.truth(t, [walker]) if face.width >= 40 and face.visible > 0.95]
            if not truths:
                continue
            frames += 1
            image = scene.render(t, [walker])
            found = faces.detect(image)
            hits = np.nonzero((overlaps(truths[0].box, found) > 0.4) & (found.scores >= 0.9))[0]
            if not len(hits):
                continue
            detected += 1
            five = faces.landmarks(image, found.boxes[hits[0]]).five
            similar.append(gallery @ faces.embed([faces.align(image, five)])[0])
    return Walk(frames, detected, np.array(similar))


def test_faces_are_found_and_told_apart(footage: Footage, faces: FaceModels) -> None:
    scene, gallery = EntranceScene(footage), enrolled(footage, faces)
    frames = detected = 0
    for identity in (*KNOWN, *STRANGERS):
        walk = watch(scene, faces, gallery, identity)
        frames, detected = frames + walk.frames, detected + walk.detected
        if identity in KNOWN:
            own = KNOWN.index(identity)
            mine, others = walk.similar[:, own], np.delete(walk.similar, own, axis=1).max(axis=1)
            report(
                f"{identity}: {walk.detected}/{walk.frames} found, cosine p10 {np.quantile(mine, 0.1):.2f}, "
                f"median {np.median(mine):.2f}, other identities at most {others.max():.2f}"
            )
            assert np.quantile(mine, 0.1) > 0.42
            assert others.max() < 0.35
        else:
            closest = walk.similar.max(axis=1)
            report(
                f"{identity} (stranger): {walk.detected}/{walk.frames} found, cosine to anybody median "
                f"{np.median(closest):.2f}, at most {closest.max():.2f}"
            )
            assert closest.max() < 0.35
        assert walk.detected >= 0.8 * walk.frames, identity
    report(f"all: {detected}/{frames} faces of 40 px and more found")


def test_the_empty_doorway_holds_no_face(footage: Footage, faces: FaceModels) -> None:
    found = faces.detect(EntranceScene(footage).render(1.0, []))
    assert not np.any(found.scores >= 0.9)


def report(line: str) -> None:
    """Figures for docs/footage.md: shown by `SCENES_REPORT=1 pytest -s`."""
    if os.environ.get("SCENES_REPORT"):
        print(line)
