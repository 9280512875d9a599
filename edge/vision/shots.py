"""The best shots of one face track: which picture is worth the embedder, and when."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from edge.values import Claim, Image, Instant, Vector
from edge.vision.quality import Flaw

_GOOD = 0.6
"""A first shot this good is embedded at once; a poorer one waits a moment for a better."""
_WAIT_S = 0.3
_APART_S = 0.2
_COMPARABLE = 0.8
"""A further shot must reach this share of the best quality so far: a worse one only dilutes."""


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """An aligned face (112x112 BGR) and how good it is."""

    crop: Image
    quality: float
    taken: Instant


@dataclass(slots=True)
class FaceCase:
    """All that is remembered of one face track. Vectors live here only until the decision."""

    shots_limit: int
    claim: Claim | None = None
    permitted: bool = False
    closed: bool = False
    provisional: str | None = None
    first_usable: Instant | None = None
    flaws: dict[Flaw, int] = field(default_factory=dict)
    denial: str = ""
    waiting: Shot | None = None
    last_embedded: float = -1e9
    best_quality: float = 0.0
    vectors: list[Vector] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    best: float = -1.0
    """Highest similarity to anybody that a 1:N search of this track found; -1 before the first."""

    def flawed(self, flaw: Flaw) -> None:
        """Count an unusable picture, so that the outcome can say why."""
        self.flaws[flaw] = self.flaws.get(flaw, 0) + 1

    def offer(self, shot: Shot) -> None:
        """A usable picture; only the best that waits is kept."""
        self.first_usable = self.first_usable or shot.taken
        if self.waiting is None or shot.quality > self.waiting.quality:
            self.waiting = shot

    def due(self, now: Instant) -> Shot | None:
        """The shot to embed now, if any; it no longer waits afterwards."""
        shot = self.waiting
        if shot is None or self.first_usable is None or len(self.vectors) >= self.shots_limit:
            return None
        if self.vectors:
            ready = now.monotonic - self.last_embedded >= _APART_S and shot.quality >= _COMPARABLE * self.best_quality
        else:
            ready = shot.quality >= _GOOD or now.monotonic - self.first_usable.monotonic >= _WAIT_S
        if not ready:
            return None
        self.waiting = None
        return shot

    def embedded(self, shot: Shot, vector: Vector, now: Instant) -> None:
        """Take in the vector of a shot."""
        self.vectors.append(vector)
        self.weights.append(shot.quality)
        self.best_quality = max(self.best_quality, shot.quality)
        self.last_embedded = now.monotonic

    def main_flaw(self) -> Flaw:
        """What most of the unusable pictures suffered from."""
        return max(self.flaws, key=lambda flaw: self.flaws[flaw], default="")

    def forget(self) -> None:
        """Overwrite and drop every vector and picture (PRIVACY P2)."""
        for vector in self.vectors:
            vector.fill(0)
        if self.waiting is not None:
            self.waiting.crop.fill(0)
        self.vectors.clear()
        self.weights.clear()
        self.waiting = None
        self.best = -1.0
        self.closed = True


def fused(vectors: list[Vector], weights: list[float]) -> Vector:
    """Quality-weighted mean, on purpose not brought back to unit length.

    Its dot product with a template is then the weighted mean of the single cosines, so that a threshold measured
    on single pictures is not loosened by fusing several.
    """
    share = np.asarray(weights, np.float32)
    total = float(share.sum())
    share = share / total if total > 0 else np.full(len(vectors), 1.0 / len(vectors), np.float32)
    stacked = np.stack(vectors)
    mean = np.asarray(share @ stacked, np.float32)
    stacked.fill(0)  # a copy of every vector, and nobody else would overwrite it (PRIVACY P2)
    return mean
