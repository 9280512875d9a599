"""Tracks of the store, cut wherever somebody else may have taken over. What `ledger` counts people from. Pure.

A track is cut when its person was not seen for a moment, or leapt, or when a camera's own track that was somebody else
a moment ago is now this person's. Every piece remembers how it began and ended, and how often somebody was seen beside
it by the same camera at once (two people) or only by the others (perhaps one person under two numbers).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from edge.floor.gates import Gate, Whereabouts, whereabouts
from edge.floor.stays import VisitOf
from edge.geometry import distance
from edge.values import FloorPosition, Instant, PlanPoint

_GAP_S = 1.0
_LEAP_M, _FASTEST_MPS = 0.6, 1.6
_OWNED_S = 5.0
_TAKEN_OVER_S = 0.3
_BESIDE_M, _BESIDE_S = 1.3, 0.6
_STEP_S, _FIRST_S = 1.0, 0.6
"""The first and last seconds of a piece, for its velocity; and for the cameras' tracks it began with."""
_REMEMBERED_S = 30.0


@dataclass(frozen=True, slots=True)
class Sight:
    """One look at one person: where, when, and as which track of which camera."""

    at: Instant
    point: PlanPoint
    source: str


@dataclass(frozen=True, slots=True)
class Passage:
    """Over which line somebody came or left, and who that was if known."""

    line: str
    at: Instant
    visit: str | None = None


@dataclass(slots=True)
class Beside:
    """Looks at somebody while another was near: by a camera that saw both, or only this one."""

    together: int = 0
    alone: int = 0


@dataclass(slots=True, eq=False)
class Tracklet:
    """A piece of a track inside the store. `order`: of the track's first appearance; `elder`: of all it goes on."""

    track: str
    order: int
    elder: int
    first: Sight
    last: Sight
    visit: str | None = None
    """At the last look."""
    looks: int = 0
    came: Passage | None = None
    left: Passage | None = None
    open: bool = True
    house: bool = False
    """Of the house: not counted."""
    real: bool = False
    """Something was told of it: it must stay a person."""
    entry_settled: bool = False
    exit_settled: bool = False
    head: list[Sight] = field(default_factory=list)
    tail: deque[Sight] = field(default_factory=deque)
    beside: dict[int, Beside] = field(default_factory=dict)
    """By the order of the other's track."""

    @property
    def begin(self) -> float:
        """Monotonic."""
        return self.first.at.monotonic

    @property
    def end(self) -> float:
        """Monotonic."""
        return self.last.at.monotonic

    def add(self, sight: Sight) -> None:
        """One more look."""
        if sight.at.monotonic <= self.begin + _STEP_S:
            self.head.append(sight)
        self.tail.append(sight)
        while self.tail[0].at.monotonic < sight.at.monotonic - _REMEMBERED_S:
            self.tail.popleft()
        self.last = sight
        self.looks += 1

    def began_as(self) -> set[str]:
        """The cameras' tracks of its first moments."""
        return {sight.source for sight in self.head if sight.at.monotonic <= self.begin + _FIRST_S}

    def ended_as(self) -> set[str]:
        """The cameras' tracks of its last moments."""
        return {sight.source for sight in self.closing()}

    def closing(self) -> list[Sight]:
        """The looks of the last second, in order."""
        found: list[Sight] = []
        for sight in reversed(self.tail):
            if sight.at.monotonic < self.end - _STEP_S:
                break
            found.append(sight)
        return found[::-1]

    def since(self, at: float) -> int:
        """Looks from a moment on, as far as remembered."""
        return sum(sight.at.monotonic >= at for sight in self.tail)

    def until(self, at: float) -> int:
        """Looks up to a moment, as far as remembered."""
        return sum(sight.at.monotonic <= at for sight in self.tail)

    def follow(self, before: Tracklet) -> None:
        """It is the same person as an earlier piece, for good: from now on both are this one."""
        self.first, self.head, self.came = before.first, before.head, before.came
        self.looks += before.looks
        self.elder = min(self.elder, before.elder)
        self.house |= before.house
        self.real |= before.real
        self.entry_settled = before.entry_settled
        for other, counts in before.beside.items():
            ours = self.beside.setdefault(other, Beside())
            ours.together += counts.together
            ours.alone += counts.alone


