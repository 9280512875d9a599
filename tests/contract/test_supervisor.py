"""What a supervisor hears: systemd's sd_notify protocol over a socket of our own."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.supervisor import Supervisor


class Listener:
    """Stands in for systemd."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(0)

    def heard(self) -> list[str]:
        words = []
        while True:
            try:
                words.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return words

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    made = Listener(str(tmp_path / "notify"))
    yield made
    made.close()


def test_ready_alive_and_stopping_are_said_word_for_word(listener: Listener, tmp_path: Path) -> None:
    environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}
    supervisor = Supervisor.of_process(environ)
    supervisor.ready()
    supervisor.alive(0.0)
    supervisor.stopping()
    assert listener.heard() == ["READY=1", "WATCHDOG=1", "STOPPING=1"]


def test_alive_is_said_four_times_a_period_however_often_it_is_called(listener: Listener, tmp_path: Path) -> None:
    supervisor = Supervisor(str(tmp_path / "notify"), watchdog_s=40.0)
    assert supervisor.period_s == 10.0
    for turn in range(401):
        supervisor.alive(turn / 10)
    assert listener.heard() == ["WATCHDOG=1"] * 5


@pytest.mark.parametrize(
    ("watchdog", "pid"), [("", "own"), ("0", "own"), ("x", "own"), ("60000000", "1")], ids=["none", "0", "x", "other"]
)
def test_a_watchdog_that_is_not_ours_is_not_fed(listener: Listener, tmp_path: Path, watchdog: str, pid: str) -> None:
    own = str(os.getpid()) if pid == "own" else pid
    environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": watchdog, "WATCHDOG_PID": own}
    supervisor = Supervisor.of_process(environ)
    assert supervisor.period_s is None
    supervisor.alive(0.0)
    supervisor.ready()
    assert listener.heard() == ["READY=1"]


def test_an_abstract_address_works(tmp_path: Path) -> None:
    name = f"vitrina-{tmp_path.name}-{os.getpid()}"
    listener = Listener(f"\0{name}")
    Supervisor(f"@{name}").ready()
    assert listener.heard() == ["READY=1"]
    listener.close()


def test_nobody_who_listens_and_a_full_socket_are_no_trouble(listener: Listener, tmp_path: Path) -> None:
    Supervisor(None, 10.0).alive(0.0)
    Supervisor(str(tmp_path / "nothing")).ready()
    supervisor = Supervisor(str(tmp_path / "notify"))
    for _ in range(2000):  # more than a datagram socket's queue holds
        supervisor.ready()
    assert 0 < len(listener.heard()) < 2000
