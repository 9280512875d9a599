"""Entrance lines as places: how far somebody is from one, and on which side. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from edge.config.vision import LineConfig
from edge.floor.lines import CLEAR_M, inside_is_right
from edge.geometry import side
from edge.values import PlanPoint

_DEEP_M = 3.0
"""Farther out than this nobody is just before the door."""


class Whereabouts(Enum):
    """Of a place, as the entrance lines see it."""

    INSIDE = auto()
    BORDER = auto()
    """On a line, or too near to it to tell."""
    OUTSIDE = auto()


@dataclass(frozen=True, slots=True)
class Gate:
    """One line. `inward`: +1 when inside is on the right of it, else -1."""

    line: str
    start: PlanPoint
    end: PlanPoint
    inward: float
    staff: bool

    @staticmethod
    def of(line: LineConfig) -> Gate:
        """From the configuration."""
        return Gate(line.id, line.start, line.end, 1.0 if inside_is_right(line) else -1.0, line.staff)

    def depth(self, point: PlanPoint) -> float:
        """Metres inside of the line, negative outside."""
        return self.inward * side(self.start, self.end, point)

    def abreast(self, point: PlanPoint) -> bool:
        """Whether a place lies before or behind the line rather than beside it."""
        return 0.0 <= self._share(point) <= 1.0

    def away(self, point: PlanPoint) -> float:
        """Metres inside of the line's nearest place; 0 just outside of it."""
        if self.abreast(point) and self.depth(point) <= 0:
            return 0.0
        share = min(max(self._share(point), 0.0), 1.0)
        (ax, ay), (bx, by) = self.start, self.end
        return math.dist(point, (ax + share * (bx - ax), ay + share * (by - ay)))

    def _share(self, point: PlanPoint) -> float:
        (ax, ay), (bx, by) = self.start, self.end
        along = (point[0] - ax) * (bx - ax) + (point[1] - ay) * (by - ay)
        return along / ((bx - ax) ** 2 + (by - ay) ** 2)


def whereabouts(gates: Iterable[Gate], point: PlanPoint) -> Whereabouts:
    """By the lines it lies before or behind; inside when there are none."""
    found = Whereabouts.INSIDE
    for gate in gates:
        depth = gate.depth(point)
        if depth < CLEAR_M and depth > -_DEEP_M and gate.abreast(point):
            if depth <= -CLEAR_M:
                return Whereabouts.OUTSIDE
            found = Whereabouts.BORDER
    return found
