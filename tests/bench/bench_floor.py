"""What four 720p floor cameras at 5 analysed frames a second cost, what each one adds, what nobody moving costs; and
how far counts and dwell times of a drawn day are off with the real detector."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from measure import Result

from models.catalogue import PERSON_DETECTOR
from models.errors import ModelError
from models.weights import default_weights_dir, weight_path
from simulator.floor_detections import _digest, cache_folder
from simulator.floor_run import _OUT_OF_STEP, COUNT_ERROR, DWELL_ERROR_S, cameras, run_rendered
from simulator.scenes.floor import FloorScene
from simulator.scenes.floor_day import floor_day

SCRIPT = Path(__file__).with_name("floor_cost.py")
ROOT = SCRIPT.parents[2]
SECONDS, PEOPLE, CAMERAS = 10.0, 8, 4
SEED = 1
PEER = "every one of its 10 pictures a second decoded and given to the same detector"
ALLOWED = "the most we allow ourselves (issue 4)"


def run(full: bool = False) -> Iterator[Result | str]:
    """Three rows of cost and two of the drawn day. `full`: the day is drawn where its recording is not kept."""
    yield from _costs()
    yield from _drawn_day(full)


def _costs() -> Iterator[Result | str]:
    """Three rows; a sentence when the weights are not built."""
    shares = {
        "four": _share(CAMERAS, PEOPLE),
        "one": _share(1, PEOPLE),
        "still": _share(CAMERAS, 0),
        "usual": _share(CAMERAS, PEOPLE, "--every-frame"),
    }
    missing = [share for share in shares.values() if isinstance(share, str)]
    if missing:
        yield missing[0]
        return
    found = {name: float(share) for name, share in shares.items()}
    added, usual = (found["four"] - found["one"]) / (CAMERAS - 1), found["usual"]
    for name, ours, peer, limit in (
        ("four floor cameras, 8 people", found["four"], usual, 1.0),
        ("each added floor camera", added, usual / CAMERAS, 1.0 / CAMERAS),
        ("four floor cameras, nobody", found["still"], usual, 1.0),
    ):
        yield Result(name, "of one core", ours, peer, PEER, peer / ours, limit, ALLOWED)


def _share(cameras: int, people: int, *more: str) -> float | str:
    command = [sys.executable, str(SCRIPT), str(cameras), str(people), str(SECONDS), *more]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120
    )
    if done.returncode == 2:
        return done.stderr.strip().splitlines()[-1]
    done.check_returncode()
    return float(json.loads(done.stdout)["cpu_share"])


def _drawn_day(full: bool) -> Iterator[Result | str]:
    """Seed 1 of `simulator.floor_run --rendered`; the peer is the first of the two cameras alone."""
    try:
        kept = _kept()
    except ModelError as error:
        yield str(error)
        return
    if not kept and not full:
        yield (
            f"the drawn day is not recorded below {cache_folder().parent}; `python -m simulator.floor_run --rendered"
            f" --seeds {SEED}` records it (two to three CPU minutes), as does `tests/bench/run.py --full`"
        )
        return
    two, one = run_rendered(SEED), run_rendered(SEED, count=1)
    right = 1 - two.count_error, 1 - one.count_error
    name, alone, must = "drawn day, real detector: ", "one of the two cameras", "issue 4"
    yield Result(f"{name}counted", "share", *right, alone, right[0] / max(right[1], 1e-9), 1 - COUNT_ERROR, must)
    if two.dwell_error_p95_s is None or one.dwell_error_p95_s is None:
        yield "no stay was reported: no dwell error"
        return
    errors = two.dwell_error_p95_s, one.dwell_error_p95_s
    ratio = errors[1] / max(errors[0], 1e-3)
    yield Result(f"{name}dwell p95", "s off", *errors, alone, ratio, DWELL_ERROR_S, must)


def _kept() -> bool:
    """Whether both cameras' recordings are there; ModelError when the detector is not built."""
    day, fps = floor_day(SEED, 30, 1200.0), 5.0
    frames = np.arange(int(day.seconds * fps)) / fps
    weight = weight_path(PERSON_DETECTOR, default_weights_dir())
    for place, (name, view) in enumerate(cameras(2).items()):
        digest = _digest(day, FloorScene(seed=1, camera=view), frames + place * _OUT_OF_STEP / fps, weight)
        if not (cache_folder() / f"{name}-{digest}.npz").is_file():
            return False
    return True
