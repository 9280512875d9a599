"""Where a track was before it was one: a person is confirmed after some detections, and may have crossed a line then.

Nothing of an unconfirmed track leaves the camera; once it is confirmed, its way is followed back through the boxes of
the last moments, each the one that overlaps most with the one after it.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from edge.values import Box, Floats
from tracking.association import overlap

_MEMORY_S = 0.9
_LEAST = 0.3


class Beginnings:
    """Detections of one camera, of the last moments."""

    def __init__(self) -> None:
        self._frames: deque[tuple[float, Floats]] = deque()

    def add(self, boxes: NDArray[np.floating], at: float) -> None:
        """All boxes of a frame, in rising order of time (monotonic seconds)."""
        self._frames.append((at, np.asarray(boxes, np.float64).reshape(-1, 4)))
        while self._frames[0][0] < at - _MEMORY_S:
            self._frames.popleft()

    def of(self, box: Box) -> tuple[float, Box] | None:
        """The earliest box of the person who is in `box` now, and when that was; None when there is none earlier."""
        now = np.array([box])
        found: tuple[float, Box] | None = None
        for at, boxes in list(self._frames)[-2::-1]:
            shared = overlap(now, boxes)[0] if len(boxes) else np.zeros(0)
            if not len(shared) or shared.max() < _LEAST:
                break
            now = boxes[[int(shared.argmax())]]
            x1, y1, x2, y2 = now[0].tolist()
            found = at, (x1, y1, x2, y2)
        return found
