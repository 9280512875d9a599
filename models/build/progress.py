"""Progress lines of a build, on standard error, with the time elapsed."""

from __future__ import annotations

import sys
from typing import TextIO

from contract.clock import Clock

QUIET_S = 10.0
"""Where there is no terminal, a running step speaks up this often."""


class Progress:
    """Prints what is happening; on a terminal a running step rewrites its own line."""

    def __init__(self, clock: Clock, stream: TextIO | None = None, *, quiet: bool = False) -> None:
        self._clock = clock
        self._stream = sys.stderr if stream is None else stream
        self._quiet = quiet
        self._start = clock.monotonic()
        self._live = False
        self._spoke = self._start

    def say(self, text: str) -> None:
        """One finished line."""
        if self._quiet:
            return
        self._clear()
        self._spoke = self._clock.monotonic()
        print(f"{self._stamp()} {text}", file=self._stream, flush=True)

    def tick(self, text: str) -> None:
        """A step still running: a line that rewrites itself on a terminal, an occasional one in a log."""
        if self._quiet:
            return
        if not self._stream.isatty():
            if self._clock.monotonic() - self._spoke >= QUIET_S:
                self.say(text)
            return
        print(f"\r\x1b[K{self._stamp()} {text}", end="", file=self._stream, flush=True)
        self._live = True

    def bar(self, label: str, done: int, total: int, width: int = 24) -> None:
        """A bar for a step whose size is known."""
        filled = width * done // max(total, 1)
        self.tick(f"{label} [{'#' * filled}{'.' * (width - filled)}] {done}/{total}")

    def _stamp(self) -> str:
        return f"[{self._clock.monotonic() - self._start:6.1f} s]"

    def _clear(self) -> None:
        if self._live:
            print("\r\x1b[K", end="", file=self._stream)
            self._live = False
