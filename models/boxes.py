"""Intersection over union and non-maximum suppression, in numpy."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from models.detections import Floats

_LEAST_SCORE = 1e-9


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
