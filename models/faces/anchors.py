"""Anchor boxes of the RFB face detector and the decoding of its offsets (SSD, Liu et al. 2016)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from models.detections import Floats
from models.letterbox import Size

LEVELS = ((8, (10, 16, 24)), (16, (32, 48)), (32, (64, 96)), (64, (128, 192, 256)))
"""Stride and square anchor sides in pixels, of each output level."""

CENTRE_VARIANCE = 0.1
SIZE_VARIANCE = 0.2


@lru_cache(maxsize=256)
def anchors(size: Size) -> Floats:
    """All anchors of an input of (width, height), Ax4 (cx, cy, w, h) as fractions, in the network's order.

    Filled in place: the part of a picture that is looked at changes its size often, a tenth of a millisecond counts.
    """
    width, height = size
    grids = [(-(-height // stride), -(-width // stride), sides) for stride, sides in LEVELS]
    table = np.empty((sum(rows * columns * len(sides) for rows, columns, sides in grids), 4), np.float32)
    first = 0
    for rows, columns, sides in grids:
        count = rows * columns * len(sides)
        level = table[first : first + count].reshape(rows, columns, len(sides), 4)
        level[..., 0] = ((np.arange(columns) + 0.5) / columns)[:, None]
        level[..., 1] = ((np.arange(rows) + 0.5) / rows)[:, None, None]
        level[..., 2] = [min(side / width, 1.0) for side in sides]
        level[..., 3] = [min(side / height, 1.0) for side in sides]
        first += count
    table.flags.writeable = False
    return table


def decode(offsets: Floats, priors: Floats) -> Floats:
    """Boxes Nx4 (x1, y1, x2, y2) as fractions of the input, from offsets and anchors Nx4."""
    sides = priors[:, 2:]
    centres = offsets[:, :2] * CENTRE_VARIANCE
    centres *= sides
    centres += priors[:, :2]
    halves = np.exp(offsets[:, 2:] * SIZE_VARIANCE)
    halves *= sides
    halves /= 2
    boxes = np.empty_like(priors)
    np.subtract(centres, halves, out=boxes[:, :2])
    np.add(centres, halves, out=boxes[:, 2:])
    return boxes
