"""What the face stages ask of the models; `models.faces.FaceModels` offers it, tests offer fakes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.values import Box, Candidate, Decision, Image, Instant, Track, Vector
from models.detections import Detections


class Landmarks(Protocol):
    """Five points, 5x2 float32 pixels: eyes, nose, corners of the mouth, left of the picture first."""

    @property
    def five(self) -> NDArray[np.float32]: ...


class FaceEngine(Protocol):
    """Detection, landmarks, alignment and embedding of faces in BGR pictures."""

    @property
    def name(self) -> str:
        """Names the embedder: a certificate holds for one."""
        ...

    @property
    def sure_score(self) -> float:
        """Detector score above which a box is worth landmarks; detectors differ in scale."""
        ...

    def detect(self, frame: Image, region: Box | None = None) -> Detections:
        """Faces of a frame, or at least those in this region of it (pixels)."""
        ...

    def landmarks(self, frame: Image, box: NDArray[np.float32]) -> Landmarks: ...

    def align(self, frame: Image, five: NDArray[np.float32]) -> Image: ...

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]: ...

    def forget_faces(self) -> None:
        """Overwrite what is left of faces in working memory; cheap when none was embedded since."""
        ...


class TrackWatch(Protocol):
    """Looks on while faces are decided: evaluations count with it. Gets no picture and no vector."""

    def looked(
        self, track: Track, size: tuple[int, int], embedded: Sequence[tuple[float, float]], now: Instant
    ) -> None:
        """A person (`track.id` is that of their decisions) was seen in a picture of this width and height; `embedded`:
        the middle (x, y, pixels) of each face for which this look called the embedder."""
        ...

    def decided(self, decision: Decision, now: Instant) -> None:
        """A decision, provisional or final."""
        ...


class Templates(Protocol):
    """What a decision asks of the gallery."""

    @property
    def templates(self) -> int: ...

    @property
    def version(self) -> int:
        """Another number after every change of what is held."""
        ...

    def search(self, vector: Vector) -> Candidate | None:
        """Best subject and lead over the next one; None when the gallery is empty."""
        ...

    def verify(self, subject: str, vector: Vector) -> float | None:
        """Best cosine with this subject's templates; None when there are none."""
        ...
