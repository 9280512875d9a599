"""Which of a detector's boxes are people: not the furniture, each person once, and the doubtful where somebody is.

A detector that is sure enough of 95 in 100 people half answers for nearly all others. Where the picture differs from
the empty shop, and no better box explains that, half an answer is enough to go on with somebody who is followed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.floor.backdrop import Backdrop, cells_of
from edge.motion import Overview
from edge.values import Floats
from models.detections import Detections

_NOBODY = 0.1
"""A box of which less than this share differs from the empty shop shows nobody; people cover a quarter of theirs."""
_SOMEBODY, _OWN = 0.25, 0.6
"""A weak box is believed when so much of it differs, and so much of that is in no better box."""
_HEADS, _FEET, _BESIDE, _WITHIN = 0.08, 0.1, 0.5, 0.75


class Sights:
    """Of one camera. `believed`: the score from which the tracker goes on with somebody."""

    def __init__(self, believed: float) -> None:
        self._believed = believed

    def step(self, found: Detections, backdrop: Backdrop, view: Overview | None, size: tuple[int, int]) -> Detections:
        """People among detections, best score first."""
        if not len(found):
            return found
        found = _each_once(found)
        if view is None:
            return found
        differing = backdrop.differing(view)
        shares = backdrop.shares(found.boxes, differing, size)
        scores = found.scores.copy()
        explained = np.zeros_like(differing)
        for row, (box, score) in enumerate(zip(found.boxes.tolist(), found.scores.tolist(), strict=True)):
            field = cells_of(box, size)
            if score < self._believed and shares[row] >= _SOMEBODY:
                new = differing[field] & ~explained[field]
                if new.sum() >= _OWN * differing[field].sum():
                    scores[row] = self._believed
            if scores[row] >= self._believed:
                explained[field] = True
        people = ~(shares < _NOBODY)
        return Detections(found.boxes[people], scores[people])


def _each_once(found: Detections) -> Detections:
    """Without the second boxes on one person: heads at one height, and feet too or one box in the other.

    Who stands farther away is higher in the picture at head and feet; nobody stands a quarter of a metre beside
    somebody else at the same distance.
    """
    keep: list[int] = []
    for row, box in enumerate(found.boxes):
        if not any(_double(found.boxes[other], box) for other in keep):
            keep.append(row)
    return Detections(found.boxes[keep], found.scores[keep])


def _double(best: NDArray[np.floating], other: NDArray[np.floating]) -> bool:
    tall, wide = best[3] - best[1], best[2] - best[0]
    if abs(best[1] - other[1]) > _HEADS * tall or abs(best[0] + best[2] - other[0] - other[2]) > 2 * _BESIDE * wide:
        return False
    if abs(best[3] - other[3]) <= _FEET * tall:
        return True
    sides: Floats = np.clip(np.minimum(best[2:], other[2:]) - np.maximum(best[:2], other[:2]), 0, None)
    smaller = min(float(np.prod(one[2:] - one[:2])) for one in (best, other))
    return bool(sides.prod() >= _WITHIN * smaller)
