"""A made-up month of one store, as the raw rows of its days: who came when, stayed where, walked where."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from central.analytics.tables import Crossing, GroupEntry, OccupancyMinute, QueueMinute, Stay
from central.database import Base

ZONES = tuple(f"zone-{number}" for number in range(12))
OPEN_FROM, OPEN_HOURS = 9, 12
CAMERAS = 2
Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Month:
    """`visitors` a day around which the days vary; weekends are busier, so are noon and the evening."""

    start: datetime
    days: int = 30
    visitors: int = 2500
    store: str = "shop"
    seed: int = 1
    zones: tuple[str, ...] = ZONES

    def day(self, number: int) -> dict[type[Base], list[Row]]:
        """Raw rows of one day, by table."""
        chance = random.Random(self.seed * 1000 + number)
        start = self.start + timedelta(days=number, hours=OPEN_FROM)
        crowd = round(self.visitors * (1.4 if start.weekday() >= 5 else 0.85) * chance.uniform(0.9, 1.1))
        rows: dict[type[Base], list[Row]] = defaultdict(list)
        cells: dict[tuple[int, int], dict[tuple[int, int], list[float]]] = defaultdict(dict)
        waits: dict[int, list[float]] = defaultdict(list)
        for visitor in range(crowd):
            self._visitor(chance, start, f"c{visitor % CAMERAS}-{number}-{visitor}", rows, cells, waits)
        self._floor(start, rows, cells)
        self._queue(start, rows, waits)
        return rows

    def _visitor(
        self,
        chance: random.Random,
        start: datetime,
        track: str,
        rows: dict[type[Base], list[Row]],
        cells: dict[tuple[int, int], dict[tuple[int, int], list[float]]],
        waits: dict[int, list[float]],
    ) -> None:
        hours = chance.choices(range(OPEN_HOURS), [2, 3, 5, 7, 6, 5, 5, 6, 8, 8, 5, 2])[0] + chance.random()
        at, minutes = start + timedelta(hours=hours), chance.lognormvariate(2.3, 0.7)
        gone = min(at + timedelta(minutes=minutes), start + timedelta(hours=OPEN_HOURS, minutes=30))
        camera = track.partition("-")[0]
        for moment, direction in ((at, "in"), (gone, "out")):
            row = {"store": self.store, "line": "door", "direction": direction, "at": moment, "people": 1}
            rows[Crossing].append({**row, "source": "camera", "camera": camera})
        if chance.random() < 0.6:
            size = chance.choice([1, 1, 2, 3])
            rows[GroupEntry].append({"store": self.store, "at": at, "size": size, "calibrated": True})
        for place in chance.sample(range(len(self.zones)), chance.randint(1, min(4, len(self.zones)))):
            dwell_s = chance.lognormvariate(2.6, 1.2)
            stay: Row = {
                "store": self.store,
                "zone": self.zones[place],
                "visit": None,
                "track": track,
                "dwell_s": dwell_s,
            }
            left_at = at + (gone - at) * chance.random()
            rows[Stay].append({**stay, "stopped": dwell_s >= 5, "left_at": left_at, "calibrated": True})
            _walk(chance, cells, place, (left_at - start) // timedelta(minutes=1), dwell_s, int(camera[1:]))
        if chance.random() < 0.35:
            waits[(gone - start) // timedelta(minutes=1)].append(chance.expovariate(1 / 90))

    def _floor(
        self,
        start: datetime,
        rows: dict[type[Base], list[Row]],
        cells: dict[tuple[int, int], dict[tuple[int, int], list[float]]],
    ) -> None:
        for (camera, minute), told in cells.items():
            list_of = [[ix, iy, round(cell[0], 2), int(cell[1])] for (ix, iy), cell in told.items()]
            at = start + timedelta(minutes=minute)
            row: Row = {"store": self.store, "camera": f"c{camera}", "minute": at, "cell_m": 0.25}
            rows[OccupancyMinute].append({**row, "cells": {"cells": list_of}, "calibrated": True})

    def _queue(self, start: datetime, rows: dict[type[Base], list[Row]], waits: dict[int, list[float]]) -> None:
        for minute, seconds in waits.items():
            row: Row = {"store": self.store, "zone": "till", "minute": start + timedelta(minutes=minute)}
            lengths = {"length_mean": 1.5, "length_max": 3, "length": 1}
            rows[QueueMinute].append({**row, **lengths, "waits": {"s": seconds}, "calibrated": True})


def _walk(
    chance: random.Random,
    cells: dict[tuple[int, int], dict[tuple[int, int], list[float]]],
    place: int,
    minute: int,
    dwell_s: float,
    camera: int,
) -> None:
    """The cells of a stay: a few steps around the middle of the zone (a plan of 16 x 12 m)."""
    x, y = 8 + (place % 4) * 16, 8 + (place // 4) * 16
    steps = 6 + min(10, math.ceil(dwell_s / 10))
    told = cells[camera, minute]
    for _ in range(steps):
        cell = told.setdefault((round(chance.gauss(x, 4)), round(chance.gauss(y, 4))), [0.0, 0.0])
        cell[0] += min(dwell_s, 60.0) / steps
        cell[1] += 1


def tables() -> Sequence[type[Base]]:
    """What a day has rows of."""
    return (Crossing, Stay, GroupEntry, QueueMinute, OccupancyMinute)
