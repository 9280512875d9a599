"""When a failed delivery is tried again: as Standard Webhooks advises, over three and a half days. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

PAUSES_S: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
JITTER: Final = 0.2
MOST_WAIT_S: Final = 86_400.0


def pause(attempts: int, chance: float, asked_s: float | None = None) -> timedelta | None:
    """How long to wait after `attempts` failed tries; None: that was the last.

    `chance` in [0, 1) spreads tries by a fifth around the plan, so that a receiver that comes back is not overrun.
    `asked_s`: what the receiver asked for (Retry-After); kept to up to a day.
    """
    if attempts > len(PAUSES_S):
        return None
    planned = PAUSES_S[attempts - 1] * (1 + JITTER * (2 * chance - 1))
    return timedelta(seconds=max(planned, min(asked_s or 0.0, MOST_WAIT_S)))
