"""What a service tells its supervisor: that it is ready, that it is alive, that it is ending (systemd's sd_notify).

Each word is one datagram to the socket that `$NOTIFY_SOCKET` names; without one (a shell, a test) nothing is said.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress

_WORDS_A_PERIOD = 4
"""A watchdog that hears four words in its time is not alarmed by one that comes late."""


class Supervisor:
    """Never raises, never blocks: a supervisor that does not listen stops no shop."""

    def __init__(self, address: str | None, watchdog_s: float | None = None) -> None:
        self._address = None if not address else f"\0{address[1:]}" if address.startswith("@") else address
        self.period_s = watchdog_s / _WORDS_A_PERIOD if self._address and watchdog_s else None
        """How often `alive` is due, seconds; None where nobody waits for it."""
        self._due = float("-inf")

    @staticmethod
    def of_process(environ: Mapping[str, str] = os.environ) -> Supervisor:
        """The one that started this process, if it wants to hear."""
        meant = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        microseconds = environ.get("WATCHDOG_USEC", "")
        watched = meant and microseconds.isdecimal() and int(microseconds) > 0
        return Supervisor(environ.get("NOTIFY_SOCKET"), int(microseconds) / 1e6 if watched else None)

    def ready(self) -> None:
        """Everything is started; a unit of `Type=notify` counts as up from now on."""
        self._say("READY=1")

    def alive(self, now: float) -> None:
        """The work goes on at monotonic `now`. Call it as often as you like; it is said when it is due."""
        if self.period_s is not None and now >= self._due:
            self._due = now + self.period_s
            self._say("WATCHDOG=1")

    def stopping(self) -> None:
        """The end has begun, in order."""
        self._say("STOPPING=1")

    def _say(self, word: str) -> None:
        if self._address is None:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as wire:
            wire.setblocking(False)
            wire.sendto(word.encode("ascii"), self._address)
