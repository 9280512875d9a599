"""Turns a folder of labelled photos into embeddings, timing each step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from contract.clock import Clock
from models.build.progress import Progress
from models.detections import Floats, Frame
from models.errors import MisconfiguredError
from models.evaluation.verification import Labels
from models.faces import FaceModels
from models.faces.stills import detect_still, most_prominent

SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
PROGRESS_EVERY = 20


class Stopwatch:
    """Median milliseconds of named steps."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seconds: dict[str, list[float]] = {}

    @contextmanager
    def lap(self, name: str) -> Iterator[None]:
        start = self._clock.monotonic()
        yield
        self._seconds.setdefault(name, []).append(self._clock.monotonic() - start)

    def median_ms(self, name: str) -> float:
        laps = self._seconds.get(name)
        return float(np.median(laps)) * 1000 if laps else 0.0


@dataclass(slots=True)
class Embedded:
    """Unit rows Nx512 with an identity each; identities of photos in which no face was found."""

    identities: list[str]
    images: int = 0
    vectors: list[Floats] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    undetected: list[int] = field(default_factory=list)

    def matrix(self) -> tuple[Floats, Labels]:
        if not self.vectors:
            raise MisconfiguredError("no face was found in any photo")
        return np.stack(self.vectors), np.array(self.labels, np.int64)


def labelled_photos(folder: Path) -> dict[str, list[Path]]:
    """Photos by identity from folder/<identity>/<n>.jpg. MisconfiguredError when there are none."""
    if not folder.is_dir():
        raise MisconfiguredError(f"{folder} is not a folder; expected {folder}/<identity>/<n>.jpg")
    photos = {
        person.name: sorted(file for file in person.iterdir() if file.suffix.lower() in SUFFIXES)
        for person in sorted(folder.iterdir())
        if person.is_dir()
    }
    found = {name: files for name, files in photos.items() if files}
    if not found:
        raise MisconfiguredError(f"no photos in {folder}; expected {folder}/<identity>/<n>.jpg")
    return found


def embed_photos(photos: dict[str, list[Path]], models: FaceModels, watch: Stopwatch, progress: Progress) -> Embedded:
    """Embed the most prominent face of every photo; unreadable files are named and count as undetected."""
    result = Embedded(sorted(photos))
    total = sum(len(files) for files in photos.values())
    for label, name in enumerate(result.identities):
        for file in photos[name]:
            vector = _embed_file(file, models, watch, progress.say)
            result.images += 1
            if vector is None:
                result.undetected.append(label)
            else:
                result.vectors.append(vector)
                result.labels.append(label)
            if result.images % PROGRESS_EVERY == 0 or result.images == total:
                progress.bar("photos", result.images, total)
    progress.say(f"{len(result.labels)} faces found in {total} photos")
    return result


def _embed_file(file: Path, models: FaceModels, watch: Stopwatch, warn: Callable[[str], None]) -> Floats | None:
    photo = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if photo is None:
        warn(f"cannot read {file}")
        return None
    return embed_photo(photo.astype(np.uint8, copy=False), models, watch)


def embed_photo(photo: Frame, models: FaceModels, watch: Stopwatch) -> Floats | None:
    """Unit vector of the face that is largest and most central; None if there is none."""
    with watch.lap("detect"):
        boxes = detect_still(models.detector, photo)
    if not len(boxes):
        return None
    box = boxes[most_prominent(boxes, photo)]
    with watch.lap("landmarks"):
        five = models.landmarks(photo, box[:4]).five
    crop = models.align(photo, five)
    with watch.lap("embed"):
        return np.asarray(models.embed([crop])[0], np.float32)
