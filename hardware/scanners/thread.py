"""Keeps one scanner alive: reads it in a thread, reopens it with backoff after an unplug, counts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from contract.clock import Clock
from hardware.backoff import Backoff, BackoffPolicy
from hardware.errors import HardwareError, MisconfiguredError, PermanentError
from hardware.scanners.base import Scan, Scanner

log = logging.getLogger(__name__)

_POLICY = BackoffPolicy(limit_s=10.0)


class ScannerState(StrEnum):
    """What a scanner is doing. FAILED needs a person."""

    CONNECTING = "connecting"
    READY = "ready"
    LOST = "lost"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ScannerCounts:
    """Since start(): codes handed on, readings thrown away as garbage, times the device came back."""

    scans: int
    rejected: int
    reconnects: int


class ScannerThread:
    """`on_scan` runs in this object's thread and must be quick."""

    def __init__(
        self,
        make_scanner: Callable[[], Scanner],
        on_scan: Callable[[Scan], None],
        *,
        clock: Clock,
        name: str = "scanner",
        permanent_retry_s: float = 60.0,
        policy: BackoffPolicy = _POLICY,
        on_change: Callable[[ScannerState], None] | None = None,
    ) -> None:
        self.name = name
        self._scanner = make_scanner()
        self._on_scan = on_scan
        self._on_change = on_change
        self._permanent_retry_s = permanent_retry_s
        self._backoff = Backoff(policy, clock)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._scans = self._reconnects = 0
        self._ever_ready = False
        self.state = ScannerState.CONNECTING
        self.last_error: HardwareError | None = None

    @property
    def counts(self) -> ScannerCounts:
        """A snapshot of the counters."""
        return ScannerCounts(self._scans, self._scanner.rejected, self._reconnects)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Stop; True when the thread ended within `timeout_s`."""
        self._stopping.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._read()
            except HardwareError as error:
                wait_s = self._after(error)
                if wait_s is None:
                    return
                self._stopping.wait(wait_s)
        self._become(ScannerState.STOPPED)

    def _read(self) -> None:
        try:
            self._scanner.open()
            self._ready()
            while not self._stopping.is_set():
                scan = self._scanner.read()
                if scan is not None:
                    self._scans += 1
                    self._on_scan(scan)
        finally:
            self._scanner.close()

    def _ready(self) -> None:
        self._backoff.connected()
        self._reconnects += self._ever_ready
        self._ever_ready = True
        if self.last_error is not None:
            log.info("%s: back", self.name)
        self.last_error = None
        self._become(ScannerState.READY)

    def _after(self, error: HardwareError) -> float | None:
        """Report the error; seconds until the next try, None when there is none."""
        lasting = isinstance(error, (PermanentError, MisconfiguredError))
        if self.last_error is None or type(self.last_error) is not type(error):
            log.log(logging.ERROR if lasting else logging.WARNING, "%s: lost: %s", self.name, error)
        self.last_error = error
        self._become(ScannerState.FAILED if lasting else ScannerState.LOST)
        if isinstance(error, MisconfiguredError):
            return None
        return self._permanent_retry_s if lasting else self._backoff.failed()

    def _become(self, state: ScannerState) -> None:
        if state is self.state:
            return
        self.state = state
        if self._on_change is not None:
            self._on_change(state)
