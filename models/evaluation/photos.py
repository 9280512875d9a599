"""Turns a folder of labelled photos into embeddings, near and at several simulated distances, timing each step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from contract.clock import Clock
from models.build.progress import Progress
from models.detections import Floats, Frame
from models.errors import MisconfiguredError
from models.evaluation.open_set import Faces
from models.faces import FaceModels
from models.faces.enrolment import enrolment_views, template_of_views
from models.faces.stills import detect_still, most_prominent

SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
PROGRESS_EVERY = 20


class Stopwatch:
    """Median milliseconds of named steps."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._seconds: dict[str, list[float]] = {}

    @contextmanager
    def lap(self, name: str) -> Iterator[None]:
        start = self.clock.monotonic()
        yield
        self._seconds.setdefault(name, []).append(self.clock.monotonic() - start)

    def median_ms(self, name: str) -> float:
        laps = self._seconds.get(name)
        return float(np.median(laps)) * 1000 if laps else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One face as found: its unit vector, the width of its box in pixels, its aligned crop."""

    vector: Floats
    width: float
    crop: Frame


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """One photo of identity `label`: its face and template, and the face at every simulated width; None: not found."""

    label: int
    file: Path
    near: Seen | None
    template: Floats | None
    far: dict[int, Seen | None]


@dataclass(slots=True)
class Album:
    """Every photo of the folder, in order of identity and file."""

    identities: list[str]
    photos: list[Photo] = field(default_factory=list)

    @property
    def detected(self) -> int:
        return sum(photo.near is not None for photo in self.photos)

    def faces(self, width: int | None = None) -> Faces:
        """For `open_set`; probes as photographed, or shrunk to `width`. Templates are always as photographed."""
        seen = [photo.near if width is None else photo.far.get(width) for photo in self.photos]
        size = next((len(photo.template) for photo in self.photos if photo.template is not None), 0)
        if not size:
            raise MisconfiguredError("no face was found in any photo")
        blank = np.zeros(size, np.float32)
        return Faces(
            labels=np.array([photo.label for photo in self.photos], np.int64),
            probes=np.stack([blank if one is None else one.vector for one in seen]),
            found=np.array([one is not None for one in seen]),
            templates=np.stack([blank if photo.template is None else photo.template for photo in self.photos]),
            enrollable=np.array([photo.template is not None for photo in self.photos]),
        )

    def widths(self, width: int) -> list[float]:
        """Measured box widths of the faces found at a simulated width."""
        return [one.width for photo in self.photos if (one := photo.far.get(width)) is not None]


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


def embed_photos(
    photos: dict[str, list[Path]], models: FaceModels, widths: Sequence[int], watch: Stopwatch, progress: Progress
) -> Album:
    """Embed the most prominent face of every photo; unreadable files are named and count as not found."""
    album = Album(sorted(photos))
    total = sum(len(files) for files in photos.values())
    for label, name in enumerate(album.identities):
        for file in photos[name]:
            album.photos.append(_embed_file(label, file, models, widths, watch, progress.say))
            if len(album.photos) % PROGRESS_EVERY == 0 or len(album.photos) == total:
                progress.bar("photos", len(album.photos), total)
    progress.say(f"{album.detected} faces found in {total} photos")
    return album


def _embed_file(
    label: int,
    file: Path,
    models: FaceModels,
    widths: Sequence[int],
    watch: Stopwatch,
    warn: Callable[[str], None],
) -> Photo:
    loaded = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if loaded is None:
        warn(f"cannot read {file}")
        return Photo(label, file, None, None, {})
    picture: Frame = loaded.astype(np.uint8, copy=False)
    near = see_face(picture, models, watch)
    if near is None:
        return Photo(label, file, None, None, {})
    template = template_of_views(np.stack([near.vector, *models.embed(enrolment_views(near.crop)[1:])]))
    idle = Stopwatch(watch.clock)
    far = {width: see_face(shrunk(picture, width / near.width), models, idle) for width in widths}
    return Photo(label, file, near, template, far)


def shrunk(picture: Frame, factor: float) -> Frame:
    """The picture as from farther away, averaged over areas as a sensor would; never enlarged."""
    if factor >= 1:
        return picture
    small = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def see_face(photo: Frame, models: FaceModels, watch: Stopwatch) -> Seen | None:
    """The face that is largest and most central; None if there is none."""
    with watch.lap("detect"):
        boxes = detect_still(models.detector, photo)
    if not len(boxes):
        return None
    box = boxes[most_prominent(boxes, photo)]
    with watch.lap("landmarks"):
        five = models.landmarks(photo, box[:4]).five
    crop = models.align(photo, five)
    with watch.lap("embed"):
        vector = np.asarray(models.embed([crop])[0], np.float32)
    return Seen(vector, float(box[2] - box[0]), crop)
