"""`python -m calibration thresholds`: the match threshold a store's own strangers support, with its certificate."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from contract.clock import Clock

if TYPE_CHECKING:
    from calibration.thresholds.earn import Wish
    from calibration.thresholds.records import ImpostorScore

_EPILOG = """\
FILE is what the edge writes to state_dir/impostor-scores.jsonl when recognition.collect_scores is on; give the
rotated file (.1) too. The gallery size counts templates, not people; the newest lines of FILE hold it.
PAIRS.csv has the columns subject,other,score: similarities between enrolled people.

exit codes: 0 certificate written; 1 not earned (too few decisions, or no tail fits): nothing is written and the
node stays at its conservative default; 2 the input is wrong.

example:
  python -m calibration thresholds --scores impostor-scores.jsonl --gallery-size 900 \\
      --store moscow-1 --model faceplugin-512 --out certificate.yaml --plot tail.svg
"""
_SHA256 = re.compile(r"[0-9a-f]{64}")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Options of the command."""
    parser = commands.add_parser(
        "thresholds",
        help="match threshold from the scores of the store's own strangers",
        description="Fit the tail of the impostor scores and certify the threshold that keeps false arrivals rare.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--scores", type=Path, nargs="+", required=True, metavar="FILE", help="recorded impostor scores"
    )
    parser.add_argument("--gallery-size", type=_whole, required=True, metavar="N", help="templates in the gallery")
    parser.add_argument(
        "--store", type=_name, required=True, metavar="S", help="store id, as in the edge's configuration"
    )
    parser.add_argument("--model", type=_name, required=True, metavar="NAME", help="embedder the scores came from")
    parser.add_argument("--model-sha256", type=_sha256, metavar="HEX", help="its weights; default: what the scores say")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the certificate is written")
    parser.add_argument("--pairs", type=Path, metavar="PAIRS.csv", help="list confusable enrolled people too")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the tail and its fit")
    parser.add_argument(
        "--target-per-day", type=_positive, default=0.1, metavar="X", help="false arrivals a day (default 0.1)"
    )
    parser.add_argument("--visitors", type=_positive, default=2000.0, metavar="V", help="visitors a day (default 2000)")
    parser.add_argument(
        "--margin", type=_share, default=0.05, metavar="M", help="least lead over the runner-up (default 0.05)"
    )
    parser.add_argument(
        "--missed",
        type=_share,
        metavar="SHARE",
        help="most of the records that are missed enrolled people, if you vouch for it (default 0.02, unvouched)",
    )
    parser.add_argument("--days", type=_whole, default=90, metavar="D", help="how long it is valid (default 90)")


def run(options: argparse.Namespace, clock: Clock) -> int:
    """Read, fit, print the report, write the certificate. ThresholdError when the input or the scores are no good."""
    from calibration.thresholds.certificate import Model
    from calibration.thresholds.earn import earn
    from calibration.thresholds.issue import issue
    from calibration.thresholds.pairs import confusable, read_pairs
    from calibration.thresholds.report import report

    records, sha256 = _records(options)
    pairs = None if options.pairs is None else read_pairs(options.pairs)
    earned = earn(records, _wish(options))
    alike = None if pairs is None else confusable(pairs, earned.threshold, options.margin)
    certificate = issue(
        earned, records, options.store, Model(name=options.model, sha256=sha256), options.margin, clock.now(),
        options.days, None if alike is None else len(alike),
    )  # fmt: skip
    print(report(earned, certificate, alike), end="")
    if options.plot is not None:
        from calibration.thresholds.plot import svg

        _write(options.plot, svg(earned, f"{options.store}: impostor scores, {options.model}"))
    _write(options.out, certificate.yaml())
    print(f"written: {options.out}; name it in recognition.certificate and restart the node", file=sys.stderr)
    return 0


def _records(options: argparse.Namespace) -> tuple[tuple[ImpostorScore, ...], str | None]:
    from calibration.thresholds.issue import of_model
    from calibration.thresholds.records import read_scores

    read = read_scores(options.scores)
    if read.broken:
        print(f"{read.broken} broken lines skipped (a power cut leaves one)", file=sys.stderr)
    wanted = options.model_sha256
    if wanted is None:
        return of_model(read.scores, options.model)
    same = tuple(record for record in read.scores if record.sha256 in ("", wanted))
    records, _ = of_model(tuple(_vouched(record, wanted) for record in same), options.model)
    return records, wanted


def _vouched(record: ImpostorScore, sha256: str) -> ImpostorScore:
    return record.model_copy(update={"sha256": sha256})


def _wish(options: argparse.Namespace) -> Wish:
    from calibration.thresholds.earn import Wish
    from calibration.thresholds.errors import ThresholdError

    wish = Wish(options.gallery_size, options.target_per_day, options.visitors, *_missed(options.missed))
    if wish.fpir >= 0.1:
        raise ThresholdError("--target-per-day: less than a tenth of --visitors is needed; a target, not a surrender")
    return wish


def _missed(share: float | None) -> tuple[float, bool]:
    return (0.02, False) if share is None else (share, True)


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    from calibration.thresholds.errors import ThresholdError

    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise ThresholdError(f"{path}: cannot be written: {error.strerror}") from None


def _whole(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10_000_000:
        raise argparse.ArgumentTypeError(f"{text}: a whole number from 1 up is needed")
    return int(text)


def _positive(text: str) -> float:
    value = _number(text)
    if not 0.0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text}: a number above 0 is needed")
    return value


def _share(text: str) -> float:
    value = _number(text)
    if not 0.0 <= value <= 0.5:
        raise argparse.ArgumentTypeError(f"{text}: a number from 0 to 0.5 is needed")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: not a number") from None


def _name(text: str) -> str:
    if not 1 <= len(text) <= 80:
        raise argparse.ArgumentTypeError("1 to 80 characters are needed")
    return text


def _sha256(text: str) -> str:
    if not _SHA256.fullmatch(text.lower()):
        raise argparse.ArgumentTypeError(f"{text}: 64 hexadecimal digits are needed")
    return text.lower()
