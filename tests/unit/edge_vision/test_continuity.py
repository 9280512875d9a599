"""Track switches do not carry identity over: a case follows a person, and a doubtful track is settled by a picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.gallery import Gallery
from edge.values import Track
from edge.vision.continuity import Bond, could_be, near, owner, stranger_again
from edge.vision.decide import Rule
from edge.vision.shots import FaceCase

Vectors = Callable[..., NDArray[np.float32]]
RULE = Rule(threshold=0.5, target_fpir=1e-4, margin=0.05, clear_lead=0.1, shots=4, patience_s=2.5)
NOW = 100.0


def open_case(vector: NDArray[np.float32], number: int = 1) -> FaceCase:
    return FaceCase(4, number, vectors=[vector.copy()], weights=[0.8], calls=1, seen_at=NOW)


def closed_case(outcome: str, subject: str | None = None, number: int = 1) -> FaceCase:
    case = FaceCase(4, number, calls=2, seen_at=NOW)
    case.close(outcome, subject)  # type: ignore[arg-type]
    return case


def doubtful(case: FaceCase, *suspects: FaceCase) -> Bond:
    bond = Bond(case)
    bond.suspect(suspects, NOW)
    return bond


@pytest.fixture
def gallery(vector: Vectors) -> Gallery:
    filled = Gallery()
    filled.put("anna", "t", vector(1), 1e9)
    filled.put("ben", "t", vector(2), 1e9)
    return filled


def test_a_picture_of_the_same_person_keeps_the_case(vector: Vectors, gallery: Gallery) -> None:
    case = open_case(vector(3))
    bond = doubtful(case, open_case(vector(4), 2))
    assert owner(bond, vector(5, vector(3), 0.7), gallery, RULE, NOW) is case


def test_a_picture_of_the_other_person_moves_their_case_here(vector: Vectors, gallery: Gallery) -> None:
    other = open_case(vector(4), 2)
    bond = doubtful(open_case(vector(3)), other)
    assert owner(bond, vector(5, vector(4), 0.7), gallery, RULE, NOW) is other


def test_a_picture_of_neither_begins_from_scratch(vector: Vectors, gallery: Gallery) -> None:
    bond = doubtful(open_case(vector(3)), open_case(vector(4), 2))
    assert owner(bond, vector(9), gallery, RULE, NOW) is None


def test_a_known_person_is_not_carried_over_to_a_stranger(vector: Vectors, gallery: Gallery) -> None:
    """Anna was decided; the track then shows a stranger who stood beside her."""
    anna, stranger = closed_case("known", "anna"), closed_case("stranger", number=2)
    assert owner(doubtful(anna, stranger), vector(9), gallery, RULE, NOW) is stranger
    assert owner(doubtful(anna), vector(9), gallery, RULE, NOW) is None


def test_a_known_person_in_a_strangers_track_is_found(vector: Vectors, gallery: Gallery) -> None:
    anna, stranger = closed_case("known", "anna"), closed_case("stranger", number=2)
    picture = vector(5, vector(1), 0.7)
    assert owner(doubtful(stranger, anna), picture, gallery, RULE, NOW) is anna
    assert owner(doubtful(stranger), picture, gallery, RULE, NOW) is None, "to be decided anew, not a stranger"


def test_without_doubt_only_somebody_quite_different_splits_the_track(vector: Vectors, gallery: Gallery) -> None:
    case = open_case(vector(3))
    assert owner(Bond(case), vector(5, vector(3), 0.3), gallery, RULE, NOW) is case, "a poor picture"
    assert owner(Bond(case), vector(9), gallery, RULE, NOW) is None


def test_a_newcomer_does_not_take_the_case_of_somebody_in_view(vector: Vectors, gallery: Gallery) -> None:
    newcomer, stranger = FaceCase(4, 2, seen_at=NOW), closed_case("stranger")
    bond = doubtful(newcomer, stranger)
    assert owner(bond, vector(9), gallery, RULE, NOW) is newcomer
    stranger.seen_at = NOW - 1.0
    assert owner(bond, vector(9), gallery, RULE, NOW) is stranger, "out of view: it may well be the same one"


def test_who_appears_in_the_middle_of_the_way_among_strangers_is_one_of_them(vector: Vectors, gallery: Gallery) -> None:
    bond = doubtful(FaceCase(4, 2, seen_at=NOW), closed_case("stranger"))
    assert not stranger_again(bond, vector(9), gallery, RULE, NOW)
    bond.sudden = True
    assert stranger_again(bond, vector(9), gallery, RULE, NOW)
    assert not stranger_again(bond, vector(5, vector(1), 0.4), gallery, RULE, NOW), "may be Anna"


def test_who_was_lost_unseen_is_not_taken_for_the_stranger_beside_them(vector: Vectors, gallery: Gallery) -> None:
    """Somebody came too small for a picture and was hidden: the face that appears may be theirs."""
    unseen = FaceCase(4, 3, seen_at=NOW - 1.0)
    bond = doubtful(FaceCase(4, 2, seen_at=NOW), closed_case("stranger"), unseen)
    bond.sudden = True
    assert not stranger_again(bond, vector(9), gallery, RULE, NOW)
    bond.suspects[0].seen_at = NOW - 1.0
    assert owner(bond, vector(9), gallery, RULE, NOW) is bond.case


def test_a_doubt_about_somebody_forgotten_is_still_a_doubt() -> None:
    """The track showed a stranger; who was lost beside them never came back: one picture has to say."""
    bond = doubtful(closed_case("stranger"), FaceCase(4, 3, seen_at=NOW - 1.0))
    bond.forget(NOW + 2.0)
    assert bond.suspects == []
    assert bond.ready(NOW + 2.0)


def test_no_picture_is_spent_among_people_who_are_all_decided() -> None:
    known, stranger, new = closed_case("known", "anna"), closed_case("stranger", number=2), FaceCase(4, 3, seen_at=NOW)
    assert not doubtful(known, stranger).ready(NOW)
    assert doubtful(known, stranger, new).ready(NOW)
    bond = doubtful(known, new)
    bond.near_at = NOW
    assert not bond.ready(NOW + 0.1), "they are still close to each other"
    assert bond.ready(NOW + 0.3)


def test_the_limit_of_calls_holds_for_doubt_too() -> None:
    spent = FaceCase(4, calls=4)
    assert not doubtful(spent, FaceCase(4, 2)).ready(NOW)
    gone = closed_case("known", "anna")
    gone.calls, gone.seen_at = 4, NOW - 1.0
    assert not doubtful(FaceCase(4, 2), gone).ready(NOW), "it may be the person whose calls are spent"


def test_faces_can_be_mixed_up_when_close_and_of_a_size() -> None:
    assert near((0, 0, 40, 50), (45, 5, 85, 55))
    assert not near((0, 0, 40, 50), (60, 5, 100, 55))
    assert not near((0, 0, 40, 50), (10, 10, 30, 35)), "half the size: far behind"


def test_only_who_went_out_of_view_nearby_a_moment_ago_comes_back() -> None:
    gone = FaceCase(4, box=(100.0, 100.0, 140.0, 150.0), seen_at=NOW)
    back = Track(7, (120.0, 100.0, 165.0, 155.0), 0.9, True, NOW + 0.8)
    assert could_be(gone, back, NOW + 0.8)
    assert not could_be(gone, back, NOW + 3.0), "too long ago"
    assert not could_be(gone, Track(7, (420.0, 100.0, 465.0, 155.0), 0.9, True, NOW + 0.8), NOW + 0.8), "elsewhere"
    assert not could_be(gone, Track(7, (120.0, 100.0, 145.0, 130.0), 0.9, True, NOW + 0.8), NOW + 0.8), "smaller"
