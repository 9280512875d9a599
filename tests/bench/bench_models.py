"""What our layer adds to a bare onnxruntime session, and what insightface's per-face call costs beside the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import insightface
import numpy as np
import numpy.typing as npt
from insightface.app.common import Face
from measure import Result, cpu_ms, lower_is_better

from models.catalogue import FACE_DETECTOR, PERSON_DETECTOR
from models.errors import ModelError
from models.faces import load_face_models
from models.persons import load_person_detector
from models.sessions import open_session
from models.weights import default_weights_dir, weight_path

FACES = 4
Picture = npt.NDArray[np.uint8]


def run() -> Iterator[Result | str]:
    """Embedding, face detection and person detection on pictures that installed packages carry."""
    try:
        yield from _results()
    except ModelError as error:
        yield str(error)


def _results() -> Iterator[Result]:
    picture = cv2.imread(str(Path(insightface.__file__).parent / "data" / "images" / "t1.jpg"))
    frame = cv2.resize(picture, (1280, 720))
    yield from _faces(frame)
    yield from _persons(frame)


def _faces(frame: Picture) -> Iterator[Result]:
    faces = load_face_models(default_weights_dir())
    boxes, points = faces.detector.detect(frame)
    crops = [faces.align(frame, five) for five in points[:FACES]]
    recognizer = faces.recognizer
    blob = np.concatenate([_blob(crop) for crop in crops])
    found = [Face(bbox=box[:4], kps=five, det_score=box[4]) for box, five in zip(boxes, points, strict=True)][:FACES]

    def one_by_one() -> None:
        for face in found:
            recognizer.get(frame, face)

    def bare() -> None:
        for row in blob:
            recognizer.session.run(recognizer.output_names, {recognizer.input_name: row[None]})

    yield lower_is_better(
        "face embedding",
        "ms/face",
        {
            "ours": lambda: cpu_ms(lambda: faces.embed([faces.align(frame, five) for five in points[:FACES]])) / FACES,
            "peer": lambda: cpu_ms(one_by_one) / FACES,
            "limit": lambda: cpu_ms(bare) / FACES,
        },
        "insightface recognizer.get, face by face",
        "bare onnxruntime session, one face a run",
        rounds=15,
    )
    detect_limit = _bare(FACE_DETECTOR, (1, 3, 384, 640))
    yield lower_is_better(
        "face detection 720p",
        "ms/frame",
        {
            "ours": lambda: cpu_ms(lambda: faces.detect(frame)),
            "peer": lambda: cpu_ms(lambda: faces.detector.detect(frame)),
            "limit": lambda: cpu_ms(detect_limit),
        },
        "insightface's detect: landmarks of every face",
        "bare onnxruntime session",
        rounds=15,
    )


def _persons(frame: Picture) -> Iterator[Result]:
    persons = load_person_detector(default_weights_dir(), network="nanodet")
    network = cv2.dnn.readNetFromONNX(str(weight_path(PERSON_DETECTOR, default_weights_dir())))
    blob = np.zeros((1, 3, 256, 352), np.float32)

    bare = _bare(PERSON_DETECTOR, blob.shape)

    def opencv() -> None:
        network.setInput(blob)
        network.forward(network.getUnconnectedOutLayersNames())

    yield lower_is_better(
        "person detection 720p",
        "ms/frame",
        {
            "ours": lambda: cpu_ms(lambda: persons.detect(frame)),
            "peer": lambda: cpu_ms(opencv),
            "limit": lambda: cpu_ms(bare),
        },
        "cv2.dnn on the same weights, no decoding",
        "bare onnxruntime session",
        rounds=15,
    )


def _bare(key: str, shape: tuple[int, ...]) -> Callable[[], object]:
    session = open_session(weight_path(key, default_weights_dir()))
    entry = session.get_inputs()[0]
    blob = np.zeros(shape, np.uint8 if entry.type == "tensor(uint8)" else np.float32)
    return lambda: session.run(None, {entry.name: blob})


def _blob(crop: Picture) -> npt.NDArray[np.float32]:
    return ((crop[:, :, ::-1].astype(np.float32) - 127) / 128).transpose(2, 0, 1)[None]
