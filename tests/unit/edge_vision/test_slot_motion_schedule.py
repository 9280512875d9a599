"""Shedding, fairness and the motion gate."""

from __future__ import annotations

import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.motion import MotionGate
from edge.schedule import FairSchedule
from edge.slot import LatestSlot


@given(st.lists(st.booleans(), max_size=200))
def test_every_item_is_taken_dropped_or_waiting(actions: list[bool]) -> None:
    slot: LatestSlot[int] = LatestSlot()
    newest = None
    for number, put in enumerate(actions):
        if put:
            slot.put(number)
            newest = number
        else:
            assert slot.take() == newest
            newest = None
        counts = slot.counts()
        assert counts.put == counts.taken + counts.dropped + counts.waiting


def test_threads_lose_no_count() -> None:
    slot: LatestSlot[int] = LatestSlot()
    threads = [threading.Thread(target=lambda: [slot.put(i) for i in range(2000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        slot.take()
    counts = slot.counts()
    assert counts.put == 8000 == counts.taken + counts.dropped + counts.waiting


def serve(rates: dict[str, float], cost: dict[str, float], seconds: float = 60.0) -> dict[str, int]:
    """Cameras that always have a frame, served one after another at a cost each."""
    schedule, now, served = FairSchedule(rates), 0.0, dict.fromkeys(rates, 0)
    while now < seconds:
        camera = schedule.pick(list(rates), now)
        if camera is None:
            now += max(schedule.wait_s(list(rates), now) or 0.0, 1e-3)
            continue
        served[camera] += 1
        now += cost[camera]
    return served


def test_an_idle_machine_gives_each_camera_its_rate() -> None:
    served = serve({"a": 15.0, "b": 5.0}, {"a": 0.005, "b": 0.005})
    assert 0.9 <= served["a"] / 900 <= 1.02
    assert 0.9 <= served["b"] / 300 <= 1.02


def test_overload_is_shared_in_proportion_and_starves_nobody() -> None:
    served = serve({"a": 30.0, "b": 10.0, "c": 10.0}, {"a": 0.05, "b": 0.05, "c": 0.05})
    assert 0.8 <= served["b"] / served["c"] <= 1.25
    assert served["b"] >= 150
    assert 2.0 <= served["a"] / served["b"] <= 4.0


def test_nothing_waiting_is_nobodys_turn() -> None:
    schedule = FairSchedule({"a": 10.0})
    assert schedule.pick((), 5.0) is None
    assert schedule.wait_s((), 5.0) is None


def still() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(1).integers(60, 180, (360, 640, 3), dtype=np.uint8)


def test_a_still_scene_is_rarely_looked_at_and_a_person_is_seen_at_once() -> None:
    gate, scene = MotionGate(), still()
    noise = np.random.default_rng(2)
    looks = 0
    for i in range(300):
        flicker = scene.astype(int) + noise.integers(-6, 7, scene.shape) + (i % 7) * 4
        looks += gate.step(np.clip(flicker, 0, 255).astype(np.uint8), i / 15)
    assert looks <= 300 * 0.15
    walker = scene.copy()
    walker[100:160, 200:240] = 255 - walker[100:160, 200:240] // 2
    assert gate.step(walker, 20.0)


def test_a_standing_scene_is_still_looked_at_now_and_then() -> None:
    gate, scene = MotionGate(), still()
    looks = [i / 10 for i in range(200) if gate.step(scene, i / 10)]
    later = [t for t in looks if t > 2]
    assert 5 <= len(later) <= 20


def test_an_empty_picture_is_nothing() -> None:
    gate = MotionGate()
    assert not gate.step(np.zeros((0, 0, 3), np.uint8), 0.0)
    assert not gate.step(np.zeros((5, 5), np.uint8), 0.0)
