"""Handlers of convolution, pooling and resizing: everything that looks at height and width."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.build.tf_to_onnx.context import Context
from models.build.tf_to_onnx.values import NCHW, Value
from models.build.tfjs import TfNode
from models.errors import PermanentError


@dataclass(frozen=True, slots=True)
class Window:
    """Output size and padding of a sliding window over height and width."""

    height: int
    width: int
    pads: list[int]


def _span(size: int, kernel: int, stride: int, dilation: int, padding: str) -> tuple[int, int, int]:
    """Output length and padding before and after, by TensorFlow's rules."""
    reach = (kernel - 1) * dilation + 1
    if padding == "VALID":
        return (size - reach) // stride + 1, 0, 0
    if padding != "SAME":
        raise PermanentError(f"cannot convert padding {padding!r}")
    length = -(-size // stride)
    total = max((length - 1) * stride + reach - size, 0)
    return length, total // 2, total - total // 2


def _window(value: Value, node: TfNode, kernel: list[int], strides: list[int], dilations: list[int]) -> Window:
    padding = str(node.attributes["padding"])
    _, height, width, _ = value.shape
    rows, top, bottom = _span(height, kernel[0], strides[0], dilations[0], padding)
    columns, left, right = _span(width, kernel[1], strides[1], dilations[1], padding)
    return Window(rows, columns, [top, left, bottom, right])


def _spatial(node: TfNode, attribute: str) -> list[int]:
    """Height and width entries of an NHWC list attribute; ones if absent."""
    values = node.attributes.get(attribute)
    if not isinstance(values, list) or len(values) != 4:
        return [1, 1]
    return [int(number) for number in values[1:3]]


def convolution(context: Context, node: TfNode) -> None:
    """Conv2D, grouped when the kernel has fewer input channels than the tensor; with a bias and Relu fused in."""
    _convolve(context, node, context.constant(node.inputs[1]).astype(np.float32))


def depthwise(context: Context, node: TfNode) -> None:
    """A kernel HxWxCxM makes M channels of each of C: a convolution of C groups."""
    kernel = context.constant(node.inputs[1]).astype(np.float32)
    rows, columns, channels, each = kernel.shape
    _convolve(context, node, kernel.reshape(rows, columns, 1, channels * each))


def _convolve(context: Context, node: TfNode, kernel: npt.NDArray[np.float32]) -> None:
    value = context.ordered(node.inputs[0], NCHW)
    rows, columns, inputs, outputs = kernel.shape
    fused = node.attributes.get("fused_ops") or []
    if fused not in ([], ["BiasAdd"], ["BiasAdd", "Relu"]):
        raise PermanentError(f"cannot convert {node.name}: fused {fused}")
    operands = [value.name, context.builder.constant(kernel.transpose(3, 2, 0, 1), np.float32)]
    if fused:
        operands.append(context.builder.constant(context.constant(node.inputs[2]), np.float32))
    strides, dilations = _spatial(node, "strides"), _spatial(node, "dilations")
    window = _window(value, node, [rows, columns], strides, dilations)
    name = context.builder.emit(
        "Conv",
        operands,
        kernel_shape=[rows, columns],
        strides=strides,
        dilations=dilations,
        pads=window.pads,
        group=value.shape[3] // inputs,
    )
    if fused == ["BiasAdd", "Relu"]:
        name = context.builder.emit("Relu", [name])
    context.set(node.name, Value(name, NCHW, (value.shape[0], window.height, window.width, outputs)))


def max_pool(context: Context, node: TfNode) -> None:
    value = context.ordered(node.inputs[0], NCHW)
    kernel, strides = _spatial(node, "ksize"), _spatial(node, "strides")
    window = _window(value, node, kernel, strides, [1, 1])
    name = context.builder.emit("MaxPool", [value.name], kernel_shape=kernel, strides=strides, pads=window.pads)
    context.set(node.name, Value(name, NCHW, (value.shape[0], window.height, window.width, value.shape[3])))


def _resize_mode(node: TfNode) -> str:
    if node.attributes.get("align_corners"):
        return "align_corners"
    return "half_pixel" if node.attributes.get("half_pixel_centers") else "asymmetric"


def resize_bilinear(context: Context, node: TfNode) -> None:
    """Resize by the factor recorded at the published input size, else to the size in the graph."""
    value = context.ordered(node.inputs[0], NCHW)
    batch, height, width, channels = value.shape
    factor = context.resize_factors.get(node.name)
    if factor is None:
        rows, columns = context.integers(node.inputs[1])
        context.resize_factors[node.name] = (rows / height, columns / width)
    else:
        rows, columns = round(height * factor[0]), round(width * factor[1])
    sizes = context.builder.constant([batch, channels, rows, columns], np.int64)
    name = context.builder.emit(
        "Resize",
        [value.name, "", "", sizes],
        mode="linear",
        coordinate_transformation_mode=_resize_mode(node),
    )
    context.set(node.name, replace(value, name=name, shape=(batch, rows, columns, channels)))
