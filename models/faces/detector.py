"""RFB face detector behind insightface's detector interface, so that code written for its packs drops in."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import onnxruntime

from models.boxes import areas, suppress_few
from models.detections import Floats, Frame
from models.faces.anchors import anchors, decode
from models.faces.landmarks import FaceLandmarker
from models.faces.regions import Region, cut
from models.letterbox import Letterbox, Size

NMS_IOU = 0.4
FACE = 1
ANSWERS = ("scores", "offsets")
COARSEST_STRIDE = 64
CUT_GRID = 32
"""Input pixels a part of a frame is cut to: finer saves little more and loses faces near its border."""


class FaceDetector(Protocol):
    """insightface's detector interface plus a variant without landmarks."""

    def detect(
        self,
        img: Frame,
        input_size: Size | None = None,
        max_num: int = 0,
        metric: str = "default",
        det_thresh: float | None = None,
    ) -> tuple[Floats, Floats | None]:
        """Boxes Nx5 (x1, y1, x2, y2, score) and five points Nx5x2, frame pixels."""
        ...

    def detect_boxes(self, img: Frame, input_size: Size | None = None, det_thresh: float | None = None) -> Floats:
        """Boxes Nx5, best first; no landmark is computed."""
        ...


class RfbFaceDetector:
    """`FaceDetector` on the cut RFB network. Belongs to one thread (its input canvas is reused)."""

    taskname = "detection"

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        landmarker: FaceLandmarker,
        input_size: Size,
        min_score: float,
    ) -> None:
        self._session = session
        self._landmarker = landmarker
        self._letterbox = Letterbox(round_up(input_size), rgb=True)
        self.det_thresh = min_score
        self.input_size = input_size

    def prepare(
        self, ctx_id: int, input_size: Size | None = None, det_thresh: float | None = None, **_: object
    ) -> None:
        """insightface's `FaceAnalysis.prepare` calls this; the device is the session's, `ctx_id` is ignored."""
        self.input_size = input_size or self.input_size
        self.det_thresh = self.det_thresh if det_thresh is None else det_thresh

    def detect(
        self,
        img: Frame,
        input_size: Size | None = None,
        max_num: int = 0,
        metric: str = "default",
        det_thresh: float | None = None,
    ) -> tuple[Floats, Floats]:
        """Boxes Nx5 and five points Nx5x2; with `max_num`, the largest (or, by default, largest and central)."""
        boxes = self.detect_boxes(img, input_size, det_thresh)
        if 0 < max_num < len(boxes):
            boxes = boxes[np.argsort(-prominence(boxes, img, metric), kind="stable")[:max_num]]
        points = [self._landmarker.find(img, box[:4]).five for box in boxes]
        return boxes, np.stack(points) if points else np.zeros((0, 5, 2), np.float32)

    def detect_boxes(self, img: Frame, input_size: Size | None = None, det_thresh: float | None = None) -> Floats:
        """Boxes Nx5 (x1, y1, x2, y2, score) float32, best first."""
        size = round_up(input_size or self.input_size)
        threshold = self.det_thresh if det_thresh is None else det_thresh
        return self._run(img, size, None, threshold)

    def detect_within(self, img: Frame, region: Region) -> Floats:
        """Boxes Nx5 in pixels of the whole frame, of the faces in a region; the scale is that of the whole frame."""
        part = cut((img.shape[1], img.shape[0]), region, round_up(self.input_size), CUT_GRID)
        if part is None:
            return np.zeros((0, 5), np.float32)
        return self._run(part.of(img), part.size, part.factor, self.det_thresh, (part.left, part.top))

    def _run(
        self, img: Frame, size: Size, factor: float | None, threshold: float, origin: tuple[int, int] = (0, 0)
    ) -> Floats:
        levels, factor = self._letterbox.fit_levels(img, size, factor)
        scores, offsets = self._session.run(ANSWERS, {"input": levels})
        face = scores[0, :, FACE]
        (chosen,) = (face >= threshold).nonzero()
        if not chosen.size:
            return np.zeros((0, 5), np.float32)
        sides = size[0] / factor, size[1] / factor
        boxes = decode(offsets[0, chosen], anchors(size)[chosen], sides, origin)
        sure: list[float] = face[chosen].tolist()
        kept = suppress_few(boxes, sure, NMS_IOU)
        return np.array([(*boxes[one], sure[one]) for one in kept], np.float32)


def round_up(size: Size) -> Size:
    """Width and height raised to whole cells of the coarsest level."""
    width, height = (-(-side // COARSEST_STRIDE) * COARSEST_STRIDE for side in size)
    return width, height


def prominence(boxes: Floats, img: Frame, metric: str = "default") -> Floats:
    """How much each box looks like the picture's subject, by insightface's rule.

    Area, less twice the squared distance from the picture's centre unless `metric` is "max".
    """
    value = areas(boxes[:, :4])
    if metric == "max":
        return value
    centre = np.array([img.shape[1], img.shape[0]], np.float32) / 2
    offset = (boxes[:, :2] + boxes[:, 2:4]) / 2 - centre
    return np.asarray(value - 2 * (offset**2).sum(axis=1), np.float32)
