"""Is a name still on the right person? Asked whenever a named person was not seen apart from others for a moment.

From then on everybody who may have come within reach is a rival. When the named person is seen apart again, it is
weighed whether tracks were exchanged meanwhile (edge.store.continuity), or whether somebody whom nobody knew stands
there. The name stays only if enough of the weight keeps it; otherwise it is dropped. It is never moved to another
track.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from edge.store.continuity import Futures, agreement
from edge.store.motion import MotionBank, State
from edge.store.people import Person, StoreSettings, apart
from edge.values import PlanPoint

_REACH = 9.0
_BODY_M = 0.3
_SETTLE_S = 0.4
_ONWARDS_S = 0.3
"""How long after a moment looks must go on for the moment to be weighed."""
_CLEARLY_M = 0.8
_PATIENCE_S = 6.0
_AGAIN_S = 0.5
_LOOK_BACK_S = 2.0
"""Cameras notice an exchange after it was one."""
_GRID_S = 0.2
_APART_S = 0.15
_STRANGER_SPEED = 0.8
_SAME_TRACK = math.log(4.0)
"""What it counts for that a camera went on calling somebody by the same track."""
_TEMPER = 0.57
"""Looks are not as independent as the densities take them to be: what they say counts about half."""
_VANISHED = -2.0
"""Somebody who is seen all along did not vanish at the very moment at which somebody else came to stand there."""
_VANISHED_S, _BESIDE_M = 1.5, 1.0
_AWAY_S, _KNOWN_LOOKS = 2.5, 30
_GAP_S = 0.45
_LATELY_S, _TORN_M = 1.0, 0.45
_GROWN_S, _FLEETING_LOOKS = 2.0, 8
"""Somebody new inside the store is weighed after so long, if still there: most are one person seen twice."""
_BORN = -2.0
_LEAST = -30.0


@dataclass(slots=True)
class _Rival:
    """`fresh`: began while the encounter went on. `apart`: when one camera proved that they are two."""

    person: Person
    fresh: bool = False
    apart: list[float] = field(default_factory=list)


@dataclass(slots=True)
class _Encounter:
    """A spell in which a named person may have been taken for another."""

    began: float
    rivals: dict[int, _Rival] = field(default_factory=dict)
    hidden: bool = False
    weighed: float = -math.inf


class Doubts:
    """`expectation`: density of unknown people at a place (people per square metre)."""

    def __init__(self, settings: StoreSettings, expectation: Callable[[PlanPoint], float]) -> None:
        self._settings = settings
        self._expectation = expectation
        self._open: dict[int, _Encounter] = {}

    @property
    def open(self) -> Collection[int]:
        """Named people who are in doubt at the moment: their names must not be told until it is settled."""
        return [number for number, encounter in self._open.items() if encounter.rivals or encounter.hidden]

    def step(
        self,
        people: Sequence[Person],
        bank: MotionBank,
        named: Collection[int],
        exchanged: Iterable[tuple[int, int]] = (),
    ) -> set[int]:
        """After a look: whose name can not be kept. `exchanged`: pairs of whom a camera says they changed places."""
        rows = {person.id: row for row, person in enumerate(people)}
        doubted: set[int] = set()
        for number in [number for number in self._open if number not in named or number not in rows]:
            del self._open[number]
        for one, other in exchanged:
            for number, rival in ((one, other), (other, one)):
                if number in named and number in rows and rival in rows:
                    self._meet(people[rows[number]], people[rows[rival]], bank.at)
        for number in named:
            if number in rows:
                if self._miss(people, rows[number], bank):
                    doubted.add(number)
                    self._open.pop(number, None)
                    continue
                self._watch(people, rows[number], bank)
                encounter = self._open.get(number)
                if encounter is not None and not self._settled(encounter, people, rows, number, bank):
                    doubted.add(number)
                    del self._open[number]
        return doubted

    def _meet(self, person: Person, rival: Person, now: float) -> None:
        """Weigh this rival too, once it was seen how both go on."""
        encounter = self._open.get(person.id)
        if encounter is None:
            encounter = self._open[person.id] = _Encounter(now - _LOOK_BACK_S)
        if rival.id not in encounter.rivals:
            encounter.rivals[rival.id] = _Rival(rival, rival.born > now - _LOOK_BACK_S)
            encounter.weighed = now

    def _miss(self, people: Sequence[Person], row: int, bank: MotionBank) -> bool:
        """Somebody vanished right beside the person: it may be that one whom the cameras show now.

        True when somebody known for long stays away: then nobody can tell.
        """
        now = bank.at
        for other, rival in enumerate(people):
            unseen = now - rival.seen_at
            if other == row or rival.leaving or rival.looks < _FLEETING_LOOKS or unseen <= self._settings.fresh_s:
                continue
            x, y, along_x, along_y = rival.pace
            to = x + along_x * self._settings.fresh_s, y + along_y * self._settings.fresh_s
            if math.isfinite(unseen) and math.dist(bank.mean[row, :2], to) <= _BESIDE_M:
                shown = now - people[row].seen_at <= self._settings.fresh_s
                if shown and unseen >= _AWAY_S and rival.looks >= _KNOWN_LOOKS:
                    return True
                if unseen <= _VANISHED_S:
                    self._meet(people[row], rival, now)
        return False

    def _watch(self, people: Sequence[Person], row: int, bank: MotionBank) -> None:
        """Begin an encounter when the person is out of clear sight, and note who comes within reach meanwhile."""
        person, now, fresh = people[row], bank.at, self._settings.fresh_s
        encounter = self._open.get(person.id)
        if encounter is None:
            if person.is_clear(now, fresh):
                return
            encounter = _Encounter(now - fresh)
            self._open[person.id] = encounter
        encounter.hidden |= now - person.seen_at > fresh
        for other, rival in enumerate(people):
            if other == row:
                continue
            if apart(person, rival, now, fresh):
                if rival.id in encounter.rivals:
                    encounter.rivals[rival.id].apart.append(now)
            elif rival.id not in encounter.rivals and self._may_be(person, rival, row, other, bank):
                born = rival.born > encounter.began
                encounter.rivals[rival.id] = _Rival(rival, born)

    def _may_be(self, person: Person, rival: Person, row: int, other: int, bank: MotionBank) -> bool:
        now = bank.at
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
        for key in [key for key, met in encounter.rivals.items() if met.fresh and key not in rows]:
            if encounter.rivals[key].person.looks < _FLEETING_LOOKS:
                del encounter.rivals[key]
        present = [key for key in encounter.rivals if key in rows]
        if any(encounter.rivals[key].fresh and now - people[rows[key]].born < _GROWN_S for key in present):
            return not late
        seen = [key for key in present if self._is_back(people[rows[key]], now)]
        if not all(self._told_apart(person, people[rows[key]], rows, bank) for key in seen):
            return not late
        if now - encounter.weighed < _AGAIN_S and not late:
            return True
        encounter.weighed = now
        certainty = self._certainty(encounter, person, seen, now)
        if certainty >= self._settings.sure:
            del self._open[number]
            return True
        return not late and len(seen) < len(present)

    def _is_back(self, person: Person, now: float) -> bool:
        fresh = self._settings.fresh_s
        return person.is_clear(now, fresh) and person.clear_since is not None and now - person.clear_since >= _SETTLE_S

    def _told_apart(self, person: Person, rival: Person, rows: dict[int, int], bank: MotionBank) -> bool:
        away = math.dist(bank.mean[rows[person.id], :2], bank.mean[rows[rival.id], :2])
        return apart(person, rival, bank.at, self._settings.fresh_s) or away > _CLEARLY_M

    def _certainty(self, encounter: _Encounter, person: Person, seen: Collection[int], now: float) -> float:
        """Posterior that the named person is still the one of that track."""
        count = max(1, math.ceil((now - _ONWARDS_S - encounter.began) / _GRID_S))
        moments = [now - _ONWARDS_S - step * _GRID_S for step in range(count + 2)]
        pasts = [person.trail.before(moment) for moment in moments]
        futures = Futures(person.trail, moments)
        odds = self._strange(person, moments, pasts, futures) if encounter.hidden else 0.0
        vanished = 0.0 if _is_torn(person, now) else _VANISHED
        for key, met in encounter.rivals.items():
            swapped = _swapped(met, moments, pasts, futures, None if key in seen else vanished)
            for one, other in ((person, met.person), (met.person, person)):
                swapped -= _same_tracks(one, other, encounter.began, now)
            odds += math.exp(min(_TEMPER * swapped, 30.0))
        return 1.0 / (1.0 + odds)

    def _strange(
        self, person: Person, moments: Sequence[float], pasts: Sequence[State | None], futures: Futures
    ) -> float:
        """Odds that somebody whom nobody knew stands there, and the named person is hidden."""
        most = 0.0
        for moment, past in zip(moments, pasts, strict=True):
            future = futures.at(moment)
            if past is None or future is None:
                continue
            place = (float(future.mean[0]), float(future.mean[1]))
            speed = future.covariance[2:, 2:] + np.eye(2) * _STRANGER_SPEED**2
            velocity = future.mean[2:]
            density = math.exp(-0.5 * float(velocity @ np.linalg.solve(speed, velocity)))
            density /= 2 * math.pi * math.sqrt(float(np.linalg.det(speed)))
            most = max(most, self._expectation(place) * density / math.exp(agreement(past, future)))
        return most


def _is_torn(person: Person, now: float) -> bool:
    """Whether two cameras just saw the person at two places, what they always disagree about left out."""
    places = {one.camera: one.point for one in person.trail.sightings if one.at >= now - _LATELY_S}
    return any(math.dist(one, other) > _TORN_M for one in places.values() for other in places.values())


def _same_tracks(person: Person, rival: Person, began: float, now: float) -> float:
    """What the cameras' own tracks say for the person's not being the rival now, nats."""
    before = person.trail.tracks(began - _LATELY_S, began)
    own, other = person.trail.tracks(now - _LATELY_S, now), rival.trail.tracks(now - _LATELY_S, now)
    return _SAME_TRACK * sum(
        (own.get(camera) == track) - (other.get(camera) == track) for camera, track in before.items()
    )


def _swapped(
    met: _Rival, moments: Sequence[float], pasts: Sequence[State | None], futures: Futures, hidden: float | None
) -> float:
    """Logarithm of the odds of an exchange with one rival at the moment that speaks for it most.

    `hidden`: the rival is not seen now, and so much (nats) counts against the person's being hidden in turn.
    """
    rival = met.person
    theirs = Futures(rival.trail, list(moments))
    most = _LEAST
    for moment, past in zip(moments, pasts, strict=True):
        future = futures.at(moment)
        if past is None or future is None or any(abs(moment - at) <= _APART_S for at in met.apart):
            continue
        rival_past, rival_future = rival.trail.before(moment), theirs.at(moment)
        kept = agreement(past, future)
        if rival_past is None:
            if rival_future is not None:
                most = max(most, agreement(past, rival_future) - kept + _BORN)
        elif rival_future is None or hidden is not None:
            watched = futures.first(moment) - past.looked <= _GAP_S
            most = max(most, agreement(rival_past, future) - kept + ((hidden or 0.0) if watched else 0.0))
        else:
            as_is = kept + agreement(rival_past, rival_future)
            crossed = agreement(past, rival_future) + agreement(rival_past, future)
            most = max(most, crossed - as_is)
    return most
