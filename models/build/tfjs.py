"""Reads a TensorFlow.js graph model (topology JSON and one weight file) into plain nodes and arrays."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from models.errors import PermanentError

Array = npt.NDArray[np.generic]
Attribute = str | int | float | bool | list[int] | list[str] | None

_PLAIN = {"float32": "<f4", "int32": "<i4", "bool": "|b1", "uint8": "|u1"}
_QUANTISED = {"float16": "<f2", "uint8": "|u1", "uint16": "<u2"}


@dataclass(frozen=True, slots=True)
class TfNode:
    """One operation; `inputs` are tensor names ("node" or "node:output")."""

    op: str
    name: str
    inputs: tuple[str, ...] = ()
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(slots=True)
class TfGraph:
    """Nodes by name and constants by name; recipes may overwrite a constant before conversion."""

    nodes: dict[str, TfNode]
    constants: dict[str, Array]

    def node(self, tensor: str) -> TfNode:
        """The node that makes `tensor`. PermanentError if the graph has none."""
        name = tensor.split(":")[0]
        if name not in self.nodes:
            raise PermanentError(f"the graph has no node {name!r}")
        return self.nodes[name]

    def upstream(self, tensor: str, op: str) -> TfNode:
        """The nearest node of kind `op` that feeds `tensor` through first inputs only."""
        node = self.node(tensor)
        while node.op != op:
            if not node.inputs:
                raise PermanentError(f"no {op} feeds {tensor!r}")
            node = self.node(node.inputs[0])
        return node


def read_tfjs(topology: bytes, weights: bytes) -> TfGraph:
    """Parse both files. PermanentError when they do not belong together or use an unknown encoding."""
    try:
        document = json.loads(topology)
        nodes = {raw["name"]: _node(raw) for raw in document["modelTopology"]["node"]}
        return TfGraph(nodes, _read_weights(document["weightsManifest"], weights))
    except (ValueError, KeyError, TypeError) as error:
        raise PermanentError(f"not a TensorFlow.js graph model: {error!r}") from error


def _node(raw: Mapping[str, object]) -> TfNode:
    inputs = raw.get("input", [])
    attributes = raw.get("attr", {})
    if not isinstance(inputs, list) or not isinstance(attributes, dict):
        raise ValueError(f"malformed node {raw.get('name')!r}")
    return TfNode(
        op=str(raw["op"]),
        name=str(raw["name"]),
        inputs=tuple(_tensor_name(str(name)) for name in inputs if not str(name).startswith("^")),
        attributes={key: _attribute(value) for key, value in attributes.items()},
    )


def _tensor_name(name: str) -> str:
    return name.removesuffix(":0")


def _attribute(value: Mapping[str, object]) -> Attribute:
    match value:
        case {"s": str(text)}:
            return base64.b64decode(text).decode()
        case {"i": (str() | int()) as number}:
            return int(number)
        case {"f": (str() | int() | float()) as number}:
            return float(number)
        case {"b": bool(flag)}:
            return flag
        case {"list": {"i": [*numbers]}}:
            return [int(number) for number in numbers]
        case {"list": {"s": [*texts]}}:
            return [base64.b64decode(text).decode() for text in texts]
        case _:
            return None


def _read_weights(groups: list[dict[str, list[dict[str, object]]]], data: bytes) -> dict[str, Array]:
    constants: dict[str, Array] = {}
    offset = 0
    for group in groups:
        for entry in group["weights"]:
            array, size = _weight(entry, data, offset)
            constants[str(entry["name"])] = array
            offset += size
    if offset != len(data):
        raise ValueError(f"the weight file has {len(data)} bytes, its manifest describes {offset}")
    return constants


def _weight(entry: Mapping[str, object], data: bytes, offset: int) -> tuple[Array, int]:
    shape = entry["shape"]
    if not isinstance(shape, list):
        raise TypeError("a weight's shape is a list")
    quantisation = entry.get("quantization")
    if isinstance(quantisation, dict):
        stored = np.dtype(_QUANTISED[quantisation["dtype"]])
    else:
        stored = np.dtype(_PLAIN[str(entry["dtype"])])
    raw = np.frombuffer(data, stored, math.prod(shape), offset)
    if not isinstance(quantisation, dict):
        return raw.reshape(shape), raw.nbytes
    values = raw.astype(np.float32)
    if "scale" in quantisation:
        values = values * np.float32(quantisation["scale"]) + np.float32(quantisation["min"])
    return values.reshape(shape), raw.nbytes
