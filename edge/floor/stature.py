"""Where somebody stands whose feet are hidden: from the head, and how tall people are at that place on the floor.

Heights are learned from people who are seen whole: of each track, and of people in general for each patch of the floor
(an imperfect calibration makes people taller in one corner than in another). Pure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge.floor.upright import Upright
from edge.values import Box, PlanPoint

_HEIGHT_M, _SCATTER_M = 1.70, 0.09
"""Adults, before anybody was seen; the scatter is between people."""
_OWN_SCATTER_M = 0.05
_PRIOR = 30.0
"""Looks at a patch that weigh as much as what is known in general."""
_LONGEST_MEMORY = 3000.0
_PATCH_M = 1.5
_WHOLE = 0.85
"""A box shorter than this share of the expected height has lost its feet; of the person's own height, a larger."""
_OWN_WHOLE = 0.93
_GAIN, _GAIN_DOWN = 0.1, 0.03


@dataclass(slots=True)
class _Mean:
    value: float
    weight: float

    def add(self, value: float) -> None:
        self.weight = min(self.weight + 1.0, _LONGEST_MEMORY)
        self.value += (value - self.value) / self.weight


@dataclass(frozen=True, slots=True)
class Stand:
    """A place on the plan, and by how much the height it was inferred from may be wrong (0: feet seen)."""

    point: PlanPoint
    height_m: float
    deviation_m: float = 0.0


class StatureModel:
    """One camera's. Boxes are pixels of its picture; a track's own height is kept until `forget`."""

    def __init__(self, upright: Upright) -> None:
        self._upright = upright
        self._general = _Mean(_HEIGHT_M, _PRIOR)
        self._patches: dict[tuple[int, int], _Mean] = {}
        self._own: dict[int, float] = {}

    def whole(self, track: int, box: Box, learn: bool) -> Stand | None:
        """Where a person stands whose box ends at the feet; None when it is too short for that to be so.

        `learn`: it is also seen apart from others, so that its height may be learned from.
        """
        point = self._upright.floor_of(_foot(box), 0.0)
        tall = None if point is None else self._upright.height(point, box[1])
        if point is None or tall is None or tall < self._least(track, point):
            return None
        if learn and tall < (2 - _WHOLE) * self._general.value:
            own = self._own.get(track, tall)
            # Somebody may look shorter than he is (feet hidden by a low shelf), hardly taller.
            self._own[track] = own + (_GAIN if tall > own else _GAIN_DOWN) * (tall - own)
            self._general.add(tall)
            self._patch(point).add(tall)
        return Stand(self._upright_foot(box, point, tall), tall)

    def from_head(self, track: int, box: Box) -> Stand | None:
        """Where a person stands of whom only the upper end of the box is believed."""
        head = ((box[0] + box[2]) / 2, box[1])
        tall = self._own.get(track, self._general.value)
        point = self._upright.floor_of(head, tall)
        if point is None:
            return None
        if track not in self._own:
            tall = self._patch(point).value
            point = self._upright.floor_of(head, tall) or point
        if not self._upright.pixel(point, 0.0)[1] >= box[3]:
            return None
        return Stand(point, tall, _OWN_SCATTER_M if track in self._own else _SCATTER_M)

    def forget(self, track: int) -> None:
        """A track that ended."""
        self._own.pop(track, None)

    def _least(self, track: int, point: PlanPoint) -> float:
        own = self._own.get(track)
        return _WHOLE * self._patch(point).value if own is None else _OWN_WHOLE * own

    def _patch(self, point: PlanPoint) -> _Mean:
        key = math.floor(point[0] / _PATCH_M), math.floor(point[1] / _PATCH_M)
        return self._patches.setdefault(key, _Mean(self._general.value, _PRIOR))

    def _upright_foot(self, box: Box, point: PlanPoint, tall: float) -> PlanPoint:
        """Away from the middle of the picture bodies lean: the middle of the box is over neither foot nor head."""
        lean = self._upright.pixel(point, 0.0)[0] - self._upright.pixel(point, tall)[0]
        middle, row = _foot(box)
        return self._upright.floor_of((middle + lean / 2, row), 0.0) or point


def _foot(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, box[3]
