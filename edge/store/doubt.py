"""Is a name still on the right person? Asked whenever a named person was not seen apart from others for a moment.

From then on everybody who may have come within reach is a rival. When the named person is seen apart again, all ways
of assigning the people before to the people after are weighed by how well place and velocity before predict those
after (the joint association of JPDA: Fortmann, Bar-Shalom and Scheffe, 1983, over an interval instead of a frame). The
name stays only if enough of the weight keeps it; otherwise it is dropped. It is never moved to another track.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np

from edge.store.motion import MotionBank, State
from edge.store.people import Person, StoreSettings, apart
from edge.values import Floats, PlanPoint

_REACH = 9.0
_BODY_M = 0.3
_SETTLE_S = 0.4
_CLEARLY_M = 0.8
_PATIENCE_S = 6.0
_MOST = 4
"""Rivals weighed at once: among more nobody is sure."""
_TAIL_SHARE, _TAIL = 0.1, 3.0
"""Motion is less Gaussian than the filter believes: a tenth of it three times as wide."""
_STRANGER_SPEED = 0.8
_UNKNOWN_AFTER_S = 10.0


@dataclass(slots=True)
class _Encounter:
    """A spell in which a named person may have been taken for another. Rivals with their last safe state."""

    began: float
    before: State
    rivals: dict[int, State] = field(default_factory=dict)
    hidden: bool = False


class Doubts:
    """`expectation`: density of unknown people at a place (people per square metre)."""

    def __init__(self, settings: StoreSettings, expectation: Callable[[PlanPoint], float]) -> None:
        self._settings = settings
        self._expectation = expectation
        self._open: dict[int, _Encounter] = {}

    @property
    def open(self) -> Collection[int]:
        """Named people who are in doubt at the moment: their names must not be told until it is settled."""
        return self._open.keys()

    def step(self, people: Sequence[Person], bank: MotionBank, named: Collection[int]) -> set[int]:
        """After a look: whose name can not be kept."""
        now = bank.at
        rows = {person.id: row for row, person in enumerate(people)}
        doubted: set[int] = set()
        for number in [number for number in self._open if number not in named or number not in rows]:
            del self._open[number]
        for number in named:
            if number in rows:
                self._watch(people, rows[number], bank)
                encounter = self._open.get(number)
                if encounter is not None and not self._settled(encounter, people, rows, number, bank):
                    doubted.add(number)
                    del self._open[number]
        fresh = self._settings.fresh_s
        for row, person in enumerate(people):
            if person.is_clear(now, fresh) and person.id not in self._open:
                person.safe = bank.state(row)
        return doubted

    def _watch(self, people: Sequence[Person], row: int, bank: MotionBank) -> None:
        """Begin an encounter when the person is out of clear sight, and note who comes within reach meanwhile."""
        person, now, fresh = people[row], bank.at, self._settings.fresh_s
        encounter = self._open.get(person.id)
        if encounter is None:
            if person.is_clear(now, fresh):
                return
            encounter = _Encounter(now, person.safe or bank.state(row))
            self._open[person.id] = encounter
        encounter.hidden |= now - person.seen_at > fresh
        for other, rival in enumerate(people):
            if other != row and rival.id not in encounter.rivals and self._may_be(person, rival, row, other, bank):
                encounter.rivals[rival.id] = rival.safe or bank.state(other)

    def _may_be(self, person: Person, rival: Person, row: int, other: int, bank: MotionBank) -> bool:
        now = bank.at
        if apart(person, rival, now, self._settings.fresh_s):
            return False
        total = bank.covariance[row, :2, :2] + bank.covariance[other, :2, :2] + np.eye(2) * _BODY_M**2
        away = bank.mean[row, :2] - bank.mean[other, :2]
        if float(away @ np.linalg.solve(total, away)) > _REACH:
            return False
        unseen = (now - person.seen_at) + (now - rival.seen_at)
        return math.hypot(*away) <= 1.0 + self._settings.walk_mps * unseen

    def _settled(
        self, encounter: _Encounter, people: Sequence[Person], rows: dict[int, int], number: int, bank: MotionBank
    ) -> bool:
        """False when the name is lost. Removes the encounter when it is sure again."""
        person, now = people[rows[number]], bank.at
        late = now - encounter.began > _PATIENCE_S + self._settings.gap_s
        if not self._is_back(person, now):
            return not late
        present = [key for key in encounter.rivals if key in rows]
        seen = [key for key in present if self._is_back(people[rows[key]], now)]
        if not all(self._told_apart(person, people[rows[key]], rows, bank) for key in seen):
            return not late
        certainty = self._certainty(encounter, [rows[key] for key in seen], seen, rows[number], bank)
        if certainty >= self._settings.sure:
            del self._open[number]
            return True
        return len(seen) < len(present) and not late

    def _is_back(self, person: Person, now: float) -> bool:
        fresh = self._settings.fresh_s
        return person.is_clear(now, fresh) and person.clear_since is not None and now - person.clear_since >= _SETTLE_S

    def _told_apart(self, person: Person, rival: Person, rows: dict[int, int], bank: MotionBank) -> bool:
        away = math.dist(bank.mean[rows[person.id], :2], bank.mean[rows[rival.id], :2])
        return apart(person, rival, bank.at, self._settings.fresh_s) or away > _CLEARLY_M

    def _certainty(
        self, encounter: _Encounter, seen_rows: list[int], seen: list[int], row: int, bank: MotionBank
    ) -> float:
        """Posterior that the named person is still the one of that track."""
        if len(encounter.rivals) > _MOST:
            return 0.0
        after = [bank.state(one) for one in (row, *seen_rows)]
        hidden = [key for key in encounter.rivals if key not in seen]
        before: list[State | None] = [encounter.before]
        before += [self._known(encounter.rivals[key], bank.at) for key in (*seen, *hidden)]
        weights = np.array([[self._weight(one, state) for state in after] for one in before])
        strangers = [self._stranger(state) if encounter.hidden or hidden else 0.0 for state in after[:1]]
        kept = total = 0.0
        for order in permutations(range(len(before)), len(after)):
            weight = float(np.prod([weights[identity, place] for place, identity in enumerate(order)]))
            total += weight
            kept += weight if order[0] == 0 else 0.0
        # Somebody whom nobody knew stands there, and the named person is hidden.
        total += strangers[0] * float(np.prod([weights[place, place] for place in range(1, len(after))]))
        return kept / total if total > 0 else 0.0

    def _known(self, state: State, now: float) -> State | None:
        return state if now - state.at <= _UNKNOWN_AFTER_S else None

    def _weight(self, before: State | None, after: State) -> float:
        """Density of the state after, given the one before; of somebody lost for long it is as of a stranger."""
        if before is None:
            return self._stranger(after)
        guess = before.later(after.at)
        away = after.mean - guess.mean
        total = guess.covariance + after.covariance
        return (1 - _TAIL_SHARE) * _density(away, total) + _TAIL_SHARE * _density(away, total * _TAIL**2)

    def _stranger(self, after: State) -> float:
        place = self._expectation((float(after.mean[0]), float(after.mean[1])))
        speed = after.covariance[2:, 2:] + np.eye(2) * _STRANGER_SPEED**2
        return place * _density(after.mean[2:], speed)


def _density(away: Floats, covariance: Floats) -> float:
    size = len(away)
    distance = float(away @ np.linalg.solve(covariance, away))
    return math.exp(-0.5 * distance) / math.sqrt((2 * math.pi) ** size * float(np.linalg.det(covariance)))
