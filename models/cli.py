"""Command line of the models package."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from contract.clock import Clock, SystemClock
from models.build.npm import NpmClient
from models.build.progress import Progress
from models.build.runner import build
from models.catalogue import CATALOGUE, Model
from models.errors import MisconfiguredError, ModelError, TransientError
from models.weights import BUILD_COMMAND, default_weights_dir, fault, read_manifest

EXIT_OK = 0
EXIT_FAULT = 1
EXIT_TRY_LATER = 75
"""EX_TEMPFAIL of sysexits.h: a script may run the command again."""


def main(argv: Sequence[str]) -> int:
    """Run one command; the process's exit code."""
    arguments = parser().parse_args(argv)
    clock = SystemClock()
    try:
        return _run(arguments, clock)
    except TransientError as error:
        print(f"error (try again later): {error}", file=sys.stderr)
        return EXIT_TRY_LATER
    except ModelError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_FAULT
    except ModuleNotFoundError as error:
        print(f"error: the package {error.name} is not installed; install the `edge` extra", file=sys.stderr)
        return EXIT_FAULT
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_FAULT
    except KeyboardInterrupt:
        print(f"interrupted; nothing half-made was left, `{BUILD_COMMAND}` continues", file=sys.stderr)
        return 130


def _run(arguments: argparse.Namespace, clock: Clock) -> int:
    match arguments.command:
        case "list":
            return _list(as_json=arguments.json)
        case "verify":
            return _verify(arguments.weights)
        case "build":
            return _build(arguments.weights, clock, force=arguments.force, quiet=arguments.quiet)
        case "cards":
            from models.evaluation.cli import write_cards

            return write_cards(arguments.reports, arguments.docs)
        case _:
            from models.evaluation.cli import evaluate

            return evaluate(arguments, clock)


def parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    top = argparse.ArgumentParser(prog="python -m models", description="Vitrina's models and their weights")
    commands = top.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="every model: role, licence, source")
    listing.add_argument("--json", action="store_true", help="machine-readable, with hashes")
    _with_weights(commands.add_parser("verify", help="check the built weights against their manifest"))
    building = commands.add_parser("build", help="fetch, verify and convert what is missing or stale")
    building.add_argument("--force", action="store_true", help="build everything again")
    building.add_argument("--quiet", action="store_true", help="print errors only")
    _with_weights(building)
    _add_evaluate(commands.add_parser("evaluate", help="measure the models on labelled data"))
    cards = commands.add_parser("cards", help="fill the figures of the model cards from evaluation reports")
    cards.add_argument("--from", dest="reports", type=Path, nargs="+", required=True, metavar="OUT.json")
    cards.add_argument("--docs", type=Path, default=Path("docs/models"), metavar="DIR", help="folder of the cards")
    return top


def _with_weights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--weights", type=Path, default=default_weights_dir(), metavar="DIR", help="weights folder")


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    subjects = parser.add_subparsers(dest="subject", required=True)
    faces = subjects.add_parser("faces", help="verification and open-set identification")
    faces.add_argument("folder", type=Path, metavar="DIR", help="DIR/<identity>/<n>.jpg")
    faces.add_argument("--enrolled", type=int, default=2, metavar="N", help="photos enrolled per identity")
    faces.add_argument("--splits", type=int, default=20, metavar="N", help="random gallery splits averaged")
    faces.add_argument("--counts", type=_numbers, default=(1, 2, 3, 5), metavar="N,N", help="further enrolment counts")
    faces.add_argument("--widths", type=_numbers, default=(20, 28, 39, 60), metavar="PX,PX", help="simulated widths")
    faces.add_argument("--bootstrap", type=int, default=200, metavar="N", help="resamplings for the intervals; 0: none")
    faces.add_argument("--pack", type=Path, metavar="DIR", help="an insightface model pack instead of our models")
    faces.add_argument("--accept-noncommercial", action="store_true", help="your use of the pack is covered")
    faces.add_argument(
        "--sheet",
        type=Path,
        metavar="FILE",
        help="also write the worst pairs as HTML; it shows faces and folder names of your evaluation photos",
    )
    persons = subjects.add_parser("persons", help="detection and tracking against MOT ground truth")
    persons.add_argument("--video", type=Path, required=True)
    persons.add_argument("--gt", type=Path, required=True, help="ground truth, MOTChallenge format")
    persons.add_argument("--detector", choices=("auto", "nanodet", "centernet"), default="auto", help="which network")
    speed = subjects.add_parser("speed", help="milliseconds of every model on this machine, one thread")
    speed.add_argument("--rounds", type=int, default=100, metavar="N", help="repetitions, the median counts")
    for subject in (faces, persons, speed):
        subject.add_argument("--json", type=Path, required=True, metavar="OUT", help="report file")
        _with_weights(subject)


def _numbers(text: str) -> tuple[int, ...]:
    """ "20,28" to (20, 28); "none" to ()."""
    if text == "none":
        return ()
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        numbers = (0,)
    if min(numbers) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of whole numbers from 1, such as 20,28, or `none`")
    return numbers


def _list(*, as_json: bool) -> int:
    if as_json:
        print(json.dumps([_as_dict(row) for row in CATALOGUE], indent=2))
        return EXIT_OK
    header = ("MODEL", "ROLE", "LICENCE (package / upstream)", "FROM", "TRAINING DATA")
    rows = [header]
    rows += [
        (
            row.key,
            row.role,
            f"{row.package.licence} / {row.upstream_licence}",
            row.package.spec,
            row.training_data,
        )
        for row in CATALOGUE
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return EXIT_OK


def _as_dict(row: Model) -> dict[str, object]:
    return {
        "key": row.key,
        "role": row.role,
        "licence": {"package": row.package.licence, "upstream": row.upstream_licence},
        "upstream": row.upstream,
        "training_data": row.training_data,
        "package": row.package.name,
        "version": row.package.version,
        "tarball": {"sha256": row.package.tarball_sha256, "integrity": row.package.integrity},
        "members": [{"path": member.path, "sha256": member.sha256} for member in row.members],
        "output": row.output,
        "card": row.card,
    }


def _verify(weights_dir: Path) -> int:
    built = read_manifest(weights_dir)
    faults = {row.output: fault(row, weights_dir, built) for row in CATALOGUE}
    for file, reason in faults.items():
        print(f"{'ok     ' if reason is None else 'FAULTY '} {weights_dir / file}{f' {reason}' if reason else ''}")
    if any(faults.values()):
        bad = ", ".join(file for file, reason in faults.items() if reason)
        raise MisconfiguredError(f"not usable: {bad}; run `{BUILD_COMMAND}`")
    return EXIT_OK


def _build(weights_dir: Path, clock: Clock, *, force: bool, quiet: bool) -> int:
    signal.signal(signal.SIGTERM, _interrupt)
    progress = Progress(clock, quiet=quiet)
    built = build(weights_dir, NpmClient(clock, progress).fetch, progress, force=force)
    progress.say(f"{len(built)} built, {len(CATALOGUE) - len(built)} already sound, in {weights_dir}")
    return EXIT_OK


def _interrupt(_signal: int, _frame: object) -> None:
    """SIGTERM ends a build as Ctrl-C does, so that npm and temporary files go with it."""
    raise KeyboardInterrupt
