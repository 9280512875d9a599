"""One scene camera as a process of its own: plays the script's walkers as MJPEG, as a network camera would.

`python -m simulator.studio entrance|floor --seed S` prints {"ready": true, "url": ...}; then it waits for a line
`begin T` on stdin: T is the second of CLOCK_MONOTONIC (the same in all processes of a machine) at which the day starts.
Until then the store is empty.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from contract.clock import Clock, SystemClock
from simulator.cast import load_cast
from simulator.scenes.cameras import MjpegCamera
from simulator.scenes.entrance import EntranceScene, EntranceWalker
from simulator.scenes.floor import FloorScene
from simulator.scenes.footage import Footage, MissingFootageError, load_footage
from simulator.script import Script
from simulator.shoppers import Visit
from simulator.store import USABLE_FACE_PX

Image = npt.NDArray[np.uint8]
_STEP_S = 1 / 30
_BEFORE = -1000.0
"""Where the script stands until the day begins."""


def walker_of(visit: Visit) -> EntranceWalker:
    """The entrance scene's walker of a visit."""
    approach = visit.approach
    return EntranceWalker(approach.identity, approach.start, approach.lateral, approach.speed)


def entrance_picture(scene: EntranceScene, script: Script, t: float) -> Image:
    """The entrance at second `t` of the script; empty before it begins."""
    return scene.render(abs(t), [walker_of(visit) for visit in script.visits(t, t)] if t >= 0 else [])


def floor_picture(scene: FloorScene, script: Script, t: float) -> Image:
    """The floor at second `t` of the script; empty before it begins."""
    poses = (visit.route.pose(t) for visit in script.visits(t, t) if t >= 0)
    return scene.render(abs(t), [pose for pose in poses if pose is not None])


def usable_faces(scene: EntranceScene, script: Script, seconds: float) -> dict[int, float]:
    """Visit number to the second in which its face first was large enough and in the lane, by the scene's own truth."""
    found: dict[int, float] = {}
    for visit in script.visits(0.0, seconds):
        if visit.person.kind == "face":
            when = _first_usable(scene, walker_of(visit))
            if when is not None:
                found[visit.number] = when
    return found


def _first_usable(scene: EntranceScene, walker: EntranceWalker) -> float | None:
    width, height = scene.camera.size
    for step in range(int(walker.duration / _STEP_S)):
        t = walker.start + step * _STEP_S
        for face in scene.truth(t, [walker]):
            x, y = (face.box[0] + face.box[2]) / 2 / width, (face.box[1] + face.box[3]) / 2 / height
            if face.width >= USABLE_FACE_PX and face.visible > 0.95 and in_convex(scene.lane, (x, y)):
                return t
    return None


def in_convex(polygon: tuple[tuple[float, float], ...], point: tuple[float, float]) -> bool:
    """Whether a point is inside a convex polygon, whichever way round it is listed."""
    sides = [
        (x2 - x1) * (point[1] - y1) - (y2 - y1) * (point[0] - x1)
        for (x1, y1), (x2, y2) in zip(polygon, (*polygon[1:], polygon[0]), strict=True)
    ]
    return all(side >= 0 for side in sides) or all(side <= 0 for side in sides)


class _Stage:
    """Script time of a moment, and the picture that belongs to it."""

    def __init__(self, picture: Callable[[float], Image]) -> None:
        self._picture = picture
        self._begin: float | None = None

    def begin(self, at: float) -> None:
        self._begin = at

    def render(self, now: float) -> Image:
        return self._picture(_BEFORE if self._begin is None else now - self._begin)


def _entrance(script: Script, arguments: argparse.Namespace) -> Callable[[float], Image]:
    footage = load_footage({person.identity for person in script.cast.people})
    if arguments.photos is not None:
        write_photos(footage, arguments.photos)
    scene = EntranceScene(footage, seed=script.seed)
    if arguments.truth is not None:
        usable = usable_faces(scene, script, script.seconds or 0.0)
        arguments.truth.write_text(json.dumps({"lane": scene.lane, "usable": usable}), encoding="utf-8")
    return lambda t: entrance_picture(scene, script, t)


def write_photos(footage: Footage, folder: Path) -> None:
    """Pictures to enrol from, as `identity-n.png`; whoever made the folder removes it."""
    for identity in footage.identities:
        for number, image in enumerate(footage.enrolment(identity)):
            cv2.imwrite(str(folder / f"{identity}-{number}.png"), image)


def _floor(script: Script, arguments: argparse.Namespace) -> Callable[[float], Image]:
    scene = FloorScene(seed=script.seed)
    if arguments.truth is not None:
        arguments.truth.write_text(json.dumps({"homography": scene.homography.tolist()}), encoding="utf-8")
    return lambda t: floor_picture(scene, script, t)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulator.studio", description=__doc__.split("\n")[0])
    parser.add_argument("scene", choices=("entrance", "floor"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, help="length of the day; left out: it never ends")
    parser.add_argument("--fps", type=float, default=12.0)
    parser.add_argument("--truth", type=Path, help="write what is true of the scene to this file (JSON)")
    parser.add_argument("--photos", type=Path, help="entrance: write pictures to enrol from into this folder")
    return parser.parse_args(arguments)


def _obey(stage: _Stage, done: threading.Event) -> None:
    """Reads the commands; the end of stdin is the end of the simulator that started us."""
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "begin":
            stage.begin(float(rest))
    done.set()


def main(arguments: list[str] | None = None, clock: Clock | None = None) -> int:
    """Serve one scene until stdin is closed or a signal comes."""
    options = _parse(arguments)
    script = Script(load_cast(), options.seed, options.seconds)
    try:
        picture = (_entrance if options.scene == "entrance" else _floor)(script, options)
    except MissingFootageError as error:
        print(error, file=sys.stderr)
        return 2
    stage = _Stage(picture)
    done = threading.Event()
    with MjpegCamera(stage.render, fps=options.fps, clock=clock or SystemClock(), port=0, quality=85) as camera:
        print(json.dumps({"ready": True, "url": camera.url}), flush=True)
        threading.Thread(target=_obey, args=(stage, done), daemon=True).start()
        done.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
