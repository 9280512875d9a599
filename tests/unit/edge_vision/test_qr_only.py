"""Under `qr_only` no face module is even imported, and everything else works (PRIVACY P9)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

SCRIPT = """
import json, sys
from datetime import datetime, UTC
import numpy as np
from edge.config import parse_config
from edge.engines import Engines, load_engines
from edge.gallery import Gallery
from edge.policy import judge
from edge.replay import replay
from edge.values import Frame, Instant
from edge.vision_node import Vision
from edge.worker import VisionWorker
from models.detections import Detections

class Persons:
    def detect(self, frame):
        return Detections(np.array([[100, 50, 150, 150]], np.float32), np.array([0.9], np.float32))

config = parse_config('''
store: shop
node: n1
state_dir: var
policy: {region: russia, mode: MODE}
cameras:
  - {id: door, role: entrance, source: {driver: simulated}, read_qr: true, lane: [[0, 0], [1, 0], [1, 1]],
     spot: [[0, 0], [1, 0], [1, 1]]}
  - {id: floor, role: floor, source: {driver: simulated}, homography: [[0.01, 0, 0], [0, 0.01, 0], [0, 0, 1]]}
zones: [{id: shelf, polygon: [[1, 1], [2, 1], [2, 2], [1, 2]], enter_s: 0.2}]
''')
wall = datetime(2026, 1, 1, tzinfo=UTC)
decision = judge(config.policy, config.store, None, None, wall)
faces = load_engines(config.model_copy(update={"cameras": config.cameras[:1]}), decision.mode).faces
vision = Vision(config, decision.mode, Gallery(searchable=False), Engines(faces, Persons()), Instant(0, wall),
                run="r", new_id=lambda: "v")
told = []
random = np.random.default_rng(0)
for n in range(30):
    picture = random.integers(0, 255, (240, 320, 3), dtype=np.uint8)
    for camera in ("door", "floor"):
        told += vision.frame(Frame(camera, picture, Instant(n / 10, wall)))
bad = [m for m in sys.modules if m.split(".")[0] == "insightface" or m.startswith(("models.faces", "edge.vision."))]
print(json.dumps({"mode": decision.mode, "faces": faces is None, "bad": bad, "told": [type(e).__name__ for e in told]}))
"""


def run(mode: str) -> dict[str, object]:
    script = SCRIPT.replace("MODE", mode)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_no_face_module_is_imported() -> None:
    answer = run("qr_only")
    assert answer["bad"] == []
    assert answer["faces"] is True
    assert answer["told"] == ["ZoneEntered"]


def test_nor_when_a_forbidden_mode_was_asked_for() -> None:
    answer = run("verify")
    assert answer["mode"] == "qr_only"
    assert answer["bad"] == []
