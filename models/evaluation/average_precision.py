"""Average precision of a detector at one overlap (PASCAL VOC 2010: area under the monotone curve)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.boxes import iou
from models.detections import Detections, Floats

MATCH_IOU = 0.5


def average_precision(found: Sequence[Detections], truth: Sequence[Floats], match: float = MATCH_IOU) -> float:
    """AP 0..1 over frames; each true box (Nx4) is claimed once, by the best-scored detection first."""
    wanted = sum(len(boxes) for boxes in truth)
    hits = [_hits(detections, boxes, match) for detections, boxes in zip(found, truth, strict=True)]
    scores = np.concatenate([detections.scores for detections in found])
    order = np.argsort(-scores, kind="stable")
    right = np.concatenate(hits)[order].cumsum()
    if not wanted or not right.size:
        return 0.0
    recall = right / wanted
    precision = right / np.arange(1, len(right) + 1)
    best_beyond = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall, prepend=0.0) * best_beyond).sum())


def _hits(detections: Detections, truth: Floats, match: float) -> npt.NDArray[np.bool_]:
    hits = np.zeros(len(detections), np.bool_)
    if not len(truth):
        return hits
    overlap = iou(detections.boxes, truth)
    for index in np.argsort(-detections.scores, kind="stable"):
        best = int(overlap[index].argmax())
        if overlap[index, best] >= match:
            hits[index] = True
            overlap[:, best] = -1
    return hits
