"""One visit of one person: from a plan (who, when, where to) to walkers for both scenes and to the truth about it.

Pure. Seconds are those of the script. The corridor has a lane inwards and one homewards, so that nobody walks through
anybody, and ways keep to where the floor camera sees the feet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from simulator.cast import Person
from simulator.observations import ExpectedStay
from simulator.scenes.plan import STORE, Point, Polygon
from simulator.scenes.route import Route, Stop

DOOR_IN: Point = (0.05, 5.6)
DOOR_OUT: Point = (0.0, 4.8)
SCAN_STAY_S = 2.2
SCAN_AFTER_S = 0.9
"""How long after coming to the scanner the code is held before it."""
TILL_STAY_S = 3.0
WALK_SPEED = 1.15
APPROACH_SPEED = 1.15
APPROACH_LEAD_S = 3.3
"""From entering the entrance camera's picture to stepping over the door on the plan."""
_SAMPLE_S = 0.05
_PASSING_S = 2.0
"""A shorter crossing of a zone is walking by, not a stay."""

_TABLES, _WALL, _RIGHT = STORE.shelf("players"), STORE.shelf("headphones"), STORE.shelf("cables")
_INWARDS_Y = _WALL.zone[0][1] - 0.3
_HOMEWARDS_Y = _TABLES.y2 + 0.6
"""The corridor behind the tables has two lanes, between the tables and the zones of the back wall."""
_SIDE_X = (STORE.shelf("microphones").zone[1][0] + _RIGHT.zone[0][0]) / 2
"""The passage between the right table's zone and that of the right wall."""
_LEFT_X = _TABLES.zone[0][0] - 0.5

_INTO_LANE: Point = (1.9, _INWARDS_Y)
_TO_SIDE: tuple[Point, ...] = (_INTO_LANE, (_SIDE_X - 0.2, _INWARDS_Y))
_FROM_SIDE: tuple[Point, ...] = ((_SIDE_X - 0.2, _HOMEWARDS_Y),)
_DOWN_SIDE: tuple[Point, ...] = ((_SIDE_X, 5.2), (_SIDE_X, 3.8))
_UP_SIDE: tuple[Point, ...] = ((_SIDE_X, 3.8), (_SIDE_X, 5.0))

# Ways from the lane to a shelf, and from there home: points between which nothing stands.
_WAY_IN: dict[str, tuple[Point, ...]] = {
    "headphones": (_INTO_LANE,),
    "speakers": (_INTO_LANE, (STORE.shelf("speakers").stand[0] - 0.3, _INWARDS_Y)),
    "turntables": (_INTO_LANE, (STORE.shelf("turntables").stand[0] - 0.3, _INWARDS_Y)),
    "players": ((_LEFT_X, 4.4), (_LEFT_X + 0.1, 3.6)),
    "microphones": (*_TO_SIDE, *_DOWN_SIDE),
    "cables": _TO_SIDE,
}
_WAY_OUT: dict[str, tuple[Point, ...]] = {
    "headphones": ((2.6, _HOMEWARDS_Y),),
    "speakers": ((STORE.shelf("speakers").stand[0] - 0.3, _HOMEWARDS_Y),),
    "turntables": ((STORE.shelf("turntables").stand[0] - 0.3, _HOMEWARDS_Y),),
    "players": ((_LEFT_X - 0.3, 3.8), (1.5, 4.5)),
    "microphones": (*_UP_SIDE, *_FROM_SIDE),
    "cables": _FROM_SIDE,
}
_TO_TILL: dict[str, tuple[Point, ...]] = {
    "headphones": ((_WALL.stand[0] + 0.5, _INWARDS_Y), *_TO_SIDE[1:], *_DOWN_SIDE),
    "turntables": (*_TO_SIDE[1:], *_DOWN_SIDE),
    "cables": _DOWN_SIDE,
}
_FROM_TILL: tuple[Point, ...] = (*_UP_SIDE, *_FROM_SIDE)
_HOME: tuple[Point, ...] = ((1.1, 4.9), DOOR_OUT)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one person means to do. `aside`: metres beside the shelf's middle, so that two can stand at one shelf."""

    person: Person
    enter: float
    """When he steps over the door on the floor plan."""
    zone: str
    stay: float
    aside: float = 0.0
    buys: bool = False
    speed: float = WALK_SPEED
    lateral: float = 0.0
    """Metres right of the axis of the entrance camera."""


