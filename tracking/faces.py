"""Boxes of faces to tracks: few at a time, seldom looked at, and rather a new track than a wrong one.

As `tracking.tracker` it predicts with a Kalman filter and matches confident detections first, weak ones only to tracks
that were just seen. It goes by place and size instead of overlap, for between two looks a face may leave its own box.
Plain numbers throughout: on the three or four faces before a door every call of numpy costs more than the arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tracking.box_filter import BoxFilter
from tracking.near import pairs_near
from tracking.values import Box, Track, TrackSet

_JUST_SEEN = 1.5
"""In time steps: how long ago a track may have been seen to take a weak detection, or to stay unconfirmed."""
_LONGEST_STEP_S = 2.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FaceTracking:
    """Scores: `high` matches, `low` keeps alive, `new` starts a track. `reach`: how many widths a face may be away from
    where it is expected; `alike`: the least share of the larger size that the smaller one has.

    Strict: at 5 looks a second a face that steps aside further than that, or changes size, starts a new track. Then a
    picture says who it is (edge.vision.continuity); a track that went over to somebody else says nothing.
    """

    high: float = 0.7
    low: float = 0.5
    new: float = 0.7
    reach: float = 0.7
    alike: float = 0.75
    min_hits: int = 2
    max_lost_s: float = 0.6
    agility: float = 1.5


@dataclass(slots=True, eq=False)
class _Followed:
    """One face. `id` 0: not confirmed yet."""

    filter: BoxFilter
    score: float
    last_seen: float
    hits: int = 1
    id: int = 0


_Found = tuple[Box, float]
"""A detection with its score."""


class FaceTracker:
    """One camera's faces. `step` is deterministic: the same boxes and times give the same ids."""

    def __init__(self, settings: FaceTracking = FaceTracking()) -> None:
        self._settings = settings
        self._followed: list[_Followed] = []
        self._issued = 0
        self._now: float | None = None

    @property
    def busy(self) -> bool:
        """Whether anything, confirmed or not, is being followed."""
        return bool(self._followed)

    def expected(self, monotonic: float) -> list[Box]:
        """Where everything that is followed, confirmed or not, should be at a time."""
        ahead = self._passed(monotonic)
        return [one.filter.box(ahead) for one in self._followed]

    def step(self, boxes: NDArray[np.floating], scores: NDArray[np.floating], monotonic: float) -> TrackSet:
        """Detections (Nx4 corners, N scores) at a time. Boxes that are not finite or have no area are ignored."""
        dt = self._passed(monotonic)
        self._now = monotonic if self._now is None else max(self._now, monotonic)
        for one in self._followed:
            one.filter.predict(dt, self._settings.agility)
        for box, score in self._match(_sound(boxes, scores), monotonic, dt):
            if score >= self._settings.new:
                self._followed.append(_Followed(BoxFilter(box), score, monotonic))
        self._issue_ids()
        return TrackSet(self._confirmed(monotonic), self._forget(monotonic, dt))

    def _passed(self, monotonic: float) -> float:
        passed = 0.0 if self._now is None else monotonic - self._now
        return min(max(passed, 0.0), _LONGEST_STEP_S)

    def _match(self, found: list[_Found], monotonic: float, dt: float) -> list[_Found]:
        """Three passes; returns the confident detections that belong to nobody."""
        rule = self._settings
        strong = [one for one in found if one[1] >= rule.high]
        if not self._followed:
            return strong
        known, strong = self._pass([one for one in self._followed if one.id], strong, monotonic)
        weak = [one for one in found if rule.low <= one[1] < rule.high]
        self._pass([one for one in known if one.last_seen >= monotonic - _JUST_SEEN * dt], weak, monotonic)
        return self._pass([one for one in self._followed if not one.id], strong, monotonic)[1]

    def _pass(
        self, followed: list[_Followed], found: list[_Found], monotonic: float
    ) -> tuple[list[_Followed], list[_Found]]:
        """Match these with those; returns what is left of both."""
        if not followed or not found:
            return followed, found
        rule = self._settings
        tracks, boxes = [one.filter.box() for one in followed], [box for box, _ in found]
        pairs = pairs_near(tracks, boxes, rule.reach, rule.alike)
        for row, column in pairs:
            one, (box, score) = followed[row], found[column]
            one.filter.correct(box)
            one.hits, one.score, one.last_seen = one.hits + 1, score, monotonic
        return _without(followed, [row for row, _ in pairs]), _without(found, [column for _, column in pairs])

    def _issue_ids(self) -> None:
        for one in self._followed:
            if not one.id and one.hits >= self._settings.min_hits:
                self._issued += 1
                one.id = self._issued

    def _confirmed(self, monotonic: float) -> tuple[Track, ...]:
        return tuple(
            Track(one.id, one.filter.box(), one.score, one.last_seen == monotonic, one.last_seen)
            for one in self._followed
            if one.id and monotonic - one.last_seen <= self._settings.max_lost_s
        )

    def _forget(self, monotonic: float, dt: float) -> tuple[int, ...]:
        """Drop those not seen for too long; answers the ids among them."""
        lost, unconfirmed = self._settings.max_lost_s, _JUST_SEEN * dt
        over = [one for one in self._followed if monotonic - one.last_seen > (lost if one.id else unconfirmed)]
        if over:
            self._followed = [one for one in self._followed if one not in over]
        return tuple(one.id for one in over if one.id)


def _without(ones: Sequence[T], places: Sequence[int]) -> list[T]:
    return [one for place, one in enumerate(ones) if place not in places]


def _sound(boxes: NDArray[np.floating], scores: NDArray[np.floating]) -> list[_Found]:
    rows = zip(boxes.tolist(), scores.tolist(), strict=True)
    return [
        ((x1, y1, x2, y2), score)
        for (x1, y1, x2, y2), score in rows
        if x2 > x1 and y2 > y1 and math.isfinite(x1 + y1 + x2 + y2 + score)
    ]
