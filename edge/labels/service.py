"""The thread of the label gateway: an event loop of its own, fed from the node's other threads."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

from contract.commands import LabelRevert, LabelShow
from contract.values import Report
from edge.labels.gateway import LabelCounts, LabelGateway

log = logging.getLogger(__name__)

_NOTHING = LabelCounts(0, 0, 0)


class LabelService:
    """Runs a gateway until stop(). `error` tells why it ended by itself, if it did."""

    def __init__(self, make_gateway: Callable[[], LabelGateway]) -> None:
        self._make = make_gateway
        self._loop = asyncio.new_event_loop()
        self._gateway: LabelGateway | None = None
        self._ready = threading.Event()
        self._main: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="labels", daemon=True)
        self.error: BaseException | None = None

    def start(self) -> None:
        """Start the thread; returns once the gateway exists (its labels may still be out of reach)."""
        self._thread.start()
        self._ready.wait(10)

    def command(self, command: LabelShow | LabelRevert) -> None:
        """A verified command. Any thread."""
        self._post(lambda gateway: gateway.show(command) if isinstance(command, LabelShow) else gateway.revert(command))

    def hear(self, events: list[Report]) -> None:
        """Events of this node. Any thread."""
        self._post(lambda gateway: gateway.hear_all(events))

    def counts(self) -> LabelCounts:
        """For the health message."""
        return _NOTHING if self._gateway is None else self._gateway.counts()

    def stop(self, timeout_s: float = 4.0) -> None:
        """Take personal prices back (for at most `timeout_s`), then end."""
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(lambda: self._loop.create_task(self._finish(timeout_s)))
        self._thread.join(timeout_s + 3.0)

    def _post(self, act: Callable[[LabelGateway], None]) -> None:
        gateway = self._gateway
        if gateway is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(act, gateway)

    async def _finish(self, timeout_s: float) -> None:
        if self._gateway is not None and not await self._gateway.take_all_back(timeout_s):
            log.warning("labels: not every personal price could be taken back; it will be at the next start")
        if self._main is not None:
            self._main.cancel()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except asyncio.CancelledError:
            pass
        except Exception as error:  # the outermost loop of this thread: the node reads `error` and ends
            log.exception("labels: the gateway stopped")
            self.error = error
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        self._gateway = self._make()
        self._main = asyncio.ensure_future(self._gateway.run())
        self._ready.set()
        await self._main
