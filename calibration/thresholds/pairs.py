"""Confusable pairs: enrolled people whose own templates are more alike than strangers usually are."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from calibration.thresholds.errors import ThresholdError

_HEADER = ["subject", "other", "score"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pseudonyms and the best cosine between their templates."""

    subject: str
    other: str
    score: float


def read_pairs(path: Path) -> tuple[Pair, ...]:
    """CSV with the columns subject, other, score. ThresholdError names the line."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except OSError as error:
        raise ThresholdError(f"{path}: cannot be read: {error.strerror}") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise ThresholdError(f"{path}: not CSV: {error}") from None
    if not rows or [cell.strip().lower() for cell in rows[0]] != _HEADER:
        raise ThresholdError(f"{path} line 1: the columns must be {','.join(_HEADER)}")
    return tuple(_pair(path, number, row) for number, row in enumerate(rows[1:], 2) if row)


def confusable(pairs: Iterable[Pair], threshold: float, margin: float) -> tuple[Pair, ...]:
    """Pairs of which one person may be taken for the other (within the margin of the threshold), worst first."""
    near = [pair for pair in pairs if pair.score >= threshold - margin]
    return tuple(sorted(near, key=lambda pair: -pair.score))


def _pair(path: Path, number: int, row: list[str]) -> Pair:
    try:
        subject, other, text = (cell.strip() for cell in row)
        score = float(text)
    except ValueError:
        raise ThresholdError(f"{path} line {number}: expected two pseudonyms and a score") from None
    if not (math.isfinite(score) and abs(score) <= 1.01) or subject == other or not (subject and other):
        raise ThresholdError(f"{path} line {number}: two different pseudonyms and a cosine between -1 and 1 are needed")
    return Pair(subject, other, score)
