"""The face models a site uses, as one bundle: detect, landmarks, align, embed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from insightface.model_zoo import get_model
from insightface.model_zoo.arcface_onnx import ArcFaceONNX
from insightface.utils import face_align

from models.catalogue import FACE_DETECTOR, FACE_EMBEDDER, FACE_LANDMARKS
from models.detections import Detections, Floats, Frame
from models.errors import MisconfiguredError
from models.faces.detector import FaceDetector, RfbFaceDetector
from models.faces.landmarks import FaceLandmarker, FaceLandmarks
from models.letterbox import Size
from models.sessions import CPU, ORT_ERRORS, open_session, session_options, usable_providers
from models.weights import BUILD_COMMAND, weight_path

EMBEDDING_SIZE = 512
ALIGNED_SIDE = 112
DETECTOR_SIZE: Size = (640, 384)
MIN_SCORE = 0.65
NORMALISATION = {"mean": 127, "std": 128}


class FaceModels(Protocol):
    """Everything the pipeline needs for faces. Templates of bundles with different names never compare."""

    @property
    def name(self) -> str: ...

    @property
    def embedding_size(self) -> int: ...

    @property
    def detector(self) -> FaceDetector: ...

    def detect(self, frame: Frame) -> Detections:
        """Face boxes in a BGR frame; cheap, no landmarks."""
        ...

    def landmarks(self, frame: Frame, box: Floats) -> FaceLandmarks:
        """Landmarks of one chosen box (x1, y1, x2, y2)."""
        ...

    def align(self, frame: Frame, five: Floats) -> Frame:
        """112x112x3 BGR crop on ArcFace's template, from five points 5x2."""
        ...

    def embed(self, crops: Sequence[Frame]) -> Floats:
        """Nx512 float32 rows of unit length; their dot product is the cosine."""
        ...


class OnnxFaceModels:
    """`FaceModels` on our built weights; the embedder is insightface's `ArcFaceONNX`. One thread."""

    def __init__(self, name: str, detector: FaceDetector, landmarker: FaceLandmarker, recognizer: ArcFaceONNX) -> None:
        self._name = name
        self._detector = detector
        self._landmarker = landmarker
        self.recognizer = recognizer

    @property
    def name(self) -> str:
        return self._name

    @property
    def embedding_size(self) -> int:
        return EMBEDDING_SIZE

    @property
    def detector(self) -> FaceDetector:
        return self._detector

    def detect(self, frame: Frame) -> Detections:
        found = self._detector.detect_boxes(frame)
        return Detections(found[:, :4], found[:, 4])

    def landmarks(self, frame: Frame, box: Floats) -> FaceLandmarks:
        return self._landmarker.find(frame, box)

    def align(self, frame: Frame, five: Floats) -> Frame:
        return aligned(frame, five)

    def embed(self, crops: Sequence[Frame]) -> Floats:
        if not crops:
            return np.zeros((0, EMBEDDING_SIZE), np.float32)
        return unit_rows(self.recognizer.get_feat(list(crops)))


def aligned(frame: Frame, five: Floats) -> Frame:
    """insightface's `norm_crop`: Umeyama similarity onto ArcFace's 112x112 template."""
    crop: Frame = face_align.norm_crop(frame, landmark=five, image_size=ALIGNED_SIDE)
    return crop


def unit_rows(vectors: Floats) -> Floats:
    """Rows scaled to length one, float32; a zero row stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def load_face_models(
    weights_dir: Path,
    pack: Path | None = None,
    *,
    detector_size: Size = DETECTOR_SIZE,
    min_score: float = MIN_SCORE,
    providers: Sequence[str] = (CPU,),
) -> FaceModels:
    """Our default bundle. MisconfiguredError if a weight is missing or corrupt, or a `pack` is asked for."""
    if pack is not None:
        raise MisconfiguredError(
            f"face pack {pack} refused: insightface's packs are licensed for non-commercial research only, and this "
            "version cannot record a licence of your own; leave the pack out to use the built-in models"
        )
    # insightface 2.1 calls scikit-image the old way; operators cannot act on that warning.
    warnings.filterwarnings("ignore", message="`estimate` is deprecated", category=FutureWarning)
    landmarker = FaceLandmarker(open_session(weight_path(FACE_LANDMARKS, weights_dir), providers))
    session = open_session(weight_path(FACE_DETECTOR, weights_dir), providers)
    detector = RfbFaceDetector(session, landmarker, detector_size, min_score)
    return OnnxFaceModels("faceplugin-512", detector, landmarker, _recognizer(weights_dir, providers))


def _recognizer(weights_dir: Path, providers: Sequence[str]) -> ArcFaceONNX:
    path = weight_path(FACE_EMBEDDER, weights_dir)
    try:
        return get_model(
            str(path),
            model_task="recognition",
            model_metadata={"preprocessing": NORMALISATION},
            providers=usable_providers(providers),
            sess_options=session_options(),
        )
    except (*ORT_ERRORS, DecodeError, ValueError, RuntimeError) as error:
        raise MisconfiguredError(f"weight {path} cannot be loaded ({error}); run `{BUILD_COMMAND}`") from error
