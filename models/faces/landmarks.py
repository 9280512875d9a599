"""68 facial landmarks (iBUG 300-W numbering) of one face box, and the five that alignment needs."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import onnxruntime

from models.detections import Floats, Frame

CROP = 64
GREY_LEVELS = 256.0
MIN_SIDE = 4
POINTS = 68

FIVE_FROM_68 = ((37, 38, 40, 41), (43, 44, 46, 47), (30,), (48, 60), (54, 64))
"""Lids of the eye on the image's left, of the right one, nose tip, mouth corners left and right."""

_MEANS = np.array([[(point in group) / len(group) for point in range(POINTS)] for group in FIVE_FROM_68], np.float32)
"""5x68: each of the five as the mean of its group."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceLandmarks:
    """`five` 5x2 in ArcFace's order and `dense` 68x2 (None if the model gives five only), frame pixels."""

    five: Floats
    dense: Floats | None


class FaceLandmarker:
    """The 68-point network on an onnxruntime session."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name

    def find(self, frame: Frame, box: Floats) -> FaceLandmarks:
        """Landmarks inside `box` (x1, y1, x2, y2). A box without area gives all points at its corner."""
        height, width = frame.shape[:2]
        left, top, right, bottom = box.tolist()
        x1, y1 = max(int(left), 0), max(int(top), 0)
        x2, y2 = min(int(right), width - 1), min(int(bottom), height - 1)
        if x2 - x1 < MIN_SIDE or y2 - y1 < MIN_SIDE:
            return landmarks_from_dense(np.full((POINTS, 2), (x1, y1), np.float32))
        grey = cv2.cvtColor(frame[y1:y2, x1:x2], cv2.COLOR_BGR2GRAY)
        crop = cv2.resize(grey, (CROP, CROP), interpolation=_kernel(x2 - x1, y2 - y1)).astype(np.float32)
        crop /= GREY_LEVELS
        dense: Floats = self._session.run(None, {self._input: crop[None, None]})[0].reshape(POINTS, 2)
        dense *= (x2 - x1, y2 - y1)
        dense += (x1, y1)
        return landmarks_from_dense(dense)


def _kernel(width: int, height: int) -> int:
    """Cubic for a face smaller than the network's input: linear enlargement blurs what little there is."""
    return cv2.INTER_CUBIC if min(width, height) < CROP else cv2.INTER_LINEAR


def landmarks_from_dense(dense: Floats) -> FaceLandmarks:
    """Five alignment points as means of the 68."""
    return FaceLandmarks(_MEANS @ dense, dense)
