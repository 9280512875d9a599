"""Enrolled people who may be taken for each other: pseudonyms and a score, for `python -m calibration thresholds`.

Written on the operator's order only (`python -m edge confusable`), by the running node, for nobody else has the
gallery. The file (mode 0600) lives no longer than what it speaks of: a person who leaves the gallery leaves the file in
the same turn, and it goes at the node's stop, at its start, and after a day. It is never sent.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Protocol

log = logging.getLogger(__name__)

ORDER_FILE, PAIRS_FILE = "confusable-pairs.order", "confusable-pairs.csv"
MOST_PAIRS = 500
LEAST_SCORE = 0.25
"""Below it nobody is taken for another at any threshold in use."""
LONGEST_S = 24 * 3600.0
HEADER = "subject,other,score\n"
Pair = tuple[str, str, float]


class Alike(Protocol):
    """What is asked of the gallery."""

    def holds(self, subject: str) -> bool: ...

    def alike(self, least: float, most: int) -> list[Pair]: ...


class ConfusablePairs:
    """`step` once a turn of the node's loop; one thread."""

    def __init__(self, state_dir: Path) -> None:
        self._order = state_dir / ORDER_FILE
        self._file = state_dir / PAIRS_FILE
        self._pairs: list[Pair] = []
        self._written_at: float | None = None
        self.forget()

    def step(self, gallery: Alike, now: float) -> None:
        """Carry out an order, if there is one; keep the file true to the gallery. `now`: monotonic."""
        if self._order.exists():
            self._order.unlink(missing_ok=True)
            self._pairs = gallery.alike(LEAST_SCORE, MOST_PAIRS)
            self._written_at = now
            self._write()
            log.info("%s: %d pairs written, as ordered", PAIRS_FILE, len(self._pairs))
        elif self._written_at is not None:
            self._keep(gallery, now)

    def forget(self) -> None:
        """Remove the file, and an order that nobody waits for."""
        self._pairs, self._written_at = [], None
        for path in (self._file, self._order):
            path.unlink(missing_ok=True)

    def _keep(self, gallery: Alike, now: float) -> None:
        if self._written_at is not None and now - self._written_at >= LONGEST_S:
            self.forget()
            return
        held = [pair for pair in self._pairs if gallery.holds(pair[0]) and gallery.holds(pair[1])]
        if len(held) < len(self._pairs):
            self._pairs = held
            self._write()

    def _write(self) -> None:
        """Whole or not at all; readable for the node's user alone."""
        lines = "".join(f"{subject},{other},{score:.4f}\n" for subject, other, score in self._pairs)
        part = self._file.with_name(f".{PAIRS_FILE}")
        try:
            part.unlink(missing_ok=True)
            file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(file, "w", encoding="ascii") as out:
                out.write(HEADER + lines)
            part.replace(self._file)
        except OSError as error:
            log.warning("%s cannot be written: %s", PAIRS_FILE, error.strerror)
            part.unlink(missing_ok=True)
            self.forget()


def order(state_dir: Path) -> Path:
    """Ask the node that runs on this state directory; answers where the file will be. OSError."""
    (state_dir / PAIRS_FILE).unlink(missing_ok=True)
    (state_dir / ORDER_FILE).touch(mode=0o600)
    return state_dir / PAIRS_FILE
