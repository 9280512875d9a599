"""Small edits on ONNX graphs shared by the recipes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import numpy_helper, version_converter

from models.errors import PermanentError

OPSET = 13


def load(data: bytes, opset: int | None = None) -> onnx.ModelProto:
    """Parse a model, raise it to `opset` if older, and drop initialisers from its inputs (as IR 3 listed them)."""
    try:
        graph_model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise PermanentError(f"not a readable ONNX file: {error}") from error
    if opset is not None and graph_model.opset_import[0].version < opset:
        graph_model = version_converter.convert_version(graph_model, opset)
    names = {tensor.name for tensor in graph_model.graph.initializer}
    for value in [value for value in graph_model.graph.input if value.name in names]:
        graph_model.graph.input.remove(value)
    return graph_model


def constants(graph: onnx.GraphProto) -> dict[str, npt.NDArray[np.generic]]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


def replace_constant(graph: onnx.GraphProto, name: str, value: npt.NDArray[np.generic]) -> None:
    """Give the initialiser `name` a new value. PermanentError if there is none."""
    for tensor in graph.initializer:
        if tensor.name == name:
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(value), name))
            return
    raise PermanentError(f"the graph has no constant {name!r}")


def replace_nodes(graph: onnx.GraphProto, nodes: Iterable[onnx.NodeProto]) -> None:
    """Put `nodes` in place of all nodes; recorded shapes are dropped because they may no longer hold."""
    kept = list(nodes)
    del graph.node[:]
    graph.node.extend(kept)
    del graph.value_info[:]


def keep_ancestors(graph: onnx.GraphProto, outputs: Iterable[str]) -> None:
    """Cut the graph down to what computes the tensors `outputs`, constants included."""
    needed = set(outputs)
    kept: list[onnx.NodeProto] = []
    for node in reversed(list(graph.node)):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    kept.reverse()
    produced = {name for node in kept for name in node.output}
    absent = set(outputs) - produced
    if absent:
        raise PermanentError(f"the graph has no tensor {sorted(absent)}")
    replace_nodes(graph, kept)
    used = {name for node in kept for name in node.input}
    tensors = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(tensors)


def name_dimension(value: onnx.ValueInfoProto, axis: int, name: str) -> None:
    """Make one axis of an input or output dynamic."""
    value.type.tensor_type.shape.dim[axis].dim_param = name


def serialise(graph_model: onnx.ModelProto) -> bytes:
    """Check the model and return its bytes."""
    try:
        onnx.checker.check_model(graph_model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise PermanentError(f"the converted graph is not valid ONNX: {error}") from error
    data: bytes = graph_model.SerializeToString()
    return data
