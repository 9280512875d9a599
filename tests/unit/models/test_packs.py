"""Any insightface pack behind `FaceModels`: a pack assembled here, since none may be shipped."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

pytest.importorskip("insightface", reason="the face packages are not installed")

from models.catalogue import FACE_EMBEDDER
from models.cli import main
from models.errors import MisconfiguredError
from models.evaluation.photos import Stopwatch
from models.faces import FaceModels, load_face_models
from models.faces.packs import NONCOMMERCIAL, UNKNOWN, pack_licence
from models.weights import default_weights_dir, weight_path

CELL = 32
STRIDES = (8, 16, 32)
FACE = 0.9
"""Mean brightness (0..1) of a 32-pixel cell that the test detector calls a face."""

POINTS = [-0.4, -0.3, 0.4, -0.3, 0.0, 0.1, -0.3, 0.5, 0.3, 0.5]
"""Five points round the anchor, in cells."""


def scrfd(path: Path, points: bool = True) -> Path:
    """SCRFD's nine outputs (three strides: scores, boxes, points; two anchors a cell); only the coarsest fires."""
    nodes, outputs = [], []
    consts = {
        "channel": np.full((1, 3, 1, 1), 1 / 3, np.float32),
        "column": np.array([-1, 1], np.int64),
        "half": np.array(0.5, np.float32),
        "nought": np.array(0, np.float32),
        "box": np.ones((1, 4), np.float32),
        "five": np.array([POINTS], np.float32),
    }
    nodes.append(helper.make_node("Conv", ["input", "channel"], ["grey"]))
    for stride in STRIDES:
        pool = [stride, stride]
        nodes += [
            helper.make_node("AveragePool", ["grey"], [f"mean{stride}"], kernel_shape=pool, strides=pool),
            helper.make_node("Transpose", [f"mean{stride}"], [f"last{stride}"], perm=[0, 2, 3, 1]),
            helper.make_node("Concat", [f"last{stride}", f"last{stride}"], [f"two{stride}"], axis=3),
            helper.make_node("Reshape", [f"two{stride}", "column"], [f"flat{stride}"]),
            helper.make_node("Mul", [f"flat{stride}", "half" if stride == CELL else "nought"], [f"half{stride}"]),
            helper.make_node("Add", [f"half{stride}", "half" if stride == CELL else "nought"], [f"score{stride}"]),
            helper.make_node("Mul", [f"flat{stride}", "nought"], [f"zero{stride}"]),
            helper.make_node("Add", [f"zero{stride}", "box"], [f"box{stride}"]),
            helper.make_node("Add", [f"zero{stride}", "five"], [f"five{stride}"]),
        ]
    for name, size in (("score", 1), ("box", 4), *((("five", 10),) if points else ())):
        outputs += [helper.make_tensor_value_info(f"{name}{s}", TensorProto.FLOAT, [None, size]) for s in STRIDES]
    return save(path, nodes, ["h", "w"], outputs, consts)


def recogniser(path: Path) -> Path:
    """ArcFace's shape: 1x3x112x112 to a vector, here the mean colours of 4x4 tiles."""
    nodes = [
        helper.make_node("AveragePool", ["input"], ["tiles"], kernel_shape=[28, 28], strides=[28, 28]),
        helper.make_node("Flatten", ["tiles"], ["vector"]),
    ]
    out = helper.make_tensor_value_info("vector", TensorProto.FLOAT, [None, 48])
    return save(path, nodes, [112, 112], [out], {})


