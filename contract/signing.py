"""The bytes a signature covers. Canonical JSON after RFC 8785 for the value types used here (no floats in commands)."""

from __future__ import annotations

import json
from collections.abc import Mapping


def canonical_json(value: object) -> bytes:
    """UTF-8 JSON with sorted keys and no white space."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def signing_bytes(kind: str, store: str, node: str, data: Mapping[str, object]) -> bytes:
    """What central signs and the node verifies: the address is inside, so a command cannot be sent elsewhere.

    `data` is the JSON object as sent (`codec.plain` or `Message.raw`); its `signature` is left out.
    """
    covered = {key: value for key, value in data.items() if key != "signature"}
    return canonical_json({"kind": kind, "store": store, "node": node, "data": covered})
