"""`evaluate persons`: detector and tracker on a video with MOTChallenge ground truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from contract.clock import Clock
from models.build.progress import Progress
from models.detections import Detections, Frame
from models.errors import MisconfiguredError
from models.evaluation.average_precision import average_precision
from models.evaluation.mot import TrackedBoxes, nobody, read_ground_truth, score_tracking
from models.persons import PersonDetector
from tracking.persons import person_tracking
from tracking.tracker import Tracker as BoxTracker

DIGITS = 4
DEFAULT_FPS = 25.0


class Tracker(Protocol):
    """What the evaluation asks of a tracker."""

    def step(self, detections: Detections, now: float) -> TrackedBoxes:
        """The people of the frame taken at `now` seconds."""
        ...


def evaluate_persons(
    video: Path,
    ground_truth: Path,
    detector: PersonDetector,
    new_tracker: Callable[[], Tracker],
    clock: Clock,
    progress: Progress,
) -> dict[str, object]:
    """The report of DESIGN.md section 9, plus the detector's AP and the tracker's name."""
    truth_by_frame = read_ground_truth(ground_truth)
    tracker = new_tracker()
    truth, found, detected, seconds = [], [], [], []
    for number, (frame, taken) in enumerate(video_frames(video), 1):
        start = clock.monotonic()
        detections = detector.detect(frame)
        found.append(tracker.step(detections, taken))
        seconds.append(clock.monotonic() - start)
        detected.append(detections)
        truth.append(truth_by_frame.get(number, nobody()))
        progress.bar("frames", number, max(truth_by_frame))
    progress.say(f"{len(found)} frames, scoring")
    scores = score_tracking(truth, found)
    return {
        "frames": len(found),
        "hota": round(scores.hota, DIGITS),
        "mota": round(scores.mota, DIGITS),
        "idf1": round(scores.idf1, DIGITS),
        "id_switches": scores.id_switches,
        "ms_per_frame": round(float(np.median(seconds)) * 1000, 3),
        "ap50": round(average_precision(detected, [boxes.boxes for boxes in truth]), DIGITS),
        "tracker": type(tracker).__name__,
        "detector": type(detector).__name__,
    }


class StoreTracker:
    """The tracker of a node with the settings of a node; a person counts in the frames where they were seen."""

    def __init__(self) -> None:
        self._tracker = BoxTracker(person_tracking())

    def step(self, detections: Detections, now: float) -> TrackedBoxes:
        """As edge.floor.stage takes them."""
        seen = [track for track in self._tracker.step(detections.boxes, detections.scores, now).tracks if track.seen]
        if not seen:
            return nobody()
        boxes = np.array([track.box for track in seen], np.float32)
        return TrackedBoxes(boxes, np.array([track.id for track in seen], np.int64))


def video_frames(path: Path) -> Iterator[tuple[Frame, float]]:
    """Frames and the second each was taken. MisconfiguredError when the file holds none."""
    capture = cv2.VideoCapture(str(path))
    try:
        fps = capture.get(cv2.CAP_PROP_FPS) or DEFAULT_FPS
        count = 0
        while True:
            ok, frame = capture.read()
            if not ok:
                break
            yield frame.astype(np.uint8, copy=False), count / fps
            count += 1
    finally:
        capture.release()
    if not count:
        raise MisconfiguredError(f"{path} is not a video that FFmpeg can read")
