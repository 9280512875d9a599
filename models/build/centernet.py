"""Recipe of the second person detector: CenterNet's heads from TensorFlow.js, one class, at our input size, float.

The published graph goes on to the best hundred of 80 classes; it is cut at its heat map and box sides.
"""

from __future__ import annotations

import onnx

from models.build.tf_to_onnx import convert
from models.build.tf_to_onnx.values import NCHW
from models.build.tfjs import read_tfjs
from models.errors import PermanentError
from models.persons.centernet import HEAT, INPUT_SIZE, SIDES

PUBLISHED_SHAPE = (1, 512, 512, 3)
INPUT_TENSOR = "tower_0/images"
OUTPUTS = {"tower_0/keypoints": HEAT, "tower_0/wh": SIDES}
HEAD = ("CenternetHead/centernet_cls_output/pointwise_weights", "CenternetHead/centernet_cls_output/biases")
PERSON, CLASSES = slice(0, 1), 80


def build_centernet(topology: bytes, weights: bytes) -> onnx.ModelProto:
    """`input` 1x3xHxW float32 RGB 0..255 -> `heat` 1xhxwx1 (sigmoid) and `sides` 1xhxwx4, a quarter of the input."""
    graph = read_tfjs(topology, weights)
    for name in HEAD:
        if graph.constants[name].shape[-1] != CLASSES:
            raise PermanentError(f"{name} has {graph.constants[name].shape[-1]} classes where {CLASSES} were expected")
        graph.constants[name] = graph.constants[name][..., PERSON]
    published = convert(graph, INPUT_TENSOR, PUBLISHED_SHAPE, OUTPUTS, input_order=NCHW)
    width, height = INPUT_SIZE
    return convert(
        graph, INPUT_TENSOR, (1, height, width, 3), OUTPUTS, published.resize_factors, input_order=NCHW
    ).model
