"""What a person sees in the terminal: progress with seconds, the addresses and users, one live line."""

from __future__ import annotations

import asyncio
import socket
from typing import TextIO

from contract.clock import Clock
from simulator.play import Play
from simulator.shop import Shop

_EVERY_S = 1.0
_EVERY_WITHOUT_TERMINAL_S = 15.0


class Console:
    """Writes to one stream; the live line is redrawn in place on a terminal and printed now and then elsewhere."""

    def __init__(self, clock: Clock, out: TextIO) -> None:
        self._clock = clock
        self._out = out
        self._began = clock.monotonic()
        self._live = ""

    def say(self, text: str) -> None:
        """One line with the seconds since the start."""
        self._clear()
        print(f"{self._clock.monotonic() - self._began:6.1f} s  {text}", file=self._out, flush=True)

    async def follow(self, play: Play) -> None:
        """Keep the live line until cancelled."""
        terminal = self._out.isatty()
        try:
            while True:
                await asyncio.sleep(_EVERY_S if terminal else _EVERY_WITHOUT_TERMINAL_S)
                if terminal:
                    self._clear()
                    self._live = status_line(play)
                    print(self._live, end="", file=self._out, flush=True)
                else:
                    self.say(status_line(play))
        finally:
            self._clear()

    def free_or_any(self, port: int) -> int:
        """`port` when it is free, else 0, having said so."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                self.say(f"port {port} is taken: the pages get another one (choose with --port)")
                return 0
        return port

    def _clear(self) -> None:
        if self._live:
            print("\r" + " " * len(self._live) + "\r", end="", file=self._out, flush=True)
            self._live = ""


def status_line(play: Play) -> str:
    """Where the day is and what came of it so far."""
    t = max(0.0, play.now)
    here = sum(visit.route.pose(t) is not None for visit in play.script.visits(t, t))
    cards = play.arrivals.seen
    last = f", last {cards[-1].person} after {cards[-1].latency_ms:.0f} ms" if cards else ""
    personal = ", ".join(play.glass.personal_now) or "none"
    ended = sum(child.deaths for child in play.shop.supervisor.children.values())
    return (
        f"{t:5.0f} s of the day: {here} in the store, {len(cards)} arrival cards{last};"
        f" personal labels: {personal}; paid: {len(play.receipts)}; restarts: {ended}"
    )


def addresses(shop: Shop) -> str:
    """Pages with users and the passwords made for this run."""
    rows = (
        ("arrivals (consultant)", "/arrivals", "consultant"),
        ("codes for customers", "/codes", "consultant"),
        ("floor and heat (manager)", "/floor", "manager"),
        ("figures by the day", "/analytics", "manager"),
        ("labels", "/labels", "manager"),
        ("system", "/system", "admin"),
        ("interface description", "/system/api", "manager"),
    )
    lines = [_line(what, f"{shop.url}{path}", f"{shop.staff[role].name} / {shop.staff[role].password}")
             for what, path, role in rows]  # fmt: skip
    lines.insert(2, _line("a customer's own page", f"{shop.url}/me", "with a code from /codes, for a number below"))
    customers = (person.id for person in shop.cast.people if person.kind != "stranger")
    lines += [
        _line("glass of the labels", f"{shop.labels.url}/virtual/MAC.png ({', '.join(shop.labels.tags)})"),
        _line("numbers of customers", ", ".join(customers)),
    ]
    return "\n".join(["", "The store is open (names and passwords are for this run only):", *lines, ""])


def _line(what: str, address: str, who: str = "") -> str:
    return f"  {what:26} {address:38}  {who}".rstrip()
