"""What the pipeline asks of a bundle of face models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from models.detections import Detections, Floats, Frame
from models.faces.detector import FaceDetector
from models.faces.landmarks import FaceLandmarks
from models.faces.regions import Region


class FaceModels(Protocol):
    """Everything the pipeline needs for faces. Templates of bundles with different names never compare."""

    @property
    def name(self) -> str: ...

    @property
    def licence(self) -> str:
        """Of the embedder, in words; shown to operators."""
        ...

    @property
    def sure_score(self) -> float:
        """Detector score above which a box in video is worth landmarks; detectors differ in scale."""
        ...

    @property
    def embedding_size(self) -> int: ...

    @property
    def detector(self) -> FaceDetector: ...

    def detect(self, frame: Frame, region: Region | None = None) -> Detections:
        """Face boxes in a BGR frame, or at least in this region of it; cheap, no landmarks."""
        ...

    def landmarks(self, frame: Frame, box: Floats) -> FaceLandmarks:
        """Landmarks of one chosen box (x1, y1, x2, y2)."""
        ...

    def align(self, frame: Frame, five: Floats) -> Frame:
        """112x112x3 BGR crop on ArcFace's template, from five points 5x2."""
        ...

    def embed(self, crops: Sequence[Frame]) -> Floats:
        """NxD float32 rows of unit length; their dot product is the cosine."""
        ...

    def forget_faces(self) -> None:
        """Overwrite what the embedder's working memory still holds of faces (one run on a blank picture, if any)."""
        ...
