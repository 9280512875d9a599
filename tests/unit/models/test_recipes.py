"""The rewrites, on small graphs with known answers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from models.build import calibration_frames, onnx_graph, recipes
from models.build.embedder import build_embedder
from models.build.face_detector import build_face_detector
from models.build.person import fold_input_scale, trim_score_head
from models.build.quantise import last_convolutions, quantise
from models.build.tfjs import TfGraph, TfNode
from models.errors import PermanentError

Floats = npt.NDArray[np.float32]


def noise(*shape: int) -> Floats:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def run(data: bytes, x: Floats, *names: str) -> list[Floats]:
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    result: list[Floats] = session.run(list(names) or None, {"input": x})
    return result


def small_embedder() -> bytes:
    """conv - PRelu - conv - PRelu - flatten, opset 9 and IR 3 habits, as the published file has."""
    constants = {"w1": noise(8, 3, 3, 3), "s1": noise(8, 1, 1), "w2": noise(4, 8, 3, 3), "s2": noise(4, 1, 1)}
    constants_proto = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    constants_proto.append(numpy_helper.from_array(np.array([1, -1], np.int64), "flat"))
    nodes = [
        helper.make_node("Conv", ["input", "w1"], ["a"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("PRelu", ["a", "s1"], ["b"]),
        helper.make_node("Conv", ["b", "w2"], ["c"], pads=[1, 1, 1, 1], strides=[4, 4]),
        helper.make_node("PRelu", ["c", "s2"], ["d"]),
        helper.make_node("Reshape", ["d", "flat"], ["output"]),
    ]
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 16, 16])]
    inputs += [helper.make_tensor_value_info(t.name, t.data_type, list(t.dims)) for t in constants_proto]
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 16])
    graph = helper.make_graph(nodes, "g", inputs, [output], constants_proto)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=4)
    data: bytes = model.SerializeToString()
    return data


def test_rewritten_embedder_gives_the_same_numbers_for_swapped_channels_and_any_batch() -> None:
    source = small_embedder()
    rewritten = build_embedder(source)
    assert "PRelu" not in {node.op_type for node in onnx.load_model_from_string(rewritten).graph.node}
    batch = noise(5, 3, 16, 16)
    wanted = np.concatenate([run(source, np.ascontiguousarray(x[None, ::-1]))[0] for x in batch])
    np.testing.assert_allclose(run(rewritten, batch)[0], wanted, atol=1e-4)


def test_embedder_refuses_a_graph_of_another_kind() -> None:
    graph = helper.make_graph(
        [helper.make_node("Relu", ["input"], ["output"])],
        "g",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 4, 4])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 3, 4, 4])],
    )
    data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]).SerializeToString()
    with pytest.raises(PermanentError, match="one convolution"):
        build_embedder(data)


def small_detector() -> bytes:
    """Raw outputs `scores` and `462`, then a decoding that only works at one size."""
    nodes = [
        helper.make_node("Conv", ["input", "w"], ["f"], pads=[1, 1, 1, 1]),
        helper.make_node("Reshape", ["f", "as2"], ["scores"]),
        helper.make_node("Reshape", ["f", "as4"], ["462"]),
        helper.make_node("Mul", ["462", "anchors"], ["boxes"]),
    ]
    constants = {
        "w": noise(4, 3, 3, 3),
        "as2": np.array([1, -1, 2], np.int64),
        "as4": np.array([1, -1, 4], np.int64),
        "anchors": noise(1, 16, 4),
    }
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 4, 4])],
        [
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 32, 2]),
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, 16, 4]),
        ],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    data: bytes = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=4).SerializeToString()
    return data


def test_cut_detector_keeps_its_raw_outputs_and_takes_any_size() -> None:
    source, cut = small_detector(), build_face_detector(small_detector())
    pixels = np.random.default_rng(3).integers(0, 256, (1, 3, 6, 10)).astype(np.uint8)
    x = (pixels[..., :4, :4].astype(np.float32) - 127) / 128
    np.testing.assert_array_equal(run(cut, pixels[..., :4, :4], "scores")[0], run(source, x, "scores")[0])
    assert run(cut, pixels, "offsets")[0].shape == (1, 60, 4)
    assert "anchors" not in onnx_graph.constants(onnx.load_model_from_string(cut).graph)


def test_detector_without_the_expected_tensors_is_refused() -> None:
    with pytest.raises(PermanentError, match="462"):
        build_face_detector(small_embedder())


def test_garbage_is_not_onnx() -> None:
    with pytest.raises(PermanentError, match="not a readable ONNX file"):
        onnx_graph.load(b"\xff\xfe garbage")


def head() -> TfGraph:
    nodes = [
        TfNode("Placeholder", "input_1"),
        TfNode("Conv2D", "conv", ("input_1", "kernel")),
        TfNode("Add", "biased", ("conv", "bias")),
        TfNode("SplitV", "split", ("biased", "sizes", "axis")),
        TfNode("Sigmoid", "sigmoid", ("split",)),
        TfNode("Reshape", "flat", ("sigmoid", "shape")),
        TfNode("Identity", "Identity", ("flat",)),
    ]
    constants = {
        "kernel": noise(1, 1, 3, 124),
        "bias": noise(124),
        "sizes": np.array([80, 44]),
        "axis": np.array(3),
        "shape": np.array([1, 80, -1]),
    }
    return TfGraph({node.name: node for node in nodes}, dict(constants))


def test_score_head_is_trimmed_to_the_person() -> None:
    graph, whole = head(), head()
    trim_score_head(graph, "Identity")
    assert graph.constants["kernel"].shape == (1, 1, 3, 45)
    np.testing.assert_array_equal(graph.constants["bias"][0], whole.constants["bias"][0])
    np.testing.assert_array_equal(graph.constants["bias"][1:], whole.constants["bias"][80:])
    np.testing.assert_array_equal(graph.constants["sizes"], [1, 44])
    np.testing.assert_array_equal(graph.constants["shape"], [1, 1, -1])


def test_a_head_of_another_width_is_refused() -> None:
    graph = head()
    graph.constants["bias"] = noise(90)
    with pytest.raises(PermanentError, match="90 channels where 124"):
        trim_score_head(graph, "Identity")


def test_input_scale_is_folded_into_the_first_kernel() -> None:
    graph, whole = head(), head()
    std = np.array([2.0, 4.0, 8.0], np.float32)
    fold_input_scale(graph, std)
    np.testing.assert_allclose(
        graph.constants["kernel"][0, 0, 2], np.asarray(whole.constants["kernel"], np.float32)[0, 0, 2] / 8
    )


def small_convolutions() -> onnx.ModelProto:
    nodes = [
        helper.make_node("Conv", ["input", "w1"], ["a"], name="first", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"], name="r"),
        helper.make_node("Conv", ["b", "w2"], ["c"], name="second", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["output"], name="s"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 2, 8, 8])],
        [numpy_helper.from_array(noise(8, 3, 3, 3), "w1"), numpy_helper.from_array(noise(2, 8, 3, 3), "w2")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def test_the_last_convolution_stays_float_and_the_answer_stays_near() -> None:
    model = small_convolutions()
    assert last_convolutions(model.graph) == ["second"]
    inputs = [{"input": noise(1, 3, 8, 8) * scale} for scale in (0.5, 1.0)]
    quantised = quantise(model, inputs)
    x = inputs[1]["input"]
    exact = run(model.SerializeToString(), x)[0]
    near = run(quantised.SerializeToString(), x)[0]
    assert {"QuantizeLinear", "DequantizeLinear"} <= {node.op_type for node in quantised.graph.node}
    noise_share = ((exact - near) ** 2).sum() / (exact**2).sum()
    assert 0 < noise_share < 1e-3, "7-bit weights leave a noise some 40 dB below the signal; 30 dB is asked"


def test_calibration_pictures_come_from_installed_packages() -> None:
    frames = calibration_frames.calibration_frames()
    assert len(frames) >= 12
    assert all(frame.dtype == np.uint8 and frame.ndim == 3 for frame in frames)
    assert calibration_frames.package_folder("no_such_package_here") is None


def test_without_pictures_the_person_detector_is_float_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """P9: the floor works on a machine where the face packages were never installed."""
    monkeypatch.setattr(recipes, "calibration_frames", list)
    monkeypatch.setattr(recipes, "build_person_float", lambda *_: small_convolutions())
    converted = recipes.person_detector({"models/nanodet.json": b"", "models/nanodet.bin": b""})
    assert "no calibration pictures" in converted.note
    assert onnx_graph.load(converted.data).graph.node[0].name == "first"
