"""`python -m simulator.scenes --preview OUT.png|OUT.mp4`: look at both scenes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from simulator.scenes.entrance import EntranceScene, EntranceWalker
from simulator.scenes.floor import FloorScene, Route, Stop
from simulator.scenes.footage import MissingFootageError, load_footage
from simulator.scenes.plan import STORE
from simulator.scenes.route import stops_along
from simulator.scenes.ways import way

_FPS = 15.0
_SECONDS = 14.0
_STILL_AT = 6.2


def main(arguments: list[str] | None = None) -> int:
    """Write a preview; 0 on success, 2 when something must be installed or the file cannot be written."""
    parser = argparse.ArgumentParser(prog="python -m simulator.scenes", description=__doc__)
    parser.add_argument("--preview", type=Path, required=True, metavar="OUT", help="a .png picture or an .mp4 film")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    out: Path = options.preview
    if out.suffix not in {".png", ".mp4"}:
        parser.error(f"{out} must end in .png or .mp4")
    try:
        preview = _Preview(options.seed)
    except MissingFootageError as error:
        print(error, file=sys.stderr)
        return 2
    written = preview.still(out) if out.suffix == ".png" else preview.film(out)
    if not written:
        print(f"{out} cannot be written: does its folder exist?", file=sys.stderr)
        return 2
    return 0


class _Preview:
    """Both scenes, one above the other, with a few people in them."""

    def __init__(self, seed: int) -> None:
        footage = load_footage()
        self._entrance = EntranceScene(footage, seed)
        self._floor = FloorScene(seed=seed)
        lanes = (-0.35, 0.3, -0.2, 0.4, 0.0)
        self._walkers = [
            EntranceWalker(identity, 1.6 * number, lanes[number % len(lanes)])
            for number, identity in enumerate(footage.identities)
        ]
        door = (0.4, 5.3)
        self._routes = [
            Route(
                number,
                1.2 * number,
                (
                    *stops_along(way(STORE, door, shelf.stand)[:-1]),
                    Stop(*shelf.stand, stay=6, face=shelf.label),
                    *stops_along(way(STORE, shelf.stand, door)[1:]),
                ),
            )
            for number, shelf in enumerate(STORE.shelves)
        ]

    def frame(self, t: float) -> npt.NDArray[np.uint8]:
        people = [pose for route in self._routes if (pose := route.pose(t)) is not None]
        return np.vstack([self._entrance.render(t, self._walkers), self._floor.render(t, people)])

    def still(self, out: Path) -> bool:
        return out.parent.is_dir() and cv2.imwrite(str(out), self.frame(_STILL_AT))

    def film(self, out: Path) -> bool:
        first = self.frame(0.0)
        writer = cv2.VideoWriter(str(out), cv2.VideoWriter.fourcc(*"mp4v"), _FPS, (first.shape[1], first.shape[0]))
        if not writer.isOpened():
            return False
        try:
            for number in range(round(_SECONDS * _FPS)):
                writer.write(self.frame(number / _FPS))
        finally:
            writer.release()
        return True


if __name__ == "__main__":
    sys.exit(main())
