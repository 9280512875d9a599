from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.boxes import iou, suppress, suppress_few
from models.detections import Detections
from models.errors import MisconfiguredError
from models.letterbox import Letterbox
from models.persons import load_person_detector
from models.persons.centernet import CenterNetPerson
from models.persons.geometry import DISTANCE_BINS, INPUT_SIZE, STRIDES, distances_name, scores_name
from models.persons.nanodet import NanoDetPerson
from models.processor import int8_dot_products, person_detector_key
from models.sessions import CPU, open_session, session_options, usable_providers

ROOT = Path(__file__).parents[3]
Floats = npt.NDArray[np.float32]


@pytest.mark.parametrize("module", ["models", "models.persons", "models.evaluation.persons", "models.build.recipes"])
def test_no_face_module_is_imported_outside_models_faces(module: str) -> None:
    """PRIVACY P9: run in a fresh interpreter in which insightface cannot be imported at all."""
    code = f"import sys; sys.modules['insightface'] = None; import {module}; assert 'models.faces' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_sessions_use_one_thread_and_fall_back_to_the_cpu() -> None:
    options = session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert usable_providers(["NoSuchExecutionProvider", CPU]) == [CPU]


@pytest.mark.parametrize("content", [None, b"", b"garbage that is no protobuf", b"\x08\x07"])
def test_a_corrupt_weight_is_a_clear_message(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "w.onnx"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(MisconfiguredError, match=r"w\.onnx .*run `python -m models build`"):
        open_session(file)


def test_person_detector_without_weights_is_a_clear_message(tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredError, match=r"person_detector\.onnx is missing"):
        load_person_detector(tmp_path, network="nanodet")
    with pytest.raises(MisconfiguredError, match=r"person_detector_float\.onnx is missing"):
        load_person_detector(tmp_path, network="centernet")


@pytest.mark.parametrize(
    ("cpuinfo", "key"),
    [
        ("flags\t\t: fpu avx2 avx512_vnni\n" * 2, "person-detector"),
        ("flags\t\t: fpu avx2 avx_vnni\n", "person-detector"),
        ("Features\t: fp asimd asimddp\n", "person-detector"),
        ("Features\t: fp asimd asimddp\n\nFeatures\t: fp asimd\n", "person-detector-float"),
        ("flags\t\t: fpu avx2 avx512f\n", "person-detector-float"),
        ("model name : a processor that keeps silent\n", "person-detector"),
        (None, "person-detector"),
    ],
)
def test_the_processor_chooses_the_network(tmp_path: Path, cpuinfo: str | None, key: str) -> None:
    file = tmp_path / "cpuinfo"
    if cpuinfo is not None:
        file.write_text(cpuinfo)
    assert person_detector_key("auto", lambda: int8_dot_products(file)) == key
    assert person_detector_key("centernet", lambda: True) == "person-detector-float", "a configuration overrules it"
    assert person_detector_key("nanodet", lambda: False) == "person-detector"


boxes_strategy = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(1, 30), st.integers(1, 30), st.integers(0, 100)),
    max_size=20,
)


@settings(max_examples=80, deadline=None)
@given(boxes_strategy, st.floats(0.1, 0.9))
def test_suppression_keeps_no_two_that_overlap_and_drops_none_that_stand_alone(
    entries: list[tuple[int, int, int, int, int]], limit: float
) -> None:
    boxes = np.array([(x, y, x + w, y + h) for x, y, w, h, _ in entries], np.float32).reshape(-1, 4)
    scores = np.array([score / 100 for *_, score in entries], np.float32)
    overlap, rounding = iou(boxes, boxes), 1e-6
    few = suppress_few([(x1, y1, x2, y2) for x1, y1, x2, y2 in boxes.tolist()], scores.tolist(), limit)
    for kept in (suppress(boxes, scores, limit).tolist(), few):
        assert list(scores[kept]) == sorted(scores[kept], reverse=True)
        for position, index in enumerate(kept):
            assert all(overlap[index, other] <= limit + rounding for other in kept[position + 1 :])
        for dropped in set(range(len(boxes))) - set(kept):
            assert any(
                overlap[dropped, index] > limit - rounding and scores[index] >= scores[dropped] for index in kept
            )


def test_iou_of_known_boxes() -> None:
    box = np.array([[0, 0, 2, 2]], np.float32)
    others = np.array([[0, 0, 2, 2], [1, 0, 3, 2], [5, 5, 6, 6], [1, 1, 1, 1]], np.float32)
    np.testing.assert_allclose(iou(box, others), [[1, 1 / 3, 0, 0]], atol=1e-6)
    assert iou(np.zeros((0, 4), np.float32), others).shape == (0, 4)


@settings(max_examples=30, deadline=None)
@given(width=st.integers(1, 300), height=st.integers(1, 300))
def test_letterbox_keeps_proportions_and_leaves_nothing_of_the_last_frame(width: int, height: int) -> None:
    letterbox = Letterbox((64, 48), (10.0, 20.0, 30.0), 0.5, rgb=False)
    letterbox.fit(np.full((48, 64, 3), 255, np.uint8))
    tensor, factor = letterbox.fit(np.full((height, width, 3), (10, 20, 30), np.uint8))
    assert tensor.shape == (1, 3, 48, 64)
    assert factor == pytest.approx(min(64 / width, 48 / height))
    used_w, used_h = max(1, round(width * factor)), max(1, round(height * factor))
    np.testing.assert_array_equal(tensor[0, :, :used_h, :used_w], 0)
    np.testing.assert_array_equal(tensor[0, 2, used_h:], -15)
    np.testing.assert_array_equal(tensor[0, 2, :, used_w:], -15)


