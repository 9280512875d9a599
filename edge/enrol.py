"""Enrolment and withdrawal at the store's own computer: consent in, sealed templates out, photographs nowhere.

Each accepted photograph becomes one event in the outbox; a running node sends it, otherwise it waits for the next run.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from contract.clock import Clock
from contract.events import PURPOSES, ConsentGiven, EnrolmentCompleted, EnrolmentWithdrawn, Purpose
from contract.values import Report
from edge.config.model import EdgeConfig
from edge.errors import NodeError
from edge.model_cards import embedder_sha256, weights_dir
from edge.outbox.draft import make_draft
from edge.outbox.store import OutboxFullError, OutboxReplacedError, OutboxStore
from edge.sealing import new_subject_key, seal_key, seal_template
from edge.values import Image, Vector
from edge.vision.enrolment import Enrolled, StillEngine, assess
from models.errors import ModelError
from models.faces import load_face_models

Channel = Literal["kiosk", "command_line", "page", "import"]
SUBJECT_PATTERN = re.compile(r"[0-9a-f]{32}")
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


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person agreed to."""

    text: bytes
    text_version: str
    purposes: frozenset[Purpose]
    channel: Channel = "command_line"

    def given(self, clock: Clock) -> ConsentGiven:
        """As it travels: the text by its hash, every purpose with yes or no."""
        return ConsentGiven(
            text_version=self.text_version,
            text_sha256=hashlib.sha256(self.text).hexdigest(),
            purposes={purpose: purpose in self.purposes for purpose in PURPOSES},
            channel=self.channel,
            at=clock.now(),
        )


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


def check_subject(subject: str) -> str:
    """The pseudonym, 32 hex digits; NodeError otherwise."""
    if not SUBJECT_PATTERN.fullmatch(subject):
        raise NodeError("--subject: 32 lower-case hex digits are needed (the pseudonym central shows for the customer)")
    return subject


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
        engine = load_face_models(weights_dir(config), config.models.pack)
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
    same, others = _same_person(good)
    for name, one in others:
        verdicts.append(Verdict(name, one.quality, "it shows another person than the other photographs"))
    same.sort(key=lambda pair: pair[1].quality, reverse=True)
    for place, (name, one) in enumerate(same):
        surplus = "not needed: the five best are enough" if place >= MOST_TEMPLATES else ""
        verdicts.append(Verdict(name, one.quality, surplus))
    return [one.vector for _, one in same[:MOST_TEMPLATES]], verdicts


def _same_person(good: Named) -> tuple[Named, Named]:
    """Those that agree with the picture most others agree with, and the rest: a mixed-up folder must not make one
    person of two."""
    if len(good) < 2:
        return good, []
    matrix = np.stack([one.vector for _, one in good])
    alike = matrix @ matrix.T >= SAME_PERSON
    centre = int(np.argmax(alike.sum(axis=1)))
    same = [pair for place, pair in enumerate(good) if alike[centre, place]]
    return same, [pair for place, pair in enumerate(good) if not alike[centre, place]]


def completed(
    subject: str, vectors: Sequence[Vector], consent: ConsentGiven, sealing_key: str, model_sha256: str, clock: Clock
) -> list[EnrolmentCompleted]:
    """One event to a template, all under one new key of this subject, sealed to central."""
    key = new_subject_key()
    events = []
    for vector in vectors:
        template = uuid.uuid4().hex
        events.append(
            EnrolmentCompleted(
                subject=subject,
                template=template,
                model_sha256=model_sha256,
                sealed_template=seal_template(vector, key, subject, template),
                sealed_key=seal_key(key, sealing_key),
                consent=consent,
                at=clock.now(),
            )
        )
    return events


def withdrawn(subject: str, clock: Clock) -> EnrolmentWithdrawn:
    """Consent taken back at the store, for every purpose."""
    return EnrolmentWithdrawn(subject=subject, at=clock.now())


def commit(config: EdgeConfig, path: Path, reports: Sequence[Report], clock: Clock) -> None:
    """All or none into the outbox file, beside a running node too. NodeError when it takes nothing."""
    store = OutboxStore(path, clock)
    try:
        store.append([make_draft(report, f"/{config.store}/{config.node}", clock) for report in reports])
    except (OutboxFullError, OutboxReplacedError) as error:
        raise NodeError(f"state_dir: nothing was saved ({error}); free disk space and try again") from None
    finally:
        store.close()
