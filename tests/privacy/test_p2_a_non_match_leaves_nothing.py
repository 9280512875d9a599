"""P2: who is not enrolled leaves nothing on disk, bus or in the logs, and nothing in memory a second later.

A real node with a real broker looks at real strangers through the real models. Everything is searched for what the
embedder handed out: its bytes as float32 and float16, in base64 at all three alignments, and its numbers as text.
"""

from __future__ import annotations

import base64
import logging
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

LANE = [[0, 0], [1, 0], [1, 1], [0, 1]]
LIVE_S = 1.0
STRANGERS = 3


@pytest.fixture
def stood_there(
    parade: Path, start: Callable[..., Any], bus: Any, office: Any, watched: Any, caplog: pytest.LogCaptureFixture
) -> Any:
    """A running node under `lane` with one enrolled person, after three strangers were decided on and nobody is left.

    They walk past again and again until then, however busy this machine is; after that the camera is silent.
    """
    caplog.set_level(logging.DEBUG)
    node = start(
        policy={"region": "default", "mode": "lane"},
        recognition={"collect_scores": True},
        cameras=[{
            "id": "door", "role": "entrance", "lane": LANE, "analysed_fps": 15,
            "source": {"driver": "file", "path": str(parade), "loop": True},
        }],
    )  # fmt: skip
    from edge.model_cards import embedder_sha256

    someone = np.random.default_rng(9).standard_normal(512).astype(np.float32)
    node.tell(*office.put("ab" * 16, "t1", someone / np.linalg.norm(someone), embedder_sha256(node.config), node.key))
    bus.wait(lambda: node.counters.decisions.get("stranger", 0) >= STRANGERS, 120)
    node.unplug("door")
    bus.wait(lambda: node.undecided == 0)
    return node


def needles(disguised: list[bytes]) -> list[bytes]:
    """Everything that a vector could look like in a file or message."""
    found: list[bytes] = []
    for text in disguised:
        vector = np.frombuffer(bytes(255 - byte for byte in text), np.float32)
        for raw in (vector[:32].tobytes(), vector[:32].astype(np.float16).tobytes()):
            found += [raw, *(base64.b64encode(raw[shift:])[:24] for shift in range(3)), raw.hex().encode()[:40]]
        found += [repr(abs(number))[:8].encode() for number in vector[:6].tolist()]
    return found


def test_a_non_match_leaves_no_byte_in_memory_on_disk_on_the_bus_or_in_a_log(
    stood_there: Any, watched: Any, bus: Any, caplog: pytest.LogCaptureFixture
) -> None:
    time.sleep(LIVE_S)
    assert len(watched.disguised) >= STRANGERS
    _memory_holds_no_vector(watched)
    before_end = time.monotonic()
    stood_there.stop()
    assert time.monotonic() - before_end < 20
    places = {str(path): path.read_bytes() for path in stood_there.state.rglob("*") if path.is_file()}
    assert {"outbox.db", "node.db", "impostor-scores.jsonl"} <= {Path(name).name for name in places}
    places |= {f"bus {number} {topic}": payload for number, (topic, payload) in enumerate(bus.heard)}
    places["log"] = caplog.text.encode()
    places |= {str(path): path.read_bytes() for path in _fresh_temporary_files()}
    canaries = needles(watched.disguised)
    found = [name for name, content in places.items() for canary in canaries if canary in content]
    assert found == []
    for kind in ("visit.started", "visit.identified", "visit.ended"):
        assert bus.said(kind) == [], "a stranger is no visit"


def _memory_holds_no_vector(watched: Any) -> None:
    """Every writable page of this process is searched, not only the arrays we know of."""
    assert not any(vectors.any() for vectors in watched.handed_out)
    watched.handed_out.clear()
    sought = {f"template {number}": text[:64] for number, text in enumerate(watched.disguised)}
    sought |= {f"raw answer {number}": text[:64] for number, text in enumerate(watched.disguised_raw)}
    assert _in_memory(sought) == set(), f"still in memory, of {len(sought)}"


def test_what_the_search_finds_when_something_is_left() -> None:
    """The search itself: a vector hidden in each of the ways it knows is found."""
    vector = np.random.default_rng(3).standard_normal(512).astype(np.float32)
    canaries = needles([bytes(255 - byte for byte in vector.tobytes())])
    for text in (
        b"x" + vector.tobytes(),
        vector.astype(np.float16).tobytes(),
        base64.b64encode(b"yy" + vector.tobytes()),
        vector.tobytes().hex().encode(),
        repr(vector.tolist()).encode(),
    ):
        assert any(canary in text for canary in canaries)


def test_the_search_of_memory_sees_what_is_there() -> None:
    kept = np.random.default_rng(4).standard_normal(512).astype(np.float32)
    sought = {"kept": (~kept[:16].view(np.uint8)).tobytes(), "never there": bytes(range(64))}
    assert _in_memory(sought) == {"kept"}
    kept.fill(0)


def _in_memory(sought: dict[str, bytes]) -> set[str]:
    """Which of these disguised bytes stand undisguised in a writable page. No needle is ever made whole."""
    needles = {name: (bytes(255 - byte for byte in text[:4]), text[4:]) for name, text in sought.items()}
    found: set[str] = set()
    for piece in _writable(max(len(text) for text in sought.values())):
        found |= {name for name, (first, rest) in needles.items() if _matches(piece, first, rest)}
    return found


def _writable(overlap: int) -> Iterator[bytes]:
    """This process's writable memory, a few MiB at a time."""
    with Path("/proc/self/maps").open() as maps, Path("/proc/self/mem").open("rb", 0) as memory:
        spans = [line.split()[0] for line in maps if " rw" in line and "[v" not in line]
        for span in spans:
            begin, end = (int(part, 16) for part in span.split("-"))
            for at in range(begin, end, _PIECE):
                try:
                    memory.seek(at)
                    yield memory.read(min(_PIECE + overlap, end - at))
                except (OSError, ValueError):
                    break


_PIECE = 2**22


def _matches(piece: bytes, first: bytes, rest: bytes) -> bool:
    at = piece.find(first)
    while at >= 0:
        following = piece[at + 4 : at + 4 + len(rest)]
        if len(following) == len(rest) and all(a + b == 255 for a, b in zip(following, rest, strict=True)):
            return True
        at = piece.find(first, at + 1)
    return False


def _fresh_temporary_files() -> list[Path]:
    """What anybody of this process may have put into the folder for temporary files in the last two minutes."""
    now = time.time()
    folder = Path(tempfile.gettempdir())
    return [
        path for path in folder.iterdir()
        if path.is_file() and now - path.stat().st_mtime < 120 and path.stat().st_size < 2**24
    ]  # fmt: skip
