"""Fits a frame into a network's input: scaled without distortion to the top left corner, zeros around it.

One resize into a reused canvas and one pass to planar float32; nothing is allocated per frame after the first.
"""

from __future__ import annotations

import cv2
import numpy as np

from models.detections import Floats, Frame

Size = tuple[int, int]
"""Width and height, OpenCV's order."""


class Letterbox:
    """Reusable canvas of one input size. Belongs to one thread."""

    def __init__(self, size: Size, mean: tuple[float, float, float], scale: float, *, rgb: bool) -> None:
        width, height = size
        self._size = size
        self._mean = mean
        self._scale = scale
        self._rgb = rgb
        self._canvas = np.zeros((height, width, 3), np.uint8)
        self._planes = [np.zeros((height, width), np.uint8) for _ in range(3)]
        self._tensor: Floats = np.zeros((1, 3, height, width), np.float32)
        self._used: Size = (0, 0)

    def fit(self, frame: Frame) -> tuple[Floats, float]:
        """Tensor 1x3xHxW = (pixel - mean) * scale, good until the next call, and the factor from frame pixels to input
        pixels."""
        if frame.ndim != 3 or frame.shape[2] != 3 or not frame.size:
            raise ValueError(f"expected a BGR picture HxWx3, got an array of shape {frame.shape}")
        width, height = self._size
        factor = min(width / frame.shape[1], height / frame.shape[0])
        used = (
            min(width, max(1, round(frame.shape[1] * factor))),
            min(height, max(1, round(frame.shape[0] * factor))),
        )
        if used != self._used:
            self._canvas[:] = 0
            self._used = used
        cv2.resize(frame, used, dst=self._canvas[: used[1], : used[0]], interpolation=cv2.INTER_LINEAR)
        self._convert()
        return self._tensor, factor

    def _convert(self) -> None:
        """Canvas to planar float32, in reused memory: cv2.dnn.blobFromImage does the same at several times the cost."""
        cv2.split(self._canvas, self._planes)
        order = (2, 1, 0) if self._rgb else (0, 1, 2)
        for channel, (plane, mean) in enumerate(zip(order, self._mean, strict=True)):
            row = self._tensor[0, channel]
            np.subtract(self._planes[plane], np.float32(mean), out=row, dtype=np.float32)
            np.multiply(row, np.float32(self._scale), out=row)
