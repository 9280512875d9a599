from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from models.build.tfjs import TfGraph, TfNode, read_tfjs
from models.errors import PermanentError

Entry = dict[str, object]


def topology(weights: list[Entry], nodes: list[Entry] | None = None) -> bytes:
    document = {
        "modelTopology": {"node": nodes or []},
        "weightsManifest": [{"paths": ["w.bin"], "weights": weights}],
    }
    return json.dumps(document).encode()


def test_weights_of_every_encoding() -> None:
    plain = np.array([[1.5, -2.0]], "<f4")
    half = np.array([0.5, 0.25, -1.0], "<f2")
    affine = np.array([0, 10, 255], np.uint8)
    whole = np.array([7, -7], "<i4")
    entries: list[Entry] = [
        {"name": "plain", "shape": [1, 2], "dtype": "float32"},
        {"name": "half", "shape": [3], "dtype": "float32", "quantization": {"dtype": "float16"}},
        {
            "name": "affine",
            "shape": [3],
            "dtype": "float32",
            "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1.0},
        },
        {"name": "whole", "shape": [2], "dtype": "int32"},
    ]
    data = b"".join(array.tobytes() for array in (plain, half, affine, whole))
    constants = read_tfjs(topology(entries), data).constants
    np.testing.assert_array_equal(constants["plain"], plain)
    np.testing.assert_array_equal(constants["half"], half.astype(np.float32))
    np.testing.assert_allclose(constants["affine"], [-1.0, 4.0, 126.5])
    np.testing.assert_array_equal(constants["whole"], whole)


def test_nodes_and_attributes() -> None:
    text = {"s": base64.b64encode(b"SAME").decode()}
    node: Entry = {
        "name": "c",
        "op": "Conv2D",
        "input": ["x:0", "w", "^control"],
        "attr": {
            "padding": text,
            "strides": {"list": {"i": ["1", "2", "2", "1"]}},
            "alpha": {"f": 0.1},
            "flag": {"b": True},
            "T": {"type": "DT_FLOAT"},
        },
    }
    parsed = read_tfjs(topology([], [node]), b"").nodes["c"]
    assert parsed.inputs == ("x", "w")
    assert parsed.attributes["padding"] == "SAME"
    assert parsed.attributes["strides"] == [1, 2, 2, 1]
    assert parsed.attributes["alpha"] == pytest.approx(0.1)
    assert parsed.attributes["flag"] is True
    assert parsed.attributes["T"] is None


@pytest.mark.parametrize(
    ("document", "data"),
    [
        (b"not json", b""),
        (b"{}", b""),
        (topology([{"name": "w", "shape": [2], "dtype": "float32"}]), b"\0" * 4),
        (topology([{"name": "w", "shape": [1], "dtype": "float32"}]), b"\0" * 8),
        (topology([{"name": "w", "shape": [1], "dtype": "complex64"}]), b"\0" * 8),
        (topology([], [{"name": "n", "op": "Add", "input": "x"}]), b""),
    ],
)
def test_files_that_do_not_belong_together_are_refused(document: bytes, data: bytes) -> None:
    with pytest.raises(PermanentError, match=r"not a TensorFlow\.js graph model"):
        read_tfjs(document, data)


def test_upstream_walks_first_inputs() -> None:
    chain = [TfNode("Conv2D", "c", ("x",)), TfNode("Add", "a", ("c", "b")), TfNode("Identity", "out", ("a",))]
    graph = TfGraph({node.name: node for node in [*chain, TfNode("Placeholder", "x")]}, {})
    assert graph.upstream("out", "Conv2D").name == "c"
    with pytest.raises(PermanentError, match="no SplitV feeds 'out'"):
        graph.upstream("out", "SplitV")
    with pytest.raises(PermanentError, match="no node 'nowhere'"):
        graph.node("nowhere")
