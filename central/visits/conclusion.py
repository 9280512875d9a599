"""From all evidence of a visit to one identity, whatever the order it came in. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Clue:
    """One reported identification."""

    subject: str
    method: str
    stage: str
    outcome: str
    confidence: float
    first_usable_at: datetime
    at: datetime


def conclude(clues: Sequence[Clue]) -> Clue | None:
    """The clue that counts: final before provisional, later before earlier, surer before less sure. None without any.

    Its outcome may be `retracted`: then nobody is named. `first_usable_at` is that of the person's earliest clue.
    """
    if not clues:
        return None
    best = max(clues, key=lambda clue: (clue.stage == "final", clue.at, clue.confidence))
    first = min(clue.first_usable_at for clue in clues if clue.subject == best.subject)
    return Clue(best.subject, best.method, best.stage, best.outcome, best.confidence, first, best.at)
