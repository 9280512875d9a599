"""What the real person detector makes of a rendered day, kept so that everything after it can be tried again quickly.

Rendering a day of twenty minutes for two cameras and detecting in every picture takes two minutes of a core; playing
what was found takes a tenth. Kept are the detector's proposals before suppression, and the overview by which the motion
gate judges, of every picture: the gate decides in the replay as it does live. Files are named after a digest of all
that they depend on: the routes, sample pictures as drawn, the detector's weight.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge.motion import overview
from edge.values import Image
from models.catalogue import PERSON_DETECTOR
from models.detections import Detections, Floats
from models.persons.detector import MIN_SCORE
from models.persons.nanodet import NanoDetPerson, one_box_each
from models.sessions import CPU, open_session
from models.weights import default_weights_dir, sha256_file, weight_path
from simulator.scenes.floor import FloorScene
from simulator.scenes.floor_day import FloorDay
from simulator.scenes.pinhole import Pinhole

_FORMAT = 1
_LEAST_SCORE = 0.1
"""Kept below what is used, so that other thresholds can be tried."""
_SAMPLES = 4
"""Pictures that stand for the way the scene is drawn."""


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/vitrina/floor`, by default below `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vitrina" / "floor"


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One camera's day. Row i of `overviews` and the proposals `ends[i-1]:ends[i]` are picture i, at `times[i]`."""

    size: tuple[int, int]
    times: npt.NDArray[np.float64]
    ends: npt.NDArray[np.int64]
    boxes: Floats
    scores: Floats
    overviews: npt.NDArray[np.uint8]

    def number(self, t: float) -> int:
        """The picture nearest to a second."""
        after = min(int(np.searchsorted(self.times, t)), len(self.times) - 1)
        return after - 1 if after and t - self.times[after - 1] < self.times[after] - t else after

    def proposals(self, number: int, least: float = MIN_SCORE) -> Detections:
        """What the detector's cells answered for a picture, from a score on."""
        begin, end = int(self.ends[number - 1]) if number else 0, int(self.ends[number])
        sure = self.scores[begin:end] >= least
        return Detections(self.boxes[begin:end][sure], self.scores[begin:end][sure])

    def detections(self, number: int) -> Detections:
        """What the detector would return for a picture."""
        return one_box_each(self.proposals(number), self.size)


@dataclass(frozen=True, slots=True, eq=False)
class Glimpse:
    """A picture of which only the overview is kept (`hardware.cameras.base.Encoded`)."""

    grey: Image
    image: Image
    size: tuple[int, int]

    def checksum(self) -> int:
        """Equal for equal overviews."""
        return hash(self.grey.tobytes())


class RecordedEyes:
    """The cameras and the person detector of a recorded day: `show` a picture, then `detect` finds who is in it."""

    def __init__(self, recordings: Mapping[str, Recording]) -> None:
        self._recordings = dict(recordings)
        self._blank = {
            name: np.zeros((recording.size[1], recording.size[0], 3), np.uint8)
            for name, recording in self._recordings.items()
        }
        self._shown = next(iter(self._recordings)), 0

    def show(self, camera: str, t: float) -> Glimpse:
        """The picture a camera took at a second."""
        recording = self._recordings[camera]
        number = recording.number(t)
        self._shown = camera, number
        return Glimpse(recording.overviews[number], self._blank[camera], recording.size)

    def detect(self, frame: Image) -> Detections:
        """People in the picture shown last; `edge.floor.stage.PersonEngine`."""
        camera, number = self._shown
        return self._recordings[camera].detections(number)


def record(
    day: FloorDay,
    views: Mapping[str, Pinhole],
    times: Mapping[str, npt.NDArray[np.float64]],
    folder: Path | None = None,
) -> dict[str, Recording]:
    """Each camera's recording of a day, drawn and detected unless it is in the folder (default: `cache_folder()`).

    models.errors.MisconfiguredError when the detector's weight is missing.
    """
    path = weight_path(PERSON_DETECTOR, default_weights_dir())
    folder = folder or cache_folder()
    found = {}
    for name, view in views.items():
        scene = FloorScene(seed=1, camera=view)
        file = folder / f"{name}-{_digest(day, scene, times[name], path)}.npz"
        if not file.is_file():
            detector = NanoDetPerson(open_session(path, (CPU,)), _LEAST_SCORE)
            _write(file, _look(day, scene, times[name], detector))
        found[name] = _read(file, view.size)
    return found


def _digest(day: FloorDay, scene: FloorScene, times: npt.NDArray[np.float64], weight: Path) -> str:
    parts = hashlib.sha256(f"{_FORMAT} {_LEAST_SCORE} {sha256_file(weight)} {scene.camera}".encode())
    parts.update(repr([(walker.name, walker.route) for walker in day.walkers]).encode())
    parts.update(times.tobytes())
    for t in np.linspace(times[0], times[-1], _SAMPLES + 2)[1:-1].tolist():
        parts.update(scene.render(t, [pose for _, pose in day.poses(t)]).tobytes())
    return parts.hexdigest()[:20]


def _look(day: FloorDay, scene: FloorScene, times: npt.NDArray[np.float64], detector: NanoDetPerson) -> Recording:
    ends, boxes, scores, overviews, total = [], [], [], [], 0
    for t in times.tolist():
        picture = scene.render(t, [pose for _, pose in day.poses(t)])
        found = detector.propose(picture)
        small = overview(picture)
        assert small is not None, "a rendered picture is a picture"
        total += len(found)
        ends.append(total)
        boxes.append(found.boxes)
        scores.append(found.scores)
        overviews.append(small.astype(np.uint8))
    return Recording(
        scene.camera.size, times, np.array(ends), np.concatenate(boxes), np.concatenate(scores), np.stack(overviews)
    )


def _write(file: Path, recording: Recording) -> None:
    """At once or not at all: a recording that was interrupted must not be taken for one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(f".{os.getpid()}.tmp")
    save = partial(np.savez_compressed, times=recording.times, ends=recording.ends, boxes=recording.boxes)
    with unfinished.open("wb") as out:
        save(out, scores=recording.scores, overviews=recording.overviews)
    unfinished.replace(file)


def _read(file: Path, size: tuple[int, int]) -> Recording:
    with np.load(file) as kept:
        return Recording(size, kept["times"], kept["ends"], kept["boxes"], kept["scores"], kept["overviews"])
