"""Handlers of element-wise operations: the layout of the operands is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from models.build.tf_to_onnx.context import Context
from models.build.tf_to_onnx.values import Shape, Value
from models.build.tfjs import TfNode
from models.errors import PermanentError

_ONNX_NAMES: Mapping[str, str] = {"AddV2": "Add", "BiasAdd": "Add"}
DEFAULT_LEAK = 0.2


def unary(context: Context, node: TfNode) -> None:
    """Relu, Sigmoid: same name in both worlds."""
    value = context.value(node.inputs[0])
    context.set(node.name, replace(value, name=context.builder.emit(node.op, [value.name])))


def relu6(context: Context, node: TfNode) -> None:
    """Clipped to 0..6."""
    value = context.value(node.inputs[0])
    limits = [context.builder.scalar(0.0), context.builder.scalar(6.0)]
    context.set(node.name, replace(value, name=context.builder.emit("Clip", [value.name, *limits])))


def mean(context: Context, node: TfNode) -> None:
    """Over some axes, which stay with length 1."""
    value = context.value(node.inputs[0])
    if not node.attributes.get("keep_dims"):
        raise PermanentError(f"cannot convert {node.name}: a mean that drops its axes")
    axes = [axis % len(value.shape) for axis in context.integers(node.inputs[1])]
    name = context.builder.emit("ReduceMean", [value.name], axes=[value.axis(axis) for axis in axes], keepdims=1)
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(value.shape))
    context.set(node.name, replace(value, name=name, shape=shape))


def leaky_relu(context: Context, node: TfNode) -> None:
    value = context.value(node.inputs[0])
    alpha = node.attributes.get("alpha")
    slope = float(alpha) if isinstance(alpha, int | float) else DEFAULT_LEAK
    context.set(node.name, replace(value, name=context.builder.emit("LeakyRelu", [value.name], alpha=slope)))


def binary(context: Context, node: TfNode) -> None:
    """Two operands, at most one of them constant, broadcast as TensorFlow does."""
    moving = next(name for name in node.inputs if context.constants.get(name) is None)
    reference = context.value(moving)
    names, shapes = zip(*(_operand(context, tensor, reference) for tensor in node.inputs), strict=True)
    shape = np.broadcast_shapes(*shapes)
    name = context.builder.emit(_ONNX_NAMES.get(node.op, node.op), list(names))
    context.set(node.name, Value(name, reference.order, tuple(shape)))


def _operand(context: Context, tensor: str, reference: Value) -> tuple[str, Shape]:
    constant = context.constants.get(tensor)
    if constant is None:
        value = context.ordered(tensor, reference.order)
        return value.name, value.shape
    padded = constant.reshape((1,) * (len(reference.shape) - constant.ndim) + constant.shape)
    return context.builder.constant(padded.transpose(reference.order), np.float32), constant.shape
