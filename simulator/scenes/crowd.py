"""Many people at the entrance, in threes whose ways cross, and the ground truth of it: for tests and benches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import cv2
import numpy as np

from models.evaluation.entrance import Appearance, Sighting
from simulator.scenes.catalogue import KNOWN, STRANGERS
from simulator.scenes.entrance import EntranceScene, EntranceWalker, FaceTruth
from simulator.scenes.turning import Gaze, Glance, gaze_at

_PERIOD_S = 6.0
"""From one group to the next: the last of a group still walks when the first of the next comes into view."""
_APART_S = 0.9
_PATH_STEP_S = 0.2
SHUTTER = 1 / 50
"""Seconds: indoors a camera exposes for a whole half-wave of the mains, so that lamps do not flicker."""
USABLE_PX = 30.0
_WHOLE = 0.9
_SEEN = 0.3
"""Share of a face that must be visible for it to be there at all."""


Habit = Literal["straight", "aside", "talking", "telephone"]
_FIVE: tuple[Habit, ...] = ("straight", "straight", "aside", "talking", "telephone")


@dataclass(frozen=True, slots=True)
class CrossingWalker(EntranceWalker):
    """Walks over from `lane` to `to_lane` in the middle of the way, and looks elsewhere during `glances`."""

    to_lane: float = 0.0
    glances: tuple[Glance, ...] = ()

    def gaze(self, t: float) -> Gaze:
        return gaze_at(self.glances, t - self.start)

    def position(self, t: float) -> tuple[float, float] | None:
        at = EntranceWalker.position(self, t)
        if at is None:
            return None
        share = min(max(((t - self.start) / self.duration - 0.25) / 0.5, 0.0), 1.0)
        return at[0] + (self.to_lane - self.lane) * share * share * (3 - 2 * share), at[1]


def crowd(
    groups: int, seed: int = 1, known: Sequence[str] = KNOWN, others: Sequence[str] = STRANGERS
) -> list[EntranceWalker]:
    """`groups` of three at once, every six seconds: two swap sides, one comes behind them; half are strangers.

    The same person comes again in later groups, never twice at a time. Of every five, two look into the camera, one
    looks aside, one talks to a neighbour and one looks at a telephone for a part of the way.
    """
    rng = np.random.default_rng(seed)
    habits = _habits(np.random.default_rng((seed, 1)))
    draws = {True: _cycle(known, rng), False: _cycle(others, rng)}
    walkers: list[EntranceWalker] = []
    for group in range(groups):
        kinds = rng.permutation([True, False, group % 2 == 0])
        for place, kind in enumerate(kinds):
            side = (-0.4, 0.4, 0.0)[place]
            to = (0.4, -0.4, 0.0)[place]
            start = group * _PERIOD_S + place * _APART_S + float(rng.uniform(0, 0.2))
            speed = float(rng.uniform(1.0, 1.3))
            name = next(draws[bool(kind)])
            walkers.append(CrossingWalker(name, round(start, 3), side, round(speed, 3), to, next(habits)(speed)))
    return walkers


def glances_of(habit: Habit, speed: float, rng: np.random.Generator) -> tuple[Glance, ...]:
    """How somebody of this habit turns the head on a walk of that speed (m/s), which takes about 7 m."""
    walk = 7.0 / speed
    side = float(rng.choice([-1.0, 1.0]))
    begin = walk * float(rng.uniform(0.1, 0.5))
    if habit == "aside":  # at a shelf or a screen, twice
        first = Glance(begin, begin + float(rng.uniform(0.7, 1.3)), side * float(rng.uniform(45, 60)))
        later = first.end + float(rng.uniform(0.5, 1.0))
        return first, Glance(later, later + 0.7, -side * float(rng.uniform(30, 50)))
    if habit == "talking":  # to who walks beside
        return (Glance(begin, begin + float(rng.uniform(1.2, 2.2)), side * float(rng.uniform(30, 50)), 5.0),)
    if habit == "telephone":  # from the street on
        end = walk * float(rng.uniform(0.35, 0.55))
        return (Glance(-1.0, end, side * 6.0, float(rng.uniform(25, 38))),)
    return ()


def duration(walkers: Sequence[EntranceWalker]) -> float:
    """Seconds until the last is out of the picture and a moment longer."""
    return max(walker.start + walker.duration for walker in walkers) + 1.5


def ground_truth(
    scene: EntranceScene,
    walkers: Sequence[EntranceWalker],
    usable: Mapping[tuple[str, float], float] | None = None,
    known: Sequence[str] = KNOWN,
) -> list[Appearance]:
    """Everyone who came, with where the face was while it could be seen.

    `usable`: when each face was first usable, by `simulator.scenes.first_usable`. Without it the drawn face counts from
    30 pixels on, wholly in the picture, not hidden, inside the lane; the detector draws some faces narrower than that.
    """
    appearances = [_appearance(scene, walker, walkers, known) for walker in walkers]
    if usable is None:
        return appearances
    return [
        replace(one, usable_s=usable.get((walker.identity, walker.start)))
        for one, walker in zip(appearances, walkers, strict=True)
    ]


def _appearance(
    scene: EntranceScene, walker: EntranceWalker, walkers: Sequence[EntranceWalker], known: Sequence[str]
) -> Appearance:
    width, height = scene.camera.size
    lane = np.array(scene.lane, np.float32) * np.array([width, height], np.float32)
    path: list[Sighting] = []
    usable: float | None = None
    for t in np.arange(walker.start, walker.start + walker.duration, _PATH_STEP_S / 2):
        face = _face(scene.truth(float(t), walkers), walker.identity)
        if face is None or face.visible < _SEEN:
            continue
        x, y = (face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2
        path.append(Sighting(round(float(t), 3), round(x / width, 4), round(y / height, 4)))
        inside = cv2.pointPolygonTest(lane, (x, y), False) >= 0
        if usable is None and inside and face.width >= USABLE_PX and face.visible >= _WHOLE:
            usable = float(t)
    subject = walker.identity if walker.identity in known else None
    end = path[-1].at_s + _PATH_STEP_S if path else walker.start
    return Appearance(subject, walker.start, end, usable, tuple(path))


def _face(faces: Sequence[FaceTruth], identity: str) -> FaceTruth | None:
    return next((face for face in faces if face.identity == identity), None)


def _habits(rng: np.random.Generator) -> Iterator[Callable[[float], tuple[Glance, ...]]]:
    """Habits in turn, each five in an order of their own."""
    while True:
        for number in rng.permutation(len(_FIVE)):
            yield partial(glances_of, _FIVE[number], rng=rng)


def _cycle(names: Sequence[str], rng: np.random.Generator) -> Iterator[str]:
    """Everyone in turn, in one shuffled order: the same person comes again as late as possible."""
    order = [names[number] for number in rng.permutation(len(names))]
    while True:
        yield from order
