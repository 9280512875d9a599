"""Walks the TensorFlow graph in topological order and lets one handler translate each operation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from models.build.tf_to_onnx.values import OnnxBuilder, Order, Shape, Value, natural
from models.build.tfjs import Array, TfGraph, TfNode
from models.errors import PermanentError

INPUT = "input"


class Context:
    """What a handler may use: values made so far, constants, and the ONNX builder."""

    def __init__(self, graph: TfGraph, resize_factors: Mapping[str, tuple[float, float]]) -> None:
        self.builder = OnnxBuilder()
        self.constants = graph.constants
        self.resize_factors = dict(resize_factors)
        self._values: dict[str, Value] = {}

    def value(self, tensor: str) -> Value:
        return self._values[tensor]

    def has(self, tensor: str) -> bool:
        return tensor in self._values

    def set(self, tensor: str, value: Value) -> None:
        self._values[tensor] = value

    def ordered(self, tensor: str, order: Order) -> Value:
        """The value laid out as `order`, through a Transpose only if it is not so already."""
        value = self.value(tensor)
        if value.order == order:
            return value
        permutation = [value.order.index(axis) for axis in order]
        name = self.builder.emit("Transpose", [value.name], perm=permutation)
        return Value(name, order, value.shape)

    def natural(self, tensor: str) -> Value:
        return self.ordered(tensor, natural(len(self.value(tensor).shape)))

    def constant(self, tensor: str) -> Array:
        """A constant operand. PermanentError if it depends on the input."""
        array = self.constants.get(tensor)
        if array is None:
            raise PermanentError(f"cannot convert: {tensor!r} must be constant")
        return array

    def integers(self, tensor: str) -> list[int]:
        return [int(number) for number in np.atleast_1d(self.constant(tensor)).reshape(-1)]


Handler = Callable[[Context, TfNode], None]


@dataclass(frozen=True, slots=True)
class Conversion:
    """The ONNX model, and by how much each resize node scaled (to convert again at another input size)."""

    model: onnx.ModelProto
    resize_factors: dict[str, tuple[float, float]]


def convert(
    graph: TfGraph,
    input_tensor: str,
    input_shape: Shape,
    outputs: Mapping[str, str],
    resize_factors: Mapping[str, tuple[float, float]] | None = None,
) -> Conversion:
    """Translate what computes `outputs` (TensorFlow tensor -> ONNX name) from one float input.

    `resize_factors` of a conversion at the published size overrule resize targets baked into the graph.
    """
    from models.build.tf_to_onnx.handlers import HANDLERS  # noqa: PLC0415 - handlers import Context from here

    context = Context(graph, resize_factors or {})
    context.set(input_tensor, Value(INPUT, natural(len(input_shape)), input_shape))
    for node in _in_order(graph, outputs, context):
        handler = HANDLERS.get(node.op)
        if handler is None:
            raise PermanentError(f"cannot convert operation {node.op} ({node.name})")
        handler(context, node)
    shapes: dict[str, Shape] = {}
    for tensor, name in outputs.items():
        value = context.natural(tensor)
        context.builder.nodes.append(onnx.helper.make_node("Identity", [value.name], [name]))
        shapes[name] = value.shape
    return Conversion(context.builder.model({INPUT: input_shape}, shapes), context.resize_factors)


def _in_order(graph: TfGraph, outputs: Iterable[str], context: Context) -> list[TfNode]:
    """Nodes between the input and `outputs`, each after its operands; an explicit stack spares recursion."""
    done: dict[str, TfNode] = {}
    stack = [graph.node(tensor) for tensor in outputs]
    while stack:
        node = stack[-1]
        waiting = [
            source
            for name in node.inputs
            if not context.has(name) and context.constants.get(name) is None
            for source in [graph.node(name)]
            if source.name not in done
        ]
        if waiting and node.name not in done:
            stack.extend(waiting)
            continue
        stack.pop()
        done.setdefault(node.name, node)
    return list(done.values())
