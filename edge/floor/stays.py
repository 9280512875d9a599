"""Who is in one area since when: kept through short absences, and through a track that changes its number. Pure.

A track that is lost inside and another that is born there a moment later, near by, with nobody else to choose from, are
one stay. If the lost one turns up again after all, they part again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from edge.geometry import distance
from edge.values import FloorPosition, PlanPoint

VisitOf = Callable[[str], str | None]

_UNSEEN_S = 0.4
"""Only a track unseen for longer than this may have been taken over by another."""
_NEAR_M, _DRIFT_MPS, _FARTHEST_M = 0.6, 0.3, 1.2
"""How far from the lost one the new one may be, at first and with every second."""


@dataclass(slots=True)
class Stay:
    """One person in the area; times are monotonic. `name`: the track it is told under, which may have been lost."""

    name: str
    entered: float
    last_inside: float
    point: PlanPoint
    visit: str | None = None
    announced: bool = False
    dwelled: bool = False
    outside: bool = False
    """Seen outside since."""
    withheld: bool = False
    """The name is in doubt at the moment and not told."""
    heir_since: float | None = None
    """Since when another track goes on with it."""


class Stays:
    """Of one area. `holds`: whether a place lies in it."""

    def __init__(self, holds: Callable[[PlanPoint], bool], grace_s: float) -> None:
        self._holds = holds
        self._grace_s = grace_s
        self._open: dict[str, Stay] = {}
        self.merged = 0

    def __iter__(self) -> Iterator[tuple[str, Stay]]:
        """The track each open stay is on now, and the stay."""
        return iter(list(self._open.items()))

    def step(
        self,
        positions: Iterable[FloorPosition],
        now: float,
        newborn: Collection[str] = (),
        visit_of: VisitOf = lambda _: None,
    ) -> list[Stay]:
        """The stays of those seen inside. `newborn`: tracks that are seen for the first time."""
        seen = tuple(positions)
        present = {position.track for position in seen}
        inside: list[Stay] = []
        for position in seen:
            if self._holds(position.point):
                stay = self._of(position, now, position.track in newborn, present, visit_of)
                stay.last_inside = max(stay.last_inside, now)
                stay.point, stay.outside = position.point, False
                stay.visit = visit_of(position.track) or stay.visit
                inside.append(stay)
            elif position.track in self._open:
                self._open[position.track].outside = True
        return inside

    def over(self, now: float, hidden: Collection[str] = ()) -> list[Stay]:
        """Take out those that ended: outside or unseen for longer than the grace. `hidden` tracks are waited for."""
        ended = [
            track
            for track, stay in self._open.items()
            if now - stay.last_inside > self._grace_s and (stay.outside or track not in hidden)
        ]
        return [self._open.pop(track) for track in ended]

    def take(self, tracks: Iterable[str]) -> list[Stay]:
        """Take out the stays of these tracks."""
        return [self._open.pop(track) for track in tracks if track in self._open]

    def close(self) -> list[Stay]:
        """Take out all."""
        return self.take(list(self._open))

    def _of(self, position: FloorPosition, now: float, new: bool, present: Collection[str], visit_of: VisitOf) -> Stay:
        stay = self._open.get(position.track)
        if stay is None:
            stay = self._back(position.track)
        if stay is None and new and visit_of(position.track) is None:
            stay = self._inherited(position, now, present)
        return stay or self._open.setdefault(position.track, Stay(position.track, now, now, position.point))

    def _inherited(self, position: FloorPosition, now: float, present: Collection[str]) -> Stay | None:
        """The one stay this may go on with. A stay with a name never goes on: names are dropped, not guessed."""
        lost = [
            track
            for track, stay in self._open.items()
            if track not in present
            and not stay.outside
            and stay.visit is None
            and now - stay.last_inside > _UNSEEN_S
            and distance(stay.point, position.point)
            <= min(_NEAR_M + _DRIFT_MPS * (now - stay.last_inside), _FARTHEST_M)
        ]
        if len(lost) != 1:
            return None
        self.merged += 1
        stay = self._open[position.track] = self._open.pop(lost[0])
        stay.heir_since = now
        return stay

    def _back(self, track: str) -> Stay | None:
        """The lost one is here again: both were right, there are two people."""
        heir = next((key for key, stay in self._open.items() if stay.name == track and key != track), None)
        if heir is None:
            return None
        stay = self._open[heir]
        since = stay.last_inside if stay.heir_since is None else stay.heir_since
        self._open[heir] = Stay(heir, since, stay.last_inside, stay.point, stay.visit, outside=stay.outside)
        self._open[track] = stay
        stay.visit, stay.heir_since = None, None
        self.merged -= 1
        return stay
