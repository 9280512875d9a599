"""Each TensorFlow operation on a tiny graph, run by onnxruntime and compared with plain numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.build.tf_to_onnx import convert
from models.build.tf_to_onnx.values import NCHW
from models.build.tfjs import Array, Attribute, TfGraph, TfNode
from models.errors import PermanentError

Floats = npt.NDArray[np.float32]


def graph_of(nodes: list[TfNode], constants: dict[str, Array]) -> TfGraph:
    everything = [*nodes, TfNode("Placeholder", "x"), *(TfNode("Const", name) for name in constants)]
    return TfGraph({node.name: node for node in everything}, dict(constants))


def run(nodes: list[TfNode], constants: dict[str, Array], x: Floats, output: str) -> Floats:
    model = convert(graph_of(nodes, constants), "x", x.shape, {output: "y"}).model
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    result: Floats = session.run(["y"], {"input": x})[0]
    return result


def noise(*shape: int) -> Floats:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def conv_reference(x: Floats, kernel: Floats, stride: int, padding: str) -> Floats:
    """NHWC convolution by definition, with TensorFlow's padding; grouped like TensorFlow's Conv2D."""
    size, channels, outputs = kernel.shape[0], kernel.shape[2], kernel.shape[3]
    groups = x.shape[3] // channels
    before, rows, columns = 0, (x.shape[1] - size) // stride + 1, (x.shape[2] - size) // stride + 1
    padded = x
    if padding == "SAME":
        rows, columns = -(-x.shape[1] // stride), -(-x.shape[2] // stride)
        totals = [max((n - 1) * stride + size - s, 0) for n, s in ((rows, x.shape[1]), (columns, x.shape[2]))]
        before = [total // 2 for total in totals]
        padded = np.pad(x, [(0, 0), *[(b, t - b) for b, t in zip(before, totals, strict=True)], (0, 0)])
    result = np.zeros((x.shape[0], rows, columns, outputs), np.float32)
    for row in range(rows):
        for column in range(columns):
            patch = padded[:, row * stride : row * stride + size, column * stride : column * stride + size]
            for index in range(outputs):
                first = index // (outputs // groups) * channels
                part = patch[..., first : first + channels]
                result[:, row, column, index] = (part * kernel[..., index]).sum(axis=(1, 2, 3))
    return result


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(5, 9),
    width=st.integers(5, 9),
    size=st.sampled_from([1, 3, 5]),
    stride=st.integers(1, 2),
    padding=st.sampled_from(["SAME", "VALID"]),
    groups=st.sampled_from([1, 2]),
)
def test_convolution(height: int, width: int, size: int, stride: int, padding: str, groups: int) -> None:
    x, kernel = noise(1, height, width, 4), noise(size, size, 4 // groups, 6)
    node = TfNode(
        "Conv2D", "c", ("x", "k"), {"padding": padding, "strides": [1, stride, stride, 1], "dilations": [1, 1, 1, 1]}
    )
    np.testing.assert_allclose(
        run([node], {"k": kernel}, x, "c"), conv_reference(x, kernel, stride, padding), atol=1e-4
    )


def test_depthwise_convolution_with_bias_and_relu_fused_in() -> None:
    x, kernel, bias = noise(1, 6, 7, 4), noise(3, 3, 4, 1), noise(4)
    node = TfNode(
        "FusedDepthwiseConv2dNative",
        "c",
        ("x", "k", "b"),
        {"padding": "SAME", "strides": [1, 2, 2, 1], "dilations": [1, 1, 1, 1], "fused_ops": ["BiasAdd", "Relu"]},
    )
    wanted = conv_reference(x, kernel.transpose(0, 1, 3, 2), 2, "SAME") + bias
    np.testing.assert_allclose(run([node], {"k": kernel, "b": bias}, x, "c"), np.maximum(wanted, 0), atol=1e-4)


def test_mean_and_relu6() -> None:
    x = 8 * noise(1, 4, 5, 3)
    nodes = [TfNode("Relu6", "r", ("x",)), TfNode("Mean", "m", ("r", "axes"), {"keep_dims": True})]
    wanted = np.clip(x, 0, 6).mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(run(nodes, {"axes": np.array([1, 2])}, x, "m"), wanted, atol=1e-5)


def test_an_input_in_planar_layout_gives_the_same() -> None:
    x, kernel = noise(1, 5, 6, 3), noise(3, 3, 3, 2)
    node = TfNode("Conv2D", "c", ("x", "k"), {"padding": "SAME", "strides": [1, 1, 1, 1], "dilations": [1, 1, 1, 1]})
    model = convert(graph_of([node], {"k": kernel}), "x", x.shape, {"c": "y"}, input_order=NCHW).model
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found = session.run(["y"], {"input": np.ascontiguousarray(x.transpose(0, 3, 1, 2))})[0]
    np.testing.assert_allclose(found, conv_reference(x, kernel, 1, "SAME"), atol=1e-4)


def test_a_chain_in_planar_layout_leaves_no_transpose_inside() -> None:
    """NCHW in TensorFlow: transpose, convolve, transpose back, as NanoDet's graph does everywhere."""
    conv: dict[str, Attribute] = {"padding": "VALID", "strides": [1, 1, 1, 1]}
    nodes = [
        TfNode("Transpose", "t1", ("x", "to_last")),
        TfNode("Conv2D", "c1", ("t1", "k"), conv),
        TfNode("Transpose", "t2", ("c1", "to_first")),
        TfNode("LeakyRelu", "l", ("t2",), {"alpha": 0.1}),
        TfNode("Transpose", "t3", ("l", "to_last")),
        TfNode("Conv2D", "c2", ("t3", "k"), conv),
        TfNode("Transpose", "t4", ("c2", "to_first")),
    ]
    constants: dict[str, Array] = {
        "to_last": np.array([0, 2, 3, 1]),
        "to_first": np.array([0, 3, 1, 2]),
        "k": noise(3, 3, 4, 4),
    }
    x = noise(1, 4, 8, 9)
    model = convert(graph_of(nodes, constants), "x", x.shape, {"t4": "y"}).model
    assert "Transpose" not in {node.op_type for node in model.graph.node}
    kernel = np.asarray(constants["k"], np.float32)
    middle = conv_reference(x.transpose(0, 2, 3, 1), kernel, 1, "VALID")
    middle = np.where(middle > 0, middle, middle * np.float32(0.1))
    wanted = conv_reference(middle, kernel, 1, "VALID").transpose(0, 3, 1, 2)
    np.testing.assert_allclose(run(nodes, constants, x, "t4"), wanted, atol=1e-3)


