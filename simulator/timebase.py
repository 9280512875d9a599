"""Script seconds: both clocks of the machine tied to the moment the day began."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from contract.clock import Clock


@dataclass(frozen=True, slots=True)
class TimeBase:
    """The day began at `monotonic` (CLOCK_MONOTONIC seconds) and `wall` (UTC), the same moment."""

    monotonic: float
    wall: datetime

    @classmethod
    def starting_in(cls, clock: Clock, seconds: float) -> TimeBase:
        return cls(clock.monotonic() + seconds, clock.now() + timedelta(seconds=seconds))

    def of_wall(self, at: datetime) -> float:
        """Second of the script of a time stamp. One machine, one run: the wall clock is taken to be steady."""
        return (at - self.wall).total_seconds()

    def now(self, clock: Clock) -> float:
        return clock.monotonic() - self.monotonic
