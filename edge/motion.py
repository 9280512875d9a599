"""Is anything moving, and where? Decides what is worth a detector, for a tenth of a millisecond."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.values import Image
from hardware.cameras.base import Picture

COLUMNS, ROWS = 80, 45
"""Cells of an overview: 16 pixels of a 1280x720 picture."""
_STRIDE = (8, 4)
"""Rows and columns between the pixels read: cells are still means of eight, and half the memory is touched."""
_LEVEL = 10.0
"""Grey levels by which a cell must differ."""
_CELLS = 3
"""Cells that must differ: a face 30 px wide in 1280 covers about four."""
_MEMORY_S = 3.0
_HOLD_S = 1.0
_LOOK_ANYWAY_S = 2.0
"""A still scene is looked at this often all the same: who stands still from the start is found too."""

Overview = NDArray[np.int16]
"""Brightness of a picture in ROWS x COLUMNS cells, 0..255. Whole numbers are several times quicker to compare."""
Mean = NDArray[np.float32]
"""Of several overviews."""
Cells = NDArray[np.bool_]


def overview(picture: Picture) -> Overview | None:
    """Of a BGR picture, or of one not decoded, which need not be for this; None when it is none."""
    if not isinstance(picture, np.ndarray):
        return _in_cells(picture.grey) if picture.grey.size else None
    image = picture
    if image.size == 0 or image.ndim != 3:
        return None
    rows, columns = _STRIDE if image.shape[0] >= ROWS * _STRIDE[0] else (1, 1)
    # The green channel is close enough to brightness, and striding is cheaper than reading every pixel.
    return _in_cells(np.ascontiguousarray(image[::rows, ::columns, 1]))


def _in_cells(grey: Image) -> Overview:
    return cv2.resize(grey, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA).astype(np.int16)


def differing(now: Overview, before: Overview | Mean) -> Cells | None:
    """Cells that differ, a common change (lamps, exposure) taken out; None when they are too few to be anybody."""
    change = now - before
    cells: Cells = np.abs(change - _middle(change)) > _LEVEL
    return cells if np.count_nonzero(cells) >= _CELLS else None


class MotionGate:
    """Compares with a running mean."""

    def __init__(self) -> None:
        self._mean: Mean | None = None
        self._last = -math.inf
        self._open_until = -math.inf
        self._looked = -math.inf
        self.cells: Cells | None = None
        """Those that differ in the last picture; None when they are too few to be anybody."""
        self.view: Overview | None = None
        """Of the last picture; None when it was none."""

    def step(self, picture: Picture, monotonic: float) -> bool:
        """Whether this frame deserves a detector."""
        self.view = small = overview(picture)
        if small is None:
            return False
        if self._moved(small, monotonic):
            self._open_until = monotonic + _HOLD_S
        wanted = monotonic <= self._open_until or monotonic - self._looked >= _LOOK_ANYWAY_S
        if wanted:
            self._looked = monotonic
        return wanted

    def _moved(self, small: Overview, monotonic: float) -> bool:
        if self._mean is None:
            self._mean, self._last = small.astype(np.float32), monotonic
            return True
        self.cells = differing(small, self._mean)
        share = 1.0 - math.exp(-max(monotonic - self._last, 0.0) / _MEMORY_S)
        self._mean += np.float32(share) * (small - self._mean)
        self._last = monotonic
        return self.cells is not None


def _middle(values: Overview | Mean) -> np.int16 | np.float32:
    """Median of an odd or a large number of values; np.median takes four times as long on so few."""
    flat = values.ravel()
    middle: np.int16 | np.float32 = np.partition(flat, flat.size // 2)[flat.size // 2]
    return middle
