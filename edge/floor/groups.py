"""Buying units: people who came in within a gap of one another and then walk together. Only the size leaves.

Together means: near, and with about the same velocity, for most of the time both were seen in the seconds after the
later one came in (as the pairwise tests of Moussaid et al., "The walking behaviour of pedestrian social groups and its
impact on crowd dynamics", 2010: friends walk within two metres, at one speed). Pairs join to groups.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations

from contract.events import GroupEntered
from edge.values import FloorPosition, Instant, PlanPoint

_STEP_S = 0.5
_FRESH_S = 0.8
_TREND_S = 1.0
_NEAR_M = 1.8
_ALONG_MPS = 0.6
_MOSTLY = 0.65
_LEAST_SAMPLES = 4
_LARGEST = 50


@dataclass(frozen=True, slots=True)
class Walk:
    """`gap_s` between two who come in together; `walk_s` they are watched; `wait_s` until a U-turn is ruled out."""

    gap_s: float = 4.0
    walk_s: float = 6.0
    wait_s: float = 3.0


@dataclass(slots=True)
class _Entry:
    """Somebody who came in, and the places since (monotonic second, place)."""

    track: str
    line: str
    at: float
    wall: datetime
    places: deque[tuple[float, PlanPoint]] = field(default_factory=deque)


@dataclass(slots=True)
class _Pair:
    samples: int = 0
    together: int = 0

    @property
    def joined(self) -> bool:
        return self.samples >= _LEAST_SAMPLES and self.together >= _MOSTLY * self.samples


class GroupStage:
    """All entrance lines of the store."""

    def __init__(self, walk: Walk = Walk(), *, calibrated: bool = True) -> None:
        self._walk = walk
        self._calibrated = calibrated
        self._entries: dict[str, _Entry] = {}
        self._pairs: dict[tuple[str, str], _Pair] = {}
        self._sampled = -math.inf

    def entered(self, track: str, line: str, at: float, wall: datetime) -> None:
        """Somebody crossed a line inwards at monotonic `at`. A second line the same person crosses counts no more."""
        self._entries.setdefault(track, _Entry(track, line, at, wall))

    def drop(self, tracks: Iterable[str]) -> None:
        """Who turned round at the door, or is of the house."""
        for track in tracks:
            self._entries.pop(track, None)

    def step(self, positions: Iterable[FloorPosition], now: Instant) -> list[GroupEntered]:
        """Positions seen now; tells groups nobody can join any more."""
        for position in positions:
            entry = self._entries.get(position.track)
            if entry is not None:
                entry.places.append((now.monotonic, position.point))
        if now.monotonic - self._sampled >= _STEP_S:
            self._sampled = now.monotonic
            self._sample(now.monotonic)
        return self.tick(now)

    def tick(self, now: Instant) -> list[GroupEntered]:
        """What time alone decides."""
        told: list[GroupEntered] = []
        for group in self._groups():
            last = max(entry.at for entry in group)
            settled = last + max(self._walk.gap_s + self._walk.walk_s, self._walk.wait_s)
            if now.monotonic > settled and not self._may_grow(group, now.monotonic):
                told += self._tell(group)
        return told

    def close(self) -> list[GroupEntered]:
        """Tell what there is (shutdown)."""
        return [event for group in self._groups() for event in self._tell(group)]

    def _tell(self, group: Collection[_Entry]) -> list[GroupEntered]:
        for entry in group:
            del self._entries[entry.track]
        names = self._entries.keys()
        self._pairs = {pair: seen for pair, seen in self._pairs.items() if names & set(pair)}
        first = min(group, key=lambda entry: entry.at)
        size = min(len(group), _LARGEST)
        return [GroupEntered(size=size, line=first.line, at=first.wall, calibrated=self._calibrated)]

    def _may_grow(self, group: Collection[_Entry], now: float) -> bool:
        """Whether somebody not in it, within the gap of a member, is still being watched."""
        members = {entry.track for entry in group}
        return any(
            other.track not in members
            and abs(other.at - entry.at) <= self._walk.gap_s
            and now <= max(other.at, entry.at) + self._walk.walk_s
            for other in self._entries.values()
            for entry in group
        )

    def _groups(self) -> list[list[_Entry]]:
        """Connected by pairs that walked together."""
        groups: list[list[_Entry]] = []
        rest = dict(self._entries)
        while rest:
            track, entry = rest.popitem()
            group, edge = [entry], [track]
            while edge:
                one = edge.pop()
                friends = [other for other in rest if self._joined(one, other)]
                group += [rest.pop(other) for other in friends]
                edge += friends
            groups.append(group)
        return groups

    def _joined(self, first: str, second: str) -> bool:
        pair = self._pairs.get((min(first, second), max(first, second)))
        return pair is not None and pair.joined

    def _sample(self, now: float) -> None:
        moving = {
            track: state
            for track, entry in self._entries.items()
            if now <= entry.at + self._walk.gap_s + self._walk.walk_s and (state := _state(entry, now)) is not None
        }
        for first, second in combinations(sorted(moving), 2):
            one, other = self._entries[first], self._entries[second]
            if abs(one.at - other.at) > self._walk.gap_s or now > max(one.at, other.at) + self._walk.walk_s:
                continue
            pair = self._pairs.setdefault((first, second), _Pair())
            pair.samples += 1
            pair.together += _together(moving[first], moving[second])


_State = tuple[PlanPoint, PlanPoint]
"""Place and velocity."""


def _state(entry: _Entry, now: float) -> _State | None:
    while entry.places and entry.places[0][0] < now - _TREND_S - _FRESH_S:
        entry.places.popleft()
    if not entry.places or now - entry.places[-1][0] > _FRESH_S:
        return None
    (begin, (x1, y1)), (end, (x2, y2)) = entry.places[0], entry.places[-1]
    span = end - begin
    velocity = (0.0, 0.0) if span < _TREND_S / 2 else ((x2 - x1) / span, (y2 - y1) / span)
    return (x2, y2), velocity


def _together(first: _State, second: _State) -> bool:
    return math.dist(first[0], second[0]) <= _NEAR_M and math.dist(first[1], second[1]) <= _ALONG_MPS
