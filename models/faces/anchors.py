"""Anchor boxes of the RFB face detector and the decoding of its offsets (SSD, Liu et al. 2016)."""

from __future__ import annotations

from functools import lru_cache
from math import exp

import numpy as np

from models.boxes import Box
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


def decode(
    offsets: Floats, priors: Floats, sides: tuple[float, float], origin: tuple[float, float] = (0.0, 0.0)
) -> list[Box]:
    """Boxes (x1, y1, x2, y2) from offsets and anchors Nx4. `sides`: width and height that the fractions are of, of a
    part of a picture that begins at `origin`.

    In plain numbers: a face has some eight candidates, and each call of numpy costs as much as several of them.
    """
    (width, height), (left, top) = sides, origin
    boxes = []
    for (right, down, wider, taller), (x, y, wide, tall) in zip(offsets.tolist(), priors.tolist(), strict=True):
        middle_x = (x + right * CENTRE_VARIANCE * wide) * width + left
        middle_y = (y + down * CENTRE_VARIANCE * tall) * height + top
        half_width = exp(wider * SIZE_VARIANCE) * wide * width / 2
        half_height = exp(taller * SIZE_VARIANCE) * tall * height / 2
        boxes.append((middle_x - half_width, middle_y - half_height, middle_x + half_width, middle_y + half_height))
    return boxes
