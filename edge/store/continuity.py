"""Did two people change tracks? Weighed over all looks of an encounter rather than at its ends alone.

At any moment the looks until then say where somebody was and how fast (the forward filter), and the looks after it say
the same backwards (a two-filter smoother: Fraser and Potter, 1969). If the tracks were exchanged at that moment, the
one's past goes with the other's future. The likelihood of that against the likelihood of the tracks as they are, at
the moment where it is greatest, is the evidence for a mix-up.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np

from edge.store.motion import State, filtered_back
from edge.values import Floats

_MEMORY_S = 15.0
_BIAS_M, _BIAS_MPS = 0.12, 0.25
"""Foot points of one camera err alike for a while; the filters think that they err independently."""
_TAIL_SHARE, _TAIL = 0.1, 3.0
"""Motion is less Gaussian than the filter believes: a tenth of it three times as wide."""
_SLACK = np.diag([_BIAS_M**2, _BIAS_M**2, _BIAS_MPS**2, _BIAS_MPS**2])


@dataclass(frozen=True, slots=True)
class Sighting:
    """One look: the place measured with its covariance, and the forward state with it."""

    at: float
    point: Floats
    spread: Floats
    mean: Floats
    covariance: Floats
    camera: str = ""
    track: str = ""
    """What the camera calls the person."""


@dataclass(slots=True)
class Trail:
    """Sightings of one person in rising order of time, of the last seconds."""

    sightings: deque[Sighting] = field(default_factory=deque)

    def add(self, sighting: Sighting) -> None:
        self.sightings.append(sighting)
        while self.sightings[0].at < sighting.at - _MEMORY_S:
            self.sightings.popleft()

    def before(self, at: float) -> State | None:
        """As known from looks until then, at that time."""
        for sighting in reversed(self.sightings):
            if sighting.at <= at:
                state = State(sighting.mean, sighting.covariance, sighting.at).later(at)
                return replace(state, looked=sighting.at)
        return None

    def tracks(self, since: float, until: float) -> dict[str, str]:
        """By camera, what it called the person last in that time."""
        return {one.camera: one.track for one in self.sightings if since <= one.at <= until}


class Futures:
    """What the looks after each of some moments (falling order) say of one person at that moment."""

    def __init__(self, trail: Trail, moments: list[float]) -> None:
        later = [(one.at, one.point, one.spread) for one in reversed(trail.sightings)]
        self._looks = [one.at for one in trail.sightings]
        self._states = dict(zip(moments, filtered_back(later, moments), strict=True))

    def at(self, moment: float) -> State | None:
        """None when nobody saw the person after it."""
        return self._states[moment]

    def first(self, moment: float) -> float:
        """When the person was seen next."""
        row = bisect_right(self._looks, moment)
        return self._looks[row] if row < len(self._looks) else math.inf


def agreement(before: State, after: State) -> float:
    """Logarithm of the density of a future, given a past of the same moment."""
    away = after.mean - before.mean
    total = before.covariance + after.covariance + _SLACK
    return float(np.logaddexp(
        math.log(1 - _TAIL_SHARE) + _log_density(away, total),
        math.log(_TAIL_SHARE) + _log_density(away, total * _TAIL**2),
    ))  # fmt: skip


def _log_density(away: Floats, covariance: Floats) -> float:
    _, volume = np.linalg.slogdet(covariance)
    distance = float(away @ np.linalg.solve(covariance, away))
    return -0.5 * (distance + float(volume) + len(away) * math.log(2 * math.pi))
