"""Whether the fitted tail and the scores agree: Anderson-Darling, its significance by parametric bootstrap.

Parameters are fitted on the same scores, so tabulated critical values do not hold (Choulakian & Stephens 2001); each
replicate is drawn from the fit and fitted again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from calibration.thresholds.tail import Floats, Sample, Tail, fit

REPLICATES = 99


@dataclass(frozen=True, slots=True)
class Goodness:
    """A-squared and how often a true tail would give a greater one."""

    statistic: float
    p_value: float


def goodness(tail: Tail, sample: Sample, random: np.random.Generator) -> Goodness:
    """Outliers in the sample are part of the model, so of the replicates too."""
    seen = anderson_darling(_uniform(tail, sample))
    worse = sum(_replicate(tail, sample, random) >= seen for _ in range(REPLICATES))
    return Goodness(seen, (worse + 1) / (REPLICATES + 1))


def anderson_darling(uniform: Floats) -> float:
    """A-squared of values that should be uniform on (0, 1)."""
    ordered = np.clip(np.sort(uniform), 1e-12, 1.0 - 1e-12)
    count = len(ordered)
    weights = 2.0 * np.arange(1, count + 1) - 1.0
    return float(-count - np.mean(weights * (np.log(ordered) + np.log1p(-ordered[::-1]))))


def _replicate(tail: Tail, sample: Sample, random: np.random.Generator) -> float:
    drawn = _draw(tail, sample, random)
    return anderson_darling(_uniform(fit(drawn), drawn))


def _share(tail: Tail, sample: Sample) -> float:
    """Of the exceedances, the share that the outliers make up."""
    strangers = (1.0 - sample.outliers) * float(np.mean(_named(tail.rate, sample.galleries)))
    return sample.outliers / (sample.outliers + strangers)


def _uniform(tail: Tail, sample: Sample) -> Floats:
    """Probability transform of the exceedances under the model, given that they exceed the level."""
    far = np.array([tail.far(sample.level + excess) for excess in sample.excess])
    strangers = 1.0 - _named(far, sample.galleries) / _named(tail.rate, sample.galleries)
    share = _share(tail, sample)
    return np.asarray((1.0 - share) * strangers + share * sample.excess / sample.excess.max())


def _draw(tail: Tail, sample: Sample, random: np.random.Generator) -> Sample:
    count = len(sample.excess)
    named = random.random(count) * _named(tail.rate, sample.galleries)
    far = -np.expm1(np.log1p(-named) / sample.galleries)
    excess = np.array([tail.score_at(value) - sample.level for value in far])
    outlying = random.random(count) < _share(tail, sample)
    excess = np.where(outlying, random.random(count) * sample.excess.max(), excess)
    return replace(sample, excess=np.maximum(excess, 1e-9), bars=np.zeros(0), bar_comparisons=np.zeros(0))


def _named(far: Floats | float, galleries: Floats) -> Floats:
    return np.asarray(-np.expm1(galleries * np.log1p(-np.asarray(far))))
