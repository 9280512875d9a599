"""Who is of the house by where they are: first seen in a staff area, staying there, or coming in over a staff line.

Only a set of anonymous tracks, forgotten as they end; nothing is told, counted or kept about them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial

from edge.config.vision import ZoneConfig
from edge.floor.stays import Stays
from edge.geometry import inside
from edge.values import FloorPosition


class StaffRules:
    """The store's staff areas. Lines report to `mark`."""

    def __init__(self, zones: Iterable[ZoneConfig]) -> None:
        self._zones = [
            (zone, Stays(partial(inside, zone.polygon), zone.grace_s)) for zone in zones if zone.kind == "staff"
        ]
        self._known: set[str] = set()
        self._staff: set[str] = set()

    @property
    def tracks(self) -> Collection[str]:
        """Of the house, as far as the rules tell."""
        return self._staff

    def mark(self, tracks: Iterable[str]) -> None:
        """These are of the house for as long as they last."""
        self._staff.update(tracks)

    def step(self, positions: Iterable[FloorPosition], now: float) -> None:
        """Positions seen now (monotonic)."""
        seen = tuple(positions)
        newborn = {position.track for position in seen} - self._known
        self._known |= newborn
        for zone, stays in self._zones:
            for stay in stays.step(seen, now):
                if stay.name in newborn or stay.last_inside - stay.entered >= zone.dwell_s:
                    self._staff.add(stay.name)
            stays.over(now)

    def doubt(self, tracks: Iterable[str]) -> None:
        """These may be somebody else by now."""
        self._staff.difference_update(tracks)

    def forget(self, tracks: Collection[str]) -> None:
        """Tracks that ended."""
        self._known.difference_update(tracks)
        self._staff.difference_update(tracks)
