"""What a usable face is: the one definition, for the pipeline and for the clock that measures how late a name comes.

A face is usable from the first picture in which it
- lies where policy allows it to be looked at (edge.vision.permits),
- was found with a detector score of at least `min_detector_score` (0.9),
- is at least `min_face_px` (30) wide, as the detector draws its box,
- is neither cut by the edge of the picture nor covered by more than a fifth by a nearer face,
- is sharp (edge.vision.quality: a blur of 1/20 of its width is not) and turned by less than 38 degrees, not bowed, and
- whose quality score (size, sharpness, pose) is at least `min_quality` (0.25).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.values import Box, Image
from edge.vision.ports import Landmarks
from edge.vision.quality import Flaw, Pose, before_landmarks, hidden, pose, rate


class Limits(Protocol):
    """The bounds of the definition that an operator may set (edge.config.RecognitionConfig)."""

    @property
    def min_face_px(self) -> float: ...

    @property
    def min_detector_score(self) -> float: ...

    @property
    def min_quality(self) -> float: ...


class Landmarker(Protocol):
    """Finds the five points that the pose is read from."""

    def landmarks(self, frame: Image, box: NDArray[np.float32]) -> Landmarks: ...


@dataclass(frozen=True, slots=True, eq=False)
class UsableFace:
    """Five points (5x2 pixels), the quality, 0..1, and how the head is held."""

    five: NDArray[np.float32]
    quality: float
    pose: Pose


def usable(
    image: Image, box: Box, score: float, nearer: Iterable[Box], limits: Limits, models: Landmarker
) -> UsableFace | Flaw:
    """The face, or what makes it unusable ("": the detector is not sure of it). `nearer`: boxes of other faces."""
    if score < limits.min_detector_score:
        return ""
    if hidden(box, nearer):
        return "hidden"
    flaw, sharp = before_landmarks(image, box, limits.min_face_px)
    if flaw:
        return flaw
    five = models.landmarks(image, np.asarray(box, np.float32)).five
    held = pose(five)
    quality = rate(box[2] - box[0], sharp, held)
    if quality.flaw or quality.score < limits.min_quality:
        return quality.flaw or "blurred"
    return UsableFace(five, quality.score, held)
