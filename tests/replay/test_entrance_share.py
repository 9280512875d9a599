"""Most of what recognition at the door costs is the networks: at most a quarter is anything else (issue 3, Must hold).

A ratio of CPU times within one process; `make bench` has the figure beside insightface's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.weights import default_weights_dir
from simulator.scenes.footage import MissingFootageError, load_footage

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "bench" / "entrance_share.py"
NODES = 5
pytestmark = pytest.mark.skipif(
    not (default_weights_dir() / "manifest.json").exists(), reason="the model weights are not built here"
)


def test_at_most_a_quarter_of_the_entrance_is_not_onnxruntime() -> None:
    try:
        load_footage()
    except MissingFootageError as error:
        pytest.skip(str(error))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(SCRIPT), str(NODES)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    print(found)
    assert len(set(found["calls"])) == 1, "all nodes saw the same and did the same"
    assert found["calls"][0] >= 50
    assert len(found["shares"]) == NODES
    assert min(found["shares"]) <= 0.25
