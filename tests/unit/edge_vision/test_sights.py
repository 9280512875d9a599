"""What is a person among boxes: the empty shop is learned, nobody becomes part of it, each person is found once."""

from __future__ import annotations

import numpy as np
import pytest

from edge.floor.backdrop import Backdrop
from edge.floor.sights import Sights
from edge.motion import COLUMNS, ROWS, Overview
from models.detections import Detections

SIZE = (1280, 720)
POST = (160.0, 288.0, 240.0, 432.0)
PERSON = (640.0, 240.0, 720.0, 480.0)


def overview(*people: tuple[float, float, float, float], noise: int = 0, light: float = 0.0) -> Overview:
    """A grey shop with a dark post; people are bright in half of their box."""
    view = np.full((ROWS, COLUMNS), 100.0, np.float32)
    view[18:27, 10:15] = 40.0
    for x1, y1, x2, y2 in people:
        view[int(y1 / 16) : int(y2 / 16), int(x1 / 16) : int((x1 + x2) / 32) + 1] = 180.0
    grain = np.random.default_rng(noise).normal(0, 1.2, view.shape)
    return np.asarray(view + grain + light, np.float32)


def found(*boxes: tuple[tuple[float, float, float, float], float]) -> Detections:
    return Detections(np.array([box for box, _ in boxes], np.float32), np.array([s for _, s in boxes], np.float32))


@pytest.fixture
def learned() -> Backdrop:
    backdrop = Backdrop()
    for number in range(60):
        backdrop.learn(overview(noise=number), [], None, SIZE, number / 5)
    return backdrop


def kept(backdrop: Backdrop, view: Overview, *boxes: tuple[tuple[float, float, float, float], float]) -> list[float]:
    return [round(float(s), 2) for s in Sights(0.4).step(found(*boxes), backdrop, view, SIZE).scores]


def test_what_looks_as_when_nobody_is_there_is_nobody_however_sure_the_detector_is(learned: Backdrop) -> None:
    assert kept(learned, overview(noise=99), (POST, 0.9)) == []
    assert kept(learned, overview(PERSON, noise=99), (POST, 0.9), (PERSON, 0.6)) == [0.6]


def test_lamps_do_not_make_people_of_furniture(learned: Backdrop) -> None:
    assert kept(learned, overview(noise=99, light=30.0), (POST, 0.9)) == []


def test_nobody_is_judged_before_the_shop_is_known() -> None:
    backdrop = Backdrop()
    for number in range(10):
        backdrop.learn(overview(noise=number), [], None, SIZE, number / 5)
    assert kept(backdrop, overview(noise=99), (POST, 0.5)) == [0.5]


def test_half_an_answer_counts_where_somebody_is_and_nobody_better_explains_it(learned: Backdrop) -> None:
    upper = (PERSON[0], PERSON[1], PERSON[2], PERSON[1] + 100)
    assert kept(learned, overview(PERSON), (PERSON, 0.25)) == [pytest.approx(0.4)]
    assert kept(learned, overview(PERSON), (PERSON, 0.7), (upper, 0.25)) == [0.7], "the upper half of one already found"
    aside = (PERSON[0] - 60, PERSON[1] - 60, PERSON[2] - 60, PERSON[3] - 60)
    assert kept(learned, overview(PERSON), (PERSON, 0.7), (aside, 0.25)) == [0.7, 0.25]


def test_who_stands_for_minutes_does_not_become_part_of_the_shop(learned: Backdrop) -> None:
    for number in range(600):
        learned.learn(overview(PERSON, noise=number), [PERSON], None, SIZE, 12 + number / 5)
    assert kept(learned, overview(PERSON), (PERSON, 0.6)) == [0.6]


def test_nor_who_is_overlooked_for_half_a_minute(learned: Backdrop) -> None:
    for number in range(150):
        learned.learn(overview(PERSON, noise=number), [], None, SIZE, 12 + number / 5)
    assert kept(learned, overview(PERSON), (PERSON, 0.6)) == [0.6]


def test_a_stand_that_is_put_up_is_learned_in_the_end(learned: Backdrop) -> None:
    for number in range(1200):
        learned.learn(overview(PERSON, noise=number), [], None, SIZE, 12 + number)
    assert kept(learned, overview(PERSON), (PERSON, 0.6)) == []


@pytest.mark.parametrize(
    ("other", "one"),
    [
        ((670, 245, 750, 482), True),  # heads and feet level, less than half a width beside
        ((642, 242, 718, 380), True),  # its upper half
        ((690, 240, 770, 480), False),  # beside, as far as shoulders are broad
        ((645, 200, 715, 410), False),  # behind: head and feet are higher
    ],
)
def test_each_person_once(other: tuple[float, float, float, float], one: bool) -> None:
    left = Sights(0.4).step(found((PERSON, 0.8), (other, 0.5)), Backdrop(), None, SIZE)
    assert len(left) == (1 if one else 2)
    assert left.scores[0] == pytest.approx(0.8)
