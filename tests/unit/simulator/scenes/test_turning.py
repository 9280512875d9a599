"""Turned heads: the warp does what a turn does to a face, and nothing when the head is straight."""

from __future__ import annotations

import numpy as np

from simulator.scenes.heads import FACE_CENTRE, HEAD_SIZE
from simulator.scenes.turning import Gaze, Glance, gaze_at, moved, turned

WIDE, TALL = HEAD_SIZE
X, Y = (round(place) for place in FACE_CENTRE)


def marked(x: int, y: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    sprite = np.full((TALL, WIDE, 4), 60, np.uint8)
    sprite[y - 3 : y + 4, x - 3 : x + 4, :3] = 255
    return sprite


def place_of_mark(sprite: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> tuple[float, float]:
    rows, columns = np.nonzero(sprite[:, :, 0] > 150)
    return float(columns.mean()), float(rows.mean())


def test_a_straight_head_is_left_as_it_is() -> None:
    sprite = marked(X, Y)
    assert np.array_equal(turned(sprite, Gaze(1.0, -1.0)), sprite)
    assert moved(Gaze()) == (0, 0)


def test_the_middle_of_the_face_goes_where_the_head_turns() -> None:
    right, left = (place_of_mark(turned(marked(X, Y), Gaze(yaw)))[0] for yaw in (40, -40))
    assert right > X + 20
    assert left < X - 20
    assert place_of_mark(turned(marked(X, Y), Gaze(0, 30)))[1] > Y + 20


def test_the_far_cheek_is_foreshortened_and_the_near_one_is_not() -> None:
    far, near = (place_of_mark(turned(marked(X + side, Y + 20), Gaze(45)))[0] for side in (35, -35))
    middle = place_of_mark(turned(marked(X, Y + 20), Gaze(45)))[0]
    assert 0 < far - middle < 0.6 * (middle - near)


def test_the_neck_stays_on_the_body_when_the_head_nods() -> None:
    low = TALL - 20
    assert place_of_mark(turned(marked(X, low), Gaze(0, 35))) == place_of_mark(marked(X, low))


def test_half_size_is_turned_alike() -> None:
    whole = place_of_mark(turned(marked(X, Y), Gaze(40)))[0]
    half = place_of_mark(turned(np.ascontiguousarray(marked(X, Y)[::2, ::2]), Gaze(40)))[0]
    assert abs(2 * half - whole) < 4


def test_a_glance_begins_and_ends_smoothly() -> None:
    glances = (Glance(1.0, 2.0, 50.0), Glance(3.0, 4.0, 0.0, 30.0))
    assert gaze_at(glances, 0.5) == Gaze(0.0, 0.0)
    assert gaze_at(glances, 1.5) == Gaze(50.0, 0.0)
    assert 0 < gaze_at(glances, 1.0).yaw < 50
    assert gaze_at(glances, 3.5) == Gaze(0.0, 30.0)
