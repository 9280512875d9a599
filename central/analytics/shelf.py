"""How amounts and figures lie in the database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from central.analytics.buckets import Group
from central.analytics.disclosure import Amount, Cell, HeatCell, Published
from central.database import JsonDict


def keep(amount: Amount) -> JsonDict:
    """An amount that waits."""
    times = [[bucket, people] for bucket, people in sorted(amount.times.items())]
    return {"sums": amount.sums, "times": times, "cameras": sorted(amount.cameras)}


def held(start: datetime, until: datetime, people: int, kept: JsonDict) -> Amount:
    """What `keep` made."""
    times = cast("list[tuple[int, int]]", kept["times"])
    sums, cameras = cast("dict[str, float]", kept["sums"]), cast("list[str]", kept["cameras"])
    return Amount(start, until, people, dict(sums), dict(times), frozenset(cameras))


def anything(kept: JsonDict) -> bool:
    """Whether something waits."""
    return any(kept.get(name) for name in ("sums", "times", "cells"))


def keep_cells(cells: Mapping[Cell, HeatCell], cameras: frozenset[str]) -> JsonDict:
    """Cells that wait."""
    rows = [[ix, iy, round(cell.seconds, 3), cell.people] for (ix, iy), cell in sorted(cells.items())]
    return {"cells": rows, "cameras": sorted(cameras)}


def held_cells(kept: JsonDict) -> tuple[dict[Cell, HeatCell], frozenset[str]]:
    """What `keep_cells` made."""
    rows = cast("list[tuple[int, int, float, int]]", kept["cells"])
    found = {(ix, iy): HeatCell(seconds, people) for ix, iy, seconds, people in rows}
    return found, frozenset(cast("list[str]", kept["cameras"]))


def figure_sums(figure: Published) -> JsonDict:
    """A published figure's numbers."""
    groups = [[first, last, count] for (first, last), count in figure.groups.items()]
    return {"sums": dict(figure.sums), "groups": groups, "cameras": sorted(figure.cameras)}


_HALF, _SPAN = 4096, 8192
"""Cells lie within +-4000 (contract): a place is one number, read and added several times faster than three."""


def place_of(cell: Cell) -> int:
    """A cell as one number."""
    return (cell[0] + _HALF) * _SPAN + cell[1] + _HALF


def cell_of(place: int) -> Cell:
    """And back."""
    return place // _SPAN - _HALF, place % _SPAN - _HALF


def heat_sums(cells: Mapping[Cell, float], cameras: frozenset[str]) -> JsonDict:
    """A published figure of heat."""
    return {**_heat({place_of(cell): seconds for cell, seconds in cells.items()}), "cameras": sorted(cameras)}


def _heat(cells: Mapping[int, float]) -> JsonDict:
    places = sorted(cells)
    return {"places": places, "seconds": [round(cells[place], 2) for place in places]}


class Total:
    """Figures added up."""

    __slots__ = ("cameras", "cells", "groups", "people", "sums")

    def __init__(self) -> None:
        self.people = 0
        self.sums: dict[str, float] = {}
        self.groups: dict[Group, float] = {}
        self.cells: dict[int, float] = {}
        self.cameras: set[str] = set()

    def add(self, people: int, told: JsonDict) -> None:
        """One figure, or a day of them."""
        self.people += people
        for name, value in cast("dict[str, float]", told.get("sums", {})).items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        for first, last, count in cast("list[tuple[int, int, float]]", told.get("groups", ())):
            self.groups[first, last] = self.groups.get((first, last), 0.0) + count
        if "places" in told:
            cells = self.cells
            places, seconds = cast("list[int]", told["places"]), cast("list[float]", told["seconds"])
            for place, value in zip(places, seconds, strict=True):
                cells[place] = cells.get(place, 0.0) + value
        self.cameras.update(cast("list[str]", told.get("cameras", ())))

    def merge(self, other: Total) -> None:
        """Another total."""
        self.people += other.people
        for name, value in other.sums.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        for group, count in other.groups.items():
            self.groups[group] = self.groups.get(group, 0.0) + count
        self.cameras |= other.cameras

    def told(self) -> JsonDict:
        """As one row again."""
        groups = [[first, last, count] for (first, last), count in sorted(self.groups.items())]
        found: JsonDict = {"sums": self.sums, "groups": groups, "cameras": sorted(self.cameras)}
        return found | _heat(self.cells) if self.cells else found
