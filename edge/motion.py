"""Is anything moving? Decides whether a detector is worth running, for a tenth of a millisecond."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.values import Image

_STRIDE = 4
_SIZE = (80, 45)
_LEVEL = 10.0
"""Grey levels a cell must differ from its running mean."""
_CELLS = 3
"""Cells of 80x45 that must differ: a face 30 px wide in 1280 covers about four."""
_MEMORY_S = 3.0
_HOLD_S = 1.0
_LOOK_ANYWAY_S = 2.0
"""A still scene is looked at this often all the same: who stands still from the start is found too."""


class MotionGate:
    """Running mean of a small grey picture; a common change (lamps, exposure) is taken out."""

    def __init__(self) -> None:
        self._mean: NDArray[np.float32] | None = None
        self._last = -math.inf
        self._open_until = -math.inf
        self._looked = -math.inf

    def step(self, image: Image, monotonic: float) -> bool:
        """Whether this frame deserves a detector."""
        if image.size == 0 or image.ndim != 3:
            return False
        if self._moved(image, monotonic):
            self._open_until = monotonic + _HOLD_S
        wanted = monotonic <= self._open_until or monotonic - self._looked >= _LOOK_ANYWAY_S
        if wanted:
            self._looked = monotonic
        return wanted

    def _moved(self, image: Image, monotonic: float) -> bool:
        # The green channel is close enough to brightness, and striding is cheaper than reading every pixel.
        sparse = np.ascontiguousarray(image[::_STRIDE, ::_STRIDE, 1])
        small = cv2.resize(sparse, _SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)
        if self._mean is None:
            self._mean, self._last = small, monotonic
            return True
        change = small - self._mean
        moved = np.count_nonzero(np.abs(change - _middle(change)) > _LEVEL) >= _CELLS
        share = 1.0 - math.exp(-max(monotonic - self._last, 0.0) / _MEMORY_S)
        self._mean += np.float32(share) * change
        self._last = monotonic
        return bool(moved)


def _middle(values: NDArray[np.float32]) -> np.float32:
    """Median of an odd or a large number of values; np.median takes four times as long on so few."""
    flat = values.ravel()
    middle: np.float32 = np.partition(flat, flat.size // 2)[flat.size // 2]
    return middle
