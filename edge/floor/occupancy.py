"""Person-seconds per cell of the plan and minute: the raw material of heatmaps, with no ids in it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime

from contract.events import FloorOccupancy
from edge.values import FloorPosition, Instant, PlanPoint

_CELLS_PER_PART = 105
"""Keeps a message under 4 KB even with the longest numbers."""
_LONGEST_GAP_S = 1.0
"""Between two looks longer apart than this nobody knows where people were."""
_FARTHEST_CELL = 4000
_MOST_PEOPLE = 1000

Cell = tuple[int, int]


class Footprints:
    """Which cells each live track has been in, over all cameras: a person is counted once in a cell."""

    def __init__(self) -> None:
        self._trodden: dict[str, set[Cell]] = {}

    def first(self, track: str, cell: Cell) -> bool:
        """Whether this track has never been there; it has from now on."""
        cells = self._trodden.setdefault(track, set())
        if cell in cells:
            return False
        cells.add(cell)
        return True

    def forget(self, tracks: Iterable[str]) -> None:
        """Tracks that ended."""
        for track in tracks:
            self._trodden.pop(track, None)


class OccupancyStage:
    """Adds up one camera; a minute is told when the next one begins. `footprints` are shared by all cameras."""

    def __init__(
        self, camera: str, cell_m: float, *, calibrated: bool = True, footprints: Footprints | None = None
    ) -> None:
        self._camera = camera
        self._cell_m = cell_m
        self._calibrated = calibrated
        self._footprints = footprints or Footprints()
        self._minute: datetime | None = None
        self._last: float | None = None
        self._cells: dict[Cell, float] = {}
        self._people: dict[Cell, int] = {}

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
            cell = self._cell(position.point)
            if cell is not None:
                self._cells[cell] = self._cells.get(cell, 0.0) + passed
                if self._footprints.first(position.track, cell):
                    self._people[cell] = self._people.get(cell, 0) + 1
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
        people, self._people = self._people, {}
        cells = [
            (x, y, round(time, 2)) for (x, y), time in sorted(self._cells.items()) if time >= 0.005 or (x, y) in people
        ]
        self._cells = {}
        if minute is None:
            return []
        return [
            FloorOccupancy(
                camera=self._camera,
                minute=minute,
                cell_m=self._cell_m,
                cells=tuple(part),
                people=tuple(min(people.get((x, y), 0), _MOST_PEOPLE) for x, y, _ in part),
                part=number,
                calibrated=self._calibrated,
            )
            for number, part in enumerate(
                cells[start : start + _CELLS_PER_PART] for start in range(0, len(cells), _CELLS_PER_PART)
            )
        ]

    def _cell(self, point: PlanPoint) -> Cell | None:
        if not (math.isfinite(point[0]) and math.isfinite(point[1])):
            return None
        cell = math.floor(point[0] / self._cell_m), math.floor(point[1] / self._cell_m)
        return cell if max(map(abs, cell)) <= _FARTHEST_CELL else None
