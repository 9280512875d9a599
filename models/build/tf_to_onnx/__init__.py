"""Converts the TensorFlow inference graphs we use to ONNX with numpy and onnx alone.

Layouts are tracked instead of transposed: a tensor that TensorFlow thinks of as NHWC stays NCHW in ONNX, so no
Transpose remains between convolutions. One handler per operation, in a dispatch table (`handlers.HANDLERS`).
"""

from models.build.tf_to_onnx.convert import Conversion, convert

__all__ = ["Conversion", "convert"]
