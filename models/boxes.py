"""Intersection over union and non-maximum suppression, in numpy."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from models.detections import Floats

_LEAST_SCORE = 1e-9

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2."""


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
    if len(boxes) < 2:
        return np.arange(len(boxes))
    corners_and_sides = boxes.astype(np.float32)
    corners_and_sides[:, 2:] -= corners_and_sides[:, :2]
    # OpenCV's own type of the first argument is a list of rectangles; an array Nx4 is one, without the copying
    positive = np.maximum(scores, _LEAST_SCORE, dtype=np.float32)  # it drops boxes of score 0
    kept = cv2.dnn.NMSBoxes(corners_and_sides, positive, 0.0, limit)  # type: ignore[arg-type]
    return np.asarray(kept, np.intp).reshape(-1)


def suppress_few(boxes: Sequence[Box], scores: Sequence[float], limit: float) -> list[int]:
    """The same in plain numbers: quicker for up to some dozens of boxes."""
    kept: list[int] = []
    for index in sorted(range(len(boxes)), key=scores.__getitem__, reverse=True):
        for other in kept:
            if _overlap(boxes[index], boxes[other], limit):
                break
        else:
            kept.append(index)
    return kept


def _overlap(first: Box, second: Box, limit: float) -> bool:
    """Whether their IoU is above the limit."""
    x1, y1, x2, y2 = first
    left, top, right, bottom = second
    wide, tall = min(x2, right) - max(x1, left), min(y2, bottom) - max(y1, top)
    if wide <= 0 or tall <= 0:
        return False
    shared = wide * tall
    return shared > limit * ((x2 - x1) * (y2 - y1) + (right - left) * (bottom - top) - shared)
