"""Where in the picture a face could be that was not looked for there: the detector sees that part only.

A part is looked at when it changed since it was last looked at, when somebody who is followed is there, and now and
then in any case. Outside the policy's area (lane or spot) nobody is looked for at all.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import cv2
import numpy as np

from edge.motion import COLUMNS, ROWS, Overview, differing
from edge.values import Box
from edge.vision.permits import Polygon

_ALL_S = 2.0
"""The whole area is looked at this often: a face that stood still and was missed is found too."""
_HOLD_S = 0.3
"""Where something moved is looked at again for so long: the first picture may be blurred."""
_BORDER = 2
"""Cells beside changed ones that are looked at as well: the edges of a moving face change, its cheeks do not."""
_ROOM = 0.75
"""Free room around somebody who is followed, in sides of the face."""
_AREA_ROOM = 0.06
"""Room around the policy's area, of the picture: a face whose middle is just inside is seen whole."""

Span = tuple[float, float, float, float]
"""x1, y1, x2, y2 in cells of an overview."""


class Attention:
    """Of one camera. `area`: corners (fractions of the picture) outside which no face matters; None: everywhere."""

    def __init__(self, area: Polygon | None = None) -> None:
        self._area = _area_span(area)
        self._reference: Overview | None = None
        self._moved: deque[tuple[float, Span]] = deque()
        self._all_due = -math.inf

    def step(self, seen: Overview, size: tuple[int, int], followed: Sequence[Box], monotonic: float) -> Box | None:
        """The part to look at (pixels of a picture of `size`), or None. `followed`: boxes in pixels."""
        span: Span | None = self._area
        if self._reference is None or monotonic >= self._all_due:
            self._all_due = monotonic + _ALL_S
        else:
            self._note_changes(seen, self._reference, monotonic)
            span = _meet(_around([*_spans(followed, size), *(span for _, span in self._moved)]), self._area)
        if span is None:
            return None
        self._remember(seen, span)
        wide, tall = size[0] / COLUMNS, size[1] / ROWS
        return span[0] * wide, span[1] * tall, span[2] * wide, span[3] * tall

    def _note_changes(self, seen: Overview, reference: Overview, monotonic: float) -> None:
        while self._moved and self._moved[0][0] < monotonic - _HOLD_S:
            self._moved.popleft()
        cells = differing(seen, reference)
        if cells is not None:
            x, y, width, height = cv2.boundingRect(cells.view(np.uint8))
            self._moved.append((monotonic, (x - _BORDER, y - _BORDER, x + width + _BORDER, y + height + _BORDER)))

    def _remember(self, seen: Overview, span: Span) -> None:
        """What was looked at is compared with this picture from now on, the rest with an older one."""
        if self._reference is None:
            self._reference = seen.copy()
            return
        part = slice(math.ceil(span[1]), int(span[3])), slice(math.ceil(span[0]), int(span[2]))
        self._reference[part] = seen[part]


def _area_span(area: Polygon | None) -> Span:
    if not area:
        return 0, 0, COLUMNS, ROWS
    (x1, y1), (x2, y2) = (tuple(side(corner[axis] for corner in area) for axis in (0, 1)) for side in (min, max))
    return (
        max(x1 - _AREA_ROOM, 0.0) * COLUMNS,
        max(y1 - _AREA_ROOM, 0.0) * ROWS,
        min(x2 + _AREA_ROOM, 1.0) * COLUMNS,
        min(y2 + _AREA_ROOM, 1.0) * ROWS,
    )


def _spans(boxes: Sequence[Box], size: tuple[int, int]) -> list[Span]:
    """Each box with the room around it."""
    wide, tall = COLUMNS / size[0], ROWS / size[1]
    spans = []
    for x1, y1, x2, y2 in boxes:
        if not math.isfinite(x1 + y1 + x2 + y2):
            continue
        room = _ROOM * max(x2 - x1, y2 - y1)
        spans.append(((x1 - room) * wide, (y1 - room) * tall, (x2 + room) * wide, (y2 + room) * tall))
    return spans


def _around(spans: Sequence[Span]) -> Span | None:
    """The least span that covers all."""
    if not spans:
        return None
    x1, y1, x2, y2 = zip(*spans, strict=True)
    return min(x1), min(y1), max(x2), max(y2)


def _meet(span: Span | None, area: Span) -> Span | None:
    """What of the span is inside the area."""
    if span is None:
        return None
    x1, y1, x2, y2 = max(span[0], area[0]), max(span[1], area[1]), min(span[2], area[2]), min(span[3], area[3])
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None
