"""A scanner in memory that plays a script and can misbehave."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from contract.clock import Clock
from hardware.errors import TransientError
from hardware.scanners.base import Scan
from hardware.scanners.options import SimulatedScannerOptions

_TICK_S = 0.2


@dataclass(frozen=True, slots=True)
class Wait:
    """No code for this long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Garbage:
    """A reading that makes no sense: counted, not handed on."""


@dataclass(frozen=True, slots=True)
class Unplugged:
    """The device goes away; the rest of the script follows after the next open()."""


Act = str | Wait | Garbage | Unplugged


class SimulatedScanner:
    """Plays `script` once; then stays silent."""

    def __init__(self, script: Iterable[Act], clock: Clock, pause: Callable[[float], None] = time.sleep) -> None:
        self._script: Iterator[Act] = iter(script)
        self._clock = clock
        self._pause = pause
        self._silent_until = 0.0
        self.name = "simulated scanner"
        self.rejected = 0

    def open(self) -> None:
        """Always succeeds; the script goes on where it stopped."""

    def read(self) -> Scan | None:
        left_s = self._silent_until - self._clock.monotonic()
        if left_s > 0:
            self._pause(min(left_s, _TICK_S))
            return None
        act = next(self._script, None)
        match act:
            case str():
                return Scan(act, self._clock.monotonic(), self.name)
            case Wait(seconds):
                self._silent_until = self._clock.monotonic() + seconds
            case Garbage():
                self.rejected += 1
            case Unplugged():
                raise TransientError("The simulated scanner was unplugged")
            case None:
                self._pause(_TICK_S)
        return None

    def close(self) -> None:
        """Nothing to let go of."""


def from_options(options: SimulatedScannerOptions, clock: Clock) -> SimulatedScanner:
    """The texts in turn for ever, `interval_s` apart."""
    turns: Iterator[str] = itertools.cycle(options.texts)
    script: Iterator[Act] = (act for text in turns for act in (Wait(options.interval_s), text))
    return SimulatedScanner(script, clock)
