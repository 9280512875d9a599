"""What one entrance camera costs: the node's own camera thread, worker and pipeline on a real MJPEG stream.

`python camera_cost.py ours|usual PEOPLE SECONDS` (the repository on PYTHONPATH) prints {"cpu_share", "frames", ...}:
CPU seconds of this process (driver, decoding, everything) for each second of video, 15 frames. The camera is another
process and is not counted. `usual`:
every frame decoded by OpenCV's VideoCapture, detected and embedded through insightface's API with the same weights.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import cv2

from contract.clock import SystemClock
from edge.config import EdgeConfig, parse_config
from edge.engines import load_engines
from edge.gallery import Gallery
from edge.process import limit_threads
from edge.values import Emission, Frame, Instant
from edge.vision.enrolment import Enrolled, assess
from edge.vision_node import Vision
from edge.worker import VisionWorker
from hardware.cameras.base import CameraFrame
from hardware.cameras.thread import CameraThread
from models.errors import ModelError
from models.faces import FaceModels
from simulator.scenes.doorway import FPS, SEED
from simulator.scenes.entrance import EntranceScene
from simulator.scenes.footage import KNOWN, Footage, MissingFootageError, load_footage

ROOT = Path(__file__).resolve().parents[2]
WARM_UP_S = 3.0


@contextmanager
def camera(people: int, seconds: float) -> Iterator[str]:
    """The address of a camera that runs as its own process."""
    command = [sys.executable, "-m", "simulator.scenes.doorway", str(people), "--seconds", str(seconds)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.stdin.close()
        process.wait(20)


def config_for(url: str, footage: Footage) -> EdgeConfig:
    lane = [list(point) for point in EntranceScene(footage, SEED).lane]
    return parse_config(
        "store: s\nnode: n\nstate_dir: v\npolicy: {mode: lane}\ncameras:\n"
        f"  - {{id: door, role: entrance, source: {{driver: http, url: '{url}'}}, lane: {lane}}}\n"
    )


def enrolled(footage: Footage, faces: FaceModels) -> Gallery:
    gallery = Gallery()
    for name in KNOWN:
        for number, picture in enumerate(footage.enrolment(name)):
            answer = assess(picture, faces)
            if isinstance(answer, Enrolled):
                gallery.put(name, str(number), answer.vector, 1e12)
    return gallery


def ours(url: str, seconds: float, footage: Footage) -> dict[str, object]:
    """As `edge.perception` wires it."""
    config, clock, ids = config_for(url, footage), SystemClock(), count()
    engines = load_engines(config, "lane")
    assert engines.faces is not None
    gallery = enrolled(footage, engines.faces)  # type: ignore[arg-type]
    told: list[Emission] = []
    now = Instant(clock.monotonic(), clock.now())
    vision = Vision(config, "lane", gallery, engines, now, run="c", new_id=lambda: f"v{next(ids)}")
    worker = VisionWorker(vision, {"door": config.cameras[0].analysed_fps}, clock, told.extend)

    def on_frame(frame: CameraFrame) -> None:
        worker.offer(Frame("door", frame.picture, Instant(frame.captured_monotonic, frame.captured_at)))

    thread = CameraThread.for_options(config.cameras[0].source, on_frame, clock=clock, name="door")
    worker.start()
    thread.start()
    time.sleep(WARM_UP_S)
    before, frames, begin = time.process_time(), thread.counts.captured, time.monotonic()
    time.sleep(seconds)
    spent, passed = time.process_time() - before, time.monotonic() - begin
    frames = thread.counts.captured - frames
    counters = vision.counters()
    thread.stop()
    worker.stop()
    if worker.error is not None:
        raise worker.error
    return {
        "cpu_share": spent / frames * FPS,
        "frames": frames,
        "fps": frames / passed,
        "tracks": counters.face_tracks,
        "detector_calls": counters.face_detector_calls,
        "embedder_calls": counters.embedder_calls,
        "named": sorted({subject for event in told if (subject := getattr(event, "subject", None))}),
    }


def usual(url: str, seconds: float, footage: Footage) -> dict[str, object]:
    """Decode, detect and embed everything."""
    from insightface.app.common import Face

    from models.faces.bundle import OnnxFaceModels

    engines = load_engines(config_for(url, footage), "lane")
    faces = engines.faces
    assert isinstance(faces, OnnxFaceModels)
    gallery = enrolled(footage, faces)
    stream = cv2.VideoCapture(url, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    frames, before, begin = 0, 0.0, time.monotonic() + WARM_UP_S
    while (now := time.monotonic()) < begin + seconds:
        sound, picture = stream.read()
        if not sound:
            raise SystemExit("the stream ended")
        if now >= begin:
            before = before or time.process_time()
            frames += 1
        boxes, points = faces.detector.detect(picture)
        for box, five in zip(boxes, points if points is not None else (), strict=True):
            face = Face(bbox=box[:4], kps=five, det_score=box[4])
            faces.recognizer.get(picture, face)
            gallery.search(face.normed_embedding)
    passed = time.monotonic() - begin
    stream.release()
    return {"cpu_share": (time.process_time() - before) / frames * FPS, "frames": frames, "fps": frames / passed}


def main() -> int:
    """Measure; 2 with a sentence when something is not installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=("ours", "usual"))
    parser.add_argument("people", type=int)
    parser.add_argument("seconds", type=float)
    options = parser.parse_args()
    limit_threads()
    try:
        footage = load_footage()
        with camera(options.people, options.seconds + WARM_UP_S + 10) as url:
            measure = ours if options.way == "ours" else usual
            found = measure(url, options.seconds, footage)
    except (ModelError, MissingFootageError) as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps({**found, "at": datetime.now(UTC).isoformat(timespec="seconds")}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
