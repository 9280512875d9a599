"""The watchdog is fed only while every thread turns."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract.supervisor import Supervisor
from edge.pulse import STUCK_AFTER_S, Pulse


@pytest.fixture
def fed(tmp_path: Path) -> Iterator[tuple[Pulse, Callable[[], int]]]:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(tmp_path / "notify"))
    listener.settimeout(0)

    def count() -> int:
        words = 0
        while True:
            try:
                words += listener.recv(100) == b"WATCHDOG=1"
            except BlockingIOError:
                return words

    yield Pulse(Supervisor(str(tmp_path / "notify"), watchdog_s=60.0)), count
    listener.close()


@pytest.mark.parametrize("thread", sorted(STUCK_AFTER_S))
def test_a_thread_that_hangs_starves_the_watchdog_until_it_turns_again(
    fed: tuple[Pulse, Callable[[], int]], thread: str, caplog: pytest.LogCaptureFixture
) -> None:
    pulse, count = fed
    hung_at, limit = 100.0, STUCK_AFTER_S[thread]
    for second in range(int(limit) + 301):
        now = hung_at + second
        pulse.step(now, {**dict.fromkeys(STUCK_AFTER_S, now), thread: hung_at})
    assert count() <= limit / 15 + 1  # four words a minute, and none after the limit
    assert [record.getMessage().split(" ")[1] for record in caplog.records] == [thread], "said once"
    pulse.step(now + 20, dict.fromkeys(STUCK_AFTER_S, now + 20))
    assert count() == 1
    assert caplog.records[-1].levelno == logging.WARNING


def test_slow_is_not_stuck(fed: tuple[Pulse, Callable[[], int]], caplog: pytest.LogCaptureFixture) -> None:
    pulse, count = fed
    for second in range(0, 150, 15):
        pulse.step(second, {name: second - limit for name, limit in STUCK_AFTER_S.items()})
    assert count() == 10
    assert caplog.records == []
