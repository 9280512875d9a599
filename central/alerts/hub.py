"""Open pages waiting for arrivals. A change is in their hands within the turn of the event loop after the commit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from central.alerts.schemas import Card

QUEUE = 200
"""Changes an open page may be behind before it is told to connect again (it resumes by its last id)."""


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the stream, ready to be sent."""

    id: int
    event: str
    card: Card


class Hub:
    """Per store, the queues of the open streams. Used from one event loop only."""

    def __init__(self) -> None:
        self._streams: dict[str, set[asyncio.Queue[Change | None]]] = {}

    @contextmanager
    def subscribe(self, store: str) -> Iterator[asyncio.Queue[Change | None]]:
        """A queue of changes; None in it means: too far behind, or the service stops."""
        queue: asyncio.Queue[Change | None] = asyncio.Queue(QUEUE + 1)
        streams = self._streams.setdefault(store, set())
        streams.add(queue)
        try:
            yield queue
        finally:
            streams.discard(queue)

    def publish(self, store: str, change: Change) -> None:
        """Hand a change to every open stream of the store; one that does not read is let go."""
        for queue in list(self._streams.get(store, ())):
            if queue.qsize() >= QUEUE:
                self._let_go(store, queue)
            else:
                queue.put_nowait(change)

    def close(self) -> None:
        """End all streams."""
        for store, queues in self._streams.items():
            for queue in list(queues):
                self._let_go(store, queue)

    def listening(self, store: str) -> int:
        """How many streams are open."""
        return len(self._streams.get(store, ()))

    def _let_go(self, store: str, queue: asyncio.Queue[Change | None]) -> None:
        self._streams[store].discard(queue)
        queue.put_nowait(None)
