"""The dispatch table: which function translates which TensorFlow operation."""

from __future__ import annotations

from collections.abc import Mapping

from models.build.tf_to_onnx import arithmetic, convolution, layout
from models.build.tf_to_onnx.context import Handler

HANDLERS: Mapping[str, Handler] = {
    "Conv2D": convolution.convolution,
    "_FusedConv2D": convolution.convolution,
    "DepthwiseConv2dNative": convolution.depthwise,
    "FusedDepthwiseConv2dNative": convolution.depthwise,
    "MaxPool": convolution.max_pool,
    "ResizeBilinear": convolution.resize_bilinear,
    "Identity": layout.identity,
    "Transpose": layout.transpose,
    "Pad": layout.pad,
    "PadV2": layout.pad,
    "ConcatV2": layout.concat,
    "SplitV": layout.split,
    "Reshape": layout.reshape,
    "Relu": arithmetic.unary,
    "Relu6": arithmetic.relu6,
    "Mean": arithmetic.mean,
    "Sigmoid": arithmetic.unary,
    "LeakyRelu": arithmetic.leaky_relu,
    "Add": arithmetic.binary,
    "AddV2": arithmetic.binary,
    "BiasAdd": arithmetic.binary,
    "Sub": arithmetic.binary,
    "Mul": arithmetic.binary,
}
