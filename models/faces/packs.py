"""insightface model packs from a local folder, through insightface's own loader, behind `FaceModels`.

Most packs are licensed for non-commercial research only. A pack is used when insightface finds a signed licence for
commercial use in its folder, or when the operator accepts the restriction; it is never downloaded.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from insightface.app import FaceAnalysis
from insightface.model_zoo.arcface_onnx import ArcFaceONNX
from insightface.model_zoo.model_license import inspect_model_package_license

from models.boxes import iou
from models.detections import Detections, Floats, Frame
from models.errors import MisconfiguredError
from models.faces.alignment import aligned, unit_rows
from models.faces.answers import ForgetfulSession
from models.faces.detector import FaceDetector, round_up
from models.faces.landmarks import FaceLandmarks
from models.faces.regions import Region
from models.letterbox import Size
from models.sessions import ORT_ERRORS, session_options, usable_providers
from models.weights import sha256_file

NONCOMMERCIAL = "non-commercial research only (insightface model zoo)"
UNKNOWN = "unknown licence, treated as non-commercial"
KNOWN_PACKS = frozenset({"antelope", "antelopev2", "buffalo_l", "buffalo_m", "buffalo_s", "buffalo_sc"})
KNOWN_FILES = frozenset(
    {
        "det_10g.onnx",
        "det_2.5g.onnx",
        "det_500m.onnx",
        "glintr100.onnx",
        "scrfd_10g_bnkps.onnx",
        "w600k_mbf.onnx",
        "w600k_r50.onnx",
    }
)
"""Names under which insightface publishes its packs and their detectors and embedders."""

PACK_MIN_SCORE = 0.5
PACK_SURE_SCORE = 0.6
SAME_FACE = 0.5
CLOSER_LOOK: Size = (192, 192)
TYPICAL_FIVE = np.array([[0.29, 0.37], [0.71, 0.37], [0.5, 0.56], [0.33, 0.76], [0.67, 0.76]], np.float32)
"""Where eyes, nose and mouth usually lie in a face box: the last resort when the pack finds no points."""


@dataclass(frozen=True, slots=True)
class PackLicence:
    """The terms of a pack in words, and whether a shop may use it without accepting a restriction."""

    terms: str
    commercial: bool


def pack_licence(pack: Path) -> PackLicence:
    """Terms of the pack in this folder: a signed licence if insightface can verify one, else by known names."""
    signed = inspect_model_package_license(pack)
    if signed.commercial_use_permitted:
        return PackLicence(f"commercial, signed licence of {signed.model_id}", commercial=True)
    names = {file.name for file in pack.glob("*.onnx")}
    known = pack.name in KNOWN_PACKS or bool(names & KNOWN_FILES)
    return PackLicence(NONCOMMERCIAL if known else UNKNOWN, commercial=False)


def load_pack(
    pack: Path, accept_noncommercial: bool, detector_size: Size, min_score: float | None, providers: Sequence[str]
) -> PackFaceModels:
    """MisconfiguredError when the folder is no pack, or its licence is not accepted."""
    if not any(pack.glob("*.onnx")):
        raise MisconfiguredError(f"face pack {pack} has no .onnx file; give the folder with the pack's models")
    licence = pack_licence(pack)
    if not licence.commercial and not accept_noncommercial:
        raise MisconfiguredError(
            f"face pack {pack} refused: its licence is {licence.terms}. Leave the pack out to use the built-in models; "
            "if your use is covered, accept it with `accept_noncommercial: true` in the configuration "
            "(--accept-noncommercial in an evaluation)"
        )
    analysis = _analysis(pack, providers)
    detector, recognizer = analysis.models.get("detection"), analysis.models.get("recognition")
    if not isinstance(recognizer, ArcFaceONNX) or detector is None or not detector.use_kps:
        raise MisconfiguredError(
            f"face pack {pack} needs a detector with five points (SCRFD) and an ArcFace-style embedder; "
            f"insightface found {sorted(analysis.models) or 'nothing it knows'}"
        )
    recognizer.session = ForgetfulSession(recognizer.session, int(recognizer.output_shape[-1]))
    score = PACK_MIN_SCORE if min_score is None else min_score
    detector.prepare(-1, input_size=round_up(detector_size), det_thresh=score)
    fingerprint = sha256_file(Path(recognizer.model_file))[:12]
    return PackFaceModels(f"{pack.name}-{fingerprint}", licence, PackDetector(detector), recognizer)


def _analysis(pack: Path, providers: Sequence[str]) -> FaceAnalysis:
    try:
        return FaceAnalysis(
            str(pack.resolve()),
            allowed_modules=["detection", "recognition"],
            providers=usable_providers(providers),
            sess_options=session_options(),
        )
    except (*ORT_ERRORS, AssertionError, AttributeError, DecodeError, IndexError, RuntimeError, ValueError) as error:
        raise MisconfiguredError(f"face pack {pack} cannot be loaded by insightface: {error}") from error


class _Scrfd(Protocol):
    """What we call on insightface's SCRFD."""

    def detect(
        self, img: Frame, input_size: Size | None, max_num: int, metric: str, det_thresh: float | None
    ) -> tuple[Floats, Floats]: ...


