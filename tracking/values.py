"""What a tracker answers. Boxes are (x1, y1, x2, y2) in pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Track:
    """A confirmed track. `seen`: matched to a detection in this very step (else the box is predicted)."""

    id: int
    box: Box
    score: float
    seen: bool
    last_seen: float
    """Monotonic."""

    @property
    def centre(self) -> tuple[float, float]:
        """Middle of the box, pixels."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2

    @property
    def foot(self) -> tuple[float, float]:
        """Where the person stands: middle of the lower edge, pixels."""
        return (self.box[0] + self.box[2]) / 2, self.box[3]

    @property
    def width(self) -> float:
        """Pixels."""
        return self.box[2] - self.box[0]


@dataclass(frozen=True, slots=True)
class TrackSet:
    """Confirmed tracks after a step, and the ids of those that ended in it."""

    tracks: tuple[Track, ...] = ()
    ended: tuple[int, ...] = ()
