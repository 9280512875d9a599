"""What passes between the stages: frozen and slotted. Images are BGR uint8, boxes (x1, y1, x2, y2) in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from contract.values import Report
from hardware.cameras.base import Picture, image_of
from tracking.values import Box as Box
from tracking.values import Floats as Floats
from tracking.values import Track as Track
from tracking.values import TrackSet as TrackSet

Image = NDArray[np.uint8]
Vector = NDArray[np.float32]
PlanPoint = tuple[float, float]
Outcome = Literal["known", "stranger", "unrecognisable", "refused"]

Emission = Report
"""A contract event a stage wants told; the node wraps it in an envelope and commits it."""


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment on both clocks: monotonic seconds for durations, UTC for what people read."""

    monotonic: float
    wall: datetime

    def at(self, monotonic: float) -> datetime:
        """Wall time of another moment of the same run, seen from this one."""
        return self.wall + timedelta(seconds=monotonic - self.monotonic)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of one camera."""

    camera: str
    picture: Picture
    """BGR, or not yet decoded."""
    captured: Instant

    @property
    def image(self) -> Image:
        """BGR uint8, decoded if need be."""
        return image_of(self.picture)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels; nothing is decoded for it."""
        if isinstance(self.picture, np.ndarray):
            return self.picture.shape[1], self.picture.shape[0]
        return self.picture.size


Spread = tuple[float, float, float]
"""Variances and covariance of a place on the plan: xx, xy, yy, square metres."""


@dataclass(frozen=True, slots=True)
class FloorPosition:
    """Where a floor track stands, metres on the plan. `track` is the anonymous id that may be published."""

    track: str
    point: PlanPoint
    seen_at: float
    """Monotonic."""
    spread: Spread = (0.02, 0.0, 0.02)
    clear: bool = True
    """Seen apart from everybody else in the picture: no box overlaps this one, so it can not have been mixed up."""
    edge: bool = False
    """At the border of the picture: may be about to leave it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """The best subject of a search and the best other subject."""

    subject: str
    similarity: float
    runner_up: float
    """Cosine of the best template of any other subject; -1 when there is none."""

    @property
    def margin(self) -> float:
        """Lead over the runner-up."""
        return self.similarity - self.runner_up


@dataclass(frozen=True, slots=True)
class Decision:
    """What is known about the person of one face track. Carries no vector."""

    outcome: Outcome
    stage: Literal["provisional", "final"]
    subject: str | None = None
    confidence: float = 0.0
    margin: float = 0.0
    reason: str = ""
    first_usable: Instant | None = None
    visit: str | None = None
    """The visit whose check-in is being verified (mode verify)."""
    track: int = 0
    """Face track within its camera: joins a final decision to the provisional one before it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A QR check-in that waits for the face at the marked spot."""

    visit: str
    subject: str
    until: float
    """Monotonic."""
