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


@lru_cache(maxsize=64)
def anchors(size: Size) -> Floats:
    """All anchors of an input of (width, height), Ax4 (cx, cy, w, h) as fractions, in the network's order."""
    width, height = size
    levels = []
    for stride, sides in LEVELS:
        columns, rows = -(-width // stride), -(-height // stride)
        y, x = np.mgrid[:rows, :columns]
        centres = np.stack([(x + 0.5) / columns, (y + 0.5) / rows], -1).reshape(-1, 1, 2)
        spans = np.array([[side / width, side / height] for side in sides]).reshape(1, -1, 2)
        pairs = np.broadcast_arrays(centres, spans)
        levels.append(np.concatenate(pairs, axis=-1).reshape(-1, 4))
    table: Floats = np.clip(np.concatenate(levels), 0, 1).astype(np.float32)
    table.flags.writeable = False
    return table


def decode(offsets: Floats, priors: Floats) -> Floats:
    """Boxes Nx4 (x1, y1, x2, y2) as fractions of the input, from offsets and anchors Nx4."""
    centres = offsets[:, :2] * CENTRE_VARIANCE * priors[:, 2:] + priors[:, :2]
    halves = np.exp(offsets[:, 2:] * SIZE_VARIANCE) * priors[:, 2:] / 2
    boxes: Floats = np.concatenate([centres - halves, centres + halves], axis=1)
    return boxes
