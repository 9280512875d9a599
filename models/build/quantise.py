"""Static int8 quantisation (QDQ) of a convolutional detector with onnxruntime's own tools."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

OPERATIONS = ["Conv", "Add", "MaxPool", "Concat", "Resize"]
SEARCH_DEPTH = 8

Tensor = npt.NDArray[np.float32]


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no types
    def __init__(self, inputs: Iterable[Mapping[str, Tensor]]) -> None:
        self._inputs: Iterator[Mapping[str, Tensor]] = iter(inputs)

    def get_next(self) -> Mapping[str, Tensor] | None:
        return next(self._inputs, None)


def quantise(model: onnx.ModelProto, inputs: Iterable[Mapping[str, Tensor]]) -> onnx.ModelProto:
    """int8 weights per channel, uint8 activations with ranges seen on `inputs`; last convolutions stay float.

    Weights use 7 bits: x86 processors without VNNI add pairs of 8-bit products in 16 bits, which would saturate.
    """
    with tempfile.TemporaryDirectory(prefix="vitrina-int8-") as folder:
        source, prepared, target = (Path(folder) / name for name in ("float.onnx", "prepared.onnx", "int8.onnx"))
        onnx.save(model, str(source))
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(target),
            _Reader(inputs),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
            nodes_to_exclude=last_convolutions(onnx.load(str(prepared)).graph),
            op_types_to_quantize=OPERATIONS,
            calibrate_method=CalibrationMethod.MinMax,
        )
        return onnx.load(str(target))


def last_convolutions(graph: onnx.GraphProto) -> list[str]:
    """Names of the convolutions nearest to each output: rounding there moves boxes, and they cost little."""
    producers = {name: node for node in graph.node for name in node.output}
    found: set[str] = set()
    frontier = {output.name for output in graph.output}
    for _ in range(SEARCH_DEPTH):
        nodes = [producers[name] for name in frontier if name in producers]
        found.update(node.name for node in nodes if node.op_type == "Conv")
        frontier = {name for node in nodes if node.op_type != "Conv" for name in node.input}
    return sorted(found)