def test_letterbox_channel_order() -> None:
    blue = np.zeros((4, 4, 3), np.uint8)
    blue[..., 0] = 200
    for rgb, channel in ((False, 0), (True, 2)):
        tensor, _ = Letterbox((4, 4), (0.0, 0.0, 0.0), 1.0, rgb=rgb).fit(blue)
        assert tensor[0, channel].min() == 200
        assert tensor[0].sum() == 200 * 16


class FakeNanoDet:
    """Answers as the network would for given cells: (stride, row, column, score, sides in strides)."""

    def __init__(self, cells: Sequence[tuple[int, int, int, float, tuple[int, int, int, int]]]) -> None:
        self.cells = cells
        self.inputs: list[Floats] = []

    def run(self, names: Sequence[str], feeds: dict[str, Floats]) -> list[Floats]:
        self.inputs.append(feeds["input"])
        outputs = {}
        for stride in STRIDES:
            columns, rows = INPUT_SIZE[0] // stride, INPUT_SIZE[1] // stride
            scores = np.zeros((1, columns * rows, 1), np.float32)
            distances = np.zeros((1, columns * rows, 4, DISTANCE_BINS), np.float32)
            for _, row, column, score, sides in (cell for cell in self.cells if cell[0] == stride):
                scores[0, row * columns + column] = score
                for side, bins in enumerate(sides):
                    distances[0, row * columns + column, side, bins] = 50
            outputs[scores_name(stride)] = scores
            outputs[distances_name(stride)] = distances.reshape(1, -1, 4 * DISTANCE_BINS)
        return [outputs[name] for name in names]


def test_nanodet_decodes_cells_to_frame_pixels() -> None:
    """A frame twice the input's size: boxes come back doubled, clipped to the frame."""
    session = FakeNanoDet([(8, 10, 20, 0.9, (2, 3, 2, 3)), (32, 0, 0, 0.6, (10, 10, 1, 1)), (16, 1, 1, 0.1, (1,) * 4)])
    found = NanoDetPerson(session, 0.2).detect(np.zeros((512, 704, 3), np.uint8))  # type: ignore[arg-type]
    assert isinstance(found, Detections)
    np.testing.assert_allclose(found.scores, [0.9, 0.6])
    x, y = (20 + 0.5) * 8 - 0.5, (10 + 0.5) * 8 - 0.5
    np.testing.assert_allclose(found.boxes[0], np.array([x - 16, y - 24, x + 16, y + 24]) * 2, atol=1e-2)
    assert found.boxes[1][:2].tolist() == [0, 0]


def test_nanodet_with_nobody_there() -> None:
    found = NanoDetPerson(FakeNanoDet([]), 0.2).detect(np.zeros((480, 640, 3), np.uint8))  # type: ignore[arg-type]
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)


def test_letterbox_accepts_a_view_of_a_larger_frame() -> None:
    """Cameras hand over crops; a strided view must not be read as if it were packed."""
    frame = np.random.default_rng(0).integers(0, 255, (100, 120, 3), np.uint8)
    view = frame[10:58, 20:84]
    letterbox = Letterbox((64, 48), (0.0, 0.0, 0.0), 1.0, rgb=False)
    tensor, _ = letterbox.fit(view)
    np.testing.assert_array_equal(tensor[0].transpose(1, 2, 0).astype(np.uint8), cv2.resize(view.copy(), (64, 48)))


@pytest.mark.parametrize("shape", [(10, 10), (10, 10, 4), (0, 10, 3), (10, 0, 3), (1, 10, 10, 3)])
def test_letterbox_refuses_what_is_no_colour_picture(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected a BGR picture"):
        Letterbox((64, 48), (0.0, 0.0, 0.0), 1.0, rgb=False).fit(np.zeros(shape, np.uint8))


class HeatSession:
    """Answers as CenterNet's graph does: one peak beside lower neighbours, one faint, one above the frame's edge."""

    def run(self, _names: list[str], _feed: dict[str, object]) -> list[np.ndarray]:
        heat, sides = np.zeros((1, 64, 88, 1), np.float32), np.zeros((1, 64, 88, 4), np.float32)
        heat[0, 20, 30, 0], heat[0, 20, 31, 0], heat[0, 40, 10, 0] = 0.28, 0.2, 0.1
        sides[0, 20, 30] = (8, 20, 12, 24)
        return [heat, sides]


def test_centernet_peaks_become_boxes_in_frame_pixels_with_stretched_scores() -> None:
    found = CenterNetPerson(HeatSession(), 0.2).detect(np.zeros((512, 704, 3), np.uint8))  # type: ignore[arg-type]
    assert found.boxes.tolist() == [[224.0, 120.0, 264.0, 208.0]], "the input is half the frame"
    assert found.scores.tolist() == pytest.approx([0.4])
    assert len(CenterNetPerson(HeatSession(), 0.45).detect(np.zeros((512, 704, 3), np.uint8))) == 0  # type: ignore[arg-type]
