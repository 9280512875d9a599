"""The day as data: who comes when. Pure; the same seed gives the same day in every process that plays a part of it.

A day is one cycle of `CYCLE_S` seconds repeated for ever, with small seeded differences. In it: known by face, by code,
strangers, two at one shelf, one who leaves early, one who buys.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from simulator.cast import Cast
from simulator.observations import ExpectedArrival, ExpectedStay, Truth
from simulator.shoppers import WALK_SPEED, Plan, Visit

CYCLE_S = 86.0
"""Longer than anybody stays, so that who comes again has left before."""

LATERAL_M = 0.25
"""Metres off the entrance camera's axis, to alternate sides: who comes behind is not hidden."""

ALERT_WITHIN_S = 6.0
DWELL_S = 4.0
"""The zones' dwell threshold; the edge configuration is written with it."""
REACTION_S = 6.0
"""Longest from a change on the floor until the glass follows, at the demo's check-in of the labels."""


@dataclass(frozen=True, slots=True)
class _Slot:
    """One line of the cycle."""

    person: str
    enter: float
    zone: str
    stay: float
    aside: float = 0.0
    buys: bool = False


# Times were searched so that nobody comes near anybody but at the shelf where two meet, and few hide one another.
_CYCLE = (
    _Slot("martin", 4.2, "headphones", 14.6),
    _Slot("clara", 8.6, "players", 13.1),
    _Slot("passer-1", 14.1, "cables", 6),
    _Slot("jonas", 18.9, "turntables", 20.8, aside=-0.5, buys=True),
    _Slot("paul", 25.0, "headphones", 8),
    _Slot("passer-2", 31.9, "turntables", 6.0, aside=0.6),
    _Slot("niklas", 36.2, "players", 15.4),
    _Slot("ines", 40.5, "cables", 5),
    _Slot("stefan", 45.7, "headphones", 15.4),
    _Slot("passer-3", 49.9, "speakers", 10),
    _Slot("viktor", 54.2, "microphones", 13.3),
)


@dataclass(frozen=True)
class Script:
    """A day for one cast and seed; `seconds` None: it never ends."""

    cast: Cast
    seed: int
    seconds: float | None = None

    def cycle(self, number: int) -> tuple[Visit, ...]:
        """The visits of one cycle in order of entering, without those too late for a finite script."""
        draw = random.Random(f"{self.seed}/{number}")
        visits = []
        for place, slot in enumerate(_CYCLE):
            plan = self._plan(slot, number, draw)
            visits.append(Visit(plan, number * len(_CYCLE) + place))
        if self.seconds is None:
            return tuple(visits)
        return tuple(visit for visit in visits if arrival_window(visit)[1] <= self.seconds)

    def visits(self, begin: float, end: float) -> tuple[Visit, ...]:
        """Visits of which anything is to be seen or done between two seconds."""
        first = max(0, int(begin // CYCLE_S) - 1)
        found = (visit for number in range(first, int(end // CYCLE_S) + 2) for visit in self.cycle(number))
        return tuple(visit for visit in found if visit.approach.start < end and visit.end >= begin)

    def endless(self) -> Iterator[Visit]:
        """All visits in order of entering."""
        number = 0
        while visits := self.cycle(number):
            yield from visits
            number += 1

    def _plan(self, slot: _Slot, cycle: int, draw: random.Random) -> Plan:
        person = self.cast.person(slot.person)
        side = LATERAL_M if _CYCLE.index(slot) % 2 else -LATERAL_M
        return Plan(
            person=person,
            enter=cycle * CYCLE_S + slot.enter + draw.uniform(-0.1, 0.1),
            zone=slot.zone,
            stay=slot.stay + draw.uniform(-0.2, 0.2),
            aside=slot.aside + draw.uniform(-0.05, 0.05),
            buys=slot.buys,
            speed=WALK_SPEED * draw.uniform(0.99, 1.01),
            lateral=side + draw.uniform(-0.1, 0.1),
        )


def arrival_window(visit: Visit) -> tuple[float, float]:
    """From when until when the card of a visit may come (for a stranger: could come)."""
    begin = visit.approach.start if visit.scan_at is None else visit.scan_at
    latest = visit.plan.enter if visit.scan_at is None else visit.scan_at
    return begin, latest + ALERT_WITHIN_S


def truth(script: Script, seconds: float, usable: dict[int, float] | None = None) -> Truth:
    """What must be seen in the first `seconds`. `usable`: visit number to the second its face was first usable."""
    visits = script.visits(0.0, seconds)
    stays = [stay for visit in visits for stay in visit.stays if stay.end <= seconds]
    everyone = [stay for visit in visits for stay in visit.stays]
    agreed = {person.id for person in script.cast.people if person.personal_price}
    # Who did not agree, and strangers, are alone without a name: no price of anybody's may be right there.
    named = [(stay, stay if stay.person in agreed else replace(stay, person=None)) for stay in everyone]
    alone = [replace(part, person=shown.person) for stay, shown in named for part in _alone(stay, everyone)]
    arrivals = tuple(
        ExpectedArrival(
            visit.person.id,
            *arrival_window(visit),
            visit.scan_at if visit.scan_at is not None else (usable or {}).get(visit.number),
        )
        for visit in visits
        if visit.person.kind != "stranger" and arrival_window(visit)[1] <= seconds
    )
    windows = [window for window in alone if window.person is not None]
    return Truth(
        seconds=seconds,
        seed=script.seed,
        shoppers=len(visits),
        arrivals=arrivals,
        stays=tuple(sorted(stays, key=lambda stay: stay.begin)),
        personal=tuple(w for w in windows if w.end - w.begin >= DWELL_S + REACTION_S and w.end <= seconds),
        alone=tuple(replace(w, end=w.end + REACTION_S) for w in alone),
    )


def _alone(stay: ExpectedStay, everyone: list[ExpectedStay]) -> tuple[ExpectedStay, ...]:
    """The parts of a stay in which nobody else is in the zone."""
    parts = [(stay.begin, stay.end)]
    for other in everyone:
        if other is stay or other.zone != stay.zone:
            continue
        parts = [
            piece
            for begin, end in parts
            for piece in ((begin, min(end, other.begin)), (max(begin, other.end), end))
            if piece[1] > piece[0]
        ]
    return tuple(replace(stay, begin=begin, end=end) for begin, end in parts)
