"""One tracker over one file of detections, in a process of its own: `track_with.py NAME SCENE.json`.

Peers need packages that do not go together (norfair wants numpy 1), so each may have an interpreter of its own; nothing
but numpy and the tracker's package is imported. Prints {"ms", "frames"}: CPU milliseconds for one frame (median of
rounds, warm) and for every frame the people seen in it, as [id, x1, y1, x2, y2].
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

ROUNDS = 5
STRONG, START, WAIT_S, HITS = 0.4, 0.45, 1.5, 3
"""Every tracker gets what ours has: the score that counts, the score that starts, patience, sights before an id."""
Row = list[float]
Step = Callable[[np.ndarray, np.ndarray, float], list[Row]]


def ours(fps: float) -> Step:
    """The tracker of a node."""
    from tracking.persons import person_tracking
    from tracking.tracker import Tracker

    tracker = Tracker(person_tracking(STRONG, WAIT_S))
    return lambda boxes, scores, at: [
        [track.id, *track.box] for track in tracker.step(boxes, scores, at).tracks if track.seen
    ]


def bytetrack(fps: float) -> Step:
    """ByteTrack as the package `trackers` has it."""
    from trackers import ByteTrackTracker

    return _of_trackers(
        ByteTrackTracker(
            lost_track_buffer=round(WAIT_S * 30),
            frame_rate=fps,
            track_activation_threshold=START,
            minimum_consecutive_frames=HITS,
            high_conf_det_threshold=STRONG,
        )
    )


def ocsort(fps: float) -> Step:
    """OC-SORT as the package `trackers` has it."""
    from trackers import OCSORTTracker

    return _of_trackers(
        OCSORTTracker(
            lost_track_buffer=round(WAIT_S * 30),
            frame_rate=fps,
            minimum_consecutive_frames=HITS,
            high_conf_det_threshold=STRONG,
        )
    )


def _of_trackers(tracker: object) -> Step:
    import supervision

    def step(boxes: np.ndarray, scores: np.ndarray, at: float) -> list[Row]:
        kinds = np.zeros(len(boxes), int)
        found = tracker.update(supervision.Detections(xyxy=boxes, confidence=scores, class_id=kinds))  # type: ignore[attr-defined]
        ids = found.tracker_id if found.tracker_id is not None else []
        return [[int(one), *box] for one, box in zip(ids, found.xyxy.tolist(), strict=True) if one >= 0]

    return step


def norfair(fps: float) -> Step:
    """norfair on overlap, its Kalman filter; who is only predicted is not counted as seen."""
    import norfair

    tracker = norfair.Tracker(
        distance_function="iou",
        distance_threshold=0.7,
        hit_counter_max=round(WAIT_S * fps),
        initialization_delay=HITS - 1,
    )

    def step(boxes: np.ndarray, scores: np.ndarray, at: float) -> list[Row]:
        strong = scores >= STRONG
        now = [norfair.Detection(points=box.reshape(2, 2)) for box in boxes[strong]]
        people = [one for one in tracker.update(detections=now) if any(one.last_detection is each for each in now)]
        return [[one.id, *one.last_detection.points.ravel().tolist()] for one in people]

    return step


TRACKERS = {"ours": ours, "bytetrack": bytetrack, "ocsort": ocsort, "norfair": norfair}


def main(name: str, scene: Path) -> int:
    """2 when the package is not installed."""
    loaded = json.loads(scene.read_text())
    frames = [(np.array(b, float).reshape(-1, 4), np.array(s, float), at) for at, b, s in loaded["frames"]]
    try:
        people, spent = run(name, loaded["fps"], frames)
    except ModuleNotFoundError as error:
        print(f"{error.name} is not installed", file=sys.stderr)
        return 2
    print(json.dumps({"ms": statistics.median(spent), "frames": people}))
    return 0


def run(
    name: str, fps: float, frames: Sequence[tuple[np.ndarray, np.ndarray, float]]
) -> tuple[list[list[Row]], list[float]]:
    """What the first round saw, and the cost of each later one."""
    people, spent = [], []
    for _ in range(ROUNDS + 1):
        step = TRACKERS[name](fps)
        begin = time.process_time()
        people.append([step(boxes, scores, at) for boxes, scores, at in frames])
        spent.append((time.process_time() - begin) * 1e3 / len(frames))
    return people[0], spent[1:]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
