"""What a detector returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]
"""An image HxWx3, blue-green-red, as OpenCV reads it."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Boxes Nx4 (x1, y1, x2, y2) float32 in pixels of the frame, and scores N in 0..1, best first."""

    boxes: Floats
    scores: Floats

    def __len__(self) -> int:
        return len(self.scores)

    @staticmethod
    def empty() -> Detections:
        return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
