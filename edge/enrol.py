"""Enrolment from photographs: which are good enough, and whether they show one person. Committing: edge.consent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from contract.events import PURPOSES, Purpose
from edge.config.model import EdgeConfig
from edge.errors import NodeError
from edge.model_cards import embedder_sha256, weights_dir
from edge.values import Image, Vector
from edge.vision.enrolment import Enrolled, StillEngine, assess
from models.errors import ModelError
from models.faces import load_face_models

PHOTO_ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
MOST_TEMPLATES = 5
ENOUGH_TEMPLATES = 2
SAME_PERSON = 0.35
"""Least cosine of a photograph with the best of the others; strangers reach it about once in a thousand pairs."""


Named = list[tuple[str, Enrolled]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one photograph: `why` is empty when it was accepted."""

    name: str
    quality: float
    why: str = ""


def parse_purposes(text: str) -> frozenset[Purpose]:
    """ "identify,profile" to purposes; NodeError names an unknown one, and a missing `identify`."""
    names = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [name for name in names if name not in PURPOSES]
    if unknown:
        raise NodeError(f"--purposes: unknown {', '.join(unknown)}; choose from {', '.join(PURPOSES)}")
    chosen = frozenset(purpose for purpose in PURPOSES if purpose in names)
    if "identify" not in chosen:
        raise NodeError("--purposes: without `identify` no face may be enrolled; leave the person to QR check-in")
    return chosen


def find_photos(paths: Iterable[Path]) -> list[Path]:
    """Files as given, folders by their pictures; NodeError for a path that is not there."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(item for item in path.iterdir() if item.suffix.lower() in PHOTO_ENDINGS)
        elif path.is_file():
            found.append(path)
        else:
            raise NodeError(f"--photos: {path}: no such file or folder")
    if not found:
        raise NodeError(f"--photos: no pictures found (looked for {', '.join(sorted(PHOTO_ENDINGS))})")
    return found


def load_photo(path: Path) -> Image | None:
    """BGR picture; None when the file is none."""
    try:
        raw = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    except OSError as error:
        raise NodeError(f"--photos: {path}: {error.strerror}") from None
    picture = cv2.imdecode(raw, cv2.IMREAD_COLOR) if raw.size else None
    return None if picture is None else np.asarray(picture, dtype=np.uint8)


def load_models(config: EdgeConfig) -> tuple[StillEngine, str]:
    """The face models and the name of their embedder. NodeError when they are not built or not allowed here."""
    try:
        engine = load_face_models(
            weights_dir(config), config.models.pack, accept_noncommercial=config.models.accept_noncommercial
        )
    except ModelError as error:
        raise NodeError(str(error)) from None
    embedder = embedder_sha256(config)
    if embedder is None:
        raise NodeError("the face embedder is not built; run `python -m models build`")
    return engine, embedder


def choose(photos: Sequence[Path], models: StillEngine) -> tuple[list[Vector], list[Verdict]]:
    """The best templates (at most five) and a verdict for every photograph."""
    good: Named = []
    verdicts: list[Verdict] = []
    for path in photos:
        picture = load_photo(path)
        outcome = None if picture is None else assess(picture, models)
        if isinstance(outcome, Enrolled):
            good.append((str(path), outcome))
        else:
            why = "the file is not a picture that can be read" if outcome is None else outcome.advice
            verdicts.append(Verdict(str(path), 0.0, why))
    same, others = same_person(good)
    for name, one in others:
        verdicts.append(Verdict(name, one.quality, "it shows another person than the other photographs"))
    same.sort(key=lambda pair: pair[1].quality, reverse=True)
    for place, (name, one) in enumerate(same):
        surplus = "not needed: the five best are enough" if place >= MOST_TEMPLATES else ""
        verdicts.append(Verdict(name, one.quality, surplus))
    return [one.vector for _, one in same[:MOST_TEMPLATES]], verdicts


def same_person(good: Named) -> tuple[Named, Named]:
    """Those that agree with the picture most others agree with, and the rest: a mixed-up folder must not make one
    person of two."""
    if len(good) < 2:
        return good, []
    matrix = np.stack([one.vector for _, one in good])
    alike = matrix @ matrix.T >= SAME_PERSON
    centre = int(np.argmax(alike.sum(axis=1)))
    same = [pair for place, pair in enumerate(good) if alike[centre, place]]
    return same, [pair for place, pair in enumerate(good) if not alike[centre, place]]
