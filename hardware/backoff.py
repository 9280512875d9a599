"""Jittered exponential backoff: many nodes that lost one broker or switch must not come back in step."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from contract.clock import Clock


@dataclass(frozen=True, slots=True)
class BackoffPolicy:
    """Seconds unless said otherwise. `jitter` is the share of a delay that chance decides (0 none, 1 all)."""

    first_s: float = 0.5
    factor: float = 2.0
    limit_s: float = 30.0
    jitter: float = 0.5
    stable_s: float = 10.0
    """A connection that lived less than this counts as another failure: a peer that kicks us is not hammered."""


def delay_s(policy: BackoffPolicy, attempt: int, draw: float) -> float:
    """Seconds to wait before attempt `attempt` + 1 (the first failure is attempt 1); `draw` is uniform in [0, 1)."""
    if attempt < 1:
        return 0.0
    # The exponent is bounded so that a year of failures does not overflow a float.
    full = min(policy.limit_s, policy.first_s * policy.factor ** min(attempt - 1, 64))
    return full * (1.0 - policy.jitter * draw)


class Backoff:
    """Counts failures of one connection and says how long to wait before the next try."""

    def __init__(self, policy: BackoffPolicy, clock: Clock, draw: Callable[[], float] = random.random) -> None:
        self._policy = policy
        self._clock = clock
        self._draw = draw
        self._connected_at: float | None = None
        self.attempt = 0

    def connected(self) -> None:
        """Call when the connection works; the failure count is forgotten only after `stable_s`."""
        self._connected_at = self._clock.monotonic()

    def failed(self) -> float:
        """Call when a try failed or the connection was lost; returns the seconds to wait."""
        if self._connected_at is not None:
            if self._clock.monotonic() - self._connected_at >= self._policy.stable_s:
                self.attempt = 0
            self._connected_at = None
        self.attempt += 1
        return delay_s(self._policy, self.attempt, self._draw())
