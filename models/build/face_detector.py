"""Recipe of the face detector: cut before box decoding, so that any input size works.

The published graph decodes boxes against anchors baked in for 320x240. Cut at the raw class scores and box
offsets it is fully convolutional; `models.faces.anchors` makes the anchors for the size in use.
"""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

from models.build import onnx_graph

SCORES = "scores"
RAW_BOXES = "462"
OFFSETS = "offsets"


def build_face_detector(source: bytes) -> bytes:
    """`input` 1x3xHxW float32 RGB (x-127)/128 -> `scores` 1xAx2 (softmax), `offsets` 1xAx4; H and W free."""
    model = onnx_graph.load(source)
    graph = model.graph
    onnx_graph.keep_ancestors(graph, (SCORES, RAW_BOXES))
    _rename_tensor(graph, RAW_BOXES, OFFSETS)
    del graph.output[:]
    for name, width in ((SCORES, 2), (OFFSETS, 4)):
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, "anchors", width]))
    onnx_graph.name_dimension(graph.input[0], 2, "height")
    onnx_graph.name_dimension(graph.input[0], 3, "width")
    return onnx_graph.serialise(model)


def _rename_tensor(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name == old:
                    names[index] = new
