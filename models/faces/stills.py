"""Faces in still photographs (enrolment, evaluation), from close-up selfies to group pictures.

The network has no anchor for a face wider than 256 input pixels, and finds eyes and noses instead of it. So a photo
is searched coarse to fine: each size answers for the faces it shows large enough, and what a finer size finds inside
a face already known is a part of that face.
"""

from __future__ import annotations

import numpy as np

from models.boxes import areas
from models.detections import Floats, Frame
from models.faces.detector import FaceDetector, prominence
from models.letterbox import Size

LONG_SIDES = (192, 384, 640)
SURE_WIDTH = 24.0
"""A face narrower than this at a coarse size, in input pixels, is left to the next finer one."""

INSIDE = 0.6


def still_sizes(height: int, width: int) -> list[Size]:
    """Detector inputs for a photo, coarse to fine: its own shape, enlarged at most to the smallest long side."""
    longest = max(height, width)
    sides = [side for side in LONG_SIDES if side <= longest] or [LONG_SIDES[0]]
    if sides[-1] < min(longest, LONG_SIDES[-1]):
        sides.append(longest)
    return [(round(width * side / longest), round(height * side / longest)) for side in sides]


def still_input_size(height: int, width: int) -> Size:
    """The finest of `still_sizes`, for callers that know the faces are not large in the photo and want one pass."""
    return still_sizes(height, width)[-1]


def detect_still(detector: FaceDetector, photo: Frame, det_thresh: float | None = None) -> Floats:
    """Boxes Nx5 (x1, y1, x2, y2, score) in photo pixels, each face once, coarsest size first."""
    sizes = still_sizes(*photo.shape[:2])
    kept: list[Floats] = []
    for size in sizes:
        factor = max(size) / max(photo.shape[:2])
        for box in detector.detect_boxes(photo, size, det_thresh):
            sure = size == sizes[-1] or (box[2] - box[0]) * factor >= SURE_WIDTH
            if sure and not any(_overlaid(box, other) for other in kept):
                kept.append(box)
    return np.stack(kept) if kept else np.zeros((0, 5), np.float32)


def most_prominent(boxes: Floats, photo: Frame) -> int:
    """Index of the photo's subject among boxes Nx5, N >= 1: large and central."""
    return int(np.argmax(prominence(boxes, photo)))


def _overlaid(box: Floats, other: Floats) -> bool:
    """Whether most of the smaller of two boxes lies in the other."""
    sides = np.maximum(np.minimum(box[2:4], other[2:4]) - np.maximum(box[:2], other[:2]), 0)
    smaller = min(areas(box[None, :4])[0], areas(other[None, :4])[0])
    return bool(sides[0] * sides[1] > INSIDE * smaller)
