"""Entrance lines: who crossed, and which way. A track that dithers on the line is not counted again and again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from contract.events import LineCrossed
from edge.config.vision import LineConfig
from edge.floor.arrivals import Arrival
from edge.floor.stays import VisitOf
from edge.geometry import segments_meet, side
from edge.values import FloorPosition, Instant, PlanPoint

CLEAR_M = 0.25
"""A track has changed sides only when it is this far past the line."""


@dataclass(frozen=True, slots=True)
class _Settled:
    """The last place that was clearly on one side."""

    right: bool
    point: PlanPoint


class LineStage:
    """The lines as one camera sees them."""

    def __init__(self, lines: Iterable[LineConfig], *, calibrated: bool = True) -> None:
        self._lines = tuple((line, inside_is_right(line)) for line in lines)
        self._calibrated = calibrated
        self._settled: dict[tuple[str, str], _Settled] = {}
        self._crossed: set[tuple[str, str]] = set()

    def step(self, positions: Iterable[FloorPosition], visit_of: VisitOf, now: Instant) -> list[LineCrossed]:
        """Crossings completed by these positions."""
        found = [self._cross(line, inner, position) for position in positions for line, inner in self._lines]
        return self._told(found, visit_of, now)

    def arrived(self, arrivals: Iterable[Arrival], visit_of: VisitOf, now: Instant) -> list[LineCrossed]:
        """Crossings nobody saw, of tracks that began at the border of a picture."""
        found = [self._passed(line, inner, arrival) for arrival in arrivals for line, inner in self._lines]
        return self._told(found, visit_of, now)

    def _told(self, found: Iterable[_Crossing | None], visit_of: VisitOf, now: Instant) -> list[LineCrossed]:
        return [
            LineCrossed(
                line=crossing.line,
                direction=crossing.direction,
                track=crossing.track,
                visit=visit_of(crossing.track),
                at=now.wall,
                calibrated=self._calibrated,
            )
            for crossing in found
            if crossing is not None
        ]

    def forget(self, tracks: Iterable[str]) -> None:
        """Tracks that ended."""
        gone = set(tracks)
        if gone:
            self._settled = {key: value for key, value in self._settled.items() if key[1] not in gone}
            self._crossed = {key for key in self._crossed if key[1] not in gone}

    def _cross(self, line: LineConfig, inside_is_right: bool, position: FloorPosition) -> _Crossing | None:
        offset = side(line.start, line.end, position.point)
        if abs(offset) < CLEAR_M:
            return None
        key = (line.id, position.track)
        before = self._settled.get(key)
        right = offset > 0
        self._settled[key] = _Settled(right, position.point)
        if before is None or before.right == right:
            return None
        if not segments_meet(before.point, position.point, line.start, line.end):
            return None
        self._crossed.add(key)
        return _Crossing(line.id, position.track, "in" if right == inside_is_right else "out")

    def _passed(self, line: LineConfig, inside_is_right: bool, arrival: Arrival) -> _Crossing | None:
        before, first = (side(line.start, line.end, point) for point in (arrival.before, arrival.first))
        key = (line.id, arrival.track)
        if key in self._crossed or abs(before) < CLEAR_M or abs(first) < CLEAR_M or (before > 0) == (first > 0):
            return None
        if not segments_meet(arrival.before, arrival.first, line.start, line.end):
            return None
        self._crossed.add(key)
        return _Crossing(line.id, arrival.track, "in" if (first > 0) == inside_is_right else "out")


@dataclass(frozen=True, slots=True)
class _Crossing:
    line: str
    track: str
    direction: Literal["in", "out"]


def inside_is_right(line: LineConfig) -> bool:
    """Whether inside is on the right of the way from its start to its end."""
    if isinstance(line.inside, str):
        return line.inside == "right"
    return side(line.start, line.end, line.inside) > 0
