"""CameraThread over cameras that misbehave in ways no real one can be asked to."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.clock import SystemClock
from hardware.backoff import BackoffPolicy
from hardware.cameras.base import Camera, CameraFrame
from hardware.cameras.options import SimulatedCameraOptions
from hardware.cameras.simulated import Lost, SimulatedCamera, Stall, Step, Torn
from hardware.cameras.stall import Liveness, fingerprint
from hardware.cameras.thread import CameraState, CameraThread
from hardware.errors import MisconfiguredError, PermanentError
from hardware.registry import create_camera

QUICK = BackoffPolicy(first_s=0.01, limit_s=0.05)
CLOCK = SystemClock()


def picture(number: int = 0) -> np.ndarray:
    return np.full((24, 32, 3), number % 256, np.uint8)


def endless() -> Iterator[Step]:
    return (picture(number) for number in itertools.count())


def wait_for(wanted: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not wanted() and time.monotonic() < deadline:
        time.sleep(0.005)
    return wanted()


class Turns:
    """make_camera: connection n plays script n, the last one for ever."""

    def __init__(self, *scripts: Callable[[], Iterator[Step]]) -> None:
        self._scripts = list(scripts)
        self.made = 0

    def __call__(self) -> Camera:
        script = self._scripts[min(self.made, len(self._scripts) - 1)]
        self.made += 1
        return SimulatedCamera(script, CLOCK, fps=200)


def test_a_hung_driver_is_abandoned_and_replaced() -> None:
    frames: list[CameraFrame] = []
    cameras = Turns(lambda: iter([picture(1), Stall(30), picture(66)]), endless)
    thread = CameraThread(cameras, frames.append, clock=CLOCK, stall_after_s=0.2, policy=QUICK)
    thread.start()
    assert wait_for(lambda: thread.counts.reconnects == 1)
    assert thread.counts.stalls == 1
    before = time.monotonic()
    assert thread.stop()
    assert time.monotonic() - before < 2
    assert 66 not in {int(frame.image[0, 0, 0]) for frame in frames[:3]}


def test_too_many_hung_connections_need_a_person() -> None:
    thread = CameraThread(
        Turns(lambda: iter([picture(), Stall(30)])), lambda frame: None, clock=CLOCK, stall_after_s=0.1, policy=QUICK
    )
    thread.start()
    assert wait_for(lambda: thread.state is CameraState.FAILED)
    assert "hang" in str(thread.last_error)
    assert thread.counts.stalls == 3
    assert thread.stop()


def test_a_frozen_picture_is_noticed_only_when_asked() -> None:
    def frozen() -> Iterator[Step]:
        return (picture(7) for _ in itertools.count())

    watched = CameraThread(Turns(frozen, endless), lambda frame: None, clock=CLOCK, frozen_after_s=0.15, policy=QUICK)
    trusting = CameraThread(Turns(frozen), lambda frame: None, clock=CLOCK, policy=QUICK)
    watched.start()
    trusting.start()
    assert wait_for(lambda: watched.counts.reconnects == 1)
    assert watched.counts.frozen == 1
    assert trusting.counts.frozen == 0
    assert trusting.state is CameraState.STREAMING
    assert watched.stop()
    assert trusting.stop()


def test_lost_again_and_again() -> None:
    cameras = Turns(*[lambda: iter([picture(), picture(), Lost()])] * 5, endless)
    frames: list[CameraFrame] = []
    thread = CameraThread(cameras, frames.append, clock=CLOCK, policy=QUICK)
    thread.start()
    assert wait_for(lambda: thread.counts.reconnects == 5)
    assert thread.last_error is None
    assert thread.stop()
    assert thread.counts.captured == len(frames)


@pytest.mark.parametrize(
    ("error", "tries"), [(MisconfiguredError("bad", "mend", option="url"), 1), (PermanentError("gone"), 3)]
)
def test_permanent_faults_heal_misconfiguration_stops(error: Exception, tries: int) -> None:
    made = 0

    class Broken(SimulatedCamera):
        def open(self) -> None:
            nonlocal made
            made += 1
            if made <= 2:
                raise error
            super().open()

    thread = CameraThread(
        lambda: Broken(endless, CLOCK, fps=100), lambda frame: None, clock=CLOCK, permanent_retry_s=0.05
    )
    thread.start()
    wanted = CameraState.STREAMING if tries > 1 else CameraState.FAILED
    assert wait_for(lambda: thread.state is wanted and made == tries)
    assert thread.stop()


def test_a_consumer_that_hangs_does_not_hang_stop() -> None:
    release = threading.Event()
    thread = CameraThread(Turns(endless), lambda frame: release.wait(30) and None, clock=CLOCK, stall_after_s=0.1)
    thread.start()
    assert wait_for(lambda: thread.counts.stalls == 1)
    before = time.monotonic()
    thread.stop(timeout_s=0.3)
    assert time.monotonic() - before < 2
    release.set()


def test_a_torn_picture_keeps_its_upper_part() -> None:
    camera = SimulatedCamera([Torn(picture(200), arrived=0.5)], CLOCK, paced=False)
    camera.open()
    image = camera.read().image
    assert (image[:12] == 200).all()
    assert (image[12:] == 128).all()


def test_the_test_card_moves() -> None:
    camera = create_camera(SimulatedCameraOptions(width=320, height=180, fps=240), CLOCK)
    camera.open()
    prints = {fingerprint(camera.read().image) for _ in range(5)}
    assert len(prints) == 5


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(0, 2)), max_size=30))
def test_liveness_follows_its_definition(events: list[tuple[float, int]]) -> None:
    now = last_frame = last_change = 100.0
    shown: int | None = None
    live = Liveness.begin(now, stall_after_s=5.0, frozen_after_s=8.0)
    for gap, number in events:
        now += gap
        assert live.stalled(now) == (now - last_frame >= 5.0)
        assert live.frozen(now) == (now - last_change >= 8.0)
        live = live.frame(picture(number), now)
        last_frame = now
        if number != shown:
            shown, last_change = number, now