def test_max_pool() -> None:
    x = noise(1, 6, 6, 2)
    node = TfNode("MaxPool", "p", ("x",), {"padding": "VALID", "ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1]})
    np.testing.assert_array_equal(run([node], {}, x, "p"), x.reshape(1, 3, 2, 3, 2, 2).max(axis=(2, 4)))


def test_pad_keeps_the_axes_of_its_logical_layout() -> None:
    x = noise(1, 2, 3, 4)
    nodes = [
        TfNode("Transpose", "t", ("x", "perm")),
        TfNode("PadV2", "p", ("t", "amounts", "fill")),
    ]
    amounts = np.array([[0, 0], [1, 2], [0, 3], [0, 1]])
    constants: dict[str, Array] = {"perm": np.array([0, 2, 3, 1]), "amounts": amounts, "fill": np.float32([5])}
    wanted = np.pad(x.transpose(0, 2, 3, 1), amounts, constant_values=5)
    np.testing.assert_array_equal(run(nodes, constants, x, "p"), wanted)


def test_padding_by_nothing_vanishes() -> None:
    x = noise(1, 2, 2, 1)
    nodes = [TfNode("Pad", "p", ("x", "none")), TfNode("Relu", "r", ("p",))]
    graph = graph_of(nodes, {"none": np.zeros((4, 2), np.int32)})
    model = convert(graph, "x", x.shape, {"r": "y"}).model
    assert [node.op_type for node in model.graph.node] == ["Relu", "Identity"]


@pytest.mark.parametrize("op", ["Add", "AddV2", "BiasAdd", "Sub", "Mul"])
@pytest.mark.parametrize("first", [True, False])
def test_binary_with_a_constant_that_broadcasts_over_another_layout(op: str, first: bool) -> None:
    x, bias = noise(1, 3, 4, 5), noise(3)
    operands = ("t", "b") if first else ("b", "t")
    nodes = [TfNode("Transpose", "t", ("x", "perm")), TfNode(op, "s", operands)]
    wanted_x = x.transpose(0, 2, 3, 1)
    function = {"Sub": np.subtract, "Mul": np.multiply}.get(op, np.add)
    wanted = function(wanted_x, bias) if first else function(bias, wanted_x)
    constants: dict[str, Array] = {"perm": np.array([0, 2, 3, 1]), "b": bias}
    np.testing.assert_allclose(run(nodes, constants, x, "s"), wanted, rtol=1e-6)


def test_binary_of_two_tensors_in_different_layouts() -> None:
    x = noise(1, 3, 3, 3)
    nodes = [TfNode("Transpose", "t", ("x", "perm")), TfNode("Add", "s", ("t", "x"))]
    wanted = x.transpose(0, 2, 3, 1) + x
    np.testing.assert_allclose(run(nodes, {"perm": np.array([0, 2, 3, 1])}, x, "s"), wanted, rtol=1e-6)


def test_split_then_concat_the_other_way_round() -> None:
    x = noise(1, 2, 2, 5)
    nodes = [
        TfNode("SplitV", "s", ("x", "sizes", "axis")),
        TfNode("Sigmoid", "g", ("s",)),
        TfNode("ConcatV2", "c", ("s:1", "g", "axis")),
    ]
    constants: dict[str, Array] = {"sizes": np.array([2, 3]), "axis": np.array(-1)}
    wanted = np.concatenate([x[..., 2:], 1 / (1 + np.exp(-x[..., :2]))], axis=-1)
    np.testing.assert_allclose(run(nodes, constants, x, "c"), wanted, rtol=1e-5)


def test_reshape_works_on_the_logical_layout() -> None:
    x = noise(1, 2, 3, 4)
    nodes = [TfNode("Transpose", "t", ("x", "perm")), TfNode("Reshape", "r", ("t", "shape"))]
    constants: dict[str, Array] = {"perm": np.array([0, 3, 1, 2]), "shape": np.array([1, 4, -1])}
    np.testing.assert_array_equal(run(nodes, constants, x, "r"), x.transpose(0, 3, 1, 2).reshape(1, 4, 6))


def test_resize_doubles_and_follows_another_input_size() -> None:
    nodes = [TfNode("ResizeBilinear", "r", ("x", "size"), {"half_pixel_centers": True, "align_corners": False})]
    graph = graph_of(nodes, {"size": np.array([8, 8])})
    published = convert(graph, "x", (1, 4, 4, 2), {"r": "y"})
    assert published.resize_factors == {"r": (2.0, 2.0)}
    wider = convert(graph, "x", (1, 3, 7, 2), {"r": "y"}, published.resize_factors).model
    dims = wider.graph.output[0].type.tensor_type.shape.dim
    assert [dim.dim_value for dim in dims] == [1, 6, 14, 2]
    flat = np.full((1, 4, 4, 2), 3, np.float32)
    np.testing.assert_allclose(run(nodes, {"size": np.array([8, 8])}, flat, "r"), 3)


def test_unknown_operation_is_named() -> None:
    with pytest.raises(PermanentError, match="cannot convert operation Einsum"):
        run([TfNode("Einsum", "e", ("x",))], {}, noise(1, 2), "e")


@pytest.mark.parametrize(
    ("node", "constants", "message"),
    [
        (TfNode("Reshape", "n", ("x", "c")), {"c": np.array([5])}, "reshapes"),
        (TfNode("SplitV", "n", ("x", "c", "a")), {"c": np.array([9, 9]), "a": np.array(1)}, "splits"),
        (TfNode("Transpose", "n", ("x", "x")), {}, "must be constant"),
    ],
)
def test_impossible_operands_are_refused(node: TfNode, constants: dict[str, Array], message: str) -> None:
    with pytest.raises(PermanentError, match=message):
        run([node], constants, noise(2, 4), "n")


def test_a_long_chain_needs_no_recursion() -> None:
    nodes = [TfNode("Relu", f"r{i}", (f"r{i - 1}" if i else "x",)) for i in range(3000)]
    model = convert(graph_of(nodes, {}), "x", (1, 1), {"r2999": "y"}).model
    assert len(model.graph.node) == 3001
