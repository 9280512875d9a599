"""How far this node's wall clock is ahead of central's (invariant 6), from the receipts it gets anyway.

Each receipt gives local arrival time minus central's sending time: the offset plus a delay that is never negative. The
smallest of the last few is the best estimate (the clock filter of NTP, RFC 5905, section 10, one way only).
"""

from __future__ import annotations

from collections import deque
from datetime import datetime

_SAMPLES = 32


class ClockOffset:
    """Fed by the publisher's thread, read by any."""

    def __init__(self) -> None:
        self._samples: deque[float] = deque(maxlen=_SAMPLES)
        self._seconds: float | None = None

    @property
    def seconds(self) -> float | None:
        """Seconds this clock is ahead, within the network's delay; None before the first receipt."""
        return self._seconds

    def step(self, sent: datetime, now: datetime) -> None:
        """A receipt that central sent at `sent` (its clock) arrived at `now` (ours)."""
        sample = (now - sent).total_seconds()
        if self._samples and abs(sample - min(self._samples)) > _JUMP_S:
            self._samples.clear()
        self._samples.append(sample)
        self._seconds = round(min(self._samples), 3)


_JUMP_S = 60.0
"""A sample this far off is a clock that was set, not a delay: what was measured before no longer holds."""
