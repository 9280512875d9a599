"""The file of impostor scores: one JSON object a line, written by the edge, read here.

A line holds a similarity, how many templates it was the best of, the threshold then in force, the embedder and the
hour. No vector, image, track or name; nothing in it can be joined to a person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from calibration.thresholds.errors import ThresholdError

_MOST_BROKEN = 0.01
"""A torn line or two are the trace of a power cut; more of them are another kind of file."""


class ImpostorScore(BaseModel):
    """One person who was not named."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: AwareDatetime
    """Rounded down to the hour, UTC."""
    score: float = Field(ge=-1.01, le=1.01, allow_inf_nan=False)
    """Highest top-1 cosine that any look at this track gave."""
    gallery: int = Field(ge=1)
    """Templates that were searched."""
    bar: float = Field(ge=-1, le=1)
    """Threshold in force: above it the person would have been named, and this line would be missing."""
    model: str = Field(min_length=1, max_length=80)
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")

    def line(self) -> str:
        """As it stands in the file, newline included."""
        return self.model_dump_json() + "\n"


@dataclass(frozen=True, slots=True)
class ScoreFile:
    """What was read; `broken` lines were skipped."""

    scores: tuple[ImpostorScore, ...]
    broken: int


def to_hour(moment: datetime) -> datetime:
    """The hour a moment lies in, UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def read_scores(paths: Iterable[Path]) -> ScoreFile:
    """All lines of all files. ThresholdError when one cannot be read or more than one line in a hundred is broken."""
    scores: list[ImpostorScore] = []
    broken = 0
    for path in paths:
        found = _read(path)
        scores += found.scores
        broken += found.broken
    return ScoreFile(tuple(scores), broken)


def _read(path: Path) -> ScoreFile:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ThresholdError(f"{path}: cannot be read: {error.strerror}") from None
    scores: list[ImpostorScore] = []
    first_broken, broken = "", 0
    for number, line in enumerate(lines, 1):
        if not line.strip(b"\0 \r"):
            continue
        try:
            scores.append(ImpostorScore.model_validate_json(line.strip(b"\0 \r")))
        except ValidationError as error:
            broken += 1
            first_broken = first_broken or f"line {number}: {_words(error)}"
    if broken > 1 + _MOST_BROKEN * len(scores):
        raise ThresholdError(f"{path}: {broken} lines are not impostor scores; the first, {first_broken}")
    return ScoreFile(tuple(scores), broken)


def _words(error: ValidationError) -> str:
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where}: {problem['msg']}" if where else problem["msg"]
