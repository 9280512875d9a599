"""Confidence by resampling identities (Efron's bootstrap; photos of one person are not independent, people are)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[np.float64]
"""Rows: row 0 counts every identity once (the estimate itself), each further row is one resampling."""

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and the bounds of its 95 % interval; equal to it when nothing was resampled."""

    value: float
    low: float
    high: float


def identity_weights(identities: int, resamples: int, seed: int = 0) -> Weights:
    """(1 + resamples) x identities: how often each identity was drawn, with replacement."""
    random = np.random.default_rng(seed)
    drawn = random.multinomial(identities, np.full(identities, 1 / identities), size=resamples)
    return np.concatenate([np.ones((1, identities)), drawn.reshape(resamples, identities)]).astype(np.float64)


def estimate(rows: npt.NDArray[np.float64]) -> Estimate:
    """From a figure computed once per row of `identity_weights`."""
    value = float(rows[0])
    if len(rows) < 2:
        return Estimate(value, value, value)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(rows[1:], [tail, 1 - tail])
    return Estimate(value, float(low), float(high))


def weighted_share(hits: npt.NDArray[np.bool_], weights: Weights) -> npt.NDArray[np.float64]:
    """Share of hits (RxN, or N for all rows alike) with weights RxN, one figure a row; 0 where nothing weighs."""
    total = weights.sum(axis=1)
    return np.asarray((hits * weights).sum(axis=1) / np.maximum(total, 1e-12), np.float64)
