"""Where in the picture a face could be that was not looked for there: the detector sees that part only.

A part is looked at when it changed since it was last looked at, when somebody who is followed is there, and now and
then in any case. Outside the policy's area (lane or spot) nobody is looked for at all.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.motion import COLUMNS, ROWS, Cells, Overview, differing
from edge.values import Box
from edge.vision.permits import Polygon

_ALL_S = 2.0
"""The whole area is looked at this often: a face that stood still and was missed is found too."""
_HOLD_S = 0.5
"""Where something moved is looked at again for so long: the first picture may be blurred."""
_BORDER = np.ones((5, 5), np.uint8)
"""Changed cells want their neighbours looked at as well: the edges of a moving face change, its cheeks do not."""
_ROOM = 0.75
"""Free room around somebody who is followed, in sides of the face."""
_AREA_ROOM = 0.06
"""Room around the policy's area, of the picture: a face whose middle is just inside is seen whole."""

_Span = tuple[int, int, int, int]
"""First row, last row (exclusive), first column, last column (exclusive)."""


class Attention:
    """Of one camera. `area`: corners (fractions of the picture) outside which no face matters; None: everywhere."""

    def __init__(self, area: Polygon | None = None) -> None:
        self._area = _area_span(area)
        self._reference: Overview | None = None
        self._wanted_until: NDArray[np.float64] = np.full((ROWS, COLUMNS), -np.inf)
        self._all_due = -np.inf

    def step(
        self, seen: Overview, size: tuple[int, int], followed: NDArray[np.float64], monotonic: float
    ) -> Box | None:
        """The part to look at (pixels of a picture of `size`), or None. `followed`: boxes Nx4 in pixels."""
        span: _Span | None = self._area
        if self._reference is None or monotonic >= self._all_due:
            self._all_due = monotonic + _ALL_S
        else:
            self._note_changes(seen, self._reference, monotonic)
            span = self._wanted(size, followed, monotonic)
        if span is None:
            return None
        self._remember(seen, span)
        return _pixels(span, size)

    def _note_changes(self, seen: Overview, reference: Overview, monotonic: float) -> None:
        cells = differing(seen, reference)
        if cells is not None:
            wide = cv2.dilate(cells.view(np.uint8), _BORDER).view(np.bool_)
            self._wanted_until[wide] = monotonic + _HOLD_S

    def _wanted(self, size: tuple[int, int], followed: NDArray[np.float64], monotonic: float) -> _Span | None:
        wanted: Cells = self._wanted_until >= monotonic
        for x1, y1, x2, y2 in _cells_of(followed, size):
            wanted[y1:y2, x1:x2] = True
        top, bottom, left, right = self._area
        inside = wanted[top:bottom, left:right]
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        if not rows.size:
            return None
        return top + int(rows[0]), top + int(rows[-1]) + 1, left + int(columns[0]), left + int(columns[-1]) + 1

    def _remember(self, seen: Overview, span: _Span) -> None:
        """What was looked at is compared with this picture from now on, the rest with an older one."""
        if self._reference is None:
            self._reference = seen.copy()
            return
        top, bottom, left, right = span
        self._reference[top:bottom, left:right] = seen[top:bottom, left:right]


def _area_span(area: Polygon | None) -> _Span:
    if not area:
        return 0, ROWS, 0, COLUMNS
    x, y = np.array(area).T
    left, right = np.clip([x.min() - _AREA_ROOM, x.max() + _AREA_ROOM], 0, 1) * COLUMNS
    top, bottom = np.clip([y.min() - _AREA_ROOM, y.max() + _AREA_ROOM], 0, 1) * ROWS
    return int(top), int(np.ceil(bottom)), int(left), int(np.ceil(right))


def _cells_of(boxes: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.int64]:
    """Cells x1, y1, x2, y2 (exclusive) around each box and the room around it."""
    if not len(boxes):
        return np.zeros((0, 4), np.int64)
    room = _ROOM * (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True)
    scale = np.array([COLUMNS / size[0], ROWS / size[1]])
    first = np.floor((boxes[:, :2] - room) * scale)
    last = np.ceil((boxes[:, 2:] + room) * scale)
    cells = np.nan_to_num(np.concatenate([first, last], axis=1))
    return np.asarray(np.minimum(np.maximum(cells, 0), (COLUMNS, ROWS, COLUMNS, ROWS)), np.int64)


def _pixels(span: _Span, size: tuple[int, int]) -> Box:
    top, bottom, left, right = span
    wide, tall = size[0] / COLUMNS, size[1] / ROWS
    return left * wide, top * tall, right * wide, bottom * tall
