"""The tracker beside ByteTrack, OC-SORT (package `trackers`) and norfair: same detections, same scores, same patience.

Each runs in its own process (`track_with.py`), ours too, in turns.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from measure import Result
from scipy.optimize import linear_sum_assignment
from tracking_scenes import Scene, crowd, street

from models.errors import ModelError
from models.evaluation.mot import TrackedBoxes, TrackingScores, nobody, score_tracking
from tracking.association import overlap

SCRIPT = Path(__file__).with_name("track_with.py")
ROOT = SCRIPT.parents[2]
PEERS = {"bytetrack": "trackers", "ocsort": "trackers", "norfair": "norfair"}
"""Tracker: environment of its package."""
NAMES = {"bytetrack": "ByteTrack (trackers)", "ocsort": "OC-SORT (trackers)", "norfair": "norfair"}
TURNS = 3


def run() -> Iterator[Result | str]:
    """Accuracy on both scenes, and milliseconds for 30 people; a sentence for what is missing."""
    for make in (crowd, street):
        try:
            scene = make()
        except ModelError as error:
            scene = str(error)
        if isinstance(scene, str):
            yield scene
            continue
        yield from _scene(scene, timed=make is crowd)


def _scene(scene: Scene, *, timed: bool) -> Iterator[Result | str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.json"
        scene.write(path)
        present = {name for name, package in PEERS.items() if _python(package).is_file()}
        missing = sorted({PEERS[name] for name in PEERS if name not in present})
        if missing:
            yield f"{', '.join(missing)}: not installed in {Path(sys.prefix) / 'peers'} (`make bench` does it)"
        turns = [{name: _track(name, path) for name in ("ours", *sorted(present))} for _ in range(TURNS)]
    scores = {name: _score(scene, told) for name, (_, told) in turns[0].items()}
    costs = {name: statistics.median(turn[name][0] for turn in turns) for name in turns[0]}
    for name in sorted(present):
        for figure in ("hota", "idf1"):
            ours, peer = getattr(scores["ours"], figure), getattr(scores[name], figure)
            label = f"{figure.upper()}, {scene.name}"
            yield Result(label, figure.upper(), ours, peer, NAMES[name], ours / peer, 1.0, "perfect")
        if timed:
            ours, peer = costs["ours"], costs[name]
            limit, told = _bare_assignment(scene), "bare overlaps and linear_sum_assignment of the same boxes"
            yield Result("tracker, 30 people", "ms/frame", ours, peer, NAMES[name], peer / ours, limit, told)


def _python(package: str) -> Path:
    return Path(sys.prefix) / "peers" / package / "bin" / "python"


def _track(name: str, scene: Path) -> tuple[float, list[TrackedBoxes]]:
    """Milliseconds for a frame, and who was seen in each."""
    python = str(_python(PEERS[name])) if name in PEERS else sys.executable
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [python, str(SCRIPT), name, str(scene)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr.strip()[-400:]}")
    told = json.loads(done.stdout)
    return told["ms"], [_people(rows) for rows in told["frames"]]


def _people(rows: list[list[float]]) -> TrackedBoxes:
    if not rows:
        return nobody()
    table = np.array(rows)
    return TrackedBoxes(table[:, 1:].astype(np.float32), table[:, 0].astype(np.int64))


def _score(scene: Scene, told: list[TrackedBoxes]) -> TrackingScores:
    return score_tracking(scene.truth, told)


def _bare_assignment(scene: Scene) -> float:
    """CPU milliseconds a frame."""
    begin = time.process_time()
    for (_, before, _), (_, now, _) in zip(scene.frames, scene.frames[1:], strict=False):
        linear_sum_assignment(overlap(before, now), maximize=True)
    return (time.process_time() - begin) * 1e3 / (len(scene.frames) - 1)


if __name__ == "__main__":
    for result in run():
        print(result if isinstance(result, str) else result.line())
