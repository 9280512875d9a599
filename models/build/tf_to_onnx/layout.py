"""Handlers that move, join, cut or pad tensors without arithmetic."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from models.build.tf_to_onnx.context import Context
from models.build.tf_to_onnx.values import Value, natural
from models.build.tfjs import TfNode
from models.errors import PermanentError

LOWEST = -3.4e38


def identity(context: Context, node: TfNode) -> None:
    context.set(node.name, context.value(node.inputs[0]))


def transpose(context: Context, node: TfNode) -> None:
    """Only renames the axes: the ONNX tensor stays where it is."""
    value = context.value(node.inputs[0])
    permutation = context.integers(node.inputs[1])
    order = tuple(permutation.index(axis) for axis in value.order)
    context.set(node.name, Value(value.name, order, tuple(value.shape[axis] for axis in permutation)))


def pad(context: Context, node: TfNode) -> None:
    """Pad and PadV2 with a constant; padding of nothing vanishes."""
    value = context.value(node.inputs[0])
    amounts = context.constant(node.inputs[1]).astype(int)
    if not amounts.any():
        context.set(node.name, value)
        return
    fill = float(context.constant(node.inputs[2]).item()) if node.op == "PadV2" else 0.0
    by_axis = amounts[list(value.order)]
    pads = context.builder.constant([*by_axis[:, 0], *by_axis[:, 1]], np.int64)
    fill_name = context.builder.scalar(fill if math.isfinite(fill) else LOWEST)
    name = context.builder.emit("Pad", [value.name, pads, fill_name])
    shape = tuple(size + int(before) + int(after) for size, (before, after) in zip(value.shape, amounts, strict=True))
    context.set(node.name, Value(name, value.order, shape))


def concat(context: Context, node: TfNode) -> None:
    *tensors, axis_name = node.inputs
    axis = context.integers(axis_name)[0]
    first = context.value(tensors[0])
    values = [context.ordered(tensor, first.order) for tensor in tensors]
    shape = list(first.shape)
    shape[axis] = sum(value.shape[axis] for value in values)
    name = context.builder.emit("Concat", [value.name for value in values], axis=first.axis(axis))
    context.set(node.name, Value(name, first.order, tuple(shape)))


def split(context: Context, node: TfNode) -> None:
    """SplitV: sizes given; outputs are `name`, `name:1`, ..."""
    value = context.value(node.inputs[0])
    sizes, axis = context.integers(node.inputs[1]), context.integers(node.inputs[2])[0]
    if sum(sizes) != value.shape[axis]:
        raise PermanentError(f"{node.name} splits {value.shape[axis]} into {sizes}")
    lengths = context.builder.constant(sizes, np.int64)
    names = context.builder.emit_many("Split", [value.name, lengths], len(sizes), axis=value.axis(axis))
    for index, (name, size) in enumerate(zip(names, sizes, strict=True)):
        shape = list(value.shape)
        shape[axis] = size
        tensor = node.name if index == 0 else f"{node.name}:{index}"
        context.set(tensor, replace(value, name=name, shape=tuple(shape)))


def reshape(context: Context, node: TfNode) -> None:
    value = context.natural(node.inputs[0])
    shape = context.integers(node.inputs[1])
    if shape.count(-1) == 1:
        shape[shape.index(-1)] = math.prod(value.shape) // -math.prod(shape)
    if math.prod(shape) != math.prod(value.shape):
        raise PermanentError(f"{node.name} reshapes {value.shape} to {shape}")
    name = context.builder.emit("Reshape", [value.name, context.builder.constant(shape, np.int64)])
    context.set(node.name, Value(name, natural(len(shape)), tuple(shape)))
