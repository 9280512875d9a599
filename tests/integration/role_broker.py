"""Debian's mosquitto on a free loopback port, with the configuration, access list and accounts of the Ansible role."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import jinja2
import pytest
import yaml

from central.broker import free_port

ROLE = Path(__file__).parents[2] / "ansible" / "roles" / "broker"


def program(name: str) -> ModuleType:
    """One of the programs that the role runs on the broker's machine."""
    spec = importlib.util.spec_from_file_location(f"ansible_{name}", ROLE / "files" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wait(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Ask until it is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not within the time allowed"
        time.sleep(0.02)


def mosquitto(what: str) -> str:
    """The program; skips the test where it is not installed and says `what` is then not tried out."""
    binary = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if binary is None:
        pytest.skip(f"mosquitto is not installed (apt-get install mosquitto): {what} is not tried out")
    return binary


class RoleBroker:
    """A store's broker; accounts for central and these (store, node). `more` is appended to the configuration."""

    def __init__(
        self, folder: Path, binary: str, nodes: Sequence[tuple[str, str]], more: str = "", **values: object
    ) -> None:
        self.folder, self.port = folder, free_port()
        known = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text()) | {"broker_port": self.port} | values
        # As Ansible renders templates.
        template = jinja2.Template((ROLE / "templates" / "mosquitto.conf.j2").read_text(), trim_blocks=True)
        # Started as root it would become `mosquitto`, who may not read a test's folder.
        text = template.render(known).replace("/etc/mosquitto", str(folder)) + "\nuser root\n" + more
        (folder / "mosquitto.conf").write_text(text)
        listed = [{"store": store, "node": node} for store, node in nodes]
        (folder / "vitrina.acl").write_text(program("acl").access_list(listed))
        self.accounts(["central", *(f"{store}.{node}" for store, node in nodes)])
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._binary = binary
        self.start()

    def start(self) -> None:
        """Returns when it answers."""
        self.run("mosquitto.conf", self.port)

    def run(self, config: str, port: int) -> None:
        """A broker with a file of the folder."""
        command = [self._binary, "-c", str(self.folder / config)]
        self._processes[config] = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)

    def accounts(self, users: list[str]) -> None:
        """Who may log in from the next `reload` on."""
        program("accounts").write(users, self.folder / "passwords", self.folder / "vitrina.passwd")

    def password(self, user: str) -> str:
        """As the role made it."""
        return (self.folder / "passwords" / user).read_text().strip()

    def reload(self) -> None:
        """Read accounts and access list again."""
        self._processes["mosquitto.conf"].send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """At once."""
        for process in self._processes.values():
            process.kill()
            process.wait()
