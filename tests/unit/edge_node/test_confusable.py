"""Confusable pairs: on order only, mode 0600, true to the gallery, gone with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from calibration.thresholds.pairs import confusable, read_pairs
from edge.confusable import LONGEST_S, ORDER_FILE, PAIRS_FILE, ConfusablePairs, order
from edge.gallery import Gallery

Vector = NDArray[np.float32]
ANNA, BEN, CARL, DORA = "a" * 32, "b" * 32, "c" * 32, "d" * 32


def vector(seed: int, towards: Vector | None = None, share: float = 0.0) -> Vector:
    drawn = np.random.default_rng(seed).standard_normal(512).astype(np.float32)
    if towards is not None:
        drawn -= (drawn @ towards) * towards
        drawn = share * towards + np.sqrt(1 - share**2) * drawn / np.linalg.norm(drawn)
    return np.asarray(drawn / np.linalg.norm(drawn), np.float32)


@pytest.fixture
def gallery() -> Gallery:
    made, anna = Gallery(), vector(1)
    for number in range(4):
        made.put(ANNA, f"t{number}", vector(10 + number, anna, 0.95), 1e9)
    made.put(BEN, "t1", vector(2, anna, 0.6), 1e9)
    made.put(CARL, "t1", vector(3, anna, 0.4), 1e9)
    made.put(DORA, "t1", vector(4), 1e9)
    return made


def test_nothing_is_written_without_an_order(gallery: Gallery, tmp_path: Path) -> None:
    pairs = ConfusablePairs(tmp_path)
    pairs.step(gallery, 0.0)
    assert list(tmp_path.iterdir()) == []


def test_an_order_is_carried_out_once_for_the_operator_alone(gallery: Gallery, tmp_path: Path) -> None:
    pairs = ConfusablePairs(tmp_path)
    file = order(tmp_path)
    pairs.step(gallery, 0.0)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [PAIRS_FILE]
    read = read_pairs(file)
    assert [(pair.subject, pair.other) for pair in read][:2] == [(ANNA, BEN), (ANNA, CARL)]
    assert not any(DORA in (pair.subject, pair.other) for pair in read)
    best = max(float(vector(10 + n, vector(1), 0.95) @ vector(2, vector(1), 0.6)) for n in range(4))
    assert read[0].score == pytest.approx(best, abs=2e-3)
    assert [pair.other for pair in confusable(read, 0.5, 0.05)] == [BEN]


def test_who_leaves_the_gallery_leaves_the_file_in_the_same_turn(gallery: Gallery, tmp_path: Path) -> None:
    pairs = ConfusablePairs(tmp_path)
    file = order(tmp_path)
    pairs.step(gallery, 0.0)
    gallery.drop(BEN)
    pairs.step(gallery, 0.3)
    text = file.read_text()
    assert BEN not in text
    assert CARL in text
    gallery.wipe()
    pairs.step(gallery, 0.6)
    assert read_pairs(file) == ()


def test_another_gallery_after_a_change_of_policy_empties_it(gallery: Gallery, tmp_path: Path) -> None:
    pairs = ConfusablePairs(tmp_path)
    file = order(tmp_path)
    pairs.step(gallery, 0.0)
    pairs.step(Gallery(searchable=False), 0.3)
    assert read_pairs(file) == ()


def test_it_goes_after_a_day_at_the_stop_and_at_the_start(gallery: Gallery, tmp_path: Path) -> None:
    pairs = ConfusablePairs(tmp_path)
    file = order(tmp_path)
    pairs.step(gallery, 0.0)
    pairs.step(gallery, LONGEST_S - 1)
    assert file.exists()
    pairs.step(gallery, LONGEST_S)
    assert not file.exists()
    order(tmp_path)
    pairs.step(gallery, LONGEST_S + 1)
    ConfusablePairs(tmp_path)  # as after a kill -9
    assert list(tmp_path.iterdir()) == []


def test_an_order_from_before_the_start_is_not_carried_out(gallery: Gallery, tmp_path: Path) -> None:
    order(tmp_path)
    pairs = ConfusablePairs(tmp_path)
    pairs.step(gallery, 0.0)
    assert not (tmp_path / ORDER_FILE).exists()
    assert not (tmp_path / PAIRS_FILE).exists()


def test_where_nobody_is_searched_for_there_are_no_pairs(tmp_path: Path) -> None:
    gallery = Gallery(searchable=False)
    gallery.put(ANNA, "t", vector(1), 1e9)
    gallery.put(BEN, "t", vector(1), 1e9)
    assert gallery.alike(0.0, 10) == []
