"""Runs an evaluation asked for on the command line and writes its report."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from contract.clock import Clock
from models.build.atomic import write_atomic
from models.build.progress import Progress
from models.errors import MisconfiguredError


def evaluate(arguments: argparse.Namespace, clock: Clock) -> int:
    """Exit code 0; ModelError when data or weights are not usable."""
    progress = Progress(clock)
    report = SUBJECTS[arguments.subject](arguments, clock, progress)
    text = json.dumps(report, indent=2)
    write_atomic(arguments.json, f"{text}\n".encode())
    print(text)
    return 0


def _faces(arguments: argparse.Namespace, clock: Clock, progress: Progress) -> dict[str, object]:
    from models.evaluation.faces import evaluate_faces
    from models.faces import load_face_models

    for option in ("enrolled", "splits"):
        if getattr(arguments, option) < 1:
            raise MisconfiguredError(f"--{option} must be 1 or more")
    models = load_face_models(arguments.weights)
    return evaluate_faces(arguments.folder, models, arguments.enrolled, arguments.splits, clock, progress)


def _persons(arguments: argparse.Namespace, clock: Clock, progress: Progress) -> dict[str, object]:
    from models.evaluation.linker import GreedyLinker
    from models.evaluation.persons import evaluate_persons
    from models.persons import load_person_detector

    for path in (arguments.video, arguments.gt):
        require_file(path)
    detector = load_person_detector(arguments.weights)
    return evaluate_persons(arguments.video, arguments.gt, detector, GreedyLinker, clock, progress)


def _speed(arguments: argparse.Namespace, clock: Clock, progress: Progress) -> dict[str, object]:
    from models.evaluation.speed import measure_speed
    from models.faces import load_face_models
    from models.persons import load_person_detector

    if arguments.rounds < 1:
        raise MisconfiguredError("--rounds must be 1 or more")
    faces, persons = load_face_models(arguments.weights), load_person_detector(arguments.weights)
    return measure_speed(faces, persons, arguments.rounds, clock, progress)


SUBJECTS = {"faces": _faces, "persons": _persons, "speed": _speed}


def require_file(path: Path) -> None:
    if not path.is_file():
        raise MisconfiguredError(f"{path} is not a file")
