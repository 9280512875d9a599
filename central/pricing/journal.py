"""What a till writes down while it cannot ask: a line for each code honoured, on the disk before the drawer opens."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from central.errors import MisconfiguredError


@dataclass(slots=True)
class Journal:
    """An open journal: nobody else has it, so that one code is not honoured twice at the same moment."""

    path: Path
    _file: FileIO

    def codes(self) -> list[str]:
        """Codes honoured so far. MisconfiguredError for a line that no till wrote."""
        self._file.seek(0)
        whole = self._file.readall()
        # A line without its end was cut off by a power failure: its sale was not charged yet.
        kept = whole[: whole.rfind(b"\n") + 1]
        if len(kept) < len(whole):
            self._file.truncate(len(kept))
        found = []
        for number, line in enumerate(kept.splitlines(), 1):
            try:
                found.append(str(json.loads(line)["code"]))
            except (ValueError, KeyError, TypeError):
                raise MisconfiguredError(f"--journal {self.path}: line {number} is not a line of a till") from None
        return found

    def write(self, line: dict[str, object]) -> None:
        """Add a line; returns when it is on the disk."""
        self._file.seek(0, os.SEEK_END)
        self._file.write(json.dumps(line).encode() + b"\n")
        os.fsync(self._file.fileno())


@contextmanager
def opened(path: Path) -> Iterator[Journal]:
    """The journal, made if need be; waits for whoever has it open. MisconfiguredError when it cannot be."""
    try:
        file = FileIO(path, "a+")
    except OSError as error:
        raise MisconfiguredError(f"--journal {path}: {error.strerror}") from None
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield Journal(path, file)
