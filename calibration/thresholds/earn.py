"""From scores to the threshold they support, or to the number of decisions that are still missing. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibration.thresholds.errors import NotEarnedError
from calibration.thresholds.goodness import Goodness, goodness
from calibration.thresholds.missed import set_apart_missed
from calibration.thresholds.rates import far_for, fpir, target_fpir
from calibration.thresholds.records import ImpostorScore
from calibration.thresholds.resample import REPLICATES, design_effect, hours_of, resampled_tails
from calibration.thresholds.tail import Floats, Sample, Tail, cut, fit, upper_limit, without_outliers

HEADROOM = 1.25
"""The threshold is set for a gallery a quarter larger than asked for, so that it holds until it must be renewed."""
FEWEST_RECORDS, FEWEST_EXCEEDANCES, MOST_EXCEEDANCES = 500, 50, 500
SAFE_REACH, FARTHEST_REACH = 10.0, 100.0
"""How much rarer than one of all comparisons seen the target may be: up to here at 95 %, up to there at 99 %."""
_DEVIANCE = {0.95: 2.7055, 0.99: 5.4119}
"""One-sided limits: quantiles 0.90 and 0.98 of chi-squared with one degree of freedom."""
POOR_FIT = 0.02
CEILING = 0.95
"""Above this hardly anybody would be recognised; more scores are needed, not a higher threshold."""
_SEED = 20221


@dataclass(frozen=True, slots=True)
class Wish:
    """What the store can bear, and the gallery (templates) it is asked for."""

    gallery_size: int
    false_arrivals_per_day: float = 0.1
    visitors_per_day: float = 2000.0
    most_missed: float = 0.02
    """Largest share of records that may be put down to enrolled people who were missed; 0: all are strangers."""
    vouched: bool = False
    """Whether the operator vouches for that share. Scores alone cannot tell a missed person from a look-alike, so
    without it the threshold does not go below the one under which those people were not named."""

    @property
    def fpir(self) -> float:
        """Share of strangers that may be named."""
        return target_fpir(self.false_arrivals_per_day, self.visitors_per_day)

    @property
    def certified_size(self) -> int:
        """Templates up to which the threshold holds."""
        return math.floor(self.gallery_size * HEADROOM)

    @property
    def far(self) -> float:
        """Share of single comparisons that may accept."""
        return far_for(self.fpir, self.certified_size)


@dataclass(frozen=True, slots=True, eq=False)
class Earned:
    """The threshold and everything that speaks for it. FPIR figures are at the certified gallery size."""

    wish: Wish
    threshold: float
    confidence: float
    best_guess: float
    interval: tuple[float, float]
    """Bootstrap, 95 %, of the best guess."""
    fpir_at_threshold: float
    fpir_interval: tuple[float, float]
    reach: float
    """The target is this many times rarer than once in all comparisons seen."""
    design_effect: float
    """How many records stand for one: people who come in together, or twice within an hour."""
    if_all_were_strangers: float
    """The threshold with no record put down to a missed enrolled person."""
    tail: Tail
    sample: Sample
    scores: Floats
    fit: Goodness


def earn(records: Sequence[ImpostorScore], wish: Wish, replicates: int = REPLICATES) -> Earned:
    """NotEarnedError, with what is missing, when these records cannot carry a threshold."""
    scores = np.array([record.score for record in records], np.float64)
    galleries = np.array([record.gallery for record in records], np.float64)
    hours = np.array([int(record.at.timestamp()) // 3600 for record in records], np.int64)
    bars = np.array([record.bar for record in records], np.float64)
    confidence, reach = _affordable(galleries, wish)
    random = np.random.default_rng(_SEED)
    sample, tail, agreement = _fitted(scores, galleries, bars, wish, random)
    by_hour = hours_of(scores, galleries, hours, sample.level)
    effect = design_effect(by_hour)
    tails = resampled_tails(sample, by_hour, random, replicates)
    resampled = np.array([other.score_at(wish.far) for other in tails])
    threshold = _limit(tail, sample, wish.far, confidence, resampled, effect)
    all_strangers = _if_strangers(sample, wish.far, confidence, threshold, effect)
    if sample.outliers > 0.0 and not wish.vouched:
        threshold = max(threshold, min(float(bars.max()), all_strangers))
    if threshold > CEILING:
        raise NotEarnedError(
            f"the upper limit of the threshold is above {CEILING}: the tail is still too uncertain. "
            f"Collect about as many decisions again ({len(scores)}) and repeat"
        )
    rates = np.array([fpir(other.far(threshold), wish.certified_size) for other in tails])
    return Earned(
        wish=wish,
        threshold=threshold,
        confidence=confidence,
        best_guess=tail.score_at(wish.far),
        interval=_spread(resampled),
        fpir_at_threshold=fpir(tail.far(threshold), wish.certified_size),
        fpir_interval=_spread(rates),
        reach=reach,
        design_effect=effect,
        if_all_were_strangers=all_strangers,
        tail=tail,
        sample=sample,
        scores=scores,
        fit=agreement,
    )


def decisions_needed(galleries: Floats, wish: Wish) -> int:
    """Records without which nothing is certified, at the mean gallery of the present ones."""
    mean = float(galleries.mean()) if len(galleries) else float(wish.gallery_size)
    return max(FEWEST_RECORDS, math.ceil(1.0 / (FARTHEST_REACH * wish.far * mean)))


def _affordable(galleries: Floats, wish: Wish) -> tuple[float, float]:
    """The confidence at which the target can be spoken of, and how far beyond the data it lies."""
    needed = decisions_needed(galleries, wish)
    if len(galleries) < needed:
        raise NotEarnedError(
            f"{len(galleries)} decisions recorded, {needed} needed for {wish.false_arrivals_per_day:g} false arrivals "
            f"a day at {wish.visitors_per_day:g} visitors and {wish.gallery_size} templates: "
            f"{needed - len(galleries)} more. Until then the conservative default holds"
        )
    reach = 1.0 / (float(galleries.sum()) * wish.far)
    return (0.95 if reach <= SAFE_REACH else 0.99), reach


def _fitted(
    scores: Floats, galleries: Floats, bars: Floats, wish: Wish, random: np.random.Generator
) -> tuple[Sample, Tail, Goodness]:
    """The lowest level over which the scores look like one tail."""
    wanted = max(min(len(scores) // 10, MOST_EXCEEDANCES), FEWEST_EXCEEDANCES)
    worst = 0.0
    while wanted >= FEWEST_EXCEEDANCES:
        sample = cut(scores, galleries, bars, wanted)
        if len(sample.excess) >= FEWEST_EXCEEDANCES // 2:
            sample = set_apart_missed(sample, wish.most_missed)
            tail = fit(sample)
            agreement = goodness(tail, sample, random)
            if agreement.p_value > POOR_FIT:
                return sample, tail, agreement
            worst = agreement.p_value
        wanted //= 2
    raise NotEarnedError(
        f"no level gives a tail that fits (last p = {worst:.2f}). The scores may mix two embedders, or many enrolled "
        "people are missed (raise --missed), or one person was counted again and again; look at the records by hour"
    )


def _limit(tail: Tail, sample: Sample, far: float, confidence: float, resampled: Floats, effect: float) -> float:
    """The more careful of two one-sided limits, both aware of dependence within an hour: profile likelihood, its
    deviance widened by the design effect, and bootstrap by hour."""
    profile = upper_limit(tail, sample, far, _DEVIANCE[confidence] * effect)
    return max(profile, float(np.quantile(resampled, confidence)), tail.score_at(far))


def _if_strangers(sample: Sample, far: float, confidence: float, threshold: float, effect: float) -> float:
    if sample.outliers == 0.0:
        return threshold
    all_strangers = without_outliers(sample)
    tail = fit(all_strangers)
    return upper_limit(tail, all_strangers, far, _DEVIANCE[confidence] * effect)


def _spread(values: Floats) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
