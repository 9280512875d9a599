"""What floor cameras cost: the node's worker, decoding, detector, tracker and store floor on 720p MJPEG pictures.

`python floor_cost.py CAMERAS PEOPLE SECONDS [--every-frame]` (the repository on PYTHONPATH) prints {"cpu_share", ...}:
CPU seconds of this process for each second of video. Every camera sends 10 pictures a second, twice what is analysed;
reading them from the network is not in it (camera_cost.py measures that). `--every-frame`: each picture decoded and
given to the same detector, as is usual.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

import cv2
import numpy as np
import numpy.typing as npt

from contract.clock import SystemClock
from edge.config import EdgeConfig, parse_config
from edge.engines import load_engines
from edge.gallery import Gallery
from edge.process import limit_threads
from edge.slot import SlotCounts
from edge.values import Emission, Frame, Instant
from edge.vision_node import Vision
from edge.worker import VisionWorker
from hardware.cameras.jpeg import JpegPicture
from models.errors import ModelError
from models.persons import load_person_detector
from models.weights import default_weights_dir
from simulator.scenes.floor import FloorScene, Route, Stop

SENT_FPS, ANALYSED_FPS = 10.0, 5.0
LOOP_S = 6.0
Jpeg = npt.NDArray[np.uint8]


@dataclass(slots=True)
class Watched:
    """`oldest_s`: how long a picture had waited at most when it was looked at."""

    cpu_s: float
    counts: dict[str, SlotCounts]
    detector_calls: int
    told: list[Emission] = field(default_factory=list)


def pictures(people: int) -> tuple[list[Jpeg], npt.NDArray[np.float64]]:
    """A few seconds of a store that loop, and the homography."""
    scene, chance = FloorScene(seed=1), np.random.default_rng(5)
    routes = [
        Route(figure, -3.0, tuple(Stop(*chance.uniform((1.5, 2.0), (7.5, 7.0)), 1.0) for _ in range(6)), 1.0)
        for figure in range(people)
    ]
    found = []
    for number in range(round(LOOP_S * SENT_FPS)):
        at = number / SENT_FPS
        poses = [pose for route in routes if (pose := route.pose(at)) is not None]
        found.append(cv2.imencode(".jpg", scene.render(at, poses), [cv2.IMWRITE_JPEG_QUALITY, 85])[1].ravel())
    return found, scene.homography


def config_for(cameras: int, homography: npt.NDArray[np.float64]) -> EdgeConfig:
    rows = "".join(
        f"  - {{id: c{number}, role: floor, source: {{driver: file, path: x.mp4}}, analysed_fps: {ANALYSED_FPS}, "
        f"homography: {homography.tolist()}}}\n"
        for number in range(cameras)
    )
    return parse_config(f"store: s\nnode: n\nstate_dir: v\npolicy: {{mode: qr_only}}\ncameras:\n{rows}")


def watch(cameras: int, shots: Sequence[Jpeg], homography: npt.NDArray[np.float64], seconds: float) -> Watched:
    """As `edge.perception` wires it, with pictures from memory."""
    config, clock, ids = config_for(cameras, homography), SystemClock(), count()
    told: list[Emission] = []
    now = Instant(clock.monotonic(), clock.now())
    engines = load_engines(config, "qr_only")
    vision = Vision(config, "qr_only", Gallery(), engines, now, run="c", new_id=lambda: f"v{next(ids)}")
    names = [camera.id for camera in config.cameras]
    worker = VisionWorker(vision, dict.fromkeys(names, ANALYSED_FPS), clock, told.extend)
    worker.start()
    before = time.process_time()
    feed(worker, names, shots, seconds)
    spent = time.process_time() - before
    counts = {name: worker.counts(name) for name in names}
    calls = vision.counters().person_detector_calls
    worker.stop()
    if worker.error is not None:
        raise worker.error
    return Watched(spent, counts, calls, told)


def feed(worker: VisionWorker, names: Sequence[str], shots: Sequence[Jpeg], seconds: float) -> None:
    """Every camera a picture, ten times a second, each at another place of the loop."""
    begin = time.monotonic()
    for number in range(round(seconds * SENT_FPS)):
        for place, name in enumerate(names):
            shot = shots[(number + place * len(shots) // len(names)) % len(shots)]
            captured = Instant(time.monotonic(), datetime.now(UTC))
            worker.offer(Frame(name, JpegPicture(shot), captured))
        time.sleep(max(0.0, begin + (number + 1) / SENT_FPS - time.monotonic()))


def every_frame(shots: Sequence[Jpeg]) -> float:
    """CPU seconds for one picture."""
    detector = load_person_detector(default_weights_dir())
    before = time.process_time()
    for shot in shots:
        detector.detect(JpegPicture(shot).image)
    return (time.process_time() - before) / len(shots)


def main() -> int:
    """Measure; 2 with a sentence when the weights are not built."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cameras", type=int)
    parser.add_argument("people", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--every-frame", action="store_true")
    options = parser.parse_args()
    limit_threads()
    shots, homography = pictures(options.people)
    try:
        if options.every_frame:
            share = every_frame(shots) * SENT_FPS * options.cameras
            print(json.dumps({"cpu_share": share}))
            return 0
        found = watch(options.cameras, shots, homography, options.seconds)
    except ModelError as error:
        print(error, file=sys.stderr)
        return 2
    taken = sum(counts.taken for counts in found.counts.values())
    # By pictures looked at, not by the clock: on a busy machine fewer fit into a second.
    share = found.cpu_s / taken * ANALYSED_FPS * options.cameras
    totals = {name: sum(getattr(c, name) for c in found.counts.values()) for name in SlotCounts.__slots__}
    print(json.dumps({"cpu_share": share, "detector_calls": found.detector_calls, **totals}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
