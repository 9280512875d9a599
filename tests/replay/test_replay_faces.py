"""Real photographs of real people walk up to the camera: the enrolled are known, nobody else is named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from contract.events import VisitIdentified
from edge.config import parse_config
from edge.engines import Engines, load_engines
from edge.gallery import Gallery
from edge.values import Emission, Frame, Instant
from edge.vision_node import Vision
from models.weights import default_weights_dir

FACES = Path(__file__).parents[3] / "shared" / "data" / "faces"
pytestmark = pytest.mark.skipif(
    not FACES.exists() or not (default_weights_dir() / "manifest.json").exists(),
    reason="../shared/data or the built weights are absent: nobody to recognise",
)
FPS = 12
START = datetime(2026, 1, 1, tzinfo=UTC)
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


@pytest.fixture(scope="module")
def people() -> list[list[Photo]]:
    """Identities with at least four photographs, those of one source, in a fixed order."""
    folders = (person for person in sorted(FACES.glob("lfw_*")) if len(list(person.glob("*.jpg"))) >= 4)
    return [photos(person) for person in folders][:24]


def approach(photo: Photo) -> Iterator[Photo]:
    """Two seconds of somebody coming nearer, then an empty door."""
    for step in range(3 * FPS):
        frame = np.full((720, 1280, 3), 110, np.uint8)
        if step < 2 * FPS:
            share = 0.9 + 0.9 * step / (2 * FPS)
            larger = cv2.resize(photo, None, fx=share, fy=share, interpolation=cv2.INTER_LINEAR)
            top, left = 200 + step, 500 + 3 * step
            frame[top : top + larger.shape[0], left : left + larger.shape[1]] = larger
        yield frame


@pytest.fixture(scope="module")
def engines() -> Engines:
    return load_engines(parse_config(CONFIG), "lane")


def enrol(gallery: Gallery, engines: Engines, subject: str, pictures: list[Photo]) -> int:
    from edge.vision.enrolment import Enrolled, assess

    assert engines.faces is not None
    for number, picture in enumerate(pictures):
        answer = assess(picture, engines.faces)  # type: ignore[arg-type]
        if isinstance(answer, Enrolled):
            gallery.put(subject, str(number), answer.vector, 1e9)
    return gallery.templates


def test_the_enrolled_are_known_and_nobody_else_is_named(people: list[list[Photo]], engines: Engines) -> None:
    gallery = Gallery()
    enrolled = []
    for number, pictures in enumerate(people[::2]):
        before = gallery.templates
        if enrol(gallery, engines, f"p{number}", pictures[:3]) > before:
            enrolled.append((f"p{number}", pictures[3]))
    strangers = [pictures[3] for pictures in people[1::2]]
    assert len(enrolled) >= 10
    ids = count()
    vision = Vision(
        parse_config(CONFIG), "lane", gallery, engines, Instant(0, START), run="r", new_id=lambda: f"v{next(ids)}"
    )
    clock = count()

    def walk_in(photo: Photo) -> list[Emission]:
        told: list[Emission] = []
        for frame in approach(photo):
            t = next(clock) / FPS
            told += vision.frame(Frame("door", frame, Instant(t, START + timedelta(seconds=t))))
        return told

    right = 0
    for subject, photo in enrolled:
        named = {event.subject for event in walk_in(photo) if isinstance(event, VisitIdentified)}
        assert named <= {subject}
        right += named == {subject}
    assert right / len(enrolled) >= 0.8
    for photo in strangers:
        assert walk_in(photo) == []
    counters = vision.counters()
    assert counters.embedder_calls <= 4 * counters.face_tracks
    assert counters.face_tracks <= 1.3 * (len(enrolled) + len(strangers))
    print(f"{right} of {len(enrolled)} known, {len(strangers)} strangers; {counters}")
