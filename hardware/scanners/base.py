"""What every scanner offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Scan:
    """One code read: its text, when (monotonic seconds) and by what."""

    text: str
    at: float
    source: str


class Scanner(Protocol):
    """A source of scans, used by one thread: open, read until it raises, close."""

    @property
    def name(self) -> str:
        """For messages and `Scan.source`."""
        ...

    @property
    def rejected(self) -> int:
        """How many readings were thrown away as garbage since the scanner was made."""
        ...

    def open(self) -> None:
        """Connect. Raises TransientError, PermanentError or MisconfiguredError."""
        ...

    def read(self) -> Scan | None:
        """The next scan; None when none came within half a second. Raises TransientError when unplugged."""
        ...

    def close(self) -> None:
        """Let go of the device; harmless when it is not open."""
        ...
