"""The limit of embedder calls is a person's: whoever may be the same one shares it, and a poor view is not repeated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.gallery import Gallery
from edge.values import Frame, Image, Instant, Track, TrackSet
from edge.vision.continuity import Bond, unclear
from edge.vision.decide import Rule
from edge.vision.identify import FaceCounts, FaceSettings, Identifier
from edge.vision.permits import FacePolicy
from edge.vision.quality import Pose
from edge.vision.shots import FaceCase, Shot, fused
from models.detections import Detections

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
    bond.suspect([anna, stranger], NOW)
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


def test_the_last_call_is_for_a_better_picture(vector: Vectors, at: At) -> None:
    case = FaceCase(4, calls=3)
    for number in (1, 2, 3):
        case.embedded(shot(at, 0.3 * number, 0.6), vector(number))
    assert not case.due(shot(at, 2.0, 0.59, Pose(14.0, 0.5)), promising=True), "another view, but no better"
    assert case.due(shot(at, 2.0, 0.6, Pose(14.0, 0.5)), promising=True)


def test_somebody_seen_bowed_only_is_asked_again_with_the_head_up(vector: Vectors, at: At) -> None:
    case = FaceCase(4, calls=2, seen_at=at(1.0).monotonic)
    for number in (1, 2):
        case.embedded(shot(at, 0.3 * number, 0.6, Pose(0.0, 0.62)), vector(number))
    case.close("stranger", None)
    assert case.vectors == []
    assert case.bowed
    assert not case.looks_up(shot(at, 1.0, 0.7, Pose(0.0, 0.58))), "still bowed"
    assert case.looks_up(shot(at, 1.0, 0.6, Pose(0.0, 0.45)))
    case.poses.append(Pose(0.0, 0.45))
    assert not case.bowed, "once"


def test_a_known_one_is_not_asked_again(vector: Vectors, at: At) -> None:
    case = FaceCase(4, calls=1, seen_at=at(1.0).monotonic)
    case.embedded(shot(at, 0.3, 0.6, Pose(0.0, 0.62)), vector(1))
    case.close("known", "anna")
    assert not case.bowed


def test_where_somebody_nobody_photographed_is_lost_one_picture_may_say_who_it_is() -> None:
    """Two strangers whose calls are spent are no reason to leave a customer without a name who was never asked."""
    spent = [FaceCase(4, number, calls=4, seen_at=NOW - 1) for number in (1, 2)]
    for case in spent:
        case.close("stranger", None)
    bond = Bond(FaceCase(4, 3), sudden=True)
    bond.suspect(spent, NOW)
    assert not bond.ready(NOW)
    bond.suspect([FaceCase(4, 4, seen_at=NOW - 1)], NOW)
    assert bond.ready(NOW)
    bond.forget(NOW + 5.0)
    assert bond.case.left(NOW) == 4
    assert bond.ready(NOW + 5.0), "also when all are out of mind"
    bond.settle(bond.case, NOW + 5.0)
    assert not bond.fresh


def test_who_stands_in_front_of_somebody_unknown_is_looked_at_again_as_a_stranger() -> None:
    behind, front = FaceCase(4, 1, calls=2, seen_at=NOW), FaceCase(4, 2, calls=2, seen_at=NOW)
    behind.close("stranger", None)
    bond = Bond(front, settled_at=NOW)
    bond.passed = behind

    def doubtful(now: float) -> bool:
        bond.look_again(now)
        return bond.doubtful

    assert not doubtful(NOW), "not decided yet"
    front.close("stranger", None)
    assert doubtful(NOW)
    assert bond.ready(NOW + 0.4)
    bond.settle(front, NOW + 0.4)
    assert not doubtful(NOW + 0.4), "once"
    bond.passed = behind
    assert not doubtful(NOW + 2.0), "who crosses is past by then"


def test_whose_pictures_may_have_been_theirs_is_not_untold() -> None:
    spent, lost = FaceCase(4, 1, calls=4, seen_at=NOW - 1), FaceCase(4, 2, seen_at=NOW - 1)
    assert lost.untold(NOW)
    lost.may_be([spent])
    assert not lost.untold(NOW)


def test_the_own_case_is_never_ruled_out_by_a_single_picture(vector: Vectors) -> None:
    """Its pictures may have been of a bowed head: the calls count until both are seen at one moment."""
    gallery = Gallery()
    gallery.put("anna", "t", vector(1), 1e9)
    own = FaceCase(4, 1, calls=3, vectors=[vector(5)], weights=[0.8], seen_at=NOW)
    bond = Bond(own)
    bond.suspect([FaceCase(4, 2, calls=1, vectors=[vector(6)], weights=[0.8], seen_at=NOW - 1)], NOW)
    assert unclear(bond, vector(7, vector(1), 0.8), gallery, RULE, NOW) == [own]


def test_who_is_named_in_two_cases_has_the_calls_of_both(vector: Vectors, at: At) -> None:
    """Lost for some seconds and named again: it is one person."""
    gallery = Gallery()
    gallery.put("anna", "t", vector(1), 1e9)
    gallery.put("ben", "t", vector(2), 1e9)
    settings = FaceSettings(RULE, 6.0, 30.0, 0.9, 0.25)
    counts = FaceCounts()
    faces = Identifier(Scripted([vector(3, vector(1), 0.65), vector(4, vector(1), 0.65)]), FacePolicy("open"), gallery,
                       settings, counts)  # fmt: skip
    for number, t in enumerate((0.0, 5.0)):
        box = (400.0 * number, 100.0, 400.0 * number + 60, 180.0)
        track = Track(number + 1, box, 0.99, True, at(t).monotonic)
        picture = np.random.default_rng(1).integers(0, 255, (720, 1280, 3), dtype=np.uint8)
        told = faces.step(Frame("door", picture, at(t)), TrackSet((track,), (number,) if number else ()), None)
        assert [one.subject for one in told if one.outcome == "known"][-1:] == ["anna"]
    assert counts.embedder_calls == 2
    assert counts.most_calls == 2, "one person, not two with one call each"


class Scripted:
    """Frontal faces whose vectors come from a list."""

    name = "scripted"
    sure_score = 0.9

    def __init__(self, vectors: list[NDArray[np.float32]]) -> None:
        self._vectors = iter(vectors)

    def detect(self, frame: Image, region: object = None) -> Detections:
        return Detections.empty()

    def landmarks(self, frame: Image, box: NDArray[np.float32]) -> Points:
        x, y, width = float(box[0]), float(box[1]), float(box[2] - box[0])
        shares = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.3, 0.8), (0.7, 0.8))
        return Points(np.array([(x + a * width, y + b * width) for a, b in shares], np.float32))

    def align(self, frame: Image, five: NDArray[np.float32]) -> Image:
        return np.zeros((112, 112, 3), np.uint8)

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        return np.stack([next(self._vectors).copy() for _ in crops])

    def forget_faces(self) -> None:
        """Nothing is kept."""


@dataclass(frozen=True)
class Points:
    five: NDArray[np.float32]
