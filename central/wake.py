"""Signals between a change and the background work it makes due."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field


@dataclass(slots=True)
class Wake:
    """Set by a commit, awaited by a loop."""

    galleries: asyncio.Event = field(default_factory=asyncio.Event)
    erasures: asyncio.Event = field(default_factory=asyncio.Event)


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Until the event is set or the time is over; the event is cleared."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
    finally:
        event.clear()
