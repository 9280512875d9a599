"""What an operation's handler may see and change during a conversion."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from models.build.tf_to_onnx.values import OnnxBuilder, Order, Value, natural
from models.build.tfjs import Array, TfGraph, TfNode
from models.errors import PermanentError


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
