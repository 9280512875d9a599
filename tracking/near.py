"""Which face belongs to which track: by place and size, in plain numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from tracking.values import Box

_USUAL_STEP = 0.5
"""Between a prediction and its detection, in sides of the box."""
_USUAL_GROWTH = 0.15
"""Logarithm of how much a box differs in size from its prediction."""
_LEAST_AREA = 1e-9

Pair = tuple[int, int]
"""Position of a track and of a detection."""


def pairs_near(tracks: Sequence[Box], found: Sequence[Box], reach: float, alike: float) -> list[Pair]:
    """Who goes with whom.

    A pair is possible when its centres are at most `reach` sides apart and its sizes at least `alike`; anything else is
    left alone rather than guessed, for a track that goes over to somebody else takes an identity along.
    """
    possible = [
        (row, column)
        for row, first in enumerate(tracks)
        for column, second in enumerate(found)
        if _near(first, second, reach, alike)
    ]
    if len({row for row, _ in possible}) == len(possible) == len({column for _, column in possible}):
        return possible  # nobody competes, which is most of the day
    return _best(possible, tracks, found)


def _best(possible: Sequence[Pair], tracks: Sequence[Box], found: Sequence[Box]) -> list[Pair]:
    """Of pairs that compete, those that go together best in total (Hungarian method)."""
    weight = np.zeros((len(tracks), len(found)))
    for row, column in possible:
        weight[row, column] = _likelihood(tracks[row], found[column])
    rows, columns = linear_sum_assignment(weight, maximize=True)
    chosen = set(possible)
    return [pair for pair in zip(rows.tolist(), columns.tolist(), strict=True) if pair in chosen]


def _near(first: Box, second: Box, reach: float, alike: float) -> bool:
    sizes = _area(first), _area(second)
    return _offset(first, second) <= reach * _widths(first, second) and min(sizes) >= alike * alike * max(sizes)


def _likelihood(first: Box, second: Box) -> float:
    step = _offset(first, second) / _widths(first, second) / _USUAL_STEP
    growth = math.log(_area(first) / _area(second)) / 2 / _USUAL_GROWTH
    return math.exp(-step * step - growth * growth)


def _area(box: Box) -> float:
    return max((box[2] - box[0]) * (box[3] - box[1]), _LEAST_AREA)


def _offset(first: Box, second: Box) -> float:
    """Twice the distance of the centres: over the sum of the widths the halves cancel."""
    return math.hypot(first[0] + first[2] - second[0] - second[2], first[1] + first[3] - second[1] - second[3])


def _widths(first: Box, second: Box) -> float:
    return max(first[2] - first[0], 1.0) + max(second[2] - second[0], 1.0)
