"""Mode verify on real faces: a QR check-in binds to the face at the marked spot only; a mismatch lowers the confidence
of the check-in and never adds a name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from contract.events import VisitIdentified, VisitStarted
from edge.config import parse_config
from edge.engines import load_engines
from edge.gallery import Gallery
from edge.values import Frame, Instant
from edge.vision_node import Vision
from edge.visits import MISMATCH_CONFIDENCE, UNCONFIRMED_CONFIDENCE, VERIFIED_CONFIDENCE

if TYPE_CHECKING:
    from contract.values import Report

WALL = datetime(2026, 3, 1, 12, tzinfo=UTC)
Picture = NDArray[np.uint8]
LEFT, RIGHT = 10, 340


@pytest.fixture
def enrolled(models: Any, portraits: list[Picture]) -> tuple[Gallery, list[Picture]]:
    """Two of the six, both in the gallery, and their pictures."""
    from edge.vision.enrolment import Enrolled, assess

    gallery, faces = Gallery(searchable=False), []
    for face in portraits:
        judged = assess(face, models)
        if isinstance(judged, Enrolled) and len(faces) < 2:
            gallery.put(("anna", "ben")[len(faces)], "t", judged.vector, 1e9)
            faces.append(face)
    assert len(faces) == 2
    return gallery, faces


def at(seconds: float) -> Instant:
    return Instant(1000.0 + seconds, WALL + timedelta(seconds=seconds))


def told(gallery: Gallery, *standing: tuple[Picture, int]) -> tuple[list[Report], Vision]:
    """Anna checks in; for four seconds these faces stand at these places; then the check-in's time is over."""
    config = parse_config(
        "store: shop\nnode: n1\nstate_dir: var\npolicy: {mode: verify}\ncameras:\n"
        "  - {id: door, role: entrance, source: {driver: simulated}, spot: [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]}\n"
    )
    ids, noise = count(), np.random.default_rng(0)
    engines = load_engines(config, "verify")
    vision = Vision(config, "verify", gallery, engines, at(0), run="r", new_id=lambda: f"v{next(ids)}")
    emitted = vision._visits.checked_in("anna", vision._places["door"], at(0), claim_s=10.0)
    for number in range(60):
        picture = np.full((480, 640, 3), 96, np.uint8)
        for face, x in standing:
            shown = face[:480, : 640 - x]
            picture[20 : 20 + shown.shape[0], x + number % 3 : x + number % 3 + shown.shape[1]] = shown[
                :460, : 640 - x - number % 3
            ]
        picture += noise.integers(0, 6, picture.shape, dtype=np.uint8)
        emitted += vision.frame(Frame("door", picture, at(number / 15)))
    return [*emitted, *vision.tick(at(10.5))], vision


def final(emitted: list[Report]) -> list[tuple[str | None, float]]:
    """(subject, confidence) of the final words. There is one visit, Anna's, and nobody else's name anywhere."""
    identified = [event for event in emitted if isinstance(event, VisitIdentified)]
    assert {event.subject for event in identified} == {"anna"}
    assert sum(isinstance(event, VisitStarted) for event in emitted) == 1
    return [(event.subject, event.confidence) for event in identified if event.stage == "final"]


def test_the_right_face_at_the_spot_confirms(watched: Any, enrolled: tuple[Gallery, list[Picture]]) -> None:
    gallery, (anna, _) = enrolled
    emitted, _ = told(gallery, (anna, RIGHT))
    assert final(emitted) == [("anna", VERIFIED_CONFIDENCE)]


def test_the_right_face_beside_the_spot_is_not_looked_at(watched: Any, enrolled: tuple[Gallery, list[Picture]]) -> None:
    gallery, (anna, _) = enrolled
    emitted, _ = told(gallery, (anna, LEFT))
    assert final(emitted) == [("anna", UNCONFIRMED_CONFIDENCE)]
    assert watched.calls == 0


def test_another_customer_at_the_spot_lowers_the_confidence_and_is_not_named(
    watched: Any, enrolled: tuple[Gallery, list[Picture]]
) -> None:
    gallery, (_, ben) = enrolled
    emitted, _ = told(gallery, (ben, RIGHT))
    assert watched.calls > 0
    assert final(emitted) == [("anna", MISMATCH_CONFIDENCE)]


def test_a_face_beside_the_spot_does_not_stand_in_for_the_one_at_it(
    watched: Any, enrolled: tuple[Gallery, list[Picture]]
) -> None:
    gallery, (anna, ben) = enrolled
    emitted, _ = told(gallery, (anna, LEFT), (ben, RIGHT))
    assert final(emitted) == [("anna", MISMATCH_CONFIDENCE)]
