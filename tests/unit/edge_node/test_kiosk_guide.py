"""The guide through the poses, and what a photograph must be to count (PRIVACY B3)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.gallery import Gallery
from edge.kiosk.guide import POSES, SHOTS, Guide
from edge.vision.enrolment import Enrolled, NotEnrolled, Sight, StillEngine, examine
from models.weights import default_weights_dir

Image = NDArray[np.uint8]
FACES = Path(__file__).parents[4] / "shared" / "data" / "faces"


def unit(seed: int, of: int = 0) -> NDArray[np.float32]:
    base = np.random.default_rng(of).normal(size=512) + 0.3 * np.random.default_rng(50 + seed).normal(size=512)
    return (base / np.linalg.norm(base)).astype(np.float32)


def sight(yaw: float, x: float = 100.0, quality: float = 0.5) -> Sight:
    return Sight((x, 100.0, x + 100.0, 220.0), np.zeros((5, 2), np.float32), yaw, quality)


class Embedder:
    def __init__(self, of: int = 0) -> None:
        self.of = of
        self.made: list[Enrolled] = []

    def __call__(self, seen: Sight) -> Enrolled:
        self.made.append(Enrolled(unit(len(self.made), self.of), seen.quality))
        return self.made[-1]


def test_the_hints_lead_to_each_pose() -> None:
    guide, embed = Guide(), Embedder()
    story = [
        (20.0, "look_straight"), (0.0, "good"), (3.0, "good"), (2.0, "turn_left"), (-15.0, "turn_left"),
        (29.0, "turn_less"), (15.0, "good"), (16.0, "good"), (5.0, "turn_right"), (-14.0, "good"), (-20.0, "good"),
    ]  # fmt: skip
    assert [guide.see(sight(yaw), embed) for yaw, _ in story] == [hint for _, hint in story]
    assert guide.wanted is None
    assert guide.progress == 1.0
    assert len(embed.made) == SHOTS * len(POSES), "only pictures that count are embedded"
    assert len(guide.vectors()) == len(POSES)


def test_who_turns_too_far_for_the_picture_to_be_used_is_told_to_turn_less() -> None:
    guide, embed = Guide(), Embedder()
    assert guide.refused(35.0) is None, "nobody asked for a side: look straight"
    for _ in range(SHOTS + 1):
        guide.see(sight(0.0), embed)
    assert guide.wanted == "left"
    assert guide.refused(35.0) == "turn_less"
    assert guide.refused(-35.0) == "turn_left", "to the other side"
    assert len(embed.made) == SHOTS


def test_the_better_picture_of_a_pose_is_kept() -> None:
    guide, embed = Guide(), Embedder()
    for quality in (0.5, 0.9, 0.3):
        guide.see(sight(0.0, quality=quality), embed)
    assert guide.vectors()[0] is embed.made[0].vector
    assert embed.made[0].quality == 0.9


def test_a_moving_face_is_told_to_hold_still() -> None:
    guide, embed = Guide(), Embedder()
    assert [guide.see(sight(0.0, x=30.0 * step), embed) for step in range(4)] == ["hold_still"] * 4
    guide.see(sight(0.0, x=91.0), embed)
    guide.lost()
    assert guide.see(sight(0.0, x=91.0), embed) == "hold_still"


def test_another_person_half_way_begins_anew() -> None:
    guide, embed = Guide(), Embedder()
    guide.see(sight(0.0), embed)
    guide.see(sight(0.0), embed)
    embed.of = 9
    assert guide.see(sight(0.0), embed) == "several_people"
    assert guide.progress == 0.0
    assert all(not shot.vector.any() for shot in embed.made), "the vectors of both are wiped"


@given(st.lists(st.tuples(st.floats(-40, 40), st.floats(0, 300)), max_size=60))
def test_no_more_than_needed_is_ever_embedded(frames: list[tuple[float, float]]) -> None:
    guide, embed = Guide(), Embedder()
    for yaw, x in frames:
        guide.see(sight(yaw, x), embed)
        assert 0.0 <= guide.progress <= 1.0
    assert len(embed.made) <= SHOTS * len(POSES)


@pytest.mark.parametrize("searchable", [False, True])
def test_a_face_of_another_subject_is_found_also_without_an_index(searchable: bool) -> None:
    gallery = Gallery(searchable=searchable)
    assert gallery.resembles(unit(1), "me") == -1.0
    gallery.put("me", "t1", unit(1), 100.0)
    assert gallery.resembles(unit(1), "me") == -1.0
    gallery.put("other", "t2", unit(2), 100.0)
    gallery.put("stranger", "t3", unit(3, of=5), 100.0)
    assert gallery.resembles(unit(1), "me") == pytest.approx(float(unit(1) @ unit(2)), abs=1e-2)


@pytest.fixture(scope="module")
def engine() -> StillEngine:
    if not (default_weights_dir() / "manifest.json").exists():
        pytest.skip("the model weights are not built (make models)")
    from models.faces import load_face_models

    return load_face_models(default_weights_dir())


@pytest.fixture(scope="module")
def good(engine: StillEngine) -> list[tuple[Image, Sight]]:
    """Accepted photographs: of the data set where it is present, else of packaged footage."""
    from simulator.scenes.footage import MissingFootageError, load_footage

    photos = [cv2.imread(str(path)) for path in sorted(FACES.glob("*/1.jpg"))[::6]]
    if not photos:
        try:
            footage = load_footage()
        except MissingFootageError as error:
            pytest.skip(f"../shared/data is absent, and {error}")
        photos = [photo for name in footage.identities for photo in footage.enrolment(name)]
    judged = [(np.asarray(photo, np.uint8), examine(np.asarray(photo, np.uint8), engine)) for photo in photos]
    accepted = [(photo, seen) for photo, seen in judged if isinstance(seen, Sight)]
    assert len(accepted) >= 4
    return accepted


def turned(degrees: float) -> Callable[[Image, Sight], Image]:
    def spoil(photo: Image, seen: Sight) -> Image:
        eyes = seen.five[1] - seen.five[0]
        upright = float(np.degrees(np.arctan2(eyes[1], eyes[0])))
        centre = ((seen.box[0] + seen.box[2]) / 2, (seen.box[1] + seen.box[3]) / 2)
        matrix = cv2.getRotationMatrix2D(centre, upright + degrees, 1.0)
        size = (photo.shape[1], photo.shape[0])
        return np.asarray(cv2.warpAffine(photo, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)

    return spoil


def blurred(photo: Image, seen: Sight) -> Image:
    return np.asarray(cv2.GaussianBlur(photo, (0, 0), (seen.box[2] - seen.box[0]) / 20), np.uint8)


def small(photo: Image, seen: Sight) -> Image:
    share = 32 / (seen.box[2] - seen.box[0])
    little = cv2.resize(photo, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    room = np.full((little.shape[0] + 240, little.shape[1] + 320, 3), 127, np.uint8)
    room[120 : 120 + little.shape[0], 160 : 160 + little.shape[1]] = little
    return room


def with_another(photo: Image, _seen: Sight) -> Image:
    return np.concatenate([photo, photo[:, ::-1]], axis=1)


def dark(photo: Image, _seen: Sight) -> Image:
    return (photo * 0.15).astype(np.uint8)


def gone(photo: Image, seen: Sight) -> Image:
    empty = photo.copy()
    empty[:] = np.median(photo.reshape(-1, 3), axis=0).astype(np.uint8)
    return empty


SPOILT = {
    "nobody": (gone, {"no_face", "dark", "small"}),
    "two": (with_another, {"several_faces"}),
    "blurred": (blurred, {"blurred", "no_face", "edge"}),
    "small": (small, {"small", "no_face", "several_faces"}),
    "dark": (dark, {"dark", "small"}),
    **{
        f"tilted {degrees}": (turned(degrees), {"turned", "no_face", "several_faces", "edge", "small", "blurred"})
        for degrees in (40, -40, 60, 90, -90, 135, 180)
    },
}


@pytest.mark.parametrize("name", SPOILT)
def test_every_spoilt_photograph_is_refused_with_the_reason(
    name: str, good: list[tuple[Image, Sight]], engine: StillEngine
) -> None:
    spoil, reasons = SPOILT[name]
    answers = [examine(spoil(photo, seen), engine) for photo, seen in good]
    assert all(isinstance(answer, NotEnrolled) for answer in answers)
    assert {answer.reason for answer in answers if isinstance(answer, NotEnrolled)} <= reasons
    assert all(answer.advice for answer in answers if isinstance(answer, NotEnrolled))


def test_a_head_turned_too_far_is_told_so_by_the_studio(good: list[tuple[Image, Sight]], engine: StillEngine) -> None:
    from edge.kiosk.studio import Studio
    from simulator.scenes.catalogue import Outline
    from simulator.scenes.heads import cut_loop
    from simulator.scenes.posing import before_a_wall
    from simulator.scenes.turning import Gaze
    from simulator.scenes.turning import turned as aside

    photo, seen = min(good, key=lambda one: abs(one[1].yaw))
    x1, y1, x2, y2 = (round(side) for side in seen.box)
    head = cut_loop([photo], [(x1, y1, x2, y2)], fps=1.0, outline=Outline()).frames[0]
    guide, studio = Guide(), Studio(engine, "")
    said = [studio.see(before_a_wall(aside(head, Gaze(yaw))), guide) for yaw in (36, 0, 0, 0, -36, 36)]
    assert guide.wanted == "left"
    assert said == ["turned", "hold_still", "good", "good", "turn_left", "turn_less"]
