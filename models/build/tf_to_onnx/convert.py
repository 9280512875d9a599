"""Walks the TensorFlow graph in topological order and lets one handler translate each operation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import onnx

from models.build.tf_to_onnx.context import Context
from models.build.tf_to_onnx.handlers import HANDLERS
from models.build.tf_to_onnx.values import Order, Shape, Value, natural
from models.build.tfjs import TfGraph, TfNode
from models.errors import PermanentError

INPUT = "input"


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
    input_order: Order | None = None,
) -> Conversion:
    """Translate what computes `outputs` (TensorFlow tensor -> ONNX name) from one float input.

    `resize_factors` of a conversion at the published size overrule resize targets baked into the graph. `input_order`:
    axes of the ONNX input where they are not TensorFlow's (`NCHW`); `input_shape` is TensorFlow's all the same.
    """
    context = Context(graph, resize_factors or {})
    entry = Value(INPUT, input_order or natural(len(input_shape)), input_shape)
    context.set(input_tensor, entry)
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
    return Conversion(context.builder.model({INPUT: entry.physical_shape}, shapes), context.resize_factors)


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
