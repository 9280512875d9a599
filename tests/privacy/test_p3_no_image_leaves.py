"""P3: no image is written or sent; every payload is at most 4 KB and stands in the contract table.

A real node with cameras of every role, a scanner, labels and enrolled people runs on real faces with a real broker.
Every path that this process opens for writing is noted, everything on disk and bus is searched for pictures.
"""

from __future__ import annotations

import base64
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from contract.channels import CHANNELS
from contract.codec import decode
from contract.values import MAX_PAYLOAD_BYTES

WHOLE = [[0, 0], [1, 0], [1, 1], [0, 1]]
SIGNS = {
    "JPEG": b"\xff\xd8\xff",
    "PNG": b"\x89PNG",
    "WebP": b"WEBPVP8",
    "GIF": b"GIF8",
    "JPEG in base64": b"/9j/",
    "PNG in base64": b"iVBORw0KGgo",
    "a picture in a page": b"data:image",
}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND
_opened: list[str] = []
_watching = [False]


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _watching[0]:
        path, _mode, flags = arguments
        if isinstance(path, str | bytes | os.PathLike) and isinstance(flags, int) and flags & _WRITES:
            _opened.append(os.fsdecode(path))


sys.addaudithook(_audit)


@pytest.fixture
def whole_store(
    parade: Path, start: Callable[..., Any], bus: Any, office: Any, watched: Any, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, portraits: list[Any],
) -> Any:  # fmt: skip
    """A node that does everything it can, with one visitor of the parade enrolled."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    _opened.clear()
    _watching[0] = True
    source = {"driver": "file", "path": str(parade), "loop": True}
    node = start(
        policy={"region": "default", "mode": "lane"},
        recognition={"collect_scores": True},
        cameras=[
            {"id": "door", "role": "entrance", "lane": WHOLE, "analysed_fps": 15, "read_qr": True, "source": source},
            {"id": "floor", "role": "floor", "homography": [[0.01, 0, 0], [0, 0.01, 0], [0, 0, 1]], "source": source},
        ],
        zones=[{"id": "shelf", "polygon": [[0, 0], [6.4, 0], [6.4, 4.8], [0, 4.8]], "enter_s": 0.2}],
        scanners=[{"id": "desk", "source": {"driver": "simulated", "texts": ["SKU-1"], "interval_s": 1.0}}],
        labels={
            "source": {"driver": "simulated", "confirm_s": 0.1, "tags": [{"address": "AA1"}]},
            "map": [{"id": "l1", "address": "AA1"}],
        },
    )
    from edge.model_cards import embedder_sha256
    from edge.vision.enrolment import Enrolled, assess

    good = next(
        found for found in (assess(face, watched.real) for face in portraits[:3]) if isinstance(found, Enrolled)
    )
    node.tell(*office.put("ab" * 16, "t1", good.vector, embedder_sha256(node.config), node.key))
    return node


def test_no_picture_is_written_or_sent_and_every_message_is_in_the_table(
    whole_store: Any, bus: Any, portraits: list[Any], tmp_path: Path, office: Any
) -> None:
    show_a_price(whole_store, office)
    for kind in ("label.state", "product.scanned", "visit.identified"):
        bus.wait(lambda: bus.said(kind), 30)  # noqa: B023
    bus.wait(lambda: whole_store.counters.decisions.get("stranger", 0) >= 1, 60)
    whole_store.stop()
    _watching[0] = False
    said = bus.from_node()
    kinds = {topic.rpartition("/")[2] for topic, _ in said}
    assert kinds >= {"status", "health", "visit.started", "visit.identified", "product.scanned", "label.state"}
    for topic, payload in said:
        assert len(payload) <= MAX_PAYLOAD_BYTES, topic
        assert decode(topic, payload).channel.kind in CHANNELS
        assert CHANNELS[topic.rpartition("/")[2]].direction == "up"
    state, temporary = whole_store.state, tmp_path / "temporary"
    elsewhere = [
        path for path in _opened
        if not Path(path).resolve().is_relative_to(state)
        and path not in (os.devnull, str(tmp_path / "node.yaml")) and "__pycache__" not in path
    ]  # fmt: skip
    assert elsewhere == [], "files were opened for writing outside the state folder"
    assert list(temporary.iterdir()) == []
    written = {path.name: path.read_bytes() for path in state.rglob("*") if path.is_file()}
    assert "outbox.db" in written
    pixels = canary_pixels(portraits)
    for name, content in (*written.items(), *said):
        assert [sign for sign, mark in SIGNS.items() if mark in content] == [], name
        assert not any(row in content for row in pixels), name


def show_a_price(node: Any, office: Any) -> None:
    """So that a label picture is rendered: it is not to leave either, except to the label."""
    from datetime import UTC, datetime, timedelta

    from contract.commands import LabelContent, LabelShow

    content = LabelContent(title="Headphones", sku="S1", price=1000, currency="EUR")
    valid = datetime.now(UTC) + timedelta(seconds=60)
    node.tell(*office.say(LabelShow(sequence=1, valid_until=valid, label="l1", variant="public", content=content)))


def canary_pixels(portraits: list[Any]) -> list[bytes]:
    """Rows of eight real pixels from the middle of each face, plain, in base64 and in hexadecimal."""
    rows = [portrait[portrait.shape[0] // 2, 40:56].tobytes() for portrait in portraits]
    return [*rows, *(base64.b64encode(row)[:32] for row in rows), *(row.hex().encode() for row in rows)]


def test_a_picture_that_was_hidden_would_be_found(portraits: list[Any]) -> None:
    """The search itself."""
    found, encoded = cv2.imencode(".jpg", portraits[0])
    assert found
    for hidden in (encoded.tobytes(), base64.b64encode(encoded.tobytes())):
        assert any(mark in b"prefix" + hidden for mark in SIGNS.values())
    bare = np.ascontiguousarray(portraits[0]).tobytes()
    assert any(row in bare for row in canary_pixels(portraits))


def test_a_write_outside_the_state_folder_would_be_noticed(tmp_path: Path) -> None:
    _opened.clear()
    _watching[0] = True
    (tmp_path / "face.bin").write_bytes(b"x")
    _watching[0] = False
    assert str(tmp_path / "face.bin") in _opened


@pytest.mark.parametrize("kind", [name for name, row in CHANNELS.items() if row.direction == "up"])
def test_no_message_kind_has_room_for_a_picture(kind: str) -> None:
    """Every text of every message that goes up is bounded; the sealed template is the only one of over a kilobyte."""
    schema = CHANNELS[kind].model.model_json_schema()
    loose = sorted(_unbounded(schema, schema, ""))
    assert loose == []


def _unbounded(node: Any, root: Any, where: str) -> set[str]:
    """Where a text without an upper length may stand. Patterns of a fixed length and formats count as bounds."""
    if isinstance(node, list):
        return set().union(*(_unbounded(item, root, where) for item in node)) if node else set()
    if not isinstance(node, dict):
        return set()
    if "$ref" in node:
        return _unbounded(root["$defs"][node["$ref"].rpartition("/")[2]], root, where)
    if node.get("type") == "string" and not ({"maxLength", "pattern", "enum", "const", "format"} & set(node)):
        return {where}
    found: set[str] = set()
    for name, child in node.get("properties", {}).items():
        found |= _unbounded(child, root, f"{where}.{name}")
    for key in ("items", "prefixItems", "anyOf", "oneOf", "allOf"):
        found |= _unbounded(node.get(key), root, where)
    if isinstance(node.get("additionalProperties"), dict):
        found |= _unbounded(node["additionalProperties"], root, f"{where}.*")
    return found
