"""The ingest worker: takes what the broker brought, a transaction at a time, and never stops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from sqlalchemy.exc import DBAPIError

from central.ingest.batch import Arrived, Batch, run
from central.runtime import Runtime
from contract.errors import MessageError

log = logging.getLogger(__name__)
LARGEST_BATCH = 200
"""Events per transaction under load; a quiet store commits each at once. Beyond 100 little is gained (infra.md)."""
LONGEST_PAUSE_S = 10.0
_TRANSIENT = (DBAPIError, ConnectionError, TimeoutError)


class Source(Protocol):
    """Where messages come from."""

    async def take(self, limit: int) -> list[Arrived]:
        """At least one message, at most `limit`, in order."""
        ...


class Worker:
    """Takes batches from the source. A batch that fails is taken apart, so that only the bad message is set aside."""

    def __init__(self, runtime: Runtime, source: Source) -> None:
        self._runtime = runtime
        self._source = source

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.process(await self._source.take(LARGEST_BATCH))

    async def process(self, messages: Sequence[Arrived]) -> None:
        """Commit these messages, whatever is in them; returns when all are committed or quarantined."""
        if not messages:
            return
        try:
            await self._persist(messages)
        except _PERMANENT as error:
            if len(messages) == 1:
                await self._set_aside(messages[0], error)
                return
            for message in messages:
                await self.process([message])

    async def _persist(self, messages: Sequence[Arrived]) -> None:
        """Try until the database takes the batch; only what is wrong with the batch itself gets out."""
        pause, lost = 0.1, False
        while True:
            try:
                await self._commit(messages)
            except _TRANSIENT as error:
                if isinstance(error, DBAPIError) and not _passes(error):
                    raise
                if not lost:
                    log.error("database: cannot commit events (%s); trying again", type(error).__name__)
                lost = True
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE_S, pause * 2)
            else:
                if lost:
                    log.warning("database: events are committed again")
                return

    async def _commit(self, messages: Sequence[Arrived]) -> None:
        async with self._runtime.change() as effects:
            batch = await run(effects, messages)
        self._answer(batch)

    async def _set_aside(self, message: Arrived, error: Exception) -> None:
        """A message that decodes but cannot be applied: one transaction holds its number and the quarantine row."""
        log.error("%s cannot be applied: %s: %s", message.topic, type(error).__name__, _first_line(error))

        async with self._runtime.change() as effects:
            batch = Batch(effects)
            await batch.quarantine(message, "not_applicable", f"{type(error).__name__}: {_first_line(error)}")
            batch.close()
        self._answer(batch)

    def _answer(self, batch: Batch) -> None:
        for store, node, receipt in batch.receipts():
            self._runtime.send(store, node, receipt)


# What the database or our own code says of a message's content, as opposed to the state of the world.
_PERMANENT = (DBAPIError, MessageError, ValueError, TypeError, KeyError, ArithmeticError, LookupError)


def _passes(error: DBAPIError) -> bool:
    """Whether waiting helps: locked, full, gone. A bad statement or value does not pass."""
    text = str(error.orig).lower()
    signs = ("locked", "busy", "full", "connect", "closed", "shut", "readonly", "i/o", "unable to open", "deadlock")
    return error.connection_invalidated or any(sign in text for sign in signs)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200]
