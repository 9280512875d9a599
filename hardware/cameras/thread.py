"""Keeps one camera alive: reads it in a thread, notices stalls, reconnects with backoff, counts.

Two threads: the reader blocks inside the driver; the supervisor watches it. A driver that hangs for good (a dead USB
device, a library's bug) is abandoned, not waited for, and a new connection is made beside it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from contract.clock import Clock
from hardware.backoff import Backoff, BackoffPolicy
from hardware.cameras.base import Camera, CameraFrame
from hardware.cameras.options import LiveOptions
from hardware.cameras.stall import Liveness
from hardware.errors import EndOfRecording, HardwareError, MisconfiguredError, PermanentError, TransientError
from hardware.options import DriverOptions
from hardware.registry import create_camera

log = logging.getLogger(__name__)

_POLL_S = 0.1
_STALL_AFTER_S = 5.0
_POLICY = BackoffPolicy(limit_s=10.0)
_MOST_HUNG_READERS = 3


class CameraState(StrEnum):
    """What a camera is doing. FAILED needs a person; ENDED is a recording that is over."""

    CONNECTING = "connecting"
    STREAMING = "streaming"
    LOST = "lost"
    FAILED = "failed"
    ENDED = "ended"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class CameraCounts:
    """Since start(): frames handed on, connections regained, silent and frozen spells."""

    captured: int
    reconnects: int
    stalls: int
    frozen: int


class _Reader:
    """One connection: opens a camera, reads until it raises or is abandoned, closes it."""

    def __init__(self, owner: CameraThread, make_camera: Callable[[], Camera], begun: float) -> None:
        self._owner = owner
        self._make_camera = make_camera
        self.begun = begun
        self.live: Liveness | None = None
        self.error: HardwareError | None = None
        self.abandoned = threading.Event()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._run, name=f"{owner.name} reader", daemon=True)

    def _run(self) -> None:
        try:
            self._read()
        except HardwareError as error:
            self.error = error
        finally:
            self.done.set()
            self._owner.wake()

    def _read(self) -> None:
        camera = self._make_camera()
        try:
            camera.open()
            while not self.abandoned.is_set():
                self._owner.deliver(self, camera.read())
        finally:
            camera.close()


class CameraThread:
    """`make_camera` is called for every connection; `on_frame` runs in the reader's thread and must be quick."""

    def __init__(
        self,
        make_camera: Callable[[], Camera],
        on_frame: Callable[[CameraFrame], None],
        *,
        clock: Clock,
        name: str = "camera",
        stall_after_s: float = _STALL_AFTER_S,
        frozen_after_s: float | None = None,
        open_limit_s: float = 30.0,
        permanent_retry_s: float = 60.0,
        policy: BackoffPolicy = _POLICY,
        on_change: Callable[[CameraState], None] | None = None,
    ) -> None:
        self.name = name
        self._make_camera = make_camera
        self._on_frame = on_frame
        self._clock = clock
        self._stall_after_s = stall_after_s
        self._frozen_after_s = frozen_after_s
        self._open_limit_s = open_limit_s
        self._permanent_retry_s = permanent_retry_s
        self._backoff = Backoff(policy, clock)
        self._on_change = on_change
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._delivery = threading.Lock()
        self._current: _Reader | None = None
        self._hung: list[_Reader] = []
        self._supervisor = threading.Thread(target=self._supervise, name=f"{name} supervisor", daemon=True)
        self._captured = self._reconnects = self._stalls = self._frozen = 0
        self._ever_streamed = False
        self.state = CameraState.CONNECTING
        self.last_error: HardwareError | None = None
        self.last_frame_at: float | None = None

    @classmethod
    def for_options(
        cls,
        options: DriverOptions,
        on_frame: Callable[[CameraFrame], None],
        *,
        clock: Clock,
        name: str,
        on_change: Callable[[CameraState], None] | None = None,
    ) -> CameraThread:
        """The thread for a configured camera, its stall limits taken from the options."""
        live = options if isinstance(options, LiveOptions) else None
        return cls(
            lambda: create_camera(options, clock),
            on_frame,
            clock=clock,
            name=name,
            stall_after_s=live.stall_after_s if live else _STALL_AFTER_S,
            frozen_after_s=live.frozen_after_s if live else None,
            on_change=on_change,
        )

    @property
    def counts(self) -> CameraCounts:
        """A snapshot of the counters."""
        return CameraCounts(self._captured, self._reconnects, self._stalls, self._frozen)

    def start(self) -> None:
        """Begin; returns at once."""
        self._supervisor.start()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Stop; True when both threads ended within `timeout_s`. After it no frame is delivered any more."""
        self._stopping.set()
        self._wake.set()
        self._supervisor.join(timeout_s)
        reader = self._current
        self._current = None
        if reader is not None:
            reader.abandoned.set()
            reader.thread.join(timeout_s)
        return not self._supervisor.is_alive() and (reader is None or not reader.thread.is_alive())

    def wake(self) -> None:
        """Let the supervisor look at once."""
        self._wake.set()

    def deliver(self, reader: _Reader, frame: CameraFrame) -> None:
        """Hand on a frame, unless its reader was abandoned meanwhile."""
        with self._delivery:
            if reader is not self._current:
                return
            now = self._clock.monotonic()
            live = reader.live or Liveness.begin(now, self._stall_after_s, self._frozen_after_s)
            reader.live = live.frame(frame.picture, now)
            self.last_frame_at = now
            self._captured += 1
            if self.state is not CameraState.STREAMING:
                self._streaming()
            self._on_frame(frame)

    def _streaming(self) -> None:
        self._backoff.connected()
        if self._ever_streamed:
            self._reconnects += 1
        if self.last_error is not None:
            log.info("%s: back", self.name)
        self._ever_streamed = True
        self.last_error = None
        self._become(CameraState.STREAMING)

    def _become(self, state: CameraState) -> None:
        if state is self.state:
            return
        self.state = state
        if self._on_change is not None:
            self._on_change(state)

    def _supervise(self) -> None:
        while not self._stopping.is_set():
            error = self._one_connection()
            if error is None:
                break
            wait_s = self._after(error)
            if wait_s is None:
                return
            self._stopping.wait(wait_s)
        self._become(CameraState.STOPPED)

    def _one_connection(self) -> HardwareError | None:
        """Runs one reader to its end; None when stopping."""
        self._hung = [reader for reader in self._hung if not reader.done.is_set()]
        if len(self._hung) >= _MOST_HUNG_READERS:
            return PermanentError(
                f"{len(self._hung)} connections to {self.name} hang and do not return",
                "Unplug the camera, or restart this service",
            )
        reader = _Reader(self, self._make_camera, self._clock.monotonic())
        with self._delivery:
            self._current = reader
        reader.thread.start()
        while not self._stopping.is_set():
            if reader.done.is_set():
                return reader.error or TransientError(f"The reader of {self.name} ended by a fault in this program")
            if fault := self._fault(reader):
                self._abandon(reader)
                return fault
            self._wake.wait(min(_POLL_S, self._stall_after_s / 4))
            self._wake.clear()
        return None

    def _fault(self, reader: _Reader) -> TransientError | None:
        now, live = self._clock.monotonic(), reader.live
        if live is None:
            if now - reader.begun < self._open_limit_s:
                return None
            self._stalls += 1
            return TransientError(f"{self.name} gave no picture within {self._open_limit_s:g} s of connecting")
        if live.stalled(now):
            self._stalls += 1
            return TransientError(f"{self.name} has sent no picture for {self._stall_after_s:g} s")
        if live.frozen(now):
            self._frozen += 1
            return TransientError(f"{self.name} has sent one and the same picture for {self._frozen_after_s:g} s")
        return None

    def _abandon(self, reader: _Reader) -> None:
        reader.abandoned.set()
        # Not under the delivery lock: a consumer that hangs holds it, and must not hang the supervisor as well.
        self._current = None
        self._hung.append(reader)

    def _after(self, error: HardwareError) -> float | None:
        """Report the end of a connection; seconds until the next, None when there is no next."""
        if isinstance(error, EndOfRecording):
            log.info("%s: %s", self.name, error)
            self._become(CameraState.ENDED)
            return None
        first = self.last_error is None or type(self.last_error) is not type(error)
        self.last_error = error
        lasting = isinstance(error, (PermanentError, MisconfiguredError))
        if first:
            log.log(logging.ERROR if lasting else logging.WARNING, "%s: lost: %s", self.name, error)
        self._become(CameraState.FAILED if lasting else CameraState.LOST)
        if isinstance(error, MisconfiguredError):
            return None
        return self._permanent_retry_s if lasting else self._backoff.failed()
