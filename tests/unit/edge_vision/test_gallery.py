"""The gallery forgets: drop, lease, wipe; and what it forgets is gone from its memory."""

from __future__ import annotations

from collections.abc import Callable

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.gallery import Gallery

Vectors = Callable[..., NDArray[np.float32]]


def test_search_names_the_best_subject_and_the_best_other_one(vector: Vectors) -> None:
    anna, gallery = vector(1), Gallery()
    for n in range(20):
        gallery.put("anna", f"t{n}", vector(50 + n, anna, 0.9), 1e9)
    gallery.put("ben", "t", vector(2, anna, 0.3), 1e9)
    found = gallery.search(anna)
    assert found is not None
    assert found.subject == "anna"
    assert found.similarity == pytest.approx(0.9, abs=0.01)
    assert found.runner_up == pytest.approx(0.3, abs=0.01)


def test_alone_in_the_gallery_there_is_no_runner_up(vector: Vectors) -> None:
    gallery = Gallery()
    gallery.put("anna", "t", vector(1), 1e9)
    found = gallery.search(vector(1))
    assert found is not None
    assert found.runner_up == -1.0


def test_a_dropped_subject_is_found_no_more(vector: Vectors) -> None:
    gallery = Gallery()
    gallery.put("anna", "t1", vector(1), 1e9)
    gallery.put("anna", "t2", vector(2), 1e9)
    gallery.put("ben", "t1", vector(3), 1e9)
    assert gallery.drop("anna") == 2
    assert gallery.drop("anna") == 0
    assert (gallery.subjects, gallery.templates) == (1, 1)
    found = gallery.search(vector(1))
    assert found is not None
    assert found.subject == "ben"
    assert gallery.verify("anna", vector(1)) is None


def test_a_dropped_vector_is_gone_from_the_index_buffer(vector: Vectors) -> None:
    """The canary's bytes stand in faiss's buffer before, and nowhere in it after."""
    gallery = Gallery()
    for n in range(8):
        gallery.put(f"s{n}", "t", vector(n), 1e9)
    canary = vector(7).astype(np.float16).tobytes()
    index = gallery._index
    assert index is not None
    before = 8 * 1024
    whole = faiss.rev_swig_ptr(index._flat.codes.data(), before)
    assert canary in whole.tobytes()
    gallery.drop("s7")
    assert canary not in faiss.rev_swig_ptr(index._flat.codes.data(), before).tobytes()
    last = vector(6).astype(np.float16).tobytes()
    gallery.drop("s0")
    assert faiss.rev_swig_ptr(index._flat.codes.data(), before).tobytes().count(last) == 1


def test_leases_end_by_the_monotonic_clock(vector: Vectors) -> None:
    gallery = Gallery()
    gallery.put("anna", "t", vector(1), 100.0)
    gallery.put("ben", "t", vector(2), 200.0)
    assert gallery.expire(99.9) == ()
    assert gallery.expire(100.0) == ("anna",)
    gallery.put("ben", "t", vector(2), 300.0)
    assert gallery.expire(250.0) == ()
    assert gallery.templates == 1


def test_wiped_is_empty_and_the_old_key_is_gone(vector: Vectors) -> None:
    gallery = Gallery()
    gallery.put("anna", "t", vector(1), 1e9)
    key = gallery._key
    gallery.wipe()
    assert gallery.search(vector(1)) is None
    assert gallery.templates == 0
    assert gallery._key is not key


def test_without_search_no_clear_template_is_held(vector: Vectors) -> None:
    gallery = Gallery(searchable=False)
    gallery.put("anna", "t", vector(1), 1e9)
    clear = vector(1).astype(np.float16).tobytes()
    assert all(clear not in entry.sealed for entries in gallery._entries.values() for entry in entries.values())
    assert gallery.search(vector(1)) is None
    assert gallery.verify("anna", vector(1)) == pytest.approx(1.0, abs=1e-3)
    assert gallery.verify("ben", vector(1)) is None


@pytest.mark.parametrize("bad", [np.zeros(512), np.full(512, np.nan), np.ones(511), np.full(512, np.inf)])
def test_impossible_templates_are_refused(bad: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="512"):
        Gallery().put("anna", "t", bad.astype(np.float32), 1e9)


def test_a_probe_that_is_not_a_number_matches_nobody(vector: Vectors) -> None:
    gallery = Gallery()
    gallery.put("anna", "t", vector(1), 1e9)
    assert gallery.search(np.full(512, np.nan, np.float32)) is None
    assert gallery.verify("anna", np.full(512, np.nan, np.float32)) is None


def test_the_callers_vector_is_left_alone(vector: Vectors) -> None:
    template = vector(1)
    Gallery().put("anna", "t", template, 1e9)
    assert np.array_equal(template, vector(1))
