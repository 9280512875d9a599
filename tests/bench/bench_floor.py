"""What four 720p floor cameras at 5 analysed frames a second cost, what each one adds, and what nobody moving costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from measure import Result

SCRIPT = Path(__file__).with_name("floor_cost.py")
ROOT = SCRIPT.parents[2]
SECONDS, PEOPLE, CAMERAS = 10.0, 8, 4
PEER = "every one of its 10 pictures a second decoded and given to the same detector"
ALLOWED = "the most we allow ourselves (issue 4)"


def run() -> Iterator[Result | str]:
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
