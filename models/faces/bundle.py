"""The face models a site uses, as one bundle: detect, landmarks, align, embed."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from insightface.model_zoo import get_model
from insightface.model_zoo.arcface_onnx import ArcFaceONNX

from models.catalogue import FACE_BUNDLE, FACE_DETECTOR, FACE_EMBEDDER, FACE_LANDMARKS, model
from models.detections import Detections, Floats, Frame
from models.errors import MisconfiguredError
from models.faces.alignment import aligned
from models.faces.answers import ForgetfulSession
from models.faces.detector import FaceDetector, RfbFaceDetector
from models.faces.landmarks import FaceLandmarker, FaceLandmarks
from models.faces.protocol import FaceModels
from models.faces.regions import Region
from models.letterbox import Size
from models.sessions import CPU, ORT_ERRORS, open_session, session_options, usable_providers
from models.weights import BUILD_COMMAND, weight_path

EMBEDDING_SIZE = 512
DETECTOR_SIZE: Size = (640, 384)
MIN_SCORE = 0.65
SURE_SCORE = 0.9
NORMALISATION = {"mean": 127, "std": 128}


class OnnxFaceModels:
    """`FaceModels` on our built weights; the embedder is insightface's `ArcFaceONNX`. One thread."""

    def __init__(
        self, name: str, detector: RfbFaceDetector, landmarker: FaceLandmarker, recognizer: ArcFaceONNX
    ) -> None:
        self._name = name
        self._detector = detector
        self._landmarker = landmarker
        self.recognizer = recognizer

    @property
    def name(self) -> str:
        return self._name

    @property
    def licence(self) -> str:
        return model(FACE_EMBEDDER).package.licence

    @property
    def sure_score(self) -> float:
        return SURE_SCORE

    @property
    def embedding_size(self) -> int:
        return EMBEDDING_SIZE

    @property
    def detector(self) -> FaceDetector:
        return self._detector

    def detect(self, frame: Frame, region: Region | None = None) -> Detections:
        detector = self._detector
        found = detector.detect_boxes(frame) if region is None else detector.detect_within(frame, region)
        return Detections(found[:, :4], found[:, 4])

    def landmarks(self, frame: Frame, box: Floats) -> FaceLandmarks:
        return self._landmarker.find(frame, box)

    def align(self, frame: Frame, five: Floats) -> Frame:
        return aligned(frame, five)

    def embed(self, crops: Sequence[Frame]) -> Floats:
        rows = np.empty((len(crops), EMBEDDING_SIZE), np.float32)
        for row, crop in zip(rows, crops, strict=True):
            _normalise(crop, self.recognizer.session.picture((3, *crop.shape[:2])))
            raw = self.recognizer.session.answer()
            np.multiply(raw, 1 / max(math.sqrt(raw @ raw), 1e-12), out=row)
            raw.fill(0)  # it is a template as well
        return rows

    def forget_faces(self) -> None:
        self.recognizer.session.overwrite()


def _normalise(crop: Frame, into: Floats) -> None:
    """What insightface's `get_feat` does to a picture before the network."""
    scale, shift = 1 / NORMALISATION["std"], -NORMALISATION["mean"] / NORMALISATION["std"]
    for plane, target in zip(reversed(cv2.split(crop)), into, strict=True):
        cv2.addWeighted(plane, scale, plane, 0.0, shift, target, cv2.CV_32F)
        plane.fill(0)


def load_face_models(
    weights_dir: Path,
    pack: Path | None = None,
    *,
    accept_noncommercial: bool = False,
    detector_size: Size = DETECTOR_SIZE,
    min_score: float | None = None,
    providers: Sequence[str] = (CPU,),
) -> FaceModels:
    """Our bundle, or an insightface `pack` (a folder). MisconfiguredError names a faulty weight or a refused licence.

    `min_score` None takes the detector's own default: 0.65 of ours, 0.5 of a pack.
    """
    # insightface 2.1 calls scikit-image the old way; operators cannot act on that warning.
    warnings.filterwarnings("ignore", message="`estimate` is deprecated", category=FutureWarning)
    if pack is not None:
        from models.faces.packs import load_pack

        return load_pack(pack, accept_noncommercial, detector_size, min_score, providers)
    landmarker = FaceLandmarker(open_session(weight_path(FACE_LANDMARKS, weights_dir), providers))
    session = open_session(weight_path(FACE_DETECTOR, weights_dir), providers)
    detector = RfbFaceDetector(session, landmarker, detector_size, MIN_SCORE if min_score is None else min_score)
    return OnnxFaceModels(FACE_BUNDLE, detector, landmarker, _recognizer(weights_dir, providers))


def _recognizer(weights_dir: Path, providers: Sequence[str]) -> ArcFaceONNX:
    path = weight_path(FACE_EMBEDDER, weights_dir)
    try:
        recognizer = get_model(
            str(path),
            model_task="recognition",
            model_metadata={"preprocessing": NORMALISATION},
            providers=usable_providers(providers),
            sess_options=session_options(),
        )
    except (*ORT_ERRORS, DecodeError, ValueError, RuntimeError) as error:
        raise MisconfiguredError(f"weight {path} cannot be loaded ({error}); run `{BUILD_COMMAND}`") from error
    recognizer.session = ForgetfulSession(recognizer.session, EMBEDDING_SIZE)
    return recognizer
