"""Who stands and who walks: a place is remembered where somebody stood, and believed rather than a camera's track."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edge.store.motion import MotionBank
from edge.store.people import Look, StoreSettings
from edge.store.tracker import StoreTracker
from edge.values import FloorPosition

NOISE = np.eye(2) * 0.15**2
Point = tuple[float, float]


def bank_after(seconds: float, speed: float) -> MotionBank:
    """One person seen five times a second, at (4, 2) in the end."""
    rng = np.random.default_rng(1)
    bank = MotionBank()
    steps = round(seconds * 5)
    for step in range(steps + 1):
        at = step / 5
        place = np.array([4.0 - speed * (seconds - at), 2.0]) + rng.normal(0, 0.1, 2)
        bank.advance(at)
        if step == 0:
            bank.append(place, NOISE)
        else:
            bank.correct(0, place, NOISE, 0.0)
    return bank


def likelihood(bank: MotionBank, point: Point) -> float:
    return float(bank.compare(np.array([point]), NOISE[None], 0.0)[1][0, 0])


def test_who_stood_is_looked_for_where_he_stood_however_long_hidden() -> None:
    stood, walked = bank_after(10, 0.0), bank_after(4, 1.0)
    for bank in (stood, walked):
        for _ in range(30):
            bank.advance(bank.at + 0.1)
    assert likelihood(stood, (4.0, 2.0)) > likelihood(stood, (4.7, 2.0)) + 1.5
    assert likelihood(walked, (5.5, 2.0)) > likelihood(stood, (5.5, 2.0)) + 1.0, "who walked may have gone on"


def test_who_sets_off_is_followed_at_once() -> None:
    bank = bank_after(20, 0.0)
    for step in range(1, 11):
        bank.advance(20 + step / 5)
        bank.correct(0, np.array([4.0 + step / 5, 2.0]), NOISE, 0.0)
    assert math.dist(bank.mean[0, :2], (6.0, 2.0)) < 0.15
    assert bank.mean[0, 2] == pytest.approx(1.0, abs=0.25)


def test_the_whole_stays_a_mixture_whatever_is_seen() -> None:
    rng = np.random.default_rng(2)
    bank = bank_after(5, 0.5)
    bank.append(np.array([1.0, 1.0]), NOISE)
    for step in range(200):
        bank.advance(bank.at + float(rng.uniform(0, 0.8)))
        for row in range(2):
            if rng.random() < 0.7:
                bank.correct(row, rng.uniform(0, 8, 2), NOISE * float(rng.uniform(0.3, 9)), float(rng.uniform(0, 0.3)))
        assert np.isfinite(bank.mean).all(), step
        assert (np.linalg.eigvalsh(bank.covariance) > 0).all(), step
    far = bank.mean[0].copy()
    bank.keep(np.array([True, False]))
    assert len(bank) == 1
    assert np.array_equal(bank.mean[0], far)


def look(t: float, **places: Point | None) -> Look:
    return Look("a", t, tuple(
        FloorPosition(f"a-{name}", place, t, (0.02, 0.0, 0.02), True) for name, place in places.items() if place
    ))  # fmt: skip


def test_a_camera_that_exchanges_its_tracks_as_one_walks_off_is_not_believed() -> None:
    store = StoreTracker("s-", StoreSettings())
    for step in range(100):
        store.step(look(step / 10, one=(4.0, 2.0), two=(4.6, 2.0)))
    # From now on the camera's first track is the one who stays, and who walks off gets a new one.
    for step in range(30):
        view = store.step(look(10 + step / 10, one=(4.6, 2.0), three=(4.0, 2.0 + step / 10)))
    assert {position.track: position.point[1] > 3 for position in view.positions} == {"s-1": True, "s-2": False}
