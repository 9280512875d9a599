"""Whether the threads that a node lives by still turn: only then is the supervisor's watchdog fed."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from contract.supervisor import Supervisor

log = logging.getLogger(__name__)

STUCK_AFTER_S: Mapping[str, float] = {"vision": 20.0, "outbox": 60.0, "publisher": 150.0}
"""The vision thread turns four times a second and no step of it takes seconds; the outbox may wait for a slow card, the
publisher for a resolver, for a broker that does not answer, and for its own next try."""


class Pulse:
    """Owned by the node's main thread, which feeds the watchdog itself: when that one hangs nobody does."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._stuck: tuple[str, ...] = ()

    def step(self, now: float, beats: Mapping[str, float]) -> None:
        """`beats`: when each thread last turned. Times are monotonic seconds."""
        stuck = tuple(name for name, beat in beats.items() if now - beat > STUCK_AFTER_S[name])
        if stuck and stuck != self._stuck:
            log.critical("node: %s does not turn any more; the watchdog will start the node anew", ", ".join(stuck))
        elif self._stuck and not stuck:
            log.warning("node: all threads turn again")
        self._stuck = stuck
        if not stuck:
            self._supervisor.alive(now)
