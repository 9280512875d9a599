"""Times as counts per bucket: what can be added up over hours, days and stores, and percentiles from that.

What is published are groups of neighbouring buckets with enough people in each. Groups of different hours overlap in
different ways; the likeliest distribution over the single buckets is found by expectation and maximisation
(Turnbull's estimator for interval-censored times), begun from the exponential distribution with the published mean:
it decides where no group tells two buckets apart, as in the long tail.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence

EDGES: tuple[float, ...] = (
    0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 450, 600, 900, 1200, 1800, 2700, 3600, 7200,
)  # fmt: skip
"""Seconds where the buckets begin; the last one has no end."""
COUNT = len(EDGES)
_LAST_END = 14_400.0
_ROUNDS = 30

Group = tuple[int, int]
"""First and last bucket, both included."""


def bucket_of(seconds: float) -> int:
    """Index of the bucket a time falls into."""
    return max(0, bisect_right(EDGES, seconds) - 1)


def ends(bucket: int) -> tuple[float, float | None]:
    """[from, to) of a bucket in seconds; None: open."""
    return EDGES[bucket], EDGES[bucket + 1] if bucket + 1 < COUNT else None


def grouped(people: Mapping[int, int], least: int) -> list[Group]:
    """The whole axis in groups that hold at least `least` people each; what is left at the end joins the last one."""
    groups: list[Group] = []
    start, held = 0, 0
    for bucket in range(COUNT):
        held += people.get(bucket, 0)
        if held >= least:
            groups.append((start, bucket))
            start, held = bucket + 1, 0
    if not groups:
        return [(0, COUNT - 1)]
    groups[-1] = groups[-1][0], COUNT - 1
    return groups


def spread(groups: Mapping[Group, float], mean_s: float) -> list[float]:
    """Counts per single bucket: the likeliest ones, given counts per group and the mean of all times in seconds."""
    total = sum(groups.values())
    if total <= 0:
        return [0.0] * COUNT
    shares = _exponential(max(mean_s, 0.5))
    for _ in range(_ROUNDS):
        fresh = [0.0] * COUNT
        for (first, last), count in groups.items():
            mass = sum(shares[first : last + 1])
            scale = count / mass if mass > 0 else 0.0
            for bucket in range(first, last + 1):
                fresh[bucket] += shares[bucket] * scale if mass > 0 else count / (last - first + 1)
        shares = [value / total for value in fresh]
    return [share * total for share in shares]


def _exponential(mean_s: float) -> list[float]:
    """Share of each bucket."""
    below = [1.0 - math.exp(-edge / mean_s) for edge in EDGES] + [1.0]
    return [high - low for low, high in itertools.pairwise(below)]


def percentile(counts: Sequence[float], share: float) -> float:
    """The time below which this share of the counts lies, even within a bucket; 0 when there are none."""
    wanted, seen = share * sum(counts), 0.0
    for bucket, count in enumerate(counts):
        if count > 0 and seen + count >= wanted:
            low, high = ends(bucket)
            return low + ((high or _LAST_END) - low) * (wanted - seen) / count
        seen += count
    return 0.0
