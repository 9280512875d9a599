"""Which floor track is the person who was just identified? Exactly one candidate, or nobody. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from edge.geometry import distance
from edge.values import FloorPosition, PlanPoint

_AT_S = 0.5
"""Positions this close in time to the identification count as "there at that moment"."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a device identifies people: plan metres and radius. Without a position nothing is attached."""

    device: str
    position: PlanPoint | None = None
    radius_m: float = 1.5


@dataclass(slots=True)
class Pending:
    """An identity looking for its track. Candidates by when they were within the radius."""

    visit: str
    place: Place
    at: float
    there: set[str] = field(default_factory=set)
    before: set[str] = field(default_factory=set)
    after: set[str] = field(default_factory=set)

    def notice(self, position: FloorPosition, window_s: float) -> None:
        """Note a track that stood, or stands, within the radius."""
        centre = self.place.position
        if centre is None or distance(centre, position.point) > self.place.radius_m:
            return
        late = position.seen_at - self.at
        if abs(late) <= _AT_S:
            self.there.add(position.track)
        elif late > 0:
            self.after.add(position.track)
        elif late >= -window_s:
            self.before.add(position.track)

    def choose(self, free: Collection[str], now: float, window_s: float) -> str | None:
        """The one track this can be; None while there is none or more than one.

        Who was there at the moment counts first; who came later, while the floor camera caught up, second; who had
        been there before, only when nobody came. A second candidate is never ruled out because it walked away: the one
        who walked away may be the one.
        """
        groups = [self.there, self.after - self.there]
        if now - self.at >= window_s:
            groups.append(self.before - self.there)
        for group in groups:
            candidates = [track for track in group if track in free]
            if candidates:
                return candidates[0] if len(candidates) == 1 else None
        return None

    def crowded(self, free: Collection[str]) -> bool:
        """Whether it stays undecided because of several candidates."""
        return sum(track in free for track in self.there | self.after | self.before) > 1


class Trails:
    """Recent positions of every live floor track, for those who are identified a moment after they were seen."""

    def __init__(self, memory_s: float) -> None:
        self._memory_s = memory_s
        self._trails: dict[str, deque[FloorPosition]] = {}

    def __contains__(self, track: str) -> bool:
        return track in self._trails

    def add(self, positions: Iterable[FloorPosition]) -> None:
        """Positions of one step."""
        for position in positions:
            trail = self._trails.setdefault(position.track, deque())
            trail.append(position)
            while trail[0].seen_at < position.seen_at - self._memory_s:
                trail.popleft()

    def forget(self, track: str) -> None:
        """A track that ended."""
        self._trails.pop(track, None)

    def live(self) -> Collection[str]:
        """All tracks."""
        return self._trails.keys()

    def last(self, track: str) -> FloorPosition | None:
        """Where it was seen last."""
        trail = self._trails.get(track)
        return trail[-1] if trail else None

    def recent(self) -> Iterable[FloorPosition]:
        """Every remembered position."""
        return (position for trail in self._trails.values() for position in trail)
