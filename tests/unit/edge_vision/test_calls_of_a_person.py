"""The limit of embedder calls is a person's: whoever may be the same one shares it, and a poor view is not repeated."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge.gallery import Gallery
from edge.values import Instant
from edge.vision.continuity import Bond, unclear
from edge.vision.quality import Pose
from edge.vision.shots import FaceCase, Shot

Vectors = Callable[..., NDArray[np.float32]]
At = Callable[..., Instant]
NOW = 100.0


def shot(at: At, t: float, quality: float, pose: Pose = Pose(0.0, 0.5)) -> Shot:  # noqa: B008 - frozen
    return Shot(np.zeros((5, 2), np.float32), quality, at(t), pose)


def test_a_call_for_one_is_a_call_for_all_it_may_be() -> None:
    first, second = FaceCase(4, 1, calls=3), FaceCase(4, 2)
    second.may_be([first, second])
    assert second.calls == 3
    second.charge()
    assert first.spent
    assert second.spent
    first.charge()
    assert (first.calls, second.calls) == (4, 4), "never above the limit"


def test_a_picture_rules_out_those_it_does_not_show(vector: Vectors) -> None:
    gallery = Gallery()
    gallery.put("anna", "t", vector(1), 1e9)
    anna, stranger = FaceCase(4, 1, calls=2, seen_at=NOW - 1), FaceCase(4, 2, calls=2, seen_at=NOW)
    anna.close("known", "anna")
    stranger.close("stranger", None)
    bond = Bond(FaceCase(4, 3))
    bond.suspect([anna, stranger])
    assert unclear(bond, vector(9), gallery, NOW) == [stranger]
    assert unclear(bond, vector(5, vector(1), 0.35), gallery, NOW) == [anna, stranger], "a poor picture of Anna?"


def test_a_view_like_nobody_is_not_repeated_but_another_view_is_taken(vector: Vectors, at: At) -> None:
    case = FaceCase(4)
    case.embedded(shot(at, 0.0, 0.5), vector(1))
    assert not case.due(shot(at, 0.4, 0.55), unlike=True)
    assert case.due(shot(at, 0.4, 0.55))
    assert case.due(shot(at, 0.4, 0.61), unlike=True), "clearly better"
    assert case.due(shot(at, 0.4, 0.55, Pose(20.0, 0.5)), unlike=True), "turned otherwise"
    assert not case.due(shot(at, 0.4, 0.45, Pose(20.0, 0.5)), unlike=True), "otherwise, but worse"


def test_a_poor_shot_has_no_say_beside_a_good_one(vector: Vectors, at: At) -> None:
    case = FaceCase(4)
    case.embedded(shot(at, 0.0, 0.4), vector(1))
    assert case.weights == [0.4]
    case.embedded(shot(at, 0.4, 0.8), vector(2))
    assert case.weights == [0.0, 0.8]
