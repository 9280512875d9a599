"""What the converter knows of a tensor, and the ONNX graph under construction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.build.onnx_graph import OPSET

Order = tuple[int, ...]
Shape = tuple[int, ...]
NodeAttribute = int | float | str | Sequence[int]

NCHW: Order = (0, 3, 1, 2)
IR_VERSION = 8


@dataclass(frozen=True, slots=True)
class Value:
    """An ONNX tensor standing for a TensorFlow one.

    `shape` is TensorFlow's (logical); ONNX axis k holds logical axis `order[k]`.
    """

    name: str
    order: Order
    shape: Shape

    def axis(self, logical: int) -> int:
        """ONNX axis that holds the logical axis (negative counts from the end)."""
        return self.order.index(logical % len(self.shape))

    @property
    def physical_shape(self) -> Shape:
        return tuple(self.shape[axis] for axis in self.order)


def natural(rank: int) -> Order:
    return tuple(range(rank))


class OnnxBuilder:
    """Collects nodes and constants under fresh names."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._count = 0

    def emit(self, op: str, inputs: Sequence[str], **attributes: NodeAttribute) -> str:
        """Add a node with one output; the output's name."""
        return self.emit_many(op, inputs, 1, **attributes)[0]

    def emit_many(self, op: str, inputs: Sequence[str], outputs: int, **attributes: NodeAttribute) -> list[str]:
        names = [self._fresh(op) for _ in range(outputs)]
        node = helper.make_node(op, list(inputs), names, name=names[0])
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(node)
        return names

    def constant(self, array: npt.ArrayLike, dtype: npt.DTypeLike) -> str:
        name = self._fresh("constant")
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array, dtype), name))
        return name

    def scalar(self, value: float) -> str:
        name = self._fresh("scalar")
        self.constants.append(numpy_helper.from_array(np.array(value, np.float32), name))
        return name

    def model(self, inputs: dict[str, Shape], outputs: dict[str, Shape]) -> onnx.ModelProto:
        """The finished float32 model with these physical shapes."""
        graph = helper.make_graph(
            self.nodes,
            "converted",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
            self.constants,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)

    def _fresh(self, base: str) -> str:
        self._count += 1
        return f"{base}_{self._count}"
