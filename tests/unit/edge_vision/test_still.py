"""Furniture that the detector takes for people is nobody; people who stand still are somebody."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge.floor.plane import FloorPlane
from edge.floor.stage import FloorStage
from edge.values import Box, Frame
from tracking.persons import person_tracking

FPS = 5.0
POST: Box = (300.0, 100.0, 340.0, 220.0)
WALL = np.random.default_rng(3).integers(90, 110, (360, 640, 3), dtype=np.uint8)
COATS = np.random.default_rng(4).integers(0, 255, (2, 360, 640, 3), dtype=np.uint8)


def shifted(box: Box, x: float) -> Box:
    return (box[0] + x, box[1], box[2] + x, box[3])


class Camera:
    """A wall, and people painted where their boxes are; what is only detected is not painted anew."""

    def __init__(self, persons: Any, at: Any) -> None:
        plane = FloorPlane(((0.01, 0, 0), (0, 0.01, 0), (0, 0, 1)))
        self.stage = FloorStage("c", "r", persons, plane, person_tracking())
        self._persons, self._at, self.tick = persons, at, 0

    def look(self, detected: list[Box], people: list[Box], moving: bool = True) -> set[str]:
        """Names of those who are told."""
        frame = WALL.copy()
        for box in people:
            x1, y1, x2, y2 = (int(value) for value in box)
            frame[y1:y2, x1:x2] = COATS[self.tick % 2 if moving else 0][y1:y2, x1:x2]
        self._persons.boxes = [*detected, *people]
        view = self.stage.step(Frame("c", frame, self._at(self.tick / FPS)))
        self.tick += 1
        return {position.track for position in view.positions}


@pytest.fixture
def camera(persons: Any, at: Any) -> Camera:
    return Camera(persons, at)


def test_a_post_is_nobody_however_long_it_is_detected(camera: Camera) -> None:
    told = [camera.look([POST], []) for _ in range(300)]
    assert not any(told)
    assert camera.stage.detector_calls <= 0.4 * 300, "nor does it keep the detector busy"


def test_nor_does_somebody_who_walks_past_make_it_one(camera: Camera) -> None:
    for _ in range(100):
        camera.look([POST], [])
    walker = [camera.look([POST], [shifted(POST, x)]) for x in range(-250, -59, 10)]
    assert all(len(told) == 1 for told in walker[3:]), "the walker is told, the post is not"
    behind = [camera.look([], [shifted(POST, x)]) for x in range(-50, 51, 10)]
    after = [camera.look([POST], [shifted(POST, x)]) for x in range(60, 290, 10)]
    assert {name for told in behind + after for name in told} == walker[-1], "and stays who they were"
    assert sum(not told for told in behind + after) <= 2
    left = [camera.look([POST], []) for _ in range(100)]
    assert not any(left[10:])


def test_who_comes_in_and_stands_still_stays_somebody(camera: Camera) -> None:
    for x in range(-250, 1, 10):
        camera.look([], [shifted(POST, x)])
    told = [camera.look([], [POST], moving=False) for _ in range(300)]
    looked = [names for names in told if names]
    assert set().union(*looked) == looked[0]
    assert len(looked) >= 280


def test_a_detector_that_loses_a_standing_person_does_not_lose_them_for_good(camera: Camera) -> None:
    for x in range(-250, 1, 10):
        camera.look([], [shifted(POST, x)])
    for _ in range(40):
        camera.look([], [POST], moving=False)
    coat = COATS[0].copy()
    for _ in range(20):  # the track ends meanwhile; the picture does not change
        frame = WALL.copy()
        frame[100:220, 300:340] = coat[100:220, 300:340]
        camera._persons.boxes = []
        camera.stage.step(Frame("c", frame, camera._at(camera.tick / FPS)))
        camera.tick += 1
    told = [camera.look([], [POST], moving=False) for _ in range(40)]
    assert any(told)


def test_who_stood_there_from_the_start_is_somebody_once_they_move(camera: Camera) -> None:
    still = [camera.look([], [POST], moving=False) for _ in range(30)]
    assert not any(still)
    told = [camera.look([], [shifted(POST, x)]) for x in range(5, 120, 5)]
    assert all(told[6:])


def test_or_shift_their_weight(camera: Camera) -> None:
    for _ in range(20):
        camera.look([], [POST], moving=False)
    told = [camera.look([], [POST]) for _ in range(12)]
    assert told[-1]
