"""Where somebody came from who was first seen at the border of a picture: back along the first steps. Pure.

A line near the border is crossed before anybody sees it. (Somebody who is lost there goes on likewise, see the store
tracker's `gone_to`.)
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from edge.values import FloorPosition, PlanPoint

_BACK_S = 1.0
_WATCH_S, _PATIENCE_S = 0.8, 2.0
_LEAST_MPS, _MOST_MPS = 0.4, 2.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """A track that was at `before` a moment ahead of its first sight at `first`."""

    track: str
    before: PlanPoint
    first: PlanPoint


class Arrivals:
    """Tracks whose first steps are being watched."""

    def __init__(self) -> None:
        self._watched: dict[str, tuple[float, PlanPoint]] = {}

    def begin(self, position: FloorPosition, at: float) -> None:
        """A new track at the border of a picture."""
        self._watched[position.track] = at, position.point

    def step(self, positions: Iterable[FloorPosition], now: float) -> list[Arrival]:
        """Those of which it can be told now."""
        found: list[Arrival] = []
        for position in positions if self._watched else ():
            begun = self._watched.get(position.track)
            if begun is None or now - begun[0] < _WATCH_S:
                continue
            del self._watched[position.track]
            at, (x, y) = begun
            along = (position.point[0] - x) / (now - at), (position.point[1] - y) / (now - at)
            if now - at <= _PATIENCE_S and _LEAST_MPS <= math.hypot(*along) <= _MOST_MPS:
                before = x - along[0] * _BACK_S, y - along[1] * _BACK_S
                found.append(Arrival(position.track, before, (x, y)))
        return found

    def forget(self, tracks: Iterable[str]) -> None:
        """Tracks that ended."""
        for track in tracks:
            self._watched.pop(track, None)
