"""Chooses pictures of the board worth keeping from a folder or a running camera, and says what is still missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from calibration.errors import CalibrationError
from calibration.lens.board import Board, Image, Sighting
from calibration.lens.coverage import LEAST_SHARE, coverage_of
from calibration.source import PICTURES, Stream, read_picture, source_of

ENOUGH = 30
_LOOK_S = 0.25
_STILL_PX = 2.5
"""A board that moves more between two looks is blurred and, with a rolling shutter, bent."""
_NEW_SHARE = 0.06
"""Of the picture's width: how far a new pose must be from every kept one."""

Say = Callable[[str], None]


class Gathering:
    """Sightings so far; `step` keeps a picture only if it adds something."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._last: Sighting | None = None
        self.size: tuple[int, int] | None = None
        self.kept: list[Sighting] = []

    def add(self, picture: Image, name: str) -> bool:
        """A picture somebody chose: kept when the board is seen."""
        self._same_size(picture, name)
        found = self._board.find(picture, name)
        if found is not None:
            self.kept.append(found)
        return found is not None

    def step(self, picture: Image, name: str) -> bool:
        """A picture of a stream: kept when the board holds still in a new place."""
        self._same_size(picture, name)
        found = self._board.find(picture, name)
        before, self._last = self._last, found
        if found is None or before is None or _moved(before, found) > _STILL_PX:
            return False
        width = picture.shape[1]
        if any(_moved(one, found) < _NEW_SHARE * width for one in self.kept):
            return False
        self.kept.append(found)
        return True

    @property
    def enough(self) -> bool:
        """Whether more pictures would add little."""
        return len(self.kept) >= ENOUGH and self.size is not None and self.share >= LEAST_SHARE

    @property
    def share(self) -> float:
        """Of the picture, where the board has been."""
        return coverage_of(self.kept, self.size).share if self.size else 0.0

    def _same_size(self, picture: Image, name: str) -> None:
        size = picture.shape[1], picture.shape[0]
        if self.size is None:
            self.size = size
        elif size != self.size:
            raise CalibrationError(
                f"{name}: is {size[0]}x{size[1]}, the others are {self.size[0]}x{self.size[1]}; use one resolution"
            )


def gather(sources: Sequence[str], board: Board, seconds: float, say: Say) -> Gathering:
    """From files, folders, a recording or a live camera."""
    gathering = Gathering(board)
    for text in sources:
        path = Path(text)
        if path.is_dir() or path.suffix.lower() in PICTURES:
            for picture in _pictures(path):
                found = gathering.add(read_picture(picture), picture.name)
                say(f"{picture.name}: " + ("board found" if found else "no board"))
            continue
        source = source_of(text)
        with source.open() as stream:
            _watch(stream, gathering, seconds, say)
    return gathering


def _watch(stream: Stream, gathering: Gathering, seconds: float, say: Say) -> None:
    for number, picture in enumerate(_looks(stream, seconds)):
        if not gathering.step(picture, f"{stream.source.name}@{number * _LOOK_S:.1f}s"):
            continue
        assert gathering.size is not None
        coverage = coverage_of(gathering.kept, gathering.size)
        missing = coverage.missing()
        say(
            f"picture {len(gathering.kept)}, seen in {coverage.share:.0%}"
            + (f"; next: {missing[0]}" if missing else "")
        )
        say(coverage.drawing())
        if stream.source.live and gathering.enough:
            return


def _looks(stream: Stream, seconds: float) -> Iterator[Image]:
    """About four pictures a second, by the camera's own rate."""
    every, number = max(1, round(stream.fps * _LOOK_S)), 0
    while number / stream.fps <= seconds:
        picture = stream.read()
        if picture is None:
            return
        if number % every == 0:
            yield picture
        number += 1


def _moved(first: Sighting, second: Sighting) -> float:
    """Mean distance of the corners both saw, pixels; endless when they share none."""
    places = {tuple(place): pixel for place, pixel in zip(first.board.tolist(), first.pixels, strict=True)}
    pairs = [
        (places[tuple(place)], pixel)
        for place, pixel in zip(second.board.tolist(), second.pixels, strict=True)
        if tuple(place) in places
    ]
    if not pairs:
        return float("inf")
    return float(np.mean([cv2.norm(one, other) for one, other in pairs]))


def _pictures(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = sorted(one for one in path.iterdir() if one.suffix.lower() in PICTURES) if path.is_dir() else []
    if not found:
        raise CalibrationError(f"{path}: holds no pictures ({', '.join(PICTURES)})")
    return found
