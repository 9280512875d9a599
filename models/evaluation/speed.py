"""`evaluate speed`: milliseconds of each model on a 1280x720 frame, one thread."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from contract.clock import Clock
from models.build.calibration_frames import package_folder
from models.build.progress import Progress
from models.detections import Frame
from models.errors import MisconfiguredError
from models.evaluation.photos import Stopwatch
from models.faces import FaceModels
from models.persons import PersonDetector

FRAME_SIZE = (1280, 720)
WARM_UP = 5


def measure_speed(
    faces: FaceModels, persons: PersonDetector, rounds: int, clock: Clock, progress: Progress
) -> dict[str, object]:
    """Medians over `rounds` after a warm-up; the frame is the six-face photo inside the insightface package."""
    frame = _six_faces()
    boxes = faces.detect(frame).boxes
    five = faces.landmarks(frame, boxes[0]).five
    crop = faces.align(frame, five)
    steps: dict[str, Callable[[], object]] = {
        "face_detect": lambda: faces.detect(frame),
        "face_landmarks": lambda: faces.landmarks(frame, boxes[0]),
        "face_align": lambda: faces.align(frame, five),
        "face_embed": lambda: faces.embed([crop]),
        "person_detect": lambda: persons.detect(frame),
    }
    watch = Stopwatch(clock)
    for name, step in steps.items():
        progress.say(f"timing {name}")
        for _ in range(WARM_UP):
            step()
        for _ in range(rounds):
            with watch.lap(name):
                step()
    return {
        "models": faces.name,
        "frame": list(FRAME_SIZE),
        "faces": len(boxes),
        "rounds": rounds,
        "ms": {name: round(watch.median_ms(name), 3) for name in steps},
    }


def _six_faces() -> Frame:
    folder = package_folder("insightface")
    photo = None if folder is None else cv2.imread(str(folder / "data" / "images" / "t1.jpg"))
    if photo is None:
        raise MisconfiguredError("the test photo is missing: reinstall the `edge` extra (insightface)")
    return cv2.resize(photo, FRAME_SIZE).astype(np.uint8, copy=False)
