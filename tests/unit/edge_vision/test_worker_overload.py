"""Four cameras want twice what the worker can do: pictures are dropped and counted, and nothing waits ever longer."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import count
from statistics import median

import numpy as np

from contract.clock import SystemClock
from edge.config import parse_config
from edge.engines import Engines
from edge.gallery import Gallery
from edge.values import Emission, Frame, Instant
from edge.vision_node import Vision
from edge.worker import VisionWorker
from models.detections import Detections

CAMERAS, SENT_FPS, ANALYSED_FPS, SECONDS = 4, 10.0, 5.0, 3.0
LOOK_S = 2.0 / (CAMERAS * ANALYSED_FPS)
"""What one look takes: 20 looks a second of it are two seconds of work a second."""
CONFIG = "store: s\nnode: n\nstate_dir: v\npolicy: {mode: qr_only}\ncameras:\n" + "".join(
    f"  - {{id: c{number}, role: floor, source: {{driver: file, path: x.mp4}}, analysed_fps: {ANALYSED_FPS}, "
    "homography: [[0.01, 0, 0], [0, 0.01, 0], [0, 0, 1]]}\n"
    for number in range(CAMERAS)
)


class SlowDetector:
    """Always sees one person, and takes its time."""

    def detect(self, frame: np.ndarray) -> Detections:
        time.sleep(LOOK_S)
        return Detections(np.array([[40, 20, 80, 140]], np.float32), np.array([0.9], np.float32))


class Observed(Vision):
    """Notes how old a picture is when it is looked at, and how long the look took."""

    ages: list[float]
    looks: list[float]

    def frame(self, frame: Frame, now: Instant | None = None) -> list[Emission]:
        begin = time.monotonic()
        self.ages.append(begin - frame.captured.monotonic)
        emitted = super().frame(frame, now)
        self.looks.append(time.monotonic() - begin)
        return emitted


def test_at_twice_the_load_frames_drop_counted_and_the_queue_does_not_grow() -> None:
    clock, ids, config = SystemClock(), count(), parse_config(CONFIG)
    start, chance = Instant(clock.monotonic(), clock.now()), np.random.default_rng(1)
    engines = Engines(None, SlowDetector())
    vision = Observed(config, "qr_only", Gallery(), engines, start, run="r", new_id=lambda: f"v{next(ids)}")
    vision.ages, vision.looks = [], []
    names = [camera.id for camera in config.cameras]
    worker = VisionWorker(vision, dict.fromkeys(names, ANALYSED_FPS), clock, lambda _: None)
    pictures = [chance.integers(0, 255, (180, 320, 3), dtype=np.uint8) for _ in range(2)]
    worker.start()
    rounds = round(SECONDS * SENT_FPS)
    for number in range(rounds):
        for name in names:
            worker.offer(Frame(name, pictures[number % 2], Instant(time.monotonic(), datetime.now(UTC))))
        time.sleep(max(0.0, start.monotonic + (number + 1) / SENT_FPS - time.monotonic()))
    counts = [worker.counts(name) for name in names]
    assert worker.stop()
    assert worker.error is None
    assert all(one.put == rounds == one.taken + one.dropped + one.waiting for one in counts)
    assert all(one.waiting <= 1 for one in counts)
    assert sum(one.taken for one in counts) <= 0.6 * SECONDS * ANALYSED_FPS * CAMERAS, "it was an overload"
    assert sum(one.dropped for one in counts) >= 0.6 * CAMERAS * rounds
    assert min(one.taken for one in counts) >= 0.6 * max(one.taken for one in counts), "no camera starves"
    half = len(vision.ages) // 2
    look = median(vision.looks)
    assert median(vision.ages[half:]) <= median(vision.ages[:half]) + 2 * look, "the newest picture is taken"
