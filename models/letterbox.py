"""Fits a picture into a network's input: scaled without distortion to the top left corner, zeros around it.

One resize into a reused canvas and one pass to planar float32; nothing is allocated per picture once the largest
input has been seen.
"""

from __future__ import annotations

import cv2
import numpy as np

from models.detections import Floats, Frame

Size = tuple[int, int]
"""Width and height, OpenCV's order."""


class Letterbox:
    """Reusable memory for inputs up to the largest asked for. Belongs to one thread."""

    def __init__(self, size: Size, mean: tuple[float, float, float], scale: float, *, rgb: bool) -> None:
        self._size = size
        self._mean = mean
        self._scale = scale
        self._rgb = rgb
        self._reserve(size[0] * size[1])

    def fit(self, frame: Frame, size: Size | None = None, factor: float | None = None) -> tuple[Floats, float]:
        """Tensor 1x3xHxW = (pixel - mean) * scale, good until the next call, and the factor from frame pixels to input
        pixels.

        `size` of this input (default: as constructed); `factor` where the picture shall not fill it.
        """
        if frame.ndim != 3 or frame.shape[2] != 3 or not frame.size:
            raise ValueError(f"expected a BGR picture HxWx3, got an array of shape {frame.shape}")
        width, height = size or self._size
        if width * height > self._planes.shape[1]:
            self._reserve(width * height)
        factor = factor or min(width / frame.shape[1], height / frame.shape[0])
        used = (
            min(width, max(1, round(frame.shape[1] * factor))),
            min(height, max(1, round(frame.shape[0] * factor))),
        )
        canvas = self._canvas[: 3 * width * height].reshape(height, width, 3)
        canvas[used[1] :] = 0
        canvas[: used[1], used[0] :] = 0
        cv2.resize(frame, used, dst=canvas[: used[1], : used[0]], interpolation=cv2.INTER_LINEAR)
        return self._planar(canvas), factor

    def _reserve(self, pixels: int) -> None:
        self._canvas = np.zeros(3 * pixels, np.uint8)
        self._planes = np.zeros((3, pixels), np.uint8)
        self._tensor: Floats = np.zeros(3 * pixels, np.float32)

    def _planar(self, canvas: Frame) -> Floats:
        """Canvas to planar float32, in reused memory: cv2.dnn.blobFromImage does the same at several times the cost."""
        height, width = canvas.shape[:2]
        planes = [plane[: width * height].reshape(height, width) for plane in self._planes]
        cv2.split(canvas, planes)
        tensor = self._tensor[: 3 * width * height].reshape(1, 3, height, width)
        order = (2, 1, 0) if self._rgb else (0, 1, 2)
        for channel, (plane, mean) in enumerate(zip(order, self._mean, strict=True)):
            one = planes[plane]
            # The only call that casts, scales and shifts in one pass, on the processor's vector unit.
            cv2.addWeighted(one, self._scale, one, 0.0, -mean * self._scale, tensor[0, channel], cv2.CV_32F)
        return tensor
