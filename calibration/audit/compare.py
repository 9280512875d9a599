"""A person's count against the node's: who belongs to whom, what is left over, and what that says with 95 % certainty.

Missed and extra crossings are Poisson counts: their limits are Garwood's (1936), the error of the sum combines them by
MOVER (Zou and Donner 2008), so that no mistake among few people does not pass for no error. Dwell: the larger of a
percentile bootstrap and a t interval, for few stays make a bootstrap too sure; nor is a person's thumb surer than a
quarter of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.optimize import linear_sum_assignment

from contract.quality import CountError, DwellError

Direction = Literal["in", "out"]
T = TypeVar("T")
Pairs = list[tuple[int, int]]

TOLERANCE_S = 3.0
"""A person presses up to this much before or after the node sees the crossing."""
FEWEST_STAYS = 3
_THUMB_S = 0.25
"""Standard deviation of what a person times, at the least."""
_SURE = 0.95
_ROUNDS = 4000
_FAR = 1e6


@dataclass(frozen=True, slots=True)
class Crossing:
    """At a second of the footage."""

    at: float
    direction: Direction


@dataclass(frozen=True, slots=True)
class Stay:
    """From and to, seconds of the footage."""

    start: float
    end: float

    @property
    def length(self) -> float:
        """Seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Stretch:
    """Footage that was watched without a gap."""

    start: float
    end: float

    def holds(self, at: float, margin: float = 0.0) -> bool:
        """Whether a moment lies in it, so far from its ends."""
        return self.start + margin <= at <= self.end - margin


@dataclass(frozen=True, slots=True)
class Comparison:
    """`missed` and `extra` say when, so that a person can look again."""

    count: CountError | None
    dwell: DwellError | None
    missed: tuple[float, ...]
    extra: tuple[float, ...]
    missed_stays: tuple[float, ...]
    extra_stays: tuple[float, ...]


def compare(
    watched: Sequence[Stretch],
    person: tuple[Sequence[Crossing], Sequence[Stay]],
    node: tuple[Sequence[Crossing], Sequence[Stay]],
) -> Comparison:
    """Within the watched stretches only. Near their ends what is unmatched is nobody's fault and is left out."""
    seen = [[one for one in side if _inside(watched, one.at)] for side in (person[0], node[0])]
    pairs = [pair for direction in ("in", "out") for pair in _crossing_pairs(seen[0], seen[1], direction)]
    missed = _left(seen[0], [a for a, _ in pairs], lambda one: one.at, watched)
    extra = _left(seen[1], [b for _, b in pairs], lambda one: one.at, watched)
    stays = [[one for one in side if _holds(watched, one)] for side in (person[1], node[1])]
    matched = _stay_pairs(stays[0], stays[1])
    missed_stays = _left(stays[0], [a for a, _ in matched], lambda one: one.start, watched)
    extra_stays = _left(stays[1], [b for _, b in matched], lambda one: one.start, watched)
    differences = np.array([stays[1][b].length - stays[0][a].length for a, b in matched])
    return Comparison(
        count_error(len(pairs) + len(missed), len(missed), len(extra)),
        dwell_error(differences, len(missed_stays), len(extra_stays)),
        missed, extra, missed_stays, extra_stays,
    )  # fmt: skip


def count_error(counted: int, missed: int, extra: int) -> CountError | None:
    """Signed error of the node's count as a share of the person's; None when nobody came."""
    if counted < 1:
        return None
    (few, many), (least, most) = garwood(extra), garwood(missed)
    difference = extra - missed
    low = max(-float(counted), difference - float(np.hypot(extra - few, most - missed)))  # nobody misses more than all
    high = difference + float(np.hypot(many - extra, missed - least))
    return CountError(
        counted=counted, missed=missed, extra=extra, share=round(difference / counted, 4),
        low=round(low / counted, 4), high=round(high / counted, 4),
    )  # fmt: skip


def garwood(count: int) -> tuple[float, float]:
    """Exact 95 % limits of a Poisson mean."""
    tail = (1 - _SURE) / 2
    low = 0.0 if count == 0 else float(stats.chi2.ppf(tail, 2 * count)) / 2
    return low, float(stats.chi2.ppf(1 - tail, 2 * count + 2)) / 2


def dwell_error(differences: npt.NDArray[np.float64], missed: int, extra: int) -> DwellError | None:
    """Mean absolute difference (node minus person) with the upper end of its interval; None with too few stays."""
    count = len(differences)
    if count < FEWEST_STAYS:
        return None
    sizes = np.abs(differences)
    mean = float(sizes.mean())
    draws = np.random.default_rng(0).integers(0, count, (_ROUNDS, count))
    upper = float(np.quantile(sizes[draws].mean(axis=1), (1 + _SURE) / 2))
    spread = max(float(sizes.std(ddof=1)), _THUMB_S) / np.sqrt(count)
    upper = max(upper, mean + float(stats.t.ppf((1 + _SURE) / 2, count - 1)) * spread)
    return DwellError(
        timed=count + missed, missed=missed, extra=extra, mean_abs_s=round(mean, 3), high_s=round(upper, 3),
        bias_s=round(float(differences.mean()), 3),
    )  # fmt: skip


def _crossing_pairs(person: Sequence[Crossing], node: Sequence[Crossing], direction: str) -> Pairs:
    rows = [index for index, one in enumerate(person) if one.direction == direction]
    columns = [index for index, one in enumerate(node) if one.direction == direction]
    if not rows or not columns:
        return []
    apart = np.abs(np.subtract.outer([person[a].at for a in rows], [node[b].at for b in columns]))
    return [(rows[a], columns[b]) for a, b in _assign(np.where(apart <= TOLERANCE_S, apart, _FAR))]


def _stay_pairs(person: Sequence[Stay], node: Sequence[Stay]) -> Pairs:
    """By the time both have in common; one of them must share at least half of its own."""
    if not person or not node:
        return []
    common = np.array([[min(a.end, b.end) - max(a.start, b.start) for b in node] for a in person])
    shorter = np.array([[max(min(a.length, b.length), 1e-6) for b in node] for a in person])
    return _assign(np.where(common / shorter >= 0.5, -common, _FAR))


def _assign(cost: npt.NDArray[np.float64]) -> Pairs:
    rows, columns = linear_sum_assignment(cost)
    return [(int(a), int(b)) for a, b in zip(rows, columns, strict=True) if cost[a, b] < _FAR / 2]


def _left(
    items: Sequence[T], matched: Sequence[int], when: Callable[[T], float], watched: Sequence[Stretch]
) -> tuple[float, ...]:
    return tuple(
        when(one)
        for index, one in enumerate(items)
        if index not in matched and any(part.holds(when(one), TOLERANCE_S) for part in watched)
    )


def _inside(watched: Sequence[Stretch], at: float) -> bool:
    return any(part.holds(at) for part in watched)


def _holds(watched: Sequence[Stretch], stay: Stay) -> bool:
    return any(part.holds(stay.start) and part.holds(stay.end) for part in watched)
