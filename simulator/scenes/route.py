"""Where a rendered person is at a moment: walks between stops, and stands at them."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

_TURN_SECONDS = 0.6


@dataclass(frozen=True, slots=True)
class FloorPose:
    """One person on the floor: metres on the plan, heading in radians (0 = +x), metres walked so far."""

    figure: int
    x: float
    y: float
    heading: float
    walked: float
    moving: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """A place on a route; the person stays there `stay` seconds, looking towards `face` (a point) if given."""

    x: float
    y: float
    stay: float = 0.0
    face: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class _Leg:
    begin: float
    end: float
    a: Stop
    b: Stop
    walked: float
    heading: float
    moving: bool


@dataclass(frozen=True, slots=True)
class Route:
    """A walk over `stops`, the first of them being reached at `start` seconds; `speed` in m/s."""

    figure: int
    start: float
    stops: tuple[Stop, ...]
    speed: float = 1.0
    _legs: tuple[_Leg, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.stops) < 2 or self.speed <= 0:
            raise ValueError("a route needs two stops or more and a speed above 0")
        object.__setattr__(self, "_legs", tuple(self._plan()))

    @property
    def end(self) -> float:
        """The second after which the person is gone."""
        return self._legs[-1].end

    def arrival(self, stop: int) -> float:
        """The second in which the person reaches `stops[stop]`."""
        if stop == 0:
            return self.start
        walks = [leg for leg in self._legs if leg.moving]
        return walks[stop - 1].end

    def pose(self, t: float) -> FloorPose | None:
        """The person at second `t`; None before the start and after the end."""
        if not self.start <= t < self.end:
            return None
        number = bisect_right([leg.begin for leg in self._legs], t) - 1
        leg = self._legs[number]
        before = self._legs[number - 1].heading if number else leg.heading
        heading = _turned(before, leg.heading, (t - leg.begin) / _TURN_SECONDS)
        if not leg.moving:
            return FloorPose(self.figure, leg.a.x, leg.a.y, heading, leg.walked, False)
        share = (t - leg.begin) / (leg.end - leg.begin)
        x, y = leg.a.x + share * (leg.b.x - leg.a.x), leg.a.y + share * (leg.b.y - leg.a.y)
        walked = leg.walked + share * math.dist((leg.a.x, leg.a.y), (leg.b.x, leg.b.y))
        return FloorPose(self.figure, x, y, heading, walked, True)

    def _plan(self) -> list[_Leg]:
        legs: list[_Leg] = []
        now, walked, heading = self.start, 0.0, _course(self.stops[0], self.stops[1])
        for a, b in zip(self.stops, (*self.stops[1:], None), strict=True):
            if a.stay > 0:
                if a.face is not None:
                    heading = math.atan2(a.face[1] - a.y, a.face[0] - a.x)
                legs.append(_Leg(now, now + a.stay, a, a, walked, heading, False))
                now += a.stay
            if b is None:
                break
            length = math.dist((a.x, a.y), (b.x, b.y))
            heading = _course(a, b) if length else heading
            legs.append(_Leg(now, now + max(length, 1e-6) / self.speed, a, b, walked, heading, True))
            now, walked = legs[-1].end, walked + length
        return legs


def stops_along(points: Sequence[tuple[float, float]]) -> tuple[Stop, ...]:
    """Points of a way as stops nobody stays at."""
    return tuple(Stop(x, y) for x, y in points)


def _course(a: Stop, b: Stop) -> float:
    return math.atan2(b.y - a.y, b.x - a.x)


def _turned(before: float, after: float, share: float) -> float:
    """The heading on the way from one to the other, the shorter way round."""
    difference = math.remainder(after - before, 2 * math.pi)
    return before + difference * min(1.0, max(0.0, share))
