"""Runs an evaluation asked for on the command line and writes its report."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from contract.clock import Clock
from models.build.atomic import write_atomic
from models.build.progress import Progress
from models.errors import MisconfiguredError

if TYPE_CHECKING:
    from models.evaluation.photos import Album


def evaluate(arguments: argparse.Namespace, clock: Clock) -> int:
    """Exit code 0; ModelError when data or weights are not usable."""
    progress = Progress(clock)
    report = SUBJECTS[arguments.subject](arguments, clock, progress)
    text = json.dumps(report, indent=2)
    write_atomic(arguments.json, f"{text}\n".encode())
    print(text)
    return 0


def _faces(arguments: argparse.Namespace, clock: Clock, progress: Progress) -> dict[str, object]:
    from models.evaluation.faces import Plan, evaluate_faces
    from models.faces import load_face_models

    for option in ("enrolled", "splits"):
        if getattr(arguments, option) < 1:
            raise MisconfiguredError(f"--{option} must be 1 or more")
    if arguments.bootstrap < 0:
        raise MisconfiguredError("--bootstrap must be 0 or more")
    plan = Plan(arguments.enrolled, arguments.splits, arguments.counts, arguments.widths, arguments.bootstrap)
    models = load_face_models(arguments.weights, arguments.pack, accept_noncommercial=arguments.accept_noncommercial)
    progress.say(f"face models: {models.name}; licence: {models.licence}")
    report, album = evaluate_faces(arguments.folder, models, plan, clock, progress)
    if arguments.sheet is not None:
        _write_sheet(arguments.sheet, album, report, progress)
    return report


def _write_sheet(path: Path, album: Album, report: dict[str, object], progress: Progress) -> None:
    """The operator's own evaluation photos, readable by the operator alone."""
    from models.evaluation.sheet import sheet_html

    verification = cast(dict[str, dict[str, float]], report["verification"])
    write_atomic(path, sheet_html(album, verification["threshold_at_far"]["1e-3"]).encode())
    path.chmod(0o600)
    progress.say(f"{path} holds photographs of people from the evaluation folder: delete it when done")


def _persons(arguments: argparse.Namespace, clock: Clock, progress: Progress) -> dict[str, object]:
    from models.evaluation.persons import StoreTracker, evaluate_persons
    from models.persons import load_person_detector
    from models.processor import person_detector_key

    for path in (arguments.video, arguments.gt):
        require_file(path)
    detector = load_person_detector(arguments.weights, network=arguments.detector)
    progress.say(f"person detector: {person_detector_key(arguments.detector)}")
    return evaluate_persons(arguments.video, arguments.gt, detector, StoreTracker, clock, progress)


def _speed(arguments: argparse.Namespace, clock: Clock, progress: Progress) -> dict[str, object]:
    from models.evaluation.speed import measure_speed
    from models.faces import load_face_models
    from models.persons import load_person_detector

    if arguments.rounds < 1:
        raise MisconfiguredError("--rounds must be 1 or more")
    faces, persons = load_face_models(arguments.weights), load_person_detector(arguments.weights)
    return measure_speed(faces, persons, arguments.rounds, clock, progress)


SUBJECTS = {"faces": _faces, "persons": _persons, "speed": _speed}


def write_cards(reports: Sequence[Path], folder: Path) -> int:
    """Fill the model cards in `folder` from reports of evaluations; exit code 0."""
    from models.evaluation.cards import fill_cards

    loaded = []
    for path in reports:
        require_file(path)
        try:
            loaded.append(json.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise MisconfiguredError(f"{path} is not JSON: {error}") from error
    for card, text in fill_cards(folder, loaded).items():
        write_atomic(card, text.encode())
        print(card)
    return 0


def require_file(path: Path) -> None:
    if not path.is_file():
        raise MisconfiguredError(f"{path} is not a file")
