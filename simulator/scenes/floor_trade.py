"""Minutes of trade for tests of groups, queue and staff: who came in with whom, who waited, who works here.

Pure and seeded. Parties of one to three come in and part at the shelves; one of each goes to the till and waits. Two
people of the house are on the floor: one comes out of the store room, one by the door and shows a badge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.scenes.floor_day import LINE, Walker
from simulator.scenes.plan import STORE, Point, Polygon
from simulator.scenes.route import FloorPose, Route, Stop, stops_along
from simulator.scenes.ways import way

QUEUE: Polygon = ((4.6, 2.5), (8.7, 2.5), (8.7, 3.95), (4.6, 3.95))
SERVICE, SERVICE_M = STORE.till_stand, 0.7
STORE_ROOM: Polygon = ((1.1, 6.7), (2.2, 6.7), (2.2, 7.9), (1.1, 7.9))
PARTY_S = 32.0
_SIZES = (1, 2, 3, 1, 2, 1, 3, 1)
_SLOTS = ((6.9, 3.05), (5.8, 3.05))
_STEP_S = 0.05
_LEAST_WAIT_S = 5.0
_HOUSE = ("badge", "storeroom")


@dataclass(frozen=True, slots=True)
class Trade:
    """The walkers and what is true of them. Waits in seconds, by who waited; entries by walker, in order."""

    walkers: tuple[Walker, ...]
    seconds: float
    sizes: tuple[int, ...]
    waits: tuple[float, ...]
    waiting_s: float
    entries: int
    exits: int

    def poses(self, t: float) -> list[tuple[str, FloorPose]]:
        """Who is where at second `t`."""
        found = ((walker.name, walker.route.pose(t)) for walker in self.walkers)
        return [(name, pose) for name, pose in found if pose is not None]


def trade(seed: int = 1, parties: int = 8) -> Trade:
    """`parties` come in one after another; people of the house are called badge and storeroom."""
    rng = np.random.default_rng(seed)
    walkers = [_badge(), _storeroom()]
    sizes = [_SIZES[number % len(_SIZES)] for number in range(parties)]
    for number, size in enumerate(sizes):
        start = 20.0 + number * PARTY_S + float(rng.uniform(0, 4))
        speed = round(float(rng.uniform(0.85, 1.15)), 2)
        walkers += [_member(rng, number, place, start, speed) for place in range(size)]
    customers = [walker for walker in walkers if walker.name not in _HOUSE]
    waits = [wait for walker in customers for wait in _waits(walker.route)]
    end = max(walker.route.end for walker in walkers) + 2
    people = len(customers)
    return Trade(
        tuple(walkers),
        end,
        tuple(sorted(sizes)),
        tuple(sorted(wait for wait in waits if wait >= _LEAST_WAIT_S)),
        sum(wait for wait in waits if wait >= _LEAST_WAIT_S),
        people,
        people,
    )


def _member(rng: np.random.Generator, number: int, place: int, start: float, speed: float) -> Walker:
    """Of a party: beside and a little behind one another, over the middle of the floor, then each to a shelf."""
    y = 4.85 + 0.5 * place
    stops = [Stop(0.05, y), Stop(2.2, y if place else 5.0), Stop(7.6, 5.2 + 0.5 * place)]
    shelf = STORE.shelves[(number + 2 * place) % 3]
    stand = shelf.stand[0] + 0.3 * place, shelf.stand[1] - 0.2 * place
    stops += _leg(stops[-1], stand)
    stops.append(Stop(*stand, stay=float(rng.uniform(6, 12)), face=(stand[0], stand[1] + 1)))
    if place == 0:
        slot = _SLOTS[number % len(_SLOTS)]
        stops += _leg(stops[-1], slot)
        stops.append(Stop(*slot, stay=float(rng.uniform(12, 30)), face=STORE.till_stand))
        stops.append(Stop(*STORE.till_stand, stay=float(rng.uniform(8, 12)), face=(9.0, 3.0)))
    door = 5.0 + 0.35 * place
    stops += [*_leg(stops[-1], (1.6, door)), Stop(1.6, door), Stop(0.0, door)]
    return Walker(
        f"p{number}-{place}", Route((number + place) % 10, round(start + 0.35 * place, 2), tuple(stops), speed)
    )


def _badge() -> Walker:
    stops = [Stop(0.05, 5.2), Stop(*STORE.scanner_stand, stay=3.0, face=STORE.scanner)]
    for shelf in (STORE.shelves[3], STORE.shelves[4]):
        stops += [*_leg(stops[-1], shelf.stand), Stop(*shelf.stand, stay=60.0)]
    stops += [*_leg(stops[-1], (1.6, 5.2)), Stop(1.6, 5.2), Stop(0.0, 5.2)]
    route = Route(7, 2.0, tuple(stops), 1.0)
    return Walker("badge", route, route.arrival(1) + 0.6)


def _storeroom() -> Walker:
    stand = STORE.shelves[0].stand
    stops = [
        Stop(1.5, 7.2, stay=4.0),
        Stop(1.7, 6.6),
        Stop(*stand, stay=90.0),
        Stop(1.7, 6.6),
        Stop(1.5, 7.2, stay=2.0),
    ]
    return Walker("storeroom", Route(3, 150.0, tuple(stops), 0.9))


def _leg(before: Stop, to: Point) -> list[Stop]:
    return list(stops_along(way(STORE, (before.x, before.y), to)[1:-1]))


def _waits(route: Route) -> list[float]:
    """Spells in the queue's zone beyond the place of service."""
    found: list[float] = []
    since: float | None = None
    for t in np.arange(route.start, route.end + _STEP_S, _STEP_S).tolist():
        pose = route.pose(t)
        waiting = pose is not None and _queues((pose.x, pose.y))
        if waiting and since is None:
            since = t
        elif not waiting and since is not None:
            found.append(t - since)
            since = None
    return found


def _queues(point: Point) -> bool:
    (x1, y1), _, (x2, y2), _ = QUEUE
    served = (point[0] - SERVICE[0]) ** 2 + (point[1] - SERVICE[1]) ** 2 <= SERVICE_M**2
    return x1 <= point[0] <= x2 and y1 <= point[1] <= y2 and not served


__all__ = ["LINE", "QUEUE", "SERVICE", "SERVICE_M", "STORE_ROOM", "Trade", "trade"]
