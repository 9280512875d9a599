"""Intersection over union and non-maximum suppression, in numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.detections import Floats


def areas(boxes: Floats) -> Floats:
    """Areas of Nx4 boxes (x1, y1, x2, y2); empty boxes count zero."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1], np.float32)


def iou(first: Floats, second: Floats) -> Floats:
    """Intersection over union of Nx4 and Mx4 boxes, NxM."""
    corner = np.minimum(first[:, None, 2:], second[None, :, 2:]) - np.maximum(first[:, None, :2], second[None, :, :2])
    sides = np.maximum(corner, 0)
    shared = sides[..., 0] * sides[..., 1]
    union = areas(first)[:, None] + areas(second)[None] - shared
    return np.asarray(shared / np.maximum(union, 1e-9), np.float32)


def suppress(boxes: Floats, scores: Floats, limit: float) -> npt.NDArray[np.intp]:
    """Indices to keep, best score first: greedily, no two kept boxes overlap by more than `limit` IoU."""
    remaining = np.argsort(-scores, kind="stable")
    if len(boxes) < 2:
        return remaining
    overlap = iou(boxes, boxes)
    kept: list[int] = []
    while remaining.size:
        best = int(remaining[0])
        kept.append(best)
        remaining = remaining[overlap[best, remaining] <= limit]
        remaining = remaining[remaining != best]
    return np.asarray(kept, np.intp)
