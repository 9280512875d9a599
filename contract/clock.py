"""Injected time (invariant 6): durations are monotonic seconds, wall times are aware UTC datetimes."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """The only way a process reads time; tests pass a `ManualClock`."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never jumps, not even when the wall clock is set."""
        ...

    def now(self) -> datetime:
        """Wall time, UTC, aware. May jump; never subtract two of these to get a duration."""
        ...


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that moves only when told; wall and monotonic time can be moved apart to play a clock jump."""

    def __init__(self, wall: datetime = datetime(2026, 1, 1, tzinfo=UTC), monotonic: float = 1000.0) -> None:
        self._wall = wall
        self._monotonic = monotonic

    def monotonic(self) -> float:
        return self._monotonic

    def now(self) -> datetime:
        return self._wall

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass on both clocks."""
        if seconds < 0:
            raise ValueError("time does not run backwards; use jump() for the wall clock")
        self._monotonic += seconds
        self._wall += timedelta(seconds=seconds)

    def jump(self, seconds: float) -> None:
        """Set the wall clock forwards or back; monotonic time is unaffected."""
        self._wall += timedelta(seconds=seconds)
