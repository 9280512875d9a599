"""Reports on their way to their one consumer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from hardware.labels.base import LabelReport, LabelState

_MOST = 10_000
_DISPENSABLE = (LabelState.SEEN, LabelState.LOW_BATTERY)


class Mailbox:
    """An unbounded queue but for check-ins, which are dropped while nobody reads."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[LabelReport | None] = asyncio.Queue()
        self.dropped = 0

    def put(self, report: LabelReport) -> None:
        """Add a report; never waits."""
        if report.state in _DISPENSABLE and self._queue.qsize() >= _MOST:
            self.dropped += 1
            return
        self._queue.put_nowait(report)

    def close(self) -> None:
        """End the reports."""
        self._queue.put_nowait(None)

    async def reports(self) -> AsyncIterator[LabelReport]:
        """Reports in order until close()."""
        while (report := await self._queue.get()) is not None:
            yield report