def save(path: Path, nodes: list, sides: list, outputs: list, consts: dict[str, npt.NDArray[np.generic]]) -> Path:  # type: ignore[type-arg]
    image = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, *sides])
    weights = [numpy_helper.from_array(value, name) for name, value in consts.items()]
    graph = helper.make_graph(nodes, "test", [image], outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = tmp_path / "shop_pack"
    folder.mkdir()
    scrfd(folder / "detector.onnx")
    recogniser(folder / "embedder.onnx")
    return folder


def load(pack: Path, accept: bool = True) -> FaceModels:
    return load_face_models(pack.parent / "no-weights", pack, accept_noncommercial=accept, detector_size=(320, 256))


def scene(colour: tuple[int, int, int], x: int = 96, y: int = 64) -> npt.NDArray[np.uint8]:
    """A 320x256 black picture whose one bright 32-pixel cell is the face; its left part is coloured."""
    picture = np.zeros((256, 320, 3), np.uint8)
    picture[y : y + CELL, x : x + CELL] = 255
    picture[y : y + CELL, x : x + 8] = colour
    return picture


def test_an_unknown_pack_is_refused_until_accepted(pack: Path) -> None:
    with pytest.raises(
        MisconfiguredError, match=r"refused: its licence is unknown licence.*accept_noncommercial: true"
    ):
        load(pack, accept=False)
    models = load(pack)
    assert models.licence == UNKNOWN
    assert models.name.startswith("shop_pack-")


@pytest.mark.parametrize("renamed", ["buffalo_l", "w600k_r50.onnx"])
def test_packs_known_by_folder_or_file_are_non_commercial(pack: Path, renamed: str) -> None:
    if renamed.endswith(".onnx"):
        (pack / "embedder.onnx").rename(pack / renamed)
    else:
        pack = pack.rename(pack.with_name(renamed))
    assert pack_licence(pack).terms == NONCOMMERCIAL
    with pytest.raises(MisconfiguredError, match="non-commercial research only"):
        load(pack, accept=False)


def test_a_forged_licence_file_does_not_open_the_pack(pack: Path) -> None:
    (pack / "MODEL.LICENSE").write_text('{"grant": "commercial", "model_id": "shop_pack", "signature": "AAAA"}')
    assert not pack_licence(pack).commercial
    with pytest.raises(MisconfiguredError, match="refused"):
        load(pack, accept=False)


def test_what_is_no_pack_is_said_to_be_none(pack: Path, tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredError, match=r"has no \.onnx file"):
        load(tmp_path / "absent")
    (pack / "detector.onnx").unlink()
    with pytest.raises(MisconfiguredError, match="cannot be loaded by insightface"):
        load(pack)
    scrfd(pack / "detector.onnx", points=False)
    with pytest.raises(MisconfiguredError, match="five points"):
        load(pack)
    (pack / "detector.onnx").write_bytes(b"garbage")
    with pytest.raises(MisconfiguredError, match="cannot be loaded by insightface"):
        load(pack)


def test_a_pack_finds_aligns_and_embeds(pack: Path) -> None:
    models = load(pack)
    picture = scene((255, 255, 255))
    found = models.detect(picture)
    assert len(found) == 1
    np.testing.assert_allclose(found.boxes[0], [64, 32, 128, 96], atol=1.5)
    five = models.landmarks(picture, found.boxes[0]).five
    np.testing.assert_allclose(five - [96, 64], np.reshape(POINTS, (5, 2)) * CELL, atol=1.5)
    crop = models.align(picture, five)
    rows = models.embed([crop, crop])
    assert rows.shape == (2, models.embedding_size) == (2, 48)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert models.embed([]).shape == (0, 48)
    assert models.detector.detect_boxes(picture, (320, 256)).shape == (1, 5)
    assert len(models.detect(np.zeros((256, 320, 3), np.uint8))) == 0


def test_points_of_a_frame_not_just_searched_come_from_a_closer_look_or_the_typical_face(pack: Path) -> None:
    models = load(pack)
    box = np.array([64, 32, 128, 96], np.float32)
    for picture in (scene((255, 255, 255)), np.zeros((256, 320, 3), np.uint8)):
        five = models.landmarks(picture, box).five
        assert five.shape == (5, 2)
        assert (five >= box[:2] - 16).all()
        assert (five <= box[2:] + 16).all()
        assert five[0, 0] < five[1, 0]
        assert five[0, 1] < five[3, 1]


def test_the_same_evaluation_runs_on_a_pack(pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "people"
    for person in range(8):
        (folder / f"p{person}").mkdir(parents=True)
        for number in range(4):
            picture = scene((0, 0, 0), x=32 * (2 + number), y=64)
            picture[:, :, person % 3] = (picture[:, :, person % 3] * (1 - 0.012 * person)).astype(np.uint8)
            cv2.imwrite(str(folder / f"p{person}" / f"{number}.png"), picture)
    report = tmp_path / "r.json"
    command = ["evaluate", "faces", str(folder), "--json", str(report), "--pack", str(pack), "--widths", "none"]
    command += ["--counts", "1", "--splits", "3", "--bootstrap", "5"]
    assert main(command) == 1
    assert "refused" in capsys.readouterr().err
    assert not report.exists()
    sheet = tmp_path / "sheet.html"
    assert main([*command, "--accept-noncommercial", "--sheet", str(sheet)]) == 0
    assert '"licence": "unknown licence' in report.read_text()
    assert sheet.stat().st_mode & 0o077 == 0
    assert "holds photographs" in capsys.readouterr().err


def test_our_own_embedder_loads_as_a_packs_recognition(pack: Path) -> None:
    try:
        ours = weight_path(FACE_EMBEDDER, default_weights_dir())
    except MisconfiguredError as error:
        pytest.skip(f"the embedder is not built: {error}")
    shutil.copy(ours, pack / "embedder.onnx")
    models = load(pack)
    assert models.embedding_size == 512
    crop = np.random.default_rng(1).integers(0, 255, (112, 112, 3)).astype(np.uint8)
    assert models.embed([crop, crop[::-1].copy()]).shape == (2, 512)


def test_a_stopwatch_of_nothing_is_nought() -> None:
    from contract.clock import ManualClock

    assert Stopwatch(ManualClock()).median_ms("detect") == 0
