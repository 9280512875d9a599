"""The threshold: monotone, held on strangers it never saw, refused where the data cannot carry it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.thresholds.earn import Wish, decisions_needed, earn
from calibration.thresholds.errors import NotEarnedError
from calibration.thresholds.goodness import goodness
from calibration.thresholds.rates import far_for, fpir, target_fpir
from calibration.thresholds.records import ImpostorScore
from calibration.thresholds.tail import Tail, cut, fit, upper_limit

Strangers = Callable[..., list[ImpostorScore]]
TrueFpir = Callable[[str, float, int], float]

tails = st.builds(Tail, st.floats(0.2, 0.4), st.floats(1e-4, 1e-2), st.floats(0.01, 0.1), st.floats(-0.3, 0.2))


def test_the_target_of_privacy_b2() -> None:
    assert target_fpir(0.1, 2000) == pytest.approx(5e-5)


@given(st.floats(1e-9, 0.5), st.integers(1, 100_000))
def test_rates_turn_back(rate: float, gallery: int) -> None:
    assert fpir(far_for(rate, gallery), gallery) == pytest.approx(rate, rel=1e-6)


@given(tails, st.floats(1e-12, 1e-5))
def test_the_tail_turns_back(tail: Tail, far: float) -> None:
    assert tail.far(tail.score_at(far)) == pytest.approx(far, rel=1e-6)


@given(tails, st.integers(1, 50_000), st.integers(1, 50_000), st.floats(1e-6, 1e-2), st.floats(1e-6, 1e-2))
def test_a_larger_gallery_and_a_stricter_target_never_lower_it(
    tail: Tail, small: int, large: int, strict: float, loose: float
) -> None:
    small, large = sorted((small, large))
    strict, loose = sorted((strict, loose))
    assert tail.score_at(far_for(loose, small)) <= tail.score_at(far_for(loose, large)) + 1e-12
    assert tail.score_at(far_for(loose, small)) <= tail.score_at(far_for(strict, small)) + 1e-12


@settings(max_examples=8, deadline=None)
@given(sizes=st.tuples(st.integers(20, 2000), st.integers(20, 2000)), day=st.tuples(*[st.floats(0.05, 2.0)] * 2))
def test_the_certified_limit_is_monotone_too(
    strangers: Strangers, sizes: tuple[int, int], day: tuple[float, float]
) -> None:
    records = strangers("normal", 3000, 1)
    scores, galleries, bars = (np.array([getattr(r, f) for r in records]) for f in ("score", "gallery", "bar"))
    sample = cut(scores, galleries.astype(float), bars, 300)
    tail = fit(sample)

    def limit(size: int, false_a_day: float) -> float:
        return upper_limit(tail, sample, Wish(size, false_a_day).far, 2.7055)

    small, large = sorted(sizes)
    strict, loose = sorted(day)
    assert limit(small, loose) <= limit(large, loose) + 2e-3
    assert limit(small, loose) <= limit(small, strict) + 2e-3


@pytest.mark.parametrize(("tail", "missed"), [("normal", 0.0), ("bounded", 0.0), ("faces", 0.0), ("normal", 0.01)])
def test_coverage(strangers: Strangers, true_fpir: TrueFpir, tail: str, missed: float) -> None:
    """95 % is promised: of 6 draws one may fail. A refusal names nobody, but must stay the exception."""
    refused = wrong = 0
    for seed in range(6):
        try:
            earned = earn(strangers(tail, 3000, seed, missed=missed), Wish(100, vouched=True), replicates=20)
        except NotEarnedError:
            refused += 1
            continue
        wrong += true_fpir(tail, earned.threshold, earned.wish.certified_size) > earned.wish.fpir
    assert wrong <= 1
    assert refused <= 2


def test_strangers_never_seen_stay_below_the_target(strangers: Strangers) -> None:
    """Counted on other people, at a target that 40,000 of them can show."""
    wish = Wish(100, false_arrivals_per_day=2.0)
    earned = earn(strangers("faces", 3000, 5), wish, replicates=40)
    others = np.array([record.score for record in strangers("faces", 40_000, 99, gallery=(125, 126))])
    assert (others >= earned.threshold).sum() <= wish.fpir * len(others)


def test_missed_people_do_not_drag_the_threshold_up(strangers: Strangers) -> None:
    clean = earn(strangers("normal", 4000, 3), Wish(100), replicates=20)
    records = strangers("normal", 4000, 3, missed=0.01)
    mixed = earn(records, Wish(100, vouched=True), replicates=20)
    careful = earn(records, Wish(100), replicates=20)
    assert careful.threshold >= min(records[0].bar, careful.if_all_were_strangers), "they might be look-alikes"
    assert clean.sample.outliers == 0.0
    assert 0.002 < mixed.sample.outliers < 0.015
    assert mixed.threshold < clean.threshold + 0.04
    assert mixed.if_all_were_strangers > mixed.threshold + 0.03, "without it they would"


def test_more_data_narrow_the_margin_of_safety(strangers: Strangers) -> None:
    few, many = (earn(strangers("faces", count, 2), Wish(100), replicates=20) for count in (1500, 12_000))
    assert many.threshold - many.best_guess < few.threshold - few.best_guess


def test_far_beyond_the_data_the_wider_limit_holds(strangers: Strangers) -> None:
    near = earn(strangers("faces", 3000, 4), Wish(100), replicates=20)
    far = earn(strangers("faces", 3000, 4), Wish(1000), replicates=20)
    assert near.confidence == 0.95
    assert near.reach <= 10
    assert far.confidence == 0.99
    assert far.reach > 10


def test_too_little_is_refused_with_the_number_that_is_missing(strangers: Strangers) -> None:
    records = strangers("normal", 700, 1)[:400]
    with pytest.raises(NotEarnedError, match=r"400 decisions recorded, 500 needed .*: 100 more"):
        earn(records, Wish(100))
    galleries = np.array([record.gallery for record in records], np.float64)
    needed = decisions_needed(galleries, Wish(10_000))
    assert needed == math.ceil(1 / (100 * Wish(10_000).far * galleries.mean()))
    with pytest.raises(NotEarnedError, match=f"{needed} needed"):
        earn(records, Wish(10_000))


def test_two_populations_are_not_taken_for_one_tail(strangers: Strangers) -> None:
    records = strangers("normal", 2000, 1)
    lumps = [record.model_copy(update={"score": 0.5}) for record in records[:120]]
    with pytest.raises(NotEarnedError, match="no level gives a tail that fits"):
        earn(records + lumps, Wish(100))


def test_goodness_tells_a_tail_from_none() -> None:
    random = np.random.default_rng(0)
    ones = np.ones(2000)
    good = cut(random.exponential(0.04, 2000), ones, ones, 200)
    steps = cut(np.round(random.exponential(0.04, 2000), 1), ones, ones, 60)
    assert goodness(fit(good), good, random).p_value > 0.05
    assert goodness(fit(steps), steps, random).p_value < 0.05


def test_truncation_at_the_threshold_in_force_is_allowed_for() -> None:
    """Whoever scored above the bar was named and left no line; the fitted tail must not end there."""
    random = np.random.default_rng(2)
    scores = random.exponential(0.05, 40_000)
    bar = 0.2
    seen = scores[scores < bar]
    ones = np.ones(len(seen))
    told = fit(cut(seen, ones, bar * ones, 500))
    untold = fit(cut(seen, ones, ones, 500))
    truth = math.exp(-0.3 / 0.05)
    assert abs(math.log((told.far(0.3) + 1e-12) / truth)) < abs(math.log((untold.far(0.3) + 1e-12) / truth))
