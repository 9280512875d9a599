"""Scores of people who were not named, kept for `python -m calibration thresholds`: numbers only, bounded, durable.

A line says how alike the person was to the nearest of the gallery, not to whom; time is rounded to the hour. See
docs/decisions/0006. The folder holds at most two files of `most_bytes`; the older is the one with `.1`.
"""

from __future__ import annotations

import logging
import os
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from calibration.thresholds.records import ImpostorScore, to_hour

log = logging.getLogger(__name__)

FILE_NAME = "impostor-scores.jsonl"
MOST_BYTES = 8 * 2**20
"""About 45,000 decisions; three weeks of strangers in a shop of 2,000 visitors a day."""
_SYNC_EVERY = 32
_NEWEST_BYTES = 4096


class ImpostorScores:
    """Owned by one thread. Nothing here ever stops recognition: a line that cannot be written is counted."""

    def __init__(self, state_dir: Path, model: str, sha256: str | None, most_bytes: int = MOST_BYTES) -> None:
        self._path = state_dir / FILE_NAME
        self._model = model
        self._sha256 = sha256 or ""
        self._most_bytes = most_bytes
        self._file: int | None = None
        self._size = 0
        self._unsynced = 0
        self._broken = False
        self.written = 0
        self.lost = 0

    def add(self, similarity: float, gallery: int, bar: float, now: datetime) -> None:
        """One final decision `stranger` of a 1:N search: the highest top-1 cosine of its looks, templates searched,
        threshold in force. An empty gallery says nothing and is not recorded."""
        if gallery < 1:
            return
        try:
            record = ImpostorScore(
                at=to_hour(now), score=round(similarity, 4), gallery=gallery, bar=round(bar, 4),
                model=self._model, sha256=self._sha256,
            )  # fmt: skip
        except ValidationError:
            self.lost += 1
            return
        self._append(record.line().encode())

    def close(self) -> None:
        """Bring everything to the disk."""
        if self._file is not None:
            try:
                os.fsync(self._file)
            except OSError as error:
                log.warning("%s: last lines may be lost: %s", FILE_NAME, error.strerror)
            os.close(self._file)
            self._file = None

    def _append(self, line: bytes) -> None:
        try:
            self._write(line)
        except OSError as error:
            self.lost += 1
            if not self._broken:
                log.warning("%s cannot be written (%s): scores are not recorded", FILE_NAME, error.strerror)
            self._broken = True
            self._abandon()
            return
        self.written += 1
        if self._broken:
            log.info("%s is written again; %d scores were lost", FILE_NAME, self.lost)
        self._broken = False

    def _write(self, line: bytes) -> None:
        if self._file is None:
            self._file, self._size = _open(self._path)
        elif self._size + len(line) > self._most_bytes:
            self._file, self._size = self._rotated(self._file)
        if os.write(self._file, line) != len(line):
            raise OSError(28, "disk full")
        self._size += len(line)
        self._unsynced += 1
        if self._unsynced >= _SYNC_EVERY:
            os.fsync(self._file)
            self._unsynced = 0

    def _rotated(self, file: int) -> tuple[int, int]:
        os.fsync(file)
        os.close(file)
        self._file = None
        self._path.replace(self._path.with_name(f"{FILE_NAME}.1"))
        return _open(self._path)

    def _abandon(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def newest_gallery(state_dir: Path) -> int | None:
    """How many templates the node last searched, as its newest record says; None without one."""
    try:
        with (state_dir / FILE_NAME).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _NEWEST_BYTES))
            lines = file.read().split(b"\n")
    except OSError:
        return None
    for line in reversed(lines):
        try:
            return ImpostorScore.model_validate_json(line).gallery
        except ValidationError:
            continue
    return None


def _open(path: Path) -> tuple[int, int]:
    """Append; a line torn by a power cut is ended first, so that it spoils no other."""
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            size += os.write(file, b"\n")
    except OSError:
        os.close(file)
        raise
    return file, size