class Tracklets:
    """Takes the looks of all cameras in turn."""

    def __init__(self, gates: Sequence[Gate]) -> None:
        self._gates = tuple(gates)
        self._orders: dict[str, int] = {}
        self._seen: dict[str, Sight] = {}
        self._owners: dict[str, tuple[str, float]] = {}
        self._open: dict[str, Tracklet] = {}
        self._inside: dict[str, bool] = {}
        self._before: dict[str, Sight] = {}
        self._issued = 0

    def cut(self, positions: Sequence[FloorPosition], sources: Sequence[str], at: Instant) -> set[str]:
        """Cut tracks where these looks do not go on with them; those that can not even have crossed a line between."""
        leapt: set[str] = set()
        for position, source in zip(positions, sources, strict=True):
            track, now = position.track, at.monotonic
            if track not in self._orders:
                self._orders[track] = self._issued
                self._issued += 1
            before = self._seen.get(track)
            if before is not None and _leaps(before, position.point, now):
                leapt.add(track)
                self._inside.pop(track, None)
                self._before.pop(track, None)
                self._close(track)
            owner = self._owners.get(source)
            if owner is not None and owner[0] != track and now - owner[1] <= _OWNED_S:
                self._close(owner[0])
                self._close(track)
            elif (owner is None or owner[0] != track) and _unseen_for(before, now) > _TAKEN_OVER_S:
                self._close(track)
            self._owners[source] = track, now
        return leapt

    def look(
        self,
        positions: Sequence[FloorPosition],
        sources: Sequence[str],
        at: Instant,
        passages: Mapping[str, tuple[bool, Passage]],
        visit_of: VisitOf,
        house: Collection[str],
    ) -> list[Tracklet]:
        """Add a look, after `cut`. `passages`: who crossed a line by it, inwards or not. New pieces are returned."""
        begun: list[Tracklet] = []
        seen: list[Tracklet] = []
        for position, source in zip(positions, sources, strict=True):
            track, sight = position.track, Sight(at, position.point, source)
            self._seen[track] = sight
            fresh = self._place(track, sight, passages.get(track))
            if fresh is not None:
                begun.append(fresh)
            piece = self._open.get(track)
            if piece is not None:
                piece.add(sight)
                piece.visit = visit_of(track)
                piece.house |= track in house
                seen.append(piece)
        self._pair(seen, at.monotonic)
        return begun

    def carries(self, track: str) -> bool:
        """Whether a track has an open piece: it is inside."""
        return track in self._open

    def end(self, tracks: Iterable[str], now: float) -> None:
        """Tracks that ended."""
        for track in tracks:
            self._close(track)
            for kept in (self._inside, self._before, self._seen, self._orders):
                kept.pop(track, None)
        if len(self._owners) > 4 * len(self._seen) + 50:
            self._owners = {key: one for key, one in self._owners.items() if now - one[1] <= _OWNED_S}

    def _place(self, track: str, sight: Sight, passage: tuple[bool, Passage] | None) -> Tracklet | None:
        """Begin or end a piece by where the person is now; the piece that begins."""
        place = whereabouts(self._gates, sight.point)
        if passage is not None:
            inwards, over = passage
            piece = self._open.get(track)
            if not inwards and piece is not None:
                piece.left = over
            place = Whereabouts.INSIDE if inwards else Whereabouts.OUTSIDE
        if place is Whereabouts.OUTSIDE:
            self._close(track)
            self._inside[track] = False
            self._before.pop(track, None)
        elif place is Whereabouts.BORDER and not self._inside.get(track):
            # Where somebody is first seen on the line counts once it is clear that he came in.
            if track not in self._inside:
                self._before.setdefault(track, sight)
        elif track not in self._open:
            return self._begin(track, sight, None if passage is None else passage[1])
        return None

    def _begin(self, track: str, sight: Sight, came: Passage | None) -> Tracklet:
        first = self._before.pop(track, sight)
        self._inside[track] = True
        order = self._orders[track]
        piece = Tracklet(track, order, order, sight if came is not None else first, sight, came=came)
        self._open[track] = piece
        return piece

    def _close(self, track: str) -> None:
        piece = self._open.pop(track, None)
        if piece is not None:
            piece.open = False

    def _pair(self, seen: Sequence[Tracklet], now: float) -> None:
        """Who was near whom, and whether this camera saw both."""
        at_once = {piece.track for piece in seen}
        for piece in seen:
            for other in self._open.values():
                if other is piece or now - other.end > _BESIDE_S:
                    continue
                if distance(piece.last.point, other.last.point) <= _BESIDE_M:
                    counts = piece.beside.setdefault(other.order, Beside())
                    if other.track in at_once:
                        counts.together += 1
                    else:
                        counts.alone += 1


def _unseen_for(before: Sight | None, now: float) -> float:
    return 0.0 if before is None else now - before.at.monotonic


def _leaps(before: Sight, point: PlanPoint, now: float) -> bool:
    passed = now - before.at.monotonic
    return passed > _GAP_S or distance(before.point, point) > _LEAP_M + _FASTEST_MPS * max(passed, 0.0)
