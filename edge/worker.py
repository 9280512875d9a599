"""The one thread that owns models, pipelines and visits. Frames are shed when it is busy, events and jobs never."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

from contract.clock import Clock
from edge.checkin import Accepted, Refused
from edge.floor.stage import FloorView
from edge.process import limit_threads
from edge.schedule import FairSchedule
from edge.slot import LatestSlot, SlotCounts
from edge.values import Emission, Frame, Instant

log = logging.getLogger(__name__)

_TICK_S = 0.5
_LONGEST_WAIT_S = 0.25


class Perceiver(Protocol):
    """What the worker drives: `edge.vision_node.Vision`."""

    def frame(self, frame: Frame, now: Instant | None = None) -> list[Emission]: ...

    def scan(self, device: str, text: str, now: Instant) -> list[Emission]: ...

    def admit(self, text: str, now: Instant) -> Accepted | Refused | None: ...

    def neighbour(self, camera: str, view: FloorView, at: Instant) -> list[Emission]: ...

    def tick(self, now: Instant) -> list[Emission]: ...

    def withdraw(self, subject: str, now: Instant) -> list[Emission]: ...

    def shutdown(self, now: Instant) -> list[Emission]: ...


Job = Callable[[Perceiver, Instant], list[Emission]]


class VisionWorker:
    """`on_emissions` is called on the worker's thread, in the order of events; it must not block for long.

    When it, or a stage, raises, the thread ends, `error` holds why and `on_death` is called: the node stops and is
    started anew, for a half-working node would be believed.
    """

    def __init__(
        self,
        vision: Perceiver,
        cameras: Mapping[str, float],
        clock: Clock,
        on_emissions: Callable[[list[Emission]], None],
        on_death: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._vision = vision
        self._clock = clock
        self._on_emissions = on_emissions
        self._on_death = on_death
        self._slots: dict[str, LatestSlot[Frame]] = {camera: LatestSlot() for camera in cameras}
        self._schedule = FairSchedule(cameras)
        self._jobs: deque[Job] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._next_tick = clock.monotonic()
        self._thread: threading.Thread | None = None
        self.error: BaseException | None = None
        self.beat = clock.monotonic()
        """Monotonic time of the last turn of the loop: the watchdog's food."""

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="vision", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Finish the work at hand, end visits, wipe the gallery. False when the thread did not end in time."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def offer(self, frame: Frame) -> None:
        """A new frame of a camera, from any thread; it displaces one that still waits."""
        self._slots[frame.camera].put(frame)
        self._awaken()

    def scan(self, device: str, text: str) -> None:
        """A scanned text, from any thread."""
        self.submit(lambda vision, now: vision.scan(device, text, now))

    def submit(self, job: Job) -> None:
        """Run something on the worker's thread before the next frame."""
        self._jobs.append(job)
        self._awaken()

    def counts(self, camera: str) -> SlotCounts:
        """Frame accounting of a camera."""
        return self._slots[camera].counts()

    def turn(self) -> bool:
        """One unit of work on the calling thread; False when there was nothing to do."""
        now = self._now()
        self.beat = now.monotonic
        if self._jobs:
            self._tell(self._jobs.popleft()(self._vision, now))
            return True
        if now.monotonic >= self._next_tick:
            self._next_tick = now.monotonic + _TICK_S
            self._tell(self._vision.tick(now))
            return True
        camera = self._schedule.pick(self._waiting(), now.monotonic)
        frame = self._slots[camera].take() if camera is not None else None
        if frame is None:
            return False
        self._tell(self._vision.frame(frame, now))
        return True

    def _run(self) -> None:
        limit_threads()
        try:
            while not self._stopping:
                if not self.turn():
                    self._rest()
            while self._jobs:
                self.turn()
            self._tell(self._vision.shutdown(self._now()))
        except Exception as error:  # noqa: BLE001 - outermost loop of this thread
            log.critical("the vision thread ended: %s: %s", type(error).__name__, error)
            self.error = error
            if self._on_death is not None:
                self._on_death(error)

    def _rest(self) -> None:
        with self._wake:
            if self._jobs or self._stopping:
                return
            due = self._schedule.wait_s(self._waiting(), self._clock.monotonic())
            if due != 0.0:
                self._wake.wait(min(_LONGEST_WAIT_S, due or _LONGEST_WAIT_S))

    def _waiting(self) -> list[str]:
        return [camera for camera, slot in self._slots.items() if slot.full]

    def _tell(self, emissions: list[Emission]) -> None:
        if emissions:
            self._on_emissions(emissions)

    def _awaken(self) -> None:
        with self._wake:
            self._wake.notify()

    def _now(self) -> Instant:
        return Instant(self._clock.monotonic(), self._clock.now())
