"""A camera in memory that can also misbehave: stall, tear, break."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from contract.clock import Clock
from hardware.cameras.base import CameraFrame, Image
from hardware.cameras.options import SimulatedCameraOptions
from hardware.errors import EndOfRecording, TransientError


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing comes for this long; the read hangs, as a dead device's does."""

    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Torn:
    """A picture of which only the upper part arrived; the rest is grey."""

    image: Image
    arrived: float = 0.5


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection breaks."""

    message: str = "the simulated camera broke off"


Step = Image | Stall | Torn | Lost

_GREY = 128


class SimulatedCamera:
    """Plays `frames`: an iterable, or a callable that starts a new one at every open(). Ends with EndOfRecording."""

    def __init__(
        self,
        frames: Iterable[Step] | Callable[[], Iterable[Step]],
        clock: Clock,
        fps: float = 25.0,
        *,
        paced: bool = True,
        pause: Callable[[float], None] = time.sleep,
        name: str = "simulated camera",
    ) -> None:
        self._frames = frames
        self._clock = clock
        self._interval_s = 1.0 / fps if paced else 0.0
        self._pause = pause
        self._name = name
        self._steps: Iterator[Step] = iter(())
        self._due = 0.0
        self._sequence = 0

    @property
    def name(self) -> str:
        return self._name

    def open(self) -> None:
        self._steps = iter(self._frames() if callable(self._frames) else self._frames)
        self._due = self._clock.monotonic()
        self._sequence = 0

    def read(self) -> CameraFrame:
        for step in self._steps:
            if isinstance(step, Lost):
                raise TransientError(step.message)
            if isinstance(step, Stall):
                self._pause(step.seconds)
                continue
            image = _tear(step) if isinstance(step, Torn) else step
            return self._frame(image)
        raise EndOfRecording(f"{self._name} has no more frames")

    def close(self) -> None:
        self._steps = iter(())

    def _frame(self, image: Image) -> CameraFrame:
        wait_s = self._due - self._clock.monotonic()
        if self._interval_s and wait_s > 0:
            self._pause(wait_s)
        self._due += self._interval_s
        frame = CameraFrame(image, self._clock.monotonic(), self._clock.now(), self._sequence)
        self._sequence += 1
        return frame


def _tear(torn: Torn) -> Image:
    image = torn.image.copy()
    image[int(len(image) * torn.arrived) :] = _GREY
    return image


def open_test_card(options: SimulatedCameraOptions, clock: Clock) -> SimulatedCamera:
    """A grey ramp with a bright square that moves: no two neighbouring frames are equal."""

    def pictures() -> Iterator[Step]:
        ramp = np.linspace(40, 160, options.width, dtype=np.uint8)
        ground = np.repeat(np.tile(ramp, (options.height, 1))[:, :, None], 3, axis=2)
        side = max(8, options.height // 6)
        for count in itertools.count():
            image = ground.copy()
            left = (count * 4) % max(1, options.width - side)
            image[options.height // 2 : options.height // 2 + side, left : left + side] = (60, 200, 240)
            yield image

    return SimulatedCamera(pictures, clock, options.fps, name="test card")
