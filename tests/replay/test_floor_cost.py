"""Four 720p floor cameras at 5 analysed frames a second on at most one core (issue 4, Must hold), with real models.

CPU seconds for a picture looked at, times the pictures a second wants: a share of a core, however busy the machine is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.weights import default_weights_dir

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "bench" / "floor_cost.py"
pytestmark = pytest.mark.skipif(
    not (default_weights_dir() / "manifest.json").exists(), reason="the model weights are not built here"
)


def test_four_cameras_with_eight_people_cost_at_most_one_core_and_shed_what_is_too_much() -> None:
    command = [sys.executable, str(SCRIPT), "4", "8", "4"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    print(found)
    assert found["cpu_share"] <= 1.0
    assert found["detector_calls"] >= 20
    assert found["put"] == found["taken"] + found["dropped"] + found["waiting"] == 160
    assert found["dropped"] >= 0.4 * found["put"], "twice as many pictures come as are looked at"
    assert found["waiting"] <= 4
