"""Face code around the networks: anchors, decoding, landmarks, alignment, insightface's interface."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("insightface", reason="the face packages are not installed")

from insightface.utils import face_align

from models.errors import MisconfiguredError
from models.faces import (
    FaceLandmarker,
    LivenessJudge,
    NotClaimed,
    RfbFaceDetector,
    enrolment_template,
    enrolment_views,
    load_face_models,
)
from models.faces.alignment import aligned, onto_template, unit_rows
from models.faces.anchors import anchors, decode
from models.faces.detector import round_up
from models.faces.landmarks import landmarks_from_dense
from models.faces.regions import cut
from models.faces.stills import detect_still, most_prominent, still_input_size, still_sizes

Floats = npt.NDArray[np.float32]
ARCFACE = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])


def test_anchors_of_the_published_size_are_those_of_the_published_graph() -> None:
    table = anchors((320, 240))
    assert table.shape == (4420, 4)
    np.testing.assert_allclose(table[0], [0.5 / 40, 0.5 / 30, 10 / 320, 10 / 240], rtol=1e-6)
    assert table.max() <= 1
    with pytest.raises(ValueError, match="read-only"):
        table[0, 0] = 2


def test_zero_offsets_decode_to_the_anchor() -> None:
    boxes = decode(np.zeros((1, 4), np.float32), np.array([[0.5, 0.5, 0.2, 0.4]], np.float32), (100, 200))
    np.testing.assert_allclose(boxes, [[40, 60, 60, 140]], rtol=1e-6)


def test_offsets_move_and_enlarge_the_anchor() -> None:
    """SSD's variances: a tenth of the anchor's side for the centre, e to the fifth for the sides."""
    offsets = np.array([[1, -2, 5 * np.log(2), -5 * np.log(4)]], np.float32)
    (box,) = decode(offsets, np.array([[0.5, 0.5, 0.2, 0.4]], np.float32), (100, 100))
    np.testing.assert_allclose(box, [52 - 20, 42 - 5, 52 + 20, 42 + 5], rtol=1e-5)


class FakeRfb:
    """Faces at given anchor indices with given scores, zero offsets."""

    def __init__(self, faces: Sequence[tuple[int, float]]) -> None:
        self.faces = faces
        self.shapes: list[tuple[int, ...]] = []

    def run(self, _names: Sequence[str], feeds: dict[str, Floats]) -> list[Floats]:
        shape = feeds["input"].shape
        self.shapes.append(shape)
        count = len(anchors((shape[3], shape[2])))
        scores = np.zeros((1, count, 2), np.float32)
        for index, score in self.faces:
            scores[0, index, 1] = score
        return [scores, np.zeros((1, count, 4), np.float32)]


class CountingLandmarker(FaceLandmarker):
    def __init__(self) -> None:
        self.calls = 0

    def find(self, frame: npt.NDArray[np.uint8], box: Floats):  # type: ignore[no-untyped-def]
        self.calls += 1
        return landmarks_from_dense(np.tile((box[:2] + box[2:]) / 2, (68, 1)).astype(np.float32))


SMALL, LARGE = 3 * (40 * 80 // 2 + 40) + 2, 3 * 80 * 48 + 2 * 40 * 24 + 2 * (12 * 20 // 2 + 10) + 1
"""Anchors near the centre of a 640x384 input, 24 and 96 pixels wide."""


def detector(faces: Sequence[tuple[int, float]]) -> tuple[RfbFaceDetector, FakeRfb, CountingLandmarker]:
    session, landmarker = FakeRfb(faces), CountingLandmarker()
    return RfbFaceDetector(session, landmarker, (640, 384), 0.6), session, landmarker  # type: ignore[arg-type]


FRAME = np.zeros((768, 1280, 3), np.uint8)


def test_boxes_come_back_in_frame_pixels_without_landmarks() -> None:
    subject, session, landmarker = detector([(LARGE, 0.9), (SMALL, 0.7), (5, 0.3)])
    boxes = subject.detect_boxes(FRAME)
    assert session.shapes == [(1, 3, 384, 640)]
    np.testing.assert_allclose(boxes[:, 4], [0.9, 0.7])
    np.testing.assert_allclose(boxes[:, 2] - boxes[:, 0], [192, 48], rtol=1e-4)
    assert landmarker.calls == 0


def test_insightface_interface_gives_points_for_every_box() -> None:
    subject, _, landmarker = detector([(LARGE, 0.9), (SMALL, 0.7)])
    boxes, points = subject.detect(FRAME)
    assert (boxes.shape, points.shape, landmarker.calls) == ((2, 5), (2, 5, 2), 2)
    boxes, points = subject.detect(FRAME, max_num=1, metric="max")
    assert (len(boxes), landmarker.calls) == (1, 3)
    assert boxes[0, 2] - boxes[0, 0] == pytest.approx(192, rel=1e-4)
    assert subject.detect(FRAME, det_thresh=0.95)[1].shape == (0, 5, 2)
    assert len(subject.detect_boxes(FRAME, det_thresh=0.8)) == 1


def test_a_region_is_looked_at_in_the_frames_scale_and_answers_in_its_pixels() -> None:
    subject, session, _ = detector([(0, 0.9)])
    found = subject.detect_within(FRAME, (300, 140, 420, 250))
    assert session.shapes == [(1, 3, 64, 96)]  # cells of 64 frame pixels: 256 to 448, 128 to 256
    centre = (found[0, :2] + found[0, 2:4]) / 2
    np.testing.assert_allclose(centre, [256 + 2 * 4, 128 + 2 * 4], atol=2)
    subject.detect_within(FRAME, (-50, -50, 5000, 5000))
    assert session.shapes[-1] == (1, 3, 384, 640)
    assert subject.detect_within(FRAME, (2000, 0, 2100, 100)).shape == (0, 5)


@given(
    frame=st.tuples(st.integers(64, 4000), st.integers(64, 4000)),
    corner=st.tuples(st.floats(-200, 4000), st.floats(-200, 4000)),
    sides=st.tuples(st.floats(1, 3000), st.floats(1, 3000)),
)
def test_a_cut_covers_its_region_at_one_scale(
    frame: tuple[int, int], corner: tuple[float, float], sides: tuple[float, float]
) -> None:
    x1, y1, x2, y2 = corner[0], corner[1], corner[0] + sides[0], corner[1] + sides[1]
    part = cut(frame, (x1, y1, x2, y2), (640, 384), 64)
    if part is None:
        assert x1 >= frame[0] or y1 >= frame[1] or x2 <= 0 or y2 <= 0
        return
    assert 0 <= part.left <= max(x1, 0) + 1
    assert 0 <= part.top <= max(y1, 0) + 1
    assert min(x2, frame[0]) - 1 <= part.right <= frame[0]
    assert min(y2, frame[1]) - 1 <= part.bottom <= frame[1]
    assert part.size[0] % 64 == 0 == part.size[1] % 64
    assert part.size[0] <= 640
    assert part.size[1] <= 384
    assert (part.right - part.left) * part.factor <= part.size[0] + part.factor + 1
    assert (part.bottom - part.top) * part.factor <= part.size[1] + part.factor + 1


def test_input_size_is_rounded_up_to_whole_cells() -> None:
    subject, session, _ = detector([])
    subject.detect_boxes(FRAME, input_size=(200, 100))
    assert session.shapes == [(1, 3, 128, 256)]
    assert round_up((640, 384)) == (640, 384)


def test_no_face_gives_empty_arrays_of_the_right_shape() -> None:
    subject, _, _ = detector([])
    boxes, points = subject.detect(FRAME)
    assert (boxes.shape, points.shape) == ((0, 5), (0, 5, 2))


@given(height=st.integers(1, 5000), width=st.integers(1, 5000))
def test_still_sizes_go_from_coarse_to_the_photos_own_within_limits(height: int, width: int) -> None:
    sizes = still_sizes(height, width)
    sides = [max(size) for size in sizes]
    assert sides == sorted(set(sides))
    assert sides[0] == 192
    assert sides[-1] == min(max(192, height, width), 640)
    assert still_input_size(height, width) == sizes[-1]
    for w, h in sizes:
        assert abs(w / max(w, h) - width / max(width, height)) <= 1 / 192


class FakeStillDetector:
    """Boxes by long side of the input, in photo pixels."""

    def __init__(self, found: dict[int, list[list[float]]]) -> None:
        self.found = found

    def detect_boxes(self, _photo: object, size: tuple[int, int], _threshold: float | None) -> Floats:
        return np.array(self.found.get(max(size), []), np.float32).reshape(-1, 5)


def test_a_close_up_is_one_face_though_finer_sizes_see_eyes_and_a_nose_in_it() -> None:
    close_up = [100.0, 100.0, 900.0, 1000.0, 0.95]
    parts = [[300.0, 400.0, 400.0, 480.0, 1.0], [450.0, 500.0, 560.0, 640.0, 1.0]]
    bystander = [950.0, 40.0, 1000.0, 100.0, 0.9]
    subject = FakeStillDetector({192: [close_up], 384: parts, 640: [*parts, bystander]})
    boxes = detect_still(subject, np.zeros((1100, 1100, 3), np.uint8))  # type: ignore[arg-type]
    np.testing.assert_array_equal(boxes, np.array([close_up, bystander], np.float32))
    assert most_prominent(boxes, np.zeros((1100, 1100, 3), np.uint8)) == 0


def test_a_small_face_is_measured_at_the_finer_size() -> None:
    coarse, fine = [500.0, 500.0, 560.0, 580.0, 0.7], [510.0, 505.0, 565.0, 575.0, 0.99]
    subject = FakeStillDetector({192: [coarse], 640: [fine]})
    boxes = detect_still(subject, np.zeros((800, 1100, 3), np.uint8))  # type: ignore[arg-type]
    np.testing.assert_array_equal(boxes, np.array([fine], np.float32))
    assert detect_still(FakeStillDetector({}), np.zeros((80, 90, 3), np.uint8)).shape == (0, 5)  # type: ignore[arg-type]


def test_five_points_from_68() -> None:
    dense = np.arange(136, dtype=np.float32).reshape(68, 2)
    five = landmarks_from_dense(dense).five
    np.testing.assert_allclose(five[2], dense[30])
    np.testing.assert_allclose(five[0], dense[[37, 38, 40, 41]].mean(axis=0))
    assert five.dtype == np.float32


class FakeLandmarkNet:
    def __init__(self) -> None:
        self.crops: list[Floats] = []

    def get_inputs(self) -> list[object]:
        return [type("Input", (), {"name": "input"})]

    def run(self, _names: None, feeds: dict[str, Floats]) -> list[Floats]:
        self.crops.append(feeds["input"])
        return [np.full((1, 136), 0.5, np.float32)]


def test_landmarks_are_relative_to_the_box_inside_the_frame() -> None:
    net = FakeLandmarkNet()
    landmarker = FaceLandmarker(net)  # type: ignore[arg-type]
    found = landmarker.find(np.full((100, 100, 3), 128, np.uint8), np.array([-20, 10, 40, 50], np.float32))
    np.testing.assert_allclose(found.five, np.tile([20, 30], (5, 1)))
    assert net.crops[0].shape == (1, 1, 64, 64)
    np.testing.assert_allclose(net.crops[0], 0.5)


@pytest.mark.parametrize("box", [[10, 10, 12, 12], [200, 200, 300, 300], [50, 50, 10, 10]])
def test_a_box_without_area_runs_no_network(box: list[float]) -> None:
    net = FakeLandmarkNet()
    found = FaceLandmarker(net).find(np.zeros((100, 100, 3), np.uint8), np.array(box, np.float32))  # type: ignore[arg-type]
    assert net.crops == []
    assert found.five.shape == (5, 2)


@pytest.mark.filterwarnings("ignore:`estimate` is deprecated")
def test_alignment_puts_the_points_on_arcfaces_template() -> None:
    """A frame with a dot at each point, turned and scaled: after alignment the dots lie on the template."""
    angle, scale = np.deg2rad(25), 2.5
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = ARCFACE @ turn.T + [200, 60]
    frame = np.zeros((500, 500, 3), np.uint8)
    for x, y in points:
        frame[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3] = 255
    crop = aligned(frame, points.astype(np.float32))
    assert crop.shape == (112, 112, 3)
    for x, y in ARCFACE:
        assert crop[round(y), round(x)].max() > 100


def test_unit_rows() -> None:
    rows = unit_rows(np.array([[3, 4], [0, 0]], np.float32))
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0, 0]])
    assert rows.dtype == np.float32


def test_missing_weights_are_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredError, match=r"face_landmarks\.onnx is missing; run"):
        load_face_models(tmp_path)


@pytest.mark.filterwarnings("ignore:`estimate` is deprecated")
def test_a_small_face_is_enlarged_sharper_than_linearly_and_a_large_one_as_insightface_does() -> None:
    rng = np.random.default_rng(5)
    texture = rng.integers(0, 255, (60, 60, 3)).astype(np.uint8)
    small = (ARCFACE * 0.25 + 10).astype(np.float32)
    large = (ARCFACE * 1.5 + 0.3).astype(np.float32)
    frame = np.kron(texture, np.ones((4, 4, 1), np.uint8))

    def contrast(picture: npt.NDArray[np.uint8]) -> float:
        return float(picture.astype(float).std())

    assert contrast(aligned(texture, small)) > 1.15 * contrast(face_align.norm_crop(texture, landmark=small))
    insightface = face_align.norm_crop(frame, landmark=large)
    # The two estimates round differently in the last digit: a point on the edge of a pixel may fall to either side.
    assert np.mean(aligned(frame, large) != insightface) < 0.02


@pytest.mark.filterwarnings("ignore:`estimate` is deprecated")
def test_the_similarity_is_insightfaces_for_any_five_points() -> None:
    rng = np.random.default_rng(6)
    for _ in range(100):
        scale, turn, shift = rng.uniform(0.2, 4), rng.uniform(-2, 2), rng.uniform(0, 900, 2)
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        five = (scale * (ARCFACE + rng.normal(0, 4, (5, 2))) @ rotation + shift).astype(np.float32)
        np.testing.assert_allclose(onto_template(five), face_align.estimate_norm(five, 112), rtol=1e-3, atol=2e-3)
    assert np.isfinite(onto_template(np.ones((5, 2), np.float32))).all()


class CornerEmbedder:
    """Embeds a crop as the brightness of its left half, of its right half, and its finest detail."""

    def embed(self, crops: Sequence[npt.NDArray[np.uint8]]) -> Floats:
        rows = [[crop[:, :56].mean(), crop[:, 56:].mean(), crop.astype(float).std()] for crop in crops]
        return unit_rows(np.array(rows, np.float32))


def test_enrolment_views_are_the_crop_its_mirror_and_a_coarse_copy() -> None:
    crop = np.random.default_rng(2).integers(0, 255, (112, 112, 3)).astype(np.uint8)
    crop[:, :56] //= 4
    same, mirrored, far = enrolment_views(crop)
    np.testing.assert_array_equal(same, crop)
    np.testing.assert_array_equal(mirrored[:, ::-1], crop)
    assert far.shape == crop.shape
    assert far[:, :50].astype(float).std() < 0.5 * crop[:, :50].astype(float).std(), (
        "detail below a pixel of 28 is gone"
    )
    template = enrolment_template(CornerEmbedder(), crop)  # type: ignore[arg-type]
    assert np.linalg.norm(template) == pytest.approx(1, abs=1e-5)
    single = CornerEmbedder().embed([crop])[0]
    assert abs(template[0] - template[1]) < abs(single[0] - single[1]), "the mirror image evens out the sides"


def test_liveness_is_unmeasured_by_default() -> None:
    judge: LivenessJudge = NotClaimed()
    verdict = judge.judge(FRAME, np.array([0, 0, 10, 10], np.float32))
    assert (verdict.verdict, verdict.score) == ("unmeasured", None)
