"""Edge and central as systemd starts them: up when they say so, alive as long as they say so."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

ROOT = Path(__file__).parents[2]
PERIOD_S = 1.0
"""Time of the watchdog: it wants four words in it."""


class Systemd:
    """The part that starts a `Type=notify` service with `WatchdogSec`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *words: str) -> None:
        environ = os.environ | {"NOTIFY_SOCKET": str(self.folder / "notify"), "WATCHDOG_USEC": f"{PERIOD_S * 1e6:.0f}"}
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *words], cwd=ROOT, env=environ, stdout=log, stderr=log
            )

    def next(self, seconds: float = 60.0) -> str:
        self._socket.settimeout(seconds)
        try:
            return self._socket.recv(100).decode()
        except TimeoutError:
            pytest.fail(f"no word within {seconds} s: {(self.folder / 'log').read_text()}")

    def silence(self) -> bool:
        """Whether nothing comes for three times the watchdog's time, which would be the end of the service."""
        deadline = time.monotonic() + 3 * PERIOD_S
        self._socket.settimeout(PERIOD_S)
        while time.monotonic() < deadline:
            try:
                self._socket.recv(100)
            except TimeoutError:
                return True
        return False

    def stop(self) -> list[str]:
        """What is said on SIGTERM."""
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait(30) == 0
        words = []
        self._socket.settimeout(0)
        while True:
            try:
                words.append(self._socket.recv(100).decode())
            except BlockingIOError:
                return words

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._socket.close()


def _node(folder: Path) -> tuple[str, ...]:
    """No broker answers: a node without its store machine is up all the same."""
    pairs = {"central_signing_key": Ed25519PrivateKey.generate(), "central_sealing_key": X25519PrivateKey.generate()}
    trust = {name: base64.b64encode(key.public_key().public_bytes_raw()).decode() for name, key in pairs.items()}
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"mqtt://127.0.0.1:{nobody.getsockname()[1]}"
    config = {"store": "shop", "node": "n1", "state_dir": "state", "broker": {"urls": [url]}, "trust": trust}
    (folder / "node.yaml").write_text(yaml.safe_dump({**config, "policy": {"region": "default", "mode": "qr_only"}}))
    return "edge", "run", "--config", str(folder / "node.yaml")


def _central(folder: Path) -> tuple[str, ...]:
    return "central", "run", "--data", str(folder / "data"), "--port", "0", "--broker-port", "0"


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    made = Systemd(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("service", [_node, _central])
def test_a_service_says_ready_then_alive_again_and_again_then_stopping(
    systemd: Systemd, service: Callable[[Path], tuple[str, ...]]
) -> None:
    systemd.start(*service(systemd.folder))
    assert systemd.next() == "READY=1"
    assert [systemd.next() for _ in range(8)] == ["WATCHDOG=1"] * 8
    assert not systemd.silence()
    last = systemd.stop()
    assert "STOPPING=1" in last
    assert set(last) <= {"WATCHDOG=1", "STOPPING=1"}
