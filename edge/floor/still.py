"""Furniture that looks like people: a track that was born without motion is not believed before it moves.

Posts, mannequins and posters are detected as persons, some of them for ever. A person comes in, and that is motion; who
stood there when the camera started moves sooner or later. What has been held back for a while is remembered as a thing:
somebody who walks past it is motion too, and must not make a person of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from edge.motion import COLUMNS, ROWS, Cells
from edge.values import Box, Floats, Track, TrackSet
from tracking.association import overlap

_BIRTH_S = 2.5
"""Motion this long before a track got its number counts as its own."""
_SHARE = 0.08
"""Of the cells of a box that must have changed."""
_STEP = 0.35
"""Widths a box must have gone from where it was first seen to be believed."""
_STIRS = 5
"""Looks with motion in the box, nobody else near it: somebody who stands there and shifts their weight."""
_LEARN_S = 10.0
_SAME = 0.6
_FORGET_S = 60.0
"""A thing that is not detected for so long is gone. As long, whoever was lost from sight is believed there."""


@dataclass(slots=True)
class _Suspect:
    born: float
    box: Box
    stirs: int = 0


@dataclass(slots=True)
class _Spot:
    box: Box
    seen: float


class StillThings:
    """Of one camera. `step` after every step of its tracker."""

    def __init__(self) -> None:
        self._moved: Floats = np.full((ROWS, COLUMNS), -np.inf)
        self._suspects: dict[int, _Suspect] = {}
        self._people: dict[int, Box] = {}
        self._lost: list[_Spot] = []
        self._things: list[_Spot] = []
        self._newest = 0

    def __len__(self) -> int:
        """How many tracks are held back."""
        return len(self._suspects)

    def holds(self, track: int) -> bool:
        """Whether this track is not believed to be a person (yet)."""
        return track in self._suspects

    def step(self, found: TrackSet, cells: Cells | None, size: tuple[int, int], now: float) -> None:
        """Judge tracks, given the cells that differ now and the size of the picture in pixels."""
        if cells is not None:
            self._moved[cells] = now
        self._end(found.ended, now)
        self._remember(found.tracks, now)
        for track in found.tracks:
            if track.id > self._newest and not self._believed(track.box, size, now):
                self._suspects[track.id] = _Suspect(now, track.box)
        self._newest = max([self._newest, *(track.id for track in found.tracks)])
        for track in found.tracks:
            suspect = self._suspects.get(track.id)
            if suspect is not None:
                self._watch(track, suspect, found.tracks, size, now)
        self._people = {track.id: track.box for track in found.tracks if track.id not in self._suspects}

    def _end(self, ended: Iterable[int], now: float) -> None:
        for track in ended:
            self._suspects.pop(track, None)
            box = self._people.pop(track, None)
            if box is not None:
                self._lost.append(_Spot(box, now))

    def _remember(self, tracks: Iterable[Track], now: float) -> None:
        for track in tracks:
            thing = _at(self._things, track.box, _SAME) if track.seen else None
            if thing is not None:
                thing.seen = now
        self._things = [thing for thing in self._things if now - thing.seen < _FORGET_S]
        self._lost = [spot for spot in self._lost if now - spot.seen < _FORGET_S]

    def _believed(self, box: Box, size: tuple[int, int], now: float) -> bool:
        if _at(self._things, box, _SAME) is not None:
            return False
        return self._share(box, size, now - _BIRTH_S) >= _SHARE or _at(self._lost, box, _SAME / 2) is not None

    def _watch(
        self, track: Track, suspect: _Suspect, tracks: Iterable[Track], size: tuple[int, int], now: float
    ) -> None:
        if _gone(suspect.box, track.box):
            del self._suspects[track.id]
            return
        if _at(self._things, suspect.box, _SAME) is not None:
            return
        alone = not any(_near(track.box, other.box) for other in tracks if other.id != track.id)
        suspect.stirs += alone and track.seen and self._share(track.box, size, now) >= _SHARE
        if suspect.stirs >= _STIRS:
            del self._suspects[track.id]
        elif now - suspect.born >= _LEARN_S:
            self._things.append(_Spot(track.box, now))

    def _share(self, box: Box, size: tuple[int, int], since: float) -> float:
        """Of the box's cells, those that changed since a moment."""
        across, down = COLUMNS / size[0], ROWS / size[1]
        left, right = max(int(box[0] * across), 0), min(int(np.ceil(box[2] * across)), COLUMNS)
        top, bottom = max(int(box[1] * down), 0), min(int(np.ceil(box[3] * down)), ROWS)
        part = self._moved[top:bottom, left:right]
        return float((part >= since).mean()) if part.size else 1.0


def _at(spots: Iterable[_Spot], box: Box, least: float) -> _Spot | None:
    """The first spot that overlaps a box so much."""
    now = np.array([box])
    return next((spot for spot in spots if overlap(now, np.array([spot.box]))[0, 0] >= least), None)


def _gone(begin: Box, now: Box) -> bool:
    offset = np.hypot(now[0] + now[2] - begin[0] - begin[2], now[1] + now[3] - begin[1] - begin[3]) / 2
    return bool(offset > _STEP * (begin[2] - begin[0]))


def _near(one: Box, other: Box) -> bool:
    """Whether the other comes within half a width."""
    border = (one[2] - one[0]) / 2
    return other[0] < one[2] + border and other[2] > one[0] - border and other[1] < one[3] and other[3] > one[1]
