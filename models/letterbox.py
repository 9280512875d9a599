"""Fits a picture into a network's input: scaled without distortion to the top left corner, zeros around it.

One resize into a reused canvas and one pass to planes; nothing is allocated per picture once the largest input has
been seen.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from models.detections import Floats, Frame

Levels = npt.NDArray[np.uint8]
"""Planes 1x3xHxW."""

Size = tuple[int, int]
"""Width and height, OpenCV's order."""


class Letterbox:
    """Reusable memory for inputs up to the largest asked for. Belongs to one thread."""

    def __init__(
        self, size: Size, mean: tuple[float, float, float] = (0, 0, 0), scale: float = 1.0, *, rgb: bool
    ) -> None:
        self._size = size
        self._mean = mean
        self._scale = scale
        self._rgb = rgb
        self._tensor: Floats = np.zeros(0, np.float32)
        self._pixels = 0
        self._reserve(size[0] * size[1])

    def fit(self, frame: Frame) -> tuple[Floats, float]:
        """Tensor 1x3xHxW = (pixel - mean) * scale, good until the next call, and the factor from frame pixels to input
        pixels."""
        levels, factor = self.fit_levels(frame)
        if self._tensor.size < levels.size:
            self._tensor = np.zeros(levels.size, np.float32)
        tensor = self._tensor[: levels.size].reshape(levels.shape)
        for channel, shift in enumerate(self._mean):
            one = levels[0, channel]
            # The only call that casts, scales and shifts in one pass, on the processor's vector unit; cv2.dnn's
            # blobFromImage does the same at several times the cost.
            cv2.addWeighted(one, self._scale, one, 0.0, -shift * self._scale, tensor[0, channel], cv2.CV_32F)
        return tensor, factor

    def fit_levels(self, frame: Frame, size: Size | None = None, factor: float | None = None) -> tuple[Levels, float]:
        """As `fit` without mean and scale, uint8: for a network that normalises by itself.

        `size` of this input (default: as constructed); `factor` where the picture shall not fill it.
        """
        if frame.ndim != 3 or frame.shape[2] != 3 or not frame.size:
            raise ValueError(f"expected a BGR picture HxWx3, got an array of shape {frame.shape}")
        width, height = size or self._size
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
        levels = self._levels[: 3 * width * height].reshape(1, 3, height, width)
        planes = list(levels[0])
        cv2.split(canvas, planes[::-1] if self._rgb else planes)
        return levels, factor

    def _reserve(self, pixels: int) -> None:
        if pixels > self._pixels:
            self._pixels = pixels
            self._canvas = np.zeros(3 * pixels, np.uint8)
            self._levels = np.zeros(3 * pixels, np.uint8)
