"""NanoDet-g, person class: from the three strides' raw outputs to boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnxruntime

from models.boxes import suppress
from models.detections import Detections, Floats, Frame
from models.letterbox import Letterbox
from models.persons.geometry import (
    DISTANCE_BINS,
    INPUT_SIZE,
    PIXEL_MEAN,
    STRIDES,
    distances_name,
    scores_name,
)

NMS_IOU = 0.55


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    """Cell centres Px2 in input pixels of one stride, and the outputs that belong to it."""

    stride: int
    centres: Floats
    scores: str
    distances: str


def _level(stride: int) -> _Level:
    width, height = INPUT_SIZE
    columns, rows = -(-width // stride), -(-height // stride)
    y, x = np.mgrid[:rows, :columns]
    centres = (np.stack([x, y], -1).reshape(-1, 2) + 0.5) * stride - 0.5
    return _Level(stride, centres.astype(np.float32), scores_name(stride), distances_name(stride))


def one_box_each(proposals: Detections, size: tuple[int, int]) -> Detections:
    """People from what the cells propose: suppressed, best first, and clipped to a picture of `size`."""
    if not len(proposals):
        return Detections.empty()
    kept = suppress(proposals.boxes, proposals.scores, NMS_IOU)
    return Detections(np.clip(proposals.boxes[kept], 0, np.array([*size, *size], np.float32)), proposals.scores[kept])


class NanoDetPerson:
    """`PersonDetector` on an onnxruntime session. Belongs to one thread (its input canvas is reused)."""

    def __init__(self, session: onnxruntime.InferenceSession, min_score: float) -> None:
        self._session = session
        self._min_score = min_score
        self._letterbox = Letterbox(INPUT_SIZE, PIXEL_MEAN, 1.0, rgb=False)
        self._levels = [_level(stride) for stride in STRIDES]
        self._names = [name for level in self._levels for name in (level.scores, level.distances)]
        self._bins = np.arange(DISTANCE_BINS, dtype=np.float32)

    def detect(self, frame: Frame) -> Detections:
        """People in a BGR frame of any size."""
        return one_box_each(self.propose(frame), (frame.shape[1], frame.shape[0]))

    def propose(self, frame: Frame) -> Detections:
        """Every cell that answers, before suppression: many boxes a person, in no order, in pixels of the frame."""
        tensor, factor = self._letterbox.fit(frame)
        outputs = dict(zip(self._names, self._session.run(self._names, {"input": tensor}), strict=True))
        found = [self._decode(level, outputs[level.scores], outputs[level.distances]) for level in self._levels]
        boxes = np.concatenate([boxes for boxes, _ in found]) / np.float32(factor)
        return Detections(boxes.astype(np.float32, copy=False), np.concatenate([scores for _, scores in found]))

    def _decode(self, level: _Level, scores: Floats, distances: Floats) -> tuple[Floats, Floats]:
        """Boxes in input pixels and scores of the cells above the threshold."""
        flat = scores[0, :, 0]
        chosen = np.flatnonzero(flat >= self._min_score)
        logits = distances[0, chosen].reshape(-1, 4, DISTANCE_BINS)
        weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
        sides = weights @ self._bins / weights.sum(axis=-1) * level.stride
        centres = level.centres[chosen]
        boxes = np.concatenate([centres - sides[:, :2], centres + sides[:, 2:]], axis=1)
        return boxes.astype(np.float32), flat[chosen]
