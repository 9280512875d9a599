"""Entrance lines: who crossed, and which way. A track that dithers on the line is not counted again and again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from contract.events import LineCrossed
from edge.config.vision import LineConfig
from edge.floor.zones import VisitOf
from edge.geometry import segments_meet, side
from edge.values import FloorPosition, Instant, PlanPoint

_CLEAR_M = 0.25
"""A track has changed sides only when it is this far past the line."""


@dataclass(frozen=True, slots=True)
class _Settled:
    """The last place that was clearly on one side."""

    right: bool
    point: PlanPoint


class LineStage:
    """The lines as one camera sees them."""

    def __init__(self, lines: Iterable[LineConfig], *, calibrated: bool = True) -> None:
        self._lines = tuple((line, _inside_is_right(line)) for line in lines)
        self._calibrated = calibrated
        self._settled: dict[tuple[str, str], _Settled] = {}

    def step(self, positions: Iterable[FloorPosition], visit_of: VisitOf, now: Instant) -> list[LineCrossed]:
        """Crossings completed by these positions."""
        found = [self._cross(line, inner, position) for position in positions for line, inner in self._lines]
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

    def _cross(self, line: LineConfig, inside_is_right: bool, position: FloorPosition) -> _Crossing | None:
        offset = side(line.start, line.end, position.point)
        if abs(offset) < _CLEAR_M:
            return None
        key = (line.id, position.track)
        before = self._settled.get(key)
        right = offset > 0
        self._settled[key] = _Settled(right, position.point)
        if before is None or before.right == right:
            return None
        if not segments_meet(before.point, position.point, line.start, line.end):
            return None
        return _Crossing(line.id, position.track, "in" if right == inside_is_right else "out")


@dataclass(frozen=True, slots=True)
class _Crossing:
    line: str
    track: str
    direction: Literal["in", "out"]


def _inside_is_right(line: LineConfig) -> bool:
    if isinstance(line.inside, str):
        return line.inside == "right"
    return side(line.start, line.end, line.inside) > 0
