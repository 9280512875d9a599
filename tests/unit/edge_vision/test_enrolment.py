"""Enrolment refuses what would make a bad template, and never embeds it. Real photographs where they are present."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.vision.enrolment import Enrolled, NotEnrolled, assess
from models.faces.stills import detect_still
from models.weights import default_weights_dir

FACES = Path(__file__).parents[4] / "shared" / "data" / "faces"
needs_faces = pytest.mark.skipif(
    not FACES.exists() or not (default_weights_dir() / "manifest.json").exists(),
    reason="../shared/data or the built weights are absent: no photographs to enrol",
)
BOX = (100.0, 60.0, 180.0, 160.0)
_SHARP = np.random.default_rng(3).integers(0, 255, (240, 320, 3), dtype=np.uint8)


class _Detector:
    def __init__(self, fake: Any) -> None:
        self._fake = fake

    def detect_boxes(self, img: Any, input_size: Any = None, det_thresh: Any = None) -> NDArray[np.float32]:
        found = self._fake.detect(img)
        return np.concatenate([found.boxes, found.scores[:, None]], axis=1)


@pytest.fixture
def engine(faces: Any) -> Any:
    faces.detector = _Detector(faces)
    return faces


def reason(image: NDArray[np.uint8], engine: Any) -> str:
    answer = assess(image, engine)
    assert isinstance(answer, NotEnrolled)
    assert answer.advice
    return answer.reason


def test_one_good_face_is_enrolled(engine: Any, vector: Callable[..., NDArray[np.float32]]) -> None:
    engine.people = [(BOX, vector(1))]
    answer = assess(_SHARP, engine)
    assert isinstance(answer, Enrolled)
    assert float(answer.vector @ vector(1)) == pytest.approx(1.0, abs=1e-5)
    assert 0 < answer.quality <= 1


@pytest.mark.parametrize(
    ("people", "yaw", "expected"),
    [
        ([], 0.0, "no_face"),
        ([BOX, (200.0, 60.0, 260.0, 140.0)], 0.0, "several_faces"),
        ([(100.0, 60.0, 130.0, 100.0)], 0.0, "small"),
        ([(-20.0, 60.0, 60.0, 160.0)], 0.0, "edge"),
        ([BOX], 35.0, "turned"),
        ([BOX], -35.0, "turned"),
    ],
)
def test_what_is_refused_is_never_embedded(
    engine: Any, vector: Callable[..., NDArray[np.float32]], people: list[Any], yaw: float, expected: str
) -> None:
    engine.people = [(box, vector(n)) for n, box in enumerate(people)]
    engine.yaw = yaw
    assert reason(_SHARP, engine) == expected
    assert engine.calls["embed"] == 0


def test_blur_is_refused(engine: Any, vector: Callable[..., NDArray[np.float32]]) -> None:
    engine.people = [(BOX, vector(1))]
    soft = np.zeros((240, 320, 3), np.uint8)
    soft[:, :, :] = np.linspace(0, 255, 320)[None, :, None]
    assert reason(soft, engine) == "blurred"


def test_a_thumbnail_is_too_small(engine: Any) -> None:
    assert reason(_SHARP[:20, :20], engine) == "small"


@pytest.fixture(scope="module")
def real() -> Any:
    from models.faces import load_face_models

    return load_face_models(default_weights_dir())


def alone_and_straight(photo: NDArray[np.uint8], models: Any) -> bool:
    """Whether there is one face, turned by less than 20 degrees: the nose between the edges of the jaw, which the
    enrolment does not look at. Of 50 straight heads turned by 20 degrees half read 22 of 90 or less.
    """
    boxes = detect_still(models.detector, photo)
    boxes = boxes[boxes[:, 4] >= 0.5]
    if len(boxes) != 1:
        return False
    dense = models.landmarks(photo, boxes[0, :4]).dense
    across = dense[42:48].mean(axis=0) - dense[36:42].mean(axis=0)
    along = dense @ (across / np.linalg.norm(across))
    left, right = along[30] - along[1:4].mean(), along[13:16].mean() - along[30]
    return bool(abs(left - right) / (left + right) < 22 / 90)


@needs_faces
def test_real_photographs_enrol_and_their_spoilt_copies_do_not(real: Any) -> None:
    read = (cv2.imread(str(path)) for path in sorted(FACES.glob("*/1.jpg"))[:24])
    photos = [np.asarray(image, np.uint8) for image in read if image is not None]
    answers = [assess(photo, real) for photo in photos]
    good = [photo for photo, answer in zip(photos, answers, strict=True) if isinstance(answer, Enrolled)]
    fit = [place for place, photo in enumerate(photos) if alone_and_straight(photo, real)]
    print(f"{len(good)} of {len(photos)} enrol; {len(fit)} show one person who looks at the camera")
    assert len(fit) >= len(photos) / 2
    assert np.mean([isinstance(answers[place], Enrolled) for place in fit]) >= 0.9
    for photo in good:
        blurred = np.asarray(cv2.GaussianBlur(photo, (0, 0), photo.shape[1] / 25), np.uint8)
        assert isinstance(assess(blurred, real), NotEnrolled)
        side_by_side = np.concatenate([photo, photo], axis=1)
        assert assess(side_by_side, real) == NotEnrolled("several_faces")
        share = 46 / photo.shape[1]
        tiny = cv2.resize(photo, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        assert isinstance(assess(tiny, real), NotEnrolled)
    assert assess(np.full((200, 200, 3), 90, np.uint8), real) == NotEnrolled("no_face")
