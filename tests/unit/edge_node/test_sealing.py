"""Keys and sealing: only the right key opens, and only as what it was sealed for."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import NodeError
from edge.keys import load_or_create
from edge.sealing import SealError, new_subject_key, open_key, open_template, seal_key, seal_template


def unit(seed: int = 1) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    vector = np.random.default_rng(seed).normal(size=512).astype(np.float32)
    return vector / np.float32(np.linalg.norm(vector))


def test_the_node_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    first, again = load_or_create(tmp_path / "state"), load_or_create(tmp_path / "state")
    path = tmp_path / "state" / "node.key"
    assert first.public == again.public
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["node.key"]
    assert first.public not in repr(first)
    path.chmod(0o644)
    load_or_create(tmp_path / "state")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "hello", base64.b64encode(b"short").decode()])
def test_a_broken_key_file_says_what_to_do(tmp_path: Path, content: str) -> None:
    (tmp_path / "node.key").write_text(content)
    with pytest.raises(NodeError, match="Move it away"):
        load_or_create(tmp_path)


def test_a_template_comes_back_as_it_went(tmp_path: Path) -> None:
    node = load_or_create(tmp_path)
    key, vector = new_subject_key(), unit()
    sealed, wrapped = seal_template(vector, key, "s1", "t1"), seal_key(key, node.public)
    back = open_template(sealed, open_key(wrapped, node.private), "s1", "t1")
    assert float(back @ vector) > 0.9999
    assert float(np.linalg.norm(back)) == pytest.approx(1.0, abs=1e-6)
    assert len(sealed) < 1500
    assert seal_template(vector, key, "s1", "t1") != sealed
    assert vector.astype(np.float16).tobytes() not in base64.b64decode(sealed)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 1051), st.integers(1, 255))
def test_one_changed_byte_is_found(place: int, flip: int) -> None:
    key = b"k" * 32
    raw = bytearray(base64.b64decode(seal_template(unit(), key, "s", "t")))
    raw[place] ^= flip
    with pytest.raises(SealError):
        open_template(base64.b64encode(raw).decode(), key, "s", "t")


def test_other_subject_template_key_or_node_open_nothing(tmp_path: Path) -> None:
    node, other = load_or_create(tmp_path / "a"), load_or_create(tmp_path / "b")
    key = new_subject_key()
    sealed, wrapped = seal_template(unit(), key, "s1", "t1"), seal_key(key, node.public)
    for subject, template, candidate in (("s2", "t1", key), ("s1", "t2", key), ("s1", "t1", new_subject_key())):
        with pytest.raises(SealError):
            open_template(sealed, candidate, subject, template)
    with pytest.raises(SealError):
        open_key(wrapped, other.private)
    for junk in ("", "AAAA", "not base64!", wrapped[:-8]):
        with pytest.raises(SealError):
            open_key(junk, node.private)
        with pytest.raises(SealError):
            open_template(junk, key, "s1", "t1")


def test_a_vector_that_is_no_direction_is_refused() -> None:
    key = new_subject_key()
    for bad in (np.zeros(512, np.float32), np.full(512, np.nan, np.float32)):
        with pytest.raises(SealError):
            open_template(seal_template(bad, key, "s", "t"), key, "s", "t")
    with pytest.raises(SealError):
        seal_template(np.zeros(128, np.float32), key, "s", "t")
