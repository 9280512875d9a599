"""Person-seconds per cell of the plan and minute: the raw material of heatmaps, with no ids in it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime

from contract.events import FloorOccupancy
from edge.values import FloorPosition, Instant

_CELLS_PER_PART = 120
"""Keeps a message under 4 KB even with the longest numbers."""
_LONGEST_GAP_S = 1.0
"""Between two looks longer apart than this nobody knows where people were."""
_FARTHEST_CELL = 4000


class OccupancyStage:
    """Adds up one camera; a minute is told when the next one begins."""

    def __init__(self, camera: str, cell_m: float, *, calibrated: bool = True) -> None:
        self._camera = camera
        self._cell_m = cell_m
        self._calibrated = calibrated
        self._minute: datetime | None = None
        self._last: float | None = None
        self._cells: dict[tuple[int, int], float] = {}

    def step(
        self, positions: Iterable[FloorPosition], now: Instant, counted: Mapping[str, float] | None = None
    ) -> list[FloorOccupancy]:
        """Count everyone seen now for the time since the last step.

        `counted`: until when (monotonic) the other cameras have counted each track already.
        """
        told = self.tick(now)
        last, self._last = self._last, now.monotonic
        for position in positions:
            since = last if counted is None else counted.get(position.track, last)
            passed = 0.0 if since is None else min(max(now.monotonic - since, 0.0), _LONGEST_GAP_S)
            cell = math.floor(position.point[0] / self._cell_m), math.floor(position.point[1] / self._cell_m)
            if max(map(abs, cell)) <= _FARTHEST_CELL:
                self._cells[cell] = self._cells.get(cell, 0.0) + passed
        return told

    def tick(self, now: Instant) -> list[FloorOccupancy]:
        """Tell the minute that is over, if one is."""
        minute = now.wall.replace(second=0, microsecond=0)
        told = self.close() if self._minute is not None and minute != self._minute else []
        self._minute = minute
        return told

    def close(self) -> list[FloorOccupancy]:
        """Tell what there is."""
        minute, self._minute = self._minute, None
        cells = [(x, y, round(time, 2)) for (x, y), time in sorted(self._cells.items()) if time >= 0.005]
        self._cells = {}
        if minute is None:
            return []
        return [
            FloorOccupancy(
                camera=self._camera,
                minute=minute,
                cell_m=self._cell_m,
                cells=tuple(cells[start : start + _CELLS_PER_PART]),
                part=part,
                calibrated=self._calibrated,
            )
            for part, start in enumerate(range(0, len(cells), _CELLS_PER_PART))
        ]