@dataclass(frozen=True, slots=True)
class Approach:
    """Somebody comes towards the entrance camera: what the entrance scene needs to draw it."""

    identity: str
    start: float
    lateral: float
    speed: float


@dataclass(frozen=True)
class Visit:
    """A plan carried out: positions for both scenes, and the truth for the report."""

    plan: Plan
    number: int

    @property
    def person(self) -> Person:
        return self.plan.person

    @cached_property
    def approach(self) -> Approach:
        """The entrance camera sees the person in the street, before the floor camera has anything."""
        plan = self.plan
        return Approach(self.person.identity, plan.enter - APPROACH_LEAD_S, plan.lateral, APPROACH_SPEED)

    @cached_property
    def _stops(self) -> tuple[Stop, ...]:
        plan, shelf = self.plan, STORE.shelf(self.plan.zone)
        along = (plan.aside, 0.0) if shelf.facing[0] == 0 else (0.0, plan.aside)
        stand = (shelf.stand[0] + along[0], shelf.stand[1] + along[1])
        stops = [Stop(*DOOR_IN)]
        if self.person.kind == "qr":
            stops.append(Stop(*STORE.scanner_stand, stay=SCAN_STAY_S, face=STORE.scanner))
        else:
            stops.append(Stop(1.5, 5.6))
        stops += [Stop(*point) for point in _WAY_IN[plan.zone]]
        stops.append(Stop(*stand, stay=plan.stay, face=(shelf.label[0] + along[0], shelf.label[1] + along[1])))
        if plan.buys:
            stops += [Stop(*point) for point in _TO_TILL[plan.zone]]
            stops.append(Stop(*STORE.till_stand, stay=TILL_STAY_S, face=_middle(STORE.till)))
            stops += [Stop(*point) for point in _FROM_TILL]
        else:
            stops += [Stop(*point) for point in _WAY_OUT[plan.zone]]
        return (*stops, *(Stop(*point) for point in _HOME))

    @cached_property
    def route(self) -> Route:
        """The walk over the floor."""
        return Route(self.person.figure, self.plan.enter, self._stops, self.plan.speed)

    @property
    def end(self) -> float:
        """When he is out of the door."""
        return self.route.end

    @property
    def scan_at(self) -> float | None:
        """When the code is held before the scanner."""
        return self.route.arrival(1) + SCAN_AFTER_S if self.person.kind == "qr" else None

    @property
    def till_at(self) -> float | None:
        """When he pays."""
        if not self.plan.buys:
            return None
        place = next(number for number, stop in enumerate(self._stops) if (stop.x, stop.y) == STORE.till_stand)
        return self.route.arrival(place) + TILL_STAY_S / 2

    @cached_property
    def stays(self) -> tuple[ExpectedStay, ...]:
        """Every spell inside a zone of a shelf that is longer than walking by."""
        takes_part = self.person.kind != "stranger"
        found = [
            ExpectedStay(shelf.id, begin, end, self.person.id if takes_part else None)
            for shelf in STORE.shelves
            for begin, end in _inside(self.route, shelf.zone)
        ]
        return tuple(sorted((s for s in found if s.end - s.begin >= _PASSING_S), key=lambda stay: stay.begin))


def _inside(route: Route, zone: Polygon) -> list[tuple[float, float]]:
    """Spells of the route within a polygon, sampled finely."""
    spells: list[tuple[float, float]] = []
    begin: float | None = None
    for step in range(int((route.end - route.start) / _SAMPLE_S) + 2):
        t = route.start + step * _SAMPLE_S
        pose = route.pose(t)
        within = pose is not None and contains(zone, (pose.x, pose.y))
        if within and begin is None:
            begin = t
        elif not within and begin is not None:
            spells.append((begin, t))
            begin = None
    return spells


def contains(polygon: Polygon, point: Point) -> bool:
    """Whether a point is inside, by counting the edges a ray to the right crosses."""
    x, y = point
    inside = False
    for (x1, y1), (x2, y2) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def _middle(polygon: Polygon) -> Point:
    return sum(x for x, _ in polygon) / len(polygon), sum(y for _, y in polygon) / len(polygon)
