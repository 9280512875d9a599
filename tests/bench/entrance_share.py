"""What share of the entrance pipeline's CPU is not onnxruntime, several nodes in turns in one process.

`python entrance_share.py NODES` (the repository on PYTHONPATH) prints {"shares": [...], "calls": [...]}. Each node
has its own models and sees the same crowd. What else the machine does pushes them out of its caches, which costs Python
more than it costs the networks: the smallest of the shares is nearest to what the pipeline itself needs.
"""

from __future__ import annotations

import argparse
import json

import numpy as np
from bench_entrance import SEED, Bill, door, our_node, play
from camera_cost import enrolled

from edge.engines import load_engines
from edge.process import limit_threads
from models.faces.bundle import OnnxFaceModels
from simulator.scenes.crowd import crowd
from simulator.scenes.entrance import EntranceScene
from simulator.scenes.footage import load_footage

GROUPS = 2


def nodes(scene: EntranceScene, count: int) -> list[Bill]:
    """Each with its own models; the gallery is one, for a look at it changes nothing."""
    config, gallery, bills = door(scene), None, []
    for _ in range(count):
        engines = load_engines(config, "lane")
        if not isinstance(engines.faces, OnnxFaceModels):
            raise TypeError("mode lane needs the face models")
        gallery = gallery or enrolled(load_footage(), engines.faces)
        engines.faces.embed([np.zeros((112, 112, 3), np.uint8)])  # the first call is another one
        engines.faces.forget_faces()
        bills.append(Bill(our_node(config, engines, gallery)))
    return bills


def main() -> None:
    """Play, and say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nodes", type=int)
    count = parser.parse_args().nodes
    limit_threads()
    scene = EntranceScene(load_footage(), SEED)
    bills = nodes(scene, count)
    play(scene, crowd(GROUPS, SEED), bills)
    calls = [sum(bill.meter.calls.values()) for bill in bills]
    print(json.dumps({"shares": [round(bill.outside, 4) for bill in bills], "calls": calls}))


if __name__ == "__main__":
    main()
