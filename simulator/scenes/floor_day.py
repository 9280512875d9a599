"""A day on the floor for tests of the tracker: thirty people in twenty minutes, whose ways cross, and its truth.

Pure and seeded. Nobody walks through anybody: a visit whose way comes nearer to others than a body is wide is drawn
again; ways still cross, and people still hide one another from the cameras.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.scenes.plan import STORE, Point, Polygon
from simulator.scenes.route import FloorPose, Route, Stop, stops_along
from simulator.scenes.ways import way

LINE: tuple[Point, Point] = ((0.9, 3.0), (0.9, 7.2))
"""The counting line: a step inside the door."""
SCAN_STAY_S = 2.2
_SCAN_AFTER_S = 1.0
_BODY_M = 0.45
_STEP_S = 0.2
_SAMPLE_S = 0.05
_TRIES = 60
_ASIDE = (-0.55, 0.0, 0.55)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Walker:
    """One person: the way over the floor, and when a check-in code is shown at the scanner, if at all."""

    name: str
    route: Route
    scan_at: float | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """Somebody is inside a zone from `begin` to `end`."""

    person: str
    zone: str
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Crossing:
    """Somebody steps over the counting line."""

    person: str
    inwards: bool
    at: float


@dataclass(frozen=True, slots=True)
class FloorDay:
    """Everything that is true of the day."""

    walkers: tuple[Walker, ...]
    seconds: float
    stays: tuple[Stay, ...]
    crossings: tuple[Crossing, ...]
    closest: float
    """Metres between the two people who came nearest to each other."""

    def poses(self, t: float) -> list[tuple[str, FloorPose]]:
        """Who is where at second `t`."""
        found = ((walker.name, walker.route.pose(t)) for walker in self.walkers)
        return [(name, pose) for name, pose in found if pose is not None]


def floor_day(seed: int, people: int = 30, seconds: float = 1200.0, passing_s: float = 1.0) -> FloorDay:
    """`people` come in over `seconds`; every second one checks in. Stays shorter than `passing_s` are no stays."""
    rng = np.random.default_rng(seed)
    starts = np.sort(rng.uniform(0, 0.86 * seconds, people))
    walkers: list[Walker] = []
    taken: list[Floats] = []
    closest = math.inf
    for number, start in enumerate(starts):
        walker, path, room = _fitting(rng, number, float(start), taken, seconds)
        walkers.append(walker)
        taken.append(path)
        closest = min(closest, room)
    stays = [stay for walker in walkers for stay in _stays(walker) if stay.end - stay.begin >= passing_s]
    crossings = [crossing for walker in walkers for crossing in _crossings(walker)]
    end = max(walker.route.end for walker in walkers) + 2.0
    return FloorDay(
        tuple(walkers),
        end,
        tuple(sorted(stays, key=lambda stay: stay.begin)),
        tuple(sorted(crossings, key=lambda crossing: crossing.at)),
        closest,
    )


def _fitting(
    rng: np.random.Generator, number: int, start: float, taken: Sequence[Floats], seconds: float
) -> tuple[Walker, Floats, float]:
    """The first draw that keeps clear of everybody before, or the one that keeps farthest."""
    best: tuple[Walker, Floats, float] | None = None
    for attempt in range(_TRIES):
        walker = _draw(rng, number, start + 0.7 * attempt, seconds)
        path = _path(walker.route, seconds + 400)
        room = min((_gap(path, other) for other in taken), default=math.inf)
        if best is None or room > best[2]:
            best = walker, path, room
        if room >= _BODY_M:
            break
    assert best is not None
    return best


def _draw(rng: np.random.Generator, number: int, start: float, seconds: float) -> Walker:
    door = (0.05, float(rng.uniform(4.75, 5.85)))
    checks_in = number % 2 == 0
    stops: list[Stop] = [Stop(*door)]
    if checks_in:
        stops.append(Stop(*STORE.scanner_stand, stay=SCAN_STAY_S, face=STORE.scanner))
    for _ in range(int(rng.integers(3, 7))):
        stand, face = _somewhere(rng)
        stay = float(np.clip(rng.lognormal(3.2, 0.7), 4, 120))
        stops += _leg(stops[-1], stand)
        stops.append(Stop(*stand, stay=stay, face=face))
    exit_at = (0.0, float(rng.uniform(4.75, 5.85)))
    stops += [*_leg(stops[-1], (0.6, exit_at[1])), Stop(0.6, exit_at[1]), Stop(*exit_at)]
    route = Route(number % 10, round(start, 2), tuple(stops), round(float(rng.uniform(0.75, 1.3)), 2))
    scan = route.arrival(1) + _SCAN_AFTER_S if checks_in else None
    return Walker(f"p{number:02}", route, scan)


def _somewhere(rng: np.random.Generator) -> tuple[Point, Point]:
    """Before a shelf (four times in five), else in the middle of the floor."""
    if rng.random() < 0.2:
        stand = float(rng.uniform(1.6, 8.0)), float(rng.choice([2.0, 5.4]) + rng.uniform(-0.3, 0.3))
        return stand, (stand[0] + 1, stand[1])
    shelf = STORE.shelves[int(rng.integers(len(STORE.shelves)))]
    aside = float(rng.choice(_ASIDE)) + float(rng.uniform(-0.1, 0.1))
    back = float(rng.uniform(0.0, 0.25))
    fx, fy = shelf.facing
    x = shelf.stand[0] + (aside if fx == 0 else fx * back)
    y = shelf.stand[1] + (aside if fy == 0 else fy * back)
    return (x, y), (x - fx, y - fy)


def _leg(before: Stop, to: Point) -> list[Stop]:
    """Stops between two places, round the furniture, without the ends."""
    return list(stops_along(way(STORE, (before.x, before.y), to)[1:-1]))


def _path(route: Route, seconds: float) -> Floats:
    """Position every 0.2 s of the day, NaN while absent."""
    times = np.arange(0, seconds, _STEP_S)
    path = np.full((len(times), 2), np.nan)
    first, last = np.searchsorted(times, (route.start, route.end))
    for row in range(int(first), int(last)):
        pose = route.pose(float(times[row]))
        if pose is not None:
            path[row] = pose.x, pose.y
    return path


def _gap(one: Floats, other: Floats) -> float:
    apart = np.hypot(*(one - other).T)
    return float(np.nanmin(apart)) if np.isfinite(apart).any() else math.inf


def _stays(walker: Walker) -> list[Stay]:
    """Spells inside zones, sampled finely."""
    spells: list[Stay] = []
    open_since: dict[str, float] = {}
    route = walker.route
    for t in np.arange(route.start, route.end + _SAMPLE_S, _SAMPLE_S).tolist():
        pose = route.pose(t)
        for shelf in STORE.shelves:
            within = pose is not None and _contains(shelf.zone, (pose.x, pose.y))
            if within:
                open_since.setdefault(shelf.id, t)
            elif shelf.id in open_since:
                spells.append(Stay(walker.name, shelf.id, open_since.pop(shelf.id), t))
    return spells


def _crossings(walker: Walker) -> list[Crossing]:
    found: list[Crossing] = []
    route = walker.route
    before: float | None = None
    for t in np.arange(route.start, route.end, _SAMPLE_S).tolist():
        pose = route.pose(t)
        if pose is None:
            continue
        if before is not None and (before < LINE[0][0]) != (pose.x < LINE[0][0]):
            found.append(Crossing(walker.name, pose.x >= LINE[0][0], t))
        before = pose.x
    return found


def _contains(polygon: Polygon, point: Point) -> bool:
    """Even-odd rule."""
    x, y = point
    inside = False
    for (x1, y1), (x2, y2) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside
