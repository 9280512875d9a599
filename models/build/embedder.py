"""Recipe of the face embedder: same numbers, a third of the time, and insightface's conventions.

onnxruntime's CPU provider has no blocked kernel for PRelu, so each one unpacks and repacks the tensor. Written
as a*x + (1-a)*Relu(x) the whole trunk stays in the blocked layout.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from models.build import onnx_graph
from models.errors import PermanentError

Floats = npt.NDArray[np.float32]


def build_embedder(source: bytes) -> bytes:
    """`input` Nx3x112x112 float32 RGB (x-127)/128 -> Nx512 float32 (not normalised)."""
    model = onnx_graph.load(source, onnx_graph.OPSET)
    split_prelu(model.graph)
    swap_input_channels(model.graph)
    free_batch(model.graph)
    return onnx_graph.serialise(model)


def split_prelu(graph: onnx.GraphProto) -> None:
    """Replace every PRelu with a per-channel constant slope by Relu, two products and a sum."""
    slopes = onnx_graph.constants(graph)
    nodes: list[onnx.NodeProto] = []
    for index, node in enumerate(list(graph.node)):
        if node.op_type == "PRelu":
            slope = slopes[node.input[1]].astype(np.float32).reshape(1, -1, 1, 1)
            nodes.extend(_prelu_as_sum(graph, f"prelu{index}", node, slope))
        else:
            nodes.append(node)
    onnx_graph.replace_nodes(graph, nodes)


def _prelu_as_sum(graph: onnx.GraphProto, prefix: str, node: onnx.NodeProto, slope: Floats) -> Iterator[onnx.NodeProto]:
    x, y = node.input[0], node.output[0]
    graph.initializer.append(numpy_helper.from_array(slope, f"{prefix}_slope"))
    graph.initializer.append(numpy_helper.from_array(1 - slope, f"{prefix}_rest"))
    yield helper.make_node("Relu", [x], [f"{prefix}_positive"])
    yield helper.make_node("Mul", [f"{prefix}_positive", f"{prefix}_rest"], [f"{prefix}_upper"])
    yield helper.make_node("Mul", [x, f"{prefix}_slope"], [f"{prefix}_linear"])
    yield helper.make_node("Add", [f"{prefix}_upper", f"{prefix}_linear"], [y])


def swap_input_channels(graph: onnx.GraphProto) -> None:
    """Reverse the first convolution's input channels: the net was trained on BGR, insightface feeds RGB."""
    name = graph.input[0].name
    readers = [node for node in graph.node if name in node.input]
    if len(readers) != 1 or readers[0].op_type != "Conv":
        raise PermanentError("the embedder's input does not go into one convolution")
    weight = readers[0].input[1]
    kernel = onnx_graph.constants(graph)[weight]
    onnx_graph.replace_constant(graph, weight, kernel[:, ::-1])


def free_batch(graph: onnx.GraphProto) -> None:
    """Let the first axis be any N; the final flattening is told its width instead of the batch."""
    width = graph.output[0].type.tensor_type.shape.dim[-1].dim_value
    for node in graph.node:
        if node.op_type == "Reshape":
            onnx_graph.replace_constant(graph, node.input[1], np.array([-1, width], np.int64))
    onnx_graph.name_dimension(graph.input[0], 0, "batch")
    onnx_graph.name_dimension(graph.output[0], 0, "batch")
