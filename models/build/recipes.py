"""From verified source files to the bytes of one weight: one recipe per catalogue key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from models.build import onnx_graph
from models.build.calibration_frames import calibration_frames
from models.build.centernet import build_centernet
from models.build.embedder import build_embedder
from models.build.face_detector import build_face_detector
from models.build.person import build_person_float
from models.build.quantise import quantise
from models.catalogue import FACE_DETECTOR, FACE_EMBEDDER, FACE_LANDMARKS, PERSON_DETECTOR, PERSON_DETECTOR_FLOAT
from models.letterbox import Letterbox
from models.persons.geometry import INPUT_SIZE, PIXEL_MEAN

Sources = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Converted:
    """Bytes of the weight file, and a remark for the manifest."""

    data: bytes
    note: str = ""


Recipe = Callable[[Sources], Converted]


def face_detector(sources: Sources) -> Converted:
    return Converted(build_face_detector(sources["model/fr_detect.onnx"]), "cut before decoding, free input size")


def face_landmarks(sources: Sources) -> Converted:
    return Converted(sources["model/fr_landmark.onnx"], "as published")


def face_embedder(sources: Sources) -> Converted:
    return Converted(build_embedder(sources["model/fr_feature.onnx"]), "PRelu rewritten, RGB, free batch")


def person_detector(sources: Sources) -> Converted:
    """int8, with activation ranges from pictures inside installed packages; float where none is installed."""
    model = build_person_float(sources["models/nanodet.json"], sources["models/nanodet.bin"])
    frames = calibration_frames()
    if not frames:
        return Converted(onnx_graph.serialise(model), "float, twice as slow: no calibration pictures installed")
    letterbox = Letterbox(INPUT_SIZE, PIXEL_MEAN, 1.0, rgb=False)
    quantised = quantise(model, ({"input": letterbox.fit(frame)[0]} for frame in frames))
    return Converted(onnx_graph.serialise(quantised), f"int8, calibrated on {len(frames)} frames")


def person_detector_float(sources: Sources) -> Converted:
    model = build_centernet(sources["models/centernet.json"], sources["models/centernet.bin"])
    return Converted(onnx_graph.serialise(model), "float, person class")


RECIPES: Mapping[str, Recipe] = {
    FACE_DETECTOR: face_detector,
    FACE_LANDMARKS: face_landmarks,
    FACE_EMBEDDER: face_embedder,
    PERSON_DETECTOR: person_detector,
    PERSON_DETECTOR_FLOAT: person_detector_float,
}
