"""Shots and decisions: a threshold and a margin, or nobody is named; and nothing of a stranger stays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.gallery import Gallery
from edge.values import Decision, Instant
from edge.vision.decide import Rule, decide
from edge.vision.shots import FaceCase, Shot, fused
from edge.vision.thresholds import default_threshold

Vectors = Callable[..., NDArray[np.float32]]
At = Callable[..., Instant]
RULE = Rule(threshold=0.5, target_fpir=1e-4, margin=0.05, clear_lead=0.1, shots=4, patience_s=2.5)


def case_of(shots: list[tuple[NDArray[np.float32], float]], at: At) -> FaceCase:
    case = FaceCase(4, permitted=True)
    for number, (vector, quality) in enumerate(shots):
        shot = Shot(np.zeros((5, 2), np.float32), quality, at(0.3 * number))
        case.first_usable = case.first_usable or shot.taken
        case.calls += 1
        case.embedded(shot, vector.copy())
    return case


def gallery_of(**subjects: NDArray[np.float32]) -> Gallery:
    gallery = Gallery()
    for subject, template in subjects.items():
        gallery.put(subject, "t", template, 1e9)
    return gallery


def judged(shots: list[tuple[NDArray[np.float32], float]], gallery: Gallery, at: At, **more: bool) -> Decision | None:
    return decide(case_of(shots, at), gallery, RULE, at(0.3 * len(shots)), ended=more.get("ended", False))


def test_one_clear_shot_is_provisional_two_that_agree_are_final(vector: Vectors, at: At) -> None:
    anna, gallery = vector(1), gallery_of(anna=vector(1), ben=vector(2))
    first = judged([(vector(3, anna, 0.65), 0.9)], gallery, at)
    assert first is not None
    assert (first.outcome, first.stage, first.subject) == ("known", "provisional", "anna")
    second = judged([(vector(3, anna, 0.65), 0.9), (vector(4, anna, 0.65), 0.9)], gallery, at)
    assert second is not None
    assert (second.stage, second.subject) == ("final", "anna")
    assert second.first_usable == at(0)


def test_one_shot_beyond_doubt_is_final_and_no_other_is_spent(vector: Vectors, at: At) -> None:
    anna, gallery = vector(1), gallery_of(anna=vector(1), ben=vector(2))
    only = judged([(vector(3, anna, 0.8), 0.9)], gallery, at)
    assert only is not None
    assert (only.stage, only.subject) == ("final", "anna")


def test_a_clear_shot_names_beside_poor_ones(vector: Vectors, at: At) -> None:
    """Two pictures of a bowed head came first: their mean with the clear one is below the threshold."""
    anna, gallery = vector(1), gallery_of(anna=vector(1), ben=vector(2))
    shots = [(vector(3, anna, 0.3), 0.9), (vector(4, anna, 0.3), 0.9), (vector(5, anna, 0.65), 0.9)]
    clear = judged(shots, gallery, at)
    assert clear is not None
    assert (clear.outcome, clear.stage, clear.subject) == ("known", "provisional", "anna")
    assert judged([*shots[:2], (vector(5, anna, 0.49), 0.9)], gallery, at) is None, "below the threshold"


def test_a_shot_that_leads_everybody_by_far_names_beside_poor_ones(vector: Vectors, at: At) -> None:
    """As it would have done as the first one; with somebody else of the gallery within 0.3 it waits for another."""
    anna = vector(1)
    poor = [(vector(3, anna, 0.3), 0.9), (vector(4, anna, 0.3), 0.9)]
    shot = vector(5, anna, 0.55)
    far = judged([*poor, (shot, 0.9)], gallery_of(anna=anna, ben=vector(2)), at)
    assert far is not None
    assert (far.outcome, far.stage, far.subject) == ("known", "provisional", "anna")
    assert judged([*poor, (shot, 0.9)], gallery_of(anna=anna, ben=vector(6, shot, 0.3)), at) is None
    assert judged([*poor, (shot, 0.9)], gallery_of(anna=anna), at) is None, "no runner-up: a lead over nobody is none"


def test_one_shot_just_above_the_threshold_waits_for_another(vector: Vectors, at: At) -> None:
    anna, gallery = vector(1), gallery_of(anna=vector(1))
    assert judged([(vector(3, anna, 0.54), 0.9)], gallery, at) is None
    both = judged([(vector(3, anna, 0.54), 0.9), (vector(4, anna, 0.55), 0.9)], gallery, at)
    assert both is not None
    assert both.stage == "provisional"


def test_another_gallery_of_the_same_size_is_asked_again(vector: Vectors, at: At) -> None:
    """Somebody's template came and another's went between two pictures: the answer may be another one."""
    anna, gallery = vector(1), gallery_of(ben=vector(2))
    case = case_of([(vector(3, anna, 0.65), 0.9)], at)
    assert decide(case, gallery, RULE, at(0.3), ended=False) is None
    gallery.drop("ben")
    gallery.put("anna", "t", anna, 1e9)
    named = decide(case, gallery, RULE, at(0.4), ended=False)
    assert named is not None
    assert named.subject == "anna"


def test_nobody_is_named_without_a_margin(vector: Vectors, at: At) -> None:
    """Twins: both far above the threshold, neither ahead."""
    anna = vector(1)
    gallery = gallery_of(anna=anna, twin=vector(2, anna, 0.99))
    between = anna + vector(2, anna, 0.99)
    probe = np.asarray(between / np.linalg.norm(between), np.float32)
    decision = judged([(probe, 0.9)] * 4, gallery, at)
    assert decision is not None
    assert (decision.outcome, decision.subject) == ("stranger", None)


def test_a_stranger_is_told_without_any_name(vector: Vectors, at: At) -> None:
    gallery = gallery_of(anna=vector(1), ben=vector(2))
    decision = judged([(vector(9), 0.9)] * 3, gallery, at)
    assert decision is not None
    assert decision == Decision("stranger", "final", first_usable=at(0))


def test_a_person_nobody_could_see_well_is_unrecognisable_with_the_reason(at: At) -> None:
    case = FaceCase(4, permitted=True)
    for flaw in ("small", "blurred", "blurred"):
        case.flawed(flaw)
    decision = decide(case, Gallery(), RULE, at(1), ended=True)
    assert decision is not None
    assert (decision.outcome, decision.reason) == ("unrecognisable", "blurred")


def test_refused_by_policy_is_an_outcome_of_its_own(at: At) -> None:
    decision = decide(FaceCase(4, denial="outside_lane"), Gallery(), RULE, at(1), ended=True)
    assert decision is not None
    assert (decision.outcome, decision.reason) == ("refused", "outside_lane")


def test_a_poor_shot_hardly_dilutes_a_good_one(vector: Vectors) -> None:
    anna = vector(1)
    both = fused([vector(3, anna, 0.8), vector(4, anna, 0.1)], [0.9, 0.1])
    assert float(both @ anna) == pytest.approx(0.73, abs=0.01)


def test_fusing_never_beats_the_best_single_shot(vector: Vectors) -> None:
    """So a threshold measured on single pictures is not loosened."""
    anna = vector(1)
    for seed in range(50):
        random = np.random.default_rng(seed)
        cosines = random.uniform(-0.2, 0.9, 4)
        shots = [vector(1000 + 100 * seed + k, anna, float(c)) for k, c in enumerate(cosines)]
        assert float(fused(shots, list(random.uniform(0.1, 1, 4))) @ anna) <= cosines.max() + 1e-5


def test_the_default_threshold_rises_with_the_gallery_and_with_care() -> None:
    sizes = [default_threshold(n, 1e-4) for n in (1, 10, 100, 1000, 10_000, 10**9)]
    assert sizes == sorted(sizes)
    assert default_threshold(0, 1e-4) == sizes[0]
    assert default_threshold(100, 1e-5) > default_threshold(100, 1e-3)
    assert default_threshold(100, 1e-3) == pytest.approx(0.47, abs=0.005)
    """FAR 1e-5, measured near 0.470."""


def test_strangers_among_many_are_not_named(vector: Vectors, at: At) -> None:
    """400 people nobody enrolled, a gallery of 200: none is named."""
    gallery = Gallery()
    for n in range(200):
        gallery.put(f"s{n}", "t", vector(n), 1e9)
    for n in range(400):
        decision = judged([(vector(10_000 + n), 0.9)], gallery, at, ended=True)
        assert decision is not None
        assert decision.outcome == "stranger"


def test_forgetting_overwrites_the_vectors(vector: Vectors, at: At) -> None:
    case = case_of([(vector(1), 0.9)], at)
    held = case.vectors[0]
    case.close("stranger", None)
    assert not held.any()
    assert case.vectors == []
