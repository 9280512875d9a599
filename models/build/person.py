"""Recipe of the person detector: NanoDet-g from TensorFlow.js, trimmed to one class, at our input size, int8.

The published head scores 80 COCO classes on a 416x416 input. People are class 0; the other 79 score channels are
cut out of the last convolutions, and the graph is laid out again for 256x352.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import onnx

from models.build.tf_to_onnx import convert
from models.build.tfjs import Array, TfGraph, TfNode, read_tfjs
from models.errors import PermanentError
from models.persons.geometry import INPUT_SIZE, PIXEL_STD, STRIDES, distances_name, scores_name

PUBLISHED_SHAPE = (1, 3, 416, 416)
INPUT_TENSOR = "input_1"
SCORE_OUTPUTS = {"Identity": 8, "Identity_1": 16, "Identity_2": 32}
DISTANCE_OUTPUTS = {"Identity_3": 8, "Identity_4": 16, "Identity_5": 32}
PERSON = 0
CLASSES = 80
DISTANCE_CHANNELS = 44


def build_person_float(topology: bytes, weights: bytes) -> onnx.ModelProto:
    """`input` 1x3x256x352 float32 BGR minus mean -> per stride scores 1xPx1 (sigmoid) and distances 1xPx44."""
    graph = read_tfjs(topology, weights)
    for tensor in SCORE_OUTPUTS:
        trim_score_head(graph, tensor)
    for tensor in DISTANCE_OUTPUTS:
        _set_channels(graph, tensor, DISTANCE_CHANNELS)
    fold_input_scale(graph, np.asarray(PIXEL_STD, np.float32))
    outputs = _output_names()
    published = convert(graph, INPUT_TENSOR, PUBLISHED_SHAPE, outputs)
    width, height = INPUT_SIZE
    return convert(graph, INPUT_TENSOR, (1, 3, height, width), outputs, published.resize_factors).model


def _output_names() -> dict[str, str]:
    names = {tensor: scores_name(stride) for tensor, stride in SCORE_OUTPUTS.items()}
    names.update({tensor: distances_name(stride) for tensor, stride in DISTANCE_OUTPUTS.items()})
    if len(names) != 2 * len(STRIDES):
        raise PermanentError("the person head and its decoder disagree on the strides")
    return names


def trim_score_head(graph: TfGraph, tensor: str) -> None:
    """Keep the person's score and the box distances of the convolution behind one output."""
    split = graph.upstream(tensor, "SplitV")
    bias = graph.upstream(split.name, "Add")
    convolution = graph.upstream(bias.name, "Conv2D")
    kept = [PERSON, *range(CLASSES, CLASSES + DISTANCE_CHANNELS)]
    for name in (convolution.inputs[1], bias.inputs[1]):
        _require_width(graph.constants[name], CLASSES + DISTANCE_CHANNELS, name)
        graph.constants[name] = graph.constants[name][..., kept]
    graph.constants[split.inputs[1]] = np.array([1, DISTANCE_CHANNELS], np.int32)
    _set_channels(graph, tensor, 1)


def _set_channels(graph: TfGraph, tensor: str, channels: int) -> None:
    reshape = graph.upstream(tensor, "Reshape")
    graph.constants[reshape.inputs[1]] = np.array([1, channels, -1], np.int32)


def _require_width(array: Array, width: int, name: str) -> None:
    if array.shape[-1] != width:
        raise PermanentError(f"{name} has {array.shape[-1]} channels where {width} were expected")


def fold_input_scale(graph: TfGraph, std: npt.NDArray[np.float32]) -> None:
    """Divide the first kernel by the pixels' standard deviation, so that the input needs only its mean taken off.

    Exact: zero padding stays zero under a scale (it would not under a shift, so the mean is not folded).
    """
    first = _first_convolution(graph.nodes)
    kernel = graph.constants[first.inputs[1]]
    _require_width(kernel.transpose(0, 1, 3, 2), len(std), first.name)
    graph.constants[first.inputs[1]] = kernel.astype(np.float32) / std[:, None]


def _first_convolution(nodes: Mapping[str, TfNode]) -> TfNode:
    for node in nodes.values():
        if node.op == "Conv2D" and _reaches_input(node.inputs[0], nodes):
            return node
    raise PermanentError("no convolution reads the input")


def _reaches_input(tensor: str, nodes: Mapping[str, TfNode]) -> bool:
    node = nodes[tensor]
    while node.op in ("Transpose", "Pad"):
        node = nodes[node.inputs[0]]
    return node.name == INPUT_TENSOR
