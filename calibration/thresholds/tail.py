"""The tail of the impostor distribution, per gallery template: peaks over a level, generalised Pareto.

Exceedances over a high level follow a generalised Pareto distribution (Balkema & de Haan 1974, Pickands 1975; Coles, An
Introduction to Statistical Modeling of Extreme Values, ch. 4). A recorded score is the greatest of n comparisons, n
the gallery of that moment, so the likelihood is that of a maximum: P(score <= x) = (1 - FAR(x))^n. What lies below the
level counts as censored. A line is only written when the person was not named, so scores are truncated at the threshold
then in force. A weak normal prior centres the shape on 0 (penalised likelihood: Coles & Dixon 1999).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq, minimize

Floats = npt.NDArray[np.float64]

SHAPE_PRIOR = 0.15
"""Standard deviation. Cosines are bounded and near normal: shapes of -0.11 to -0.02 were measured on faces."""
_IMPOSSIBLE = 1e12
_TINY = 1e-6


@dataclass(frozen=True, slots=True)
class Tail:
    """FAR(x) = rate * (1 + shape * (x - level) / scale)^(-1 / shape), for x above the level."""

    level: float
    rate: float
    scale: float
    shape: float

    def far(self, score: float) -> float:
        """False accept rate of one comparison at this threshold."""
        return float(self.rate * np.exp(-_log_excess((score - self.level) / self.scale, self.shape)))

    def score_at(self, far: float) -> float:
        """The threshold with this false accept rate; the level itself when that is already rarer."""
        if far >= self.rate:
            return self.level
        return self.level + self.scale * _reach(math.log(self.rate / far), self.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Records cut at a level: exceedances y > 0 with the gallery of each, everything below in one number."""

    level: float
    excess: Floats
    galleries: Floats
    below: int
    """Records at or under the level, and the comparisons they stand for."""
    below_comparisons: float
    bars: Floats
    """Heights of the thresholds in force above the level, and the comparisons of the records seen under each."""
    bar_comparisons: Floats
    outliers: float = 0.0
    """Share of records taken for missed enrolled people: spread evenly between the level and the highest score."""

    @property
    def records(self) -> int:
        return self.below + len(self.excess)

    @property
    def comparisons(self) -> float:
        return float(self.below_comparisons + self.galleries.sum())


def cut(scores: Floats, galleries: Floats, bars: Floats, exceedances: int) -> Sample:
    """The sample whose level leaves (about) this many of the highest scores above it."""
    level = float(np.sort(scores)[-exceedances - 1])
    over = scores > level
    truncated = (scores < bars) & (bars > level)
    heights, which = np.unique(np.round(bars[truncated], 4), return_inverse=True)
    weights = np.bincount(which, galleries[truncated], len(heights)).astype(np.float64)
    return Sample(
        level=level,
        excess=scores[over] - level,
        galleries=galleries[over],
        below=int((~over).sum()),
        below_comparisons=float(galleries[~over].sum()),
        bars=heights - level,
        bar_comparisons=weights,
    )


def fit(sample: Sample) -> Tail:
    """Maximum penalised likelihood; needs a handful of exceedances at least."""
    rate = len(sample.excess) / sample.comparisons
    start = np.array([math.log(rate), math.log(sample.excess.mean()), 0.0])
    at, _ = _least(lambda at: misfit(_tail(sample.level, at), sample), start)
    return _tail(sample.level, at)


def misfit(tail: Tail, sample: Sample) -> float:
    """Negative log-likelihood with the prior's penalty."""
    stretch = 1.0 + tail.shape * sample.excess / tail.scale
    if tail.rate >= 0.5 or stretch.min(initial=1.0) <= 1e-9:
        return _IMPOSSIBLE
    log_excess = _log_excess(sample.excess / tail.scale, tail.shape)
    survive = tail.rate * np.exp(-log_excess)
    log_density = (
        np.log(sample.galleries * tail.rate / tail.scale)
        + (sample.galleries - 1.0) * np.log1p(-survive)
        - (1.0 + tail.shape) * log_excess
    )
    total = sample.below_comparisons * math.log1p(-tail.rate)
    if sample.outliers > 0.0:
        width = sample.excess.max() * (1.0 + 1.0 / len(sample.excess))
        log_density = np.logaddexp(log_density + math.log1p(-sample.outliers), math.log(sample.outliers / width))
        total += sample.below * math.log1p(-sample.outliers)
    total += float(log_density.sum()) + _truncation(tail, sample)
    return -total + 0.5 * (tail.shape / SHAPE_PRIOR) ** 2


def upper_limit(tail: Tail, sample: Sample, far: float, deviance: float) -> float:
    """Profile-likelihood upper limit of `score_at(far)` (Coles 4.3.3); `deviance`: quantile of chi-squared(1)."""
    best = misfit(tail, sample)

    def short(score: float) -> float:
        return _profile(score, tail, sample, far) - best - deviance / 2.0

    inside = tail.score_at(far)
    step = max(0.1 * (inside - sample.level), 0.005)
    for _ in range(40):
        outside = inside + step
        if short(outside) > 0.0:
            return float(brentq(short, inside, outside, xtol=1e-3)) if short(inside) < 0.0 else inside
        inside, step = outside, step * 1.5
    return math.inf


def without_outliers(sample: Sample) -> Sample:
    """The same records, all taken for strangers."""
    return replace(sample, outliers=0.0)


def _profile(score: float, tail: Tail, sample: Sample, far: float) -> float:
    """Least misfit of the tails whose false accept rate at `score` is `far`."""

    def at(free: Floats) -> float:
        rate, shape = math.exp(free[0]), float(free[1])
        if rate <= far:
            return _IMPOSSIBLE
        scale = (score - sample.level) / _reach(math.log(rate / far), shape)
        return misfit(Tail(sample.level, rate, scale, shape), sample)

    start = np.array([math.log(tail.rate), tail.shape])
    return _least(at, start)[1]


def _least(function: Callable[[Floats], float], start: Floats) -> tuple[Floats, float]:
    """Where a function of few numbers is least, and its value there (Nelder & Mead 1965)."""
    simplex = start + 0.1 * np.eye(len(start) + 1, len(start), -1)
    found = minimize(
        function,
        start,
        method="Nelder-Mead",
        options={"xatol": 1e-4, "fatol": 1e-4, "maxiter": 500, "initial_simplex": simplex},
    )
    return np.asarray(found.x, np.float64), float(found.fun)


def _truncation(tail: Tail, sample: Sample) -> float:
    """Minus the log-probability that a stranger stays under the threshold in force, for the records seen there."""
    if not len(sample.bars):
        return 0.0
    survive = tail.rate * np.exp(-_log_excess(sample.bars / tail.scale, tail.shape))
    return -float((sample.bar_comparisons * np.log1p(-survive)).sum())


def _tail(level: float, at: Floats) -> Tail:
    return Tail(level, float(np.exp(min(at[0], 0.0))), float(np.exp(at[1])), float(np.clip(at[2], -1.0, 1.0)))


def _log_excess(ratio: Floats | float, shape: float) -> Floats:
    """log(1 + shape * ratio) / shape; infinite past the end of a bounded tail."""
    values = np.asarray(ratio, np.float64)
    if abs(shape) < _TINY:
        return values
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.maximum(1.0 + shape * values, 0.0)) / shape)


def _reach(log_ratio: float, shape: float) -> float:
    """(ratio^shape - 1) / shape."""
    return log_ratio if abs(shape) < _TINY else math.expm1(shape * log_ratio) / shape
