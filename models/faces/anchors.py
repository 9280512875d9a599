"""Anchor boxes of the RFB face detector and the decoding of its offsets (SSD, Liu et al. 2016)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from models.detections import Floats
from models.letterbox import Size

LEVELS = ((8, (10, 16, 24)), (16, (32, 48)), (32, (64, 96)), (64, (128, 192, 256)))
"""Stride and square anchor sides in pixels, of each output level."""

_SIDES = np.array([[*sides, *[0] * (3 - len(sides))] for _, sides in LEVELS], np.float64)
"""Of each level, zeros behind."""

CENTRE_VARIANCE = 0.1
SIZE_VARIANCE = 0.2


@lru_cache(maxsize=64)
def anchors(size: Size) -> Floats:
    """All anchors of an input of (width, height), Ax4 (cx, cy, w, h) as fractions, in the network's order."""
    table = anchors_at(size, np.arange(_layout(size)[0][-1]))
    table.flags.writeable = False
    return table


def anchors_at(size: Size, indices: npt.NDArray[np.intp]) -> Floats:
    """Some of them, Nx4: a few faces need a few anchors, and the part looked at is seldom as large twice."""
    width, height = size
    ends, grids = _layout(size)
    level = np.searchsorted(ends, indices, side="right")
    columns, rows, count, first = grids[level].T
    cell, kind = np.divmod(indices - first, count)
    y, x = np.divmod(cell, columns)
    sides = _SIDES[level, kind]
    spans = [(x + 0.5) / columns, (y + 0.5) / rows, sides / width, sides / height]
    table: Floats = np.minimum(np.stack(spans, axis=1), 1).astype(np.float32)
    return table


@lru_cache(maxsize=1024)
def _layout(size: Size) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Where each level ends, and its columns, rows, anchors a cell and first index (Lx4)."""
    grids = []
    first = 0
    for stride, sides in LEVELS:
        columns, rows = -(-size[0] // stride), -(-size[1] // stride)
        grids.append((columns, rows, len(sides), first))
        first += columns * rows * len(sides)
    table = np.array(grids, np.intp)
    return np.append(table[1:, 3], first), table


def decode(offsets: Floats, priors: Floats) -> Floats:
    """Boxes Nx4 (x1, y1, x2, y2) as fractions of the input, from offsets and anchors Nx4."""
    centres = offsets[:, :2] * CENTRE_VARIANCE * priors[:, 2:] + priors[:, :2]
    halves = np.exp(offsets[:, 2:] * SIZE_VARIANCE) * priors[:, 2:] / 2
    boxes: Floats = np.concatenate([centres - halves, centres + halves], axis=1)
    return boxes
