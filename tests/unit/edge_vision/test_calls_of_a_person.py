"""The limit of embedder calls is a person's: whoever may be the same one shares it, and a poor view is not repeated."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge.gallery import Gallery
from edge.values import Instant
from edge.vision.continuity import Bond, unclear
from edge.vision.decide import Rule
from edge.vision.quality import Pose
from edge.vision.shots import FaceCase, Shot, fused

Vectors = Callable[..., NDArray[np.float32]]
At = Callable[..., Instant]
NOW = 100.0
RULE = Rule(threshold=0.5, target_fpir=1e-4, margin=0.05, clear_lead=0.1, shots=4, patience_s=2.5)


def shot(at: At, t: float, quality: float, pose: Pose = Pose(0.0, 0.5)) -> Shot:  # noqa: B008 - frozen
    return Shot(np.zeros((5, 2), np.float32), quality, at(t), pose)


def test_a_call_for_one_is_a_call_for_all_it_may_be() -> None:
    first, second = FaceCase(4, 1, calls=3, seen_at=NOW), FaceCase(4, 2, seen_at=NOW)
    second.may_be([first, second])
    assert (second.charged(NOW), second.left(NOW)) == (3, 1)
    second.calls += 1
    assert first.spent
    assert second.spent


def test_who_may_be_one_of_two_is_not_both() -> None:
    """Three calls for one, two for the other: with one of its own it is four at most, not six."""
    first, second, newcomer = FaceCase(4, 1, calls=3), FaceCase(4, 2, calls=2), FaceCase(4, 3, calls=1)
    newcomer.may_be([first, second])
    assert newcomer.charged(NOW) == 4
    second.may_be([first])
    assert newcomer.charged(NOW) == 6, "unless those two may be one person"


def test_who_is_surely_elsewhere_is_somebody_else() -> None:
    first, second = FaceCase(4, 1, calls=3), FaceCase(4, 2, calls=1)
    second.may_be([first])
    first.sure_at = NOW
    assert second.charged(NOW) == 1
    assert second.charged(NOW + 1.0) == 4, "out of view again it counts again"
    second.apart_from([first, second])
    assert (second.charged(NOW + 1.0), first.charged(NOW + 1.0)) == (1, 3)


def test_a_picture_rules_out_those_it_does_not_show(vector: Vectors) -> None:
    gallery = Gallery()
    gallery.put("anna", "t", vector(1), 1e9)
    anna, stranger = FaceCase(4, 1, calls=2, seen_at=NOW - 1), FaceCase(4, 2, calls=2, seen_at=NOW)
    anna.close("known", "anna")
    stranger.close("stranger", None)
    bond = Bond(FaceCase(4, 3))
    bond.suspect([anna, stranger])
    assert unclear(bond, vector(9), gallery, RULE, NOW) == [stranger]
    poor = vector(5, vector(1), 0.35)
    assert unclear(bond, poor, gallery, RULE, NOW) == [anna, stranger], "a poor picture of Anna?"
    stranger.nearest = 0.15
    assert unclear(bond, poor, gallery, RULE, NOW) == [anna], "the stranger was like nobody, this picture is"


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


def test_calls_are_kept_for_the_moment_when_a_bowed_head_looks_up(at: At, vector: Vectors) -> None:
    bowed, case = Pose(0.0, 0.76), FaceCase(4)
    for number in range(2):
        assert case.due(shot(at, 0.4 * number, 0.4, bowed), promising=True)
        case.embedded(shot(at, 0.4 * number, 0.4, bowed), vector(number))
        case.calls += 1
    assert not case.due(shot(at, 1.0, 0.45, bowed), promising=True)
    assert case.due(shot(at, 1.2, 0.6), promising=True)


def test_several_pictures_are_judged_like_one(vector: Vectors) -> None:
    """The mean of two pictures of one face is brought back most of the way to unit length."""
    first = vector(1)
    mean = fused([first, vector(2, first, 0.8)], [1.0, 1.0])
    assert 0.95 < float(np.linalg.norm(mean)) < 1.0
