"""An entrance camera with always as many people in view, as a process: `python -m simulator.scenes.doorway 3`.

Prints {"url": ...} and serves 1280x720 MJPEG at 15 frames a second until its standard input ends.
"""

from __future__ import annotations

import argparse
import json
import sys

import numpy as np
import numpy.typing as npt

from contract.clock import SystemClock
from simulator.scenes.cameras import MjpegCamera
from simulator.scenes.catalogue import KNOWN, STRANGERS
from simulator.scenes.entrance import EntranceScene, EntranceWalker
from simulator.scenes.footage import MissingFootageError, load_footage

FPS = 15.0
SEED = 2
_LANES = (-0.4, 0.4, 0.0)


def stream_of_people(count: int, seconds: float) -> list[EntranceWalker]:
    """One comes as another leaves, so that `count` are in view; known and strangers in turn, nobody twice at a time."""
    if count == 0:
        return []
    stay = EntranceWalker(KNOWN[0], 0.0).duration
    walkers = []
    for number in range(int((seconds + stay) * count / stay) + 1):
        names = (KNOWN, STRANGERS)[number % 2]
        lane = _LANES[number % len(_LANES)]
        walkers.append(EntranceWalker(names[number // 2 % len(names)], (number - count) * stay / count, lane))
    return walkers


def main() -> int:
    """Serve; 2 when the footage is not installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("people", type=int)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long people keep coming")
    options = parser.parse_args()
    try:
        scene = EntranceScene(load_footage(), SEED)
    except MissingFootageError as error:
        print(error, file=sys.stderr)
        return 2
    walkers = stream_of_people(options.people, options.seconds)
    clock = SystemClock()
    begun = clock.monotonic()

    def draw(now: float) -> npt.NDArray[np.uint8]:
        return scene.render(now - begun, walkers)

    with MjpegCamera(draw, FPS, clock) as camera:
        print(json.dumps({"url": camera.url}), flush=True)
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
