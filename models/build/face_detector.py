"""Recipe of the face detector: cut before box decoding, so that any input size works.

The published graph decodes boxes against anchors baked in for 320x240. Cut at the raw class scores and box
offsets it is fully convolutional; `models.faces.anchors` makes the anchors for the size in use. The normalisation
(x - 127) / 128 goes into the graph, so that pixels are fed as they are: 1/128 into the first weights, which changes no
bit of the result, for it is a power of two.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.build import onnx_graph
from models.errors import PermanentError

SCORES = "scores"
RAW_BOXES = "462"
OFFSETS = "offsets"
PIXELS = "input"
MEAN, RANGE = 127.0, 128.0


def build_face_detector(source: bytes) -> bytes:
    """`input` 1x3xHxW uint8 RGB -> `scores` 1xAx2 (softmax), `offsets` 1xAx4; H and W free."""
    model = onnx_graph.load(source)
    graph = model.graph
    onnx_graph.keep_ancestors(graph, (SCORES, RAW_BOXES))
    _rename_tensor(graph, RAW_BOXES, OFFSETS)
    del graph.output[:]
    for name, width in ((SCORES, 2), (OFFSETS, 4)):
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, "anchors", width]))
    _take_pixels(graph)
    onnx_graph.name_dimension(graph.input[0], 2, "height")
    onnx_graph.name_dimension(graph.input[0], 3, "width")
    return onnx_graph.serialise(model)


def _take_pixels(graph: onnx.GraphProto) -> None:
    """uint8 input. PermanentError when the first node is no convolution with constant weights."""
    first = next((node for node in graph.node if PIXELS in node.input), None)
    if first is None or first.op_type != "Conv" or first.input[1] not in onnx_graph.constants(graph):
        raise PermanentError(f"the face detector's {PIXELS!r} does not go into a convolution")
    weights = onnx_graph.constants(graph)[first.input[1]]
    onnx_graph.replace_constant(graph, first.input[1], np.asarray(weights, np.float32) / np.float32(RANGE))
    first.input[0] = "centred"
    graph.initializer.append(numpy_helper.from_array(np.array(MEAN, np.float32), "mean_level"))
    cast = helper.make_node("Cast", [PIXELS], ["levels"], to=TensorProto.FLOAT)
    centre = helper.make_node("Sub", ["levels", "mean_level"], ["centred"])
    onnx_graph.replace_nodes(graph, [cast, centre, *graph.node])
    graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8


def _rename_tensor(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name == old:
                    names[index] = new
