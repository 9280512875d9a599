"""mosquitto's access list from the contract's channel table: `python acl.py NODES.json`, the list on standard output.

NODES.json: [{"store": "shop", "node": "node-1", "counters": ["cameras/door/#"]}, ...]; `counters` (optional) are the
topic filters of cameras that count (ONVIF Profile M), as in the node's configuration. Run with the release on
PYTHONPATH, so that the list always fits the version that is installed. A node may say its own up kinds and hear its own
down kinds; it may tell the other nodes of its store where people are (contract.local), which central can not hear.
Nothing else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from contract import local
from contract.channels import Address, kinds, subscription

CENTRAL = "central"


def account(store: str, node: str) -> str:
    """User name of a node. A dot can not be part of either name."""
    return f"{store}.{node}"


def node_lines(store: str, node: str, counters: Iterable[str] = ()) -> Iterator[str]:
    """What one node may do; MisaddressedError for a name that is no topic level."""
    yield f"user {account(store, node)}"
    for row in kinds("up"):
        yield f"topic write {Address(store, node, row.kind).topic}"
    for row in kinds("down"):
        yield f"topic read {Address(store, node, row.kind).topic}"
    yield f"topic write {local.topic(store, node)}"
    yield f"topic read {local.topic(store, '+')}"
    for topic in counters:
        yield f"topic read {topic}"


def central_lines() -> Iterator[str]:
    """Central hears every kind (a newer node's too, to quarantine it) and says the down kinds."""
    yield f"user {CENTRAL}"
    yield f"topic read {subscription('+')}"
    for row in kinds("down"):
        yield f"topic write {subscription(row.kind)}"


def access_list(nodes: list[dict[str, Any]]) -> str:
    """The whole file. What no line allows is denied."""
    blocks = [central_lines(), *(node_lines(item["store"], item["node"], item.get("counters", ())) for item in nodes)]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


if __name__ == "__main__":
    sys.stdout.write(access_list(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
