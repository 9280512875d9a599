"""What one 720p camera at 15 frames a second costs, from the socket to the events, as shares of one core.

Each contender is a process that watches a real MJPEG stream for a while; the camera itself is not counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from measure import Result

SCRIPT = Path(__file__).with_name("camera_cost.py")
ROOT = SCRIPT.parents[2]
SECONDS = 12.0
BUSY_LIMIT, EMPTY_LIMIT = 0.40, 0.06
PEER = "every frame decoded by VideoCapture, detected and embedded through insightface's API, same weights"
ALLOWED = "the most we allow ourselves (issue 3)"


def run() -> Iterator[Result | str]:
    """Two rows; a sentence when something is not installed."""
    for name, people, limit in (("camera, three in view", 3, BUSY_LIMIT), ("camera, nobody", 0, EMPTY_LIMIT)):
        shares = [_share(way, people) for way in ("ours", "usual")]
        missing = [share for share in shares if isinstance(share, str)]
        if missing:
            yield missing[0]
            return
        ours, usual = (share for share in shares if isinstance(share, float))
        yield Result(name, "of one core", ours, usual, PEER, usual / ours, limit, ALLOWED)


def _share(way: str, people: int) -> float | str:
    command = [sys.executable, str(SCRIPT), way, str(people), str(SECONDS)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    if done.returncode == 2:
        return done.stderr.strip().splitlines()[-1]
    done.check_returncode()
    return float(json.loads(done.stdout)["cpu_share"])
