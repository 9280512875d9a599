"""CenterNet, person class: peaks of a heat map are people, and four sides go out from each (Zhou et al. 2019)."""

from __future__ import annotations

import cv2
import numpy as np
import onnxruntime

from models.boxes import suppress
from models.detections import Detections, Floats, Frame
from models.letterbox import Letterbox

INPUT_SIZE = (352, 256)
"""Width and height of the network's input."""
HEAT, SIDES = "heat", "sides"
STRIDE = 4
NMS_IOU = 0.55
_PEAK = np.ones((3, 3), np.uint8)
_RAW, _TOLD = (0.0, 0.28, 1.0), (0.0, 0.4, 1.0)
"""Its scores are lower than NanoDet's: what .28 is here is .4 there. Stretched, one threshold serves both."""


class CenterNetPerson:
    """`PersonDetector` on an onnxruntime session. Belongs to one thread (its input canvas is reused)."""

    def __init__(self, session: onnxruntime.InferenceSession, min_score: float) -> None:
        self._session = session
        self._least = float(np.interp(min_score, _TOLD, _RAW))
        self._letterbox = Letterbox(INPUT_SIZE, rgb=True)

    def detect(self, frame: Frame) -> Detections:
        """People in a BGR frame of any size."""
        tensor, factor = self._letterbox.fit(frame)
        heat, sides = self._session.run([HEAT, SIDES], {"input": tensor})
        boxes, scores = self._peaks(np.ascontiguousarray(heat[0, :, :, 0]), sides[0])
        if not scores.size:
            return Detections.empty()
        kept = suppress(boxes, scores, NMS_IOU)
        height, width = frame.shape[:2]
        limits = np.array([width, height, width, height], np.float32)
        told = np.interp(scores[kept], _RAW, _TOLD).astype(np.float32)
        return Detections(np.clip(boxes[kept] / np.float32(factor), 0, limits), told)

    def _peaks(self, heat: Floats, sides: Floats) -> tuple[Floats, Floats]:
        """Boxes in input pixels and raw scores where the map is highest among its neighbours."""
        rows, columns = np.nonzero((heat >= cv2.dilate(heat, _PEAK)) & (heat >= self._least))
        centres = np.stack([columns, rows], axis=1) * STRIDE
        out = sides[rows, columns]
        boxes = np.concatenate([centres - out[:, :2], centres + out[:, 2:]], axis=1)
        return boxes.astype(np.float32), heat[rows, columns]
