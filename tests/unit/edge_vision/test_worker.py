"""The worker sheds frames, never jobs; it ends visits on stop and says so when it dies."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from contract.clock import SystemClock
from contract.events import VisitEnded
from edge.values import Emission, Frame, Instant
from edge.worker import Perceiver, VisionWorker

CLOCK = SystemClock()


def moment() -> Instant:
    return Instant(CLOCK.monotonic(), CLOCK.now())


class Slow:
    """A vision that takes its time, or breaks."""

    def __init__(self, cost_s: float = 0.02, broken: bool = False) -> None:
        self.cost_s, self.broken = cost_s, broken
        self.frames: list[str] = []
        self.scans: list[str] = []

    def frame(self, frame: Frame, now: Instant | None = None) -> list[Emission]:
        if self.broken:
            raise RuntimeError("stage broke")
        time.sleep(self.cost_s)
        self.frames.append(frame.camera)
        return []

    def scan(self, device: str, text: str, now: Instant) -> list[Emission]:
        self.scans.append(text)
        return []

    def tick(self, now: Instant) -> list[Emission]:
        return []

    def withdraw(self, subject: str, now: Instant) -> list[Emission]:
        return []

    def shutdown(self, now: Instant) -> list[Emission]:
        return [VisitEnded(visit="v", reason="shutdown", duration_s=1.0, at=now.wall)]


def until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.005)
    return False


def offer(worker: VisionWorker, camera: str) -> None:
    worker.offer(Frame(camera, np.zeros((20, 20, 3), np.uint8), moment()))


def test_a_slow_machine_drops_frames_counts_them_and_keeps_every_scan() -> None:
    vision = Slow()
    told: list[Emission] = []
    worker = VisionWorker(vision, {"a": 60.0, "b": 60.0}, CLOCK, told.extend)
    worker.start()
    for number in range(200):
        offer(worker, "a")
        offer(worker, "b")
        if number % 10 == 0:
            worker.scan("desk", str(number))
        time.sleep(0.003)
    assert worker.stop()
    for camera in ("a", "b"):
        counts = worker.counts(camera)
        assert counts.put == 200 == counts.taken + counts.dropped + counts.waiting
        assert counts.dropped > 50
        assert vision.frames.count(camera) == counts.taken
    assert vision.scans == [str(number) for number in range(0, 200, 10)]
    assert 0.5 <= vision.frames.count("a") / vision.frames.count("b") <= 2.0
    assert [type(event) for event in told] == [VisitEnded]


def test_jobs_of_many_threads_all_run_on_the_worker_thread() -> None:
    seen: set[str] = set()
    done: list[int] = []
    worker = VisionWorker(Slow(), {}, CLOCK, lambda _: None)

    def job(vision: Perceiver, now: Instant) -> list[Emission]:
        seen.add(threading.current_thread().name)
        done.append(1)
        return []

    worker.start()
    threads = [threading.Thread(target=lambda: [worker.submit(job) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worker.stop()
    assert len(done) == 200
    assert seen == {"vision"}


def test_a_broken_stage_ends_the_thread_loudly() -> None:
    deaths: list[Any] = []
    worker = VisionWorker(Slow(broken=True), {"a": 10.0}, CLOCK, lambda _: None, deaths.append)
    worker.start()
    offer(worker, "a")
    assert until(lambda: bool(deaths))
    assert isinstance(worker.error, RuntimeError)
    assert worker.stop()


def test_the_beat_goes_on_while_nothing_happens() -> None:
    worker = VisionWorker(Slow(), {"a": 10.0}, CLOCK, lambda _: None)
    worker.start()
    first = worker.beat
    assert until(lambda: worker.beat > first)
    assert worker.stop()