class PackDetector:
    """`FaceDetector` on insightface's SCRFD, which finds boxes and points in one run."""

    taskname = "detection"

    def __init__(self, scrfd: _Scrfd) -> None:
        self._scrfd = scrfd

    def detect(
        self,
        img: Frame,
        input_size: Size | None = None,
        max_num: int = 0,
        metric: str = "default",
        det_thresh: float | None = None,
    ) -> tuple[Floats, Floats]:
        size = None if input_size is None else round_up(input_size)
        boxes, points = self._scrfd.detect(img, size, max_num, metric, det_thresh)
        return np.asarray(boxes, np.float32), np.asarray(points, np.float32)

    def detect_boxes(self, img: Frame, input_size: Size | None = None, det_thresh: float | None = None) -> Floats:
        return self.detect(img, input_size, det_thresh=det_thresh)[0]


class PackFaceModels:
    """`FaceModels` on a pack. One thread."""

    def __init__(self, name: str, licence: PackLicence, detector: PackDetector, recognizer: ArcFaceONNX) -> None:
        self.name = name
        self.licence = licence.terms
        self.sure_score = PACK_SURE_SCORE
        self.recognizer = recognizer
        self._detector = detector
        self._seen: tuple[weakref.ref[Frame], Floats, Floats] | None = None

    @property
    def embedding_size(self) -> int:
        return int(self.recognizer.output_shape[-1])

    @property
    def detector(self) -> FaceDetector:
        return self._detector

    def detect(self, frame: Frame, region: Region | None = None) -> Detections:
        """The whole frame always: insightface keeps a session for every input size, and may allow one only."""
        boxes, points = self._detector.detect(frame)
        self._seen = (weakref.ref(frame), boxes, points)
        return Detections(boxes[:, :4], boxes[:, 4])

    def landmarks(self, frame: Frame, box: Floats) -> FaceLandmarks:
        """Points found with the boxes of this frame, else on a closer look, else where they usually are."""
        five = None
        if self._seen is not None and self._seen[0]() is frame:
            five = _points_of(box, self._seen[1], self._seen[2])
        if five is None:
            five = self._look_closer(frame, box)
        if five is None:
            five = box[:2] + TYPICAL_FIVE * (box[2:4] - box[:2])
        return FaceLandmarks(np.asarray(five, np.float32), None)

    def align(self, frame: Frame, five: Floats) -> Frame:
        return aligned(frame, five)

    def embed(self, crops: Sequence[Frame]) -> Floats:
        if not crops:
            return np.zeros((0, self.embedding_size), np.float32)
        fixed = self.recognizer.input_shape[0] == 1
        batches = [[crop] for crop in crops] if fixed else [list(crops)]
        rows = [cast(Floats, self.recognizer.get_feat(batch)) for batch in batches]
        raw = np.concatenate(rows)
        found = unit_rows(raw)
        for answer in (raw, *rows):
            answer.fill(0)  # templates as well, and nobody else would overwrite them
        return found

    def forget_faces(self) -> None:
        self.recognizer.session.overwrite()

    def _look_closer(self, frame: Frame, box: Floats) -> Floats | None:
        half = (box[2:4] - box[:2]) / 2
        corner = np.maximum(box[:2] - half, 0).astype(int)
        end = (box[2:4] + half).astype(int)
        crop = np.ascontiguousarray(frame[corner[1] : end[1], corner[0] : end[0]])
        if not crop.size:
            return None
        boxes, points = self._detector.detect(crop, CLOSER_LOOK)
        five = _points_of(box[:4] - np.tile(corner, 2), boxes, points)
        return None if five is None else five + corner


def _points_of(box: Floats, boxes: Floats, points: Floats) -> Floats | None:
    """The points 5x2 of the box that overlaps best; None when none overlaps enough."""
    if not len(boxes):
        return None
    overlap = iou(np.asarray(box[None, :4], np.float32), boxes[:, :4])[0]
    best = int(np.argmax(overlap))
    return points[best] if overlap[best] >= SAME_FACE else None
