"""The processes of the shop as children: started, waited for, watched, restarted as systemd would, stopped together."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import random
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contract.clock import Clock

_PORTS = range(20000, 32000)
"""Below what Linux (from 32768) and others (from 49152) take for outgoing connections and for port 0."""
_PR_SET_PDEATHSIG = 1
_RESTART_AFTER_S = 0.5
_STOP_WAIT_S = 8.0
_TAIL_LINES = 12

Say = Callable[[str], None]


class ChildFailedError(Exception):
    """A process of the shop did not come up; the text carries the last lines it wrote."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to start: arguments after the Python interpreter, and whether its first JSON line on stdout is awaited."""

    name: str
    arguments: tuple[str, ...]
    announces: bool = False
    """The process prints one line {"ready": true, ...} on stdout when it serves."""
    restart: bool = True
    stdin: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


def free_ports(count: int) -> list[int]:
    """Different ports of 127.0.0.1 that nobody listens on now, and that the system gives to nobody by itself.

    A port of the range for outgoing connections may be taken by anybody's while a killed process is away, and is then
    held for up to a minute more (TIME_WAIT): the process is started in vain until then.
    """
    found: list[int] = []
    with contextlib.ExitStack() as probes:
        for port in random.SystemRandom().sample(_PORTS, len(_PORTS)):
            probe = probes.enter_context(socket.socket())
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
            if len(found) == count:
                return found
    raise ChildFailedError(f"no free port of 127.0.0.1 from {_PORTS.start} to {_PORTS.stop - 1}")


def tail(path: Path, lines: int = _TAIL_LINES) -> str:
    """The last lines of a log, indented for a message."""
    if not path.exists():
        return "  (it wrote nothing)"
    found = path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    return "\n".join(f"  | {line}" for line in found) or "  (it wrote nothing)"


_LIBC = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    """In the child before exec: a killed simulator must not leave a shop behind."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """One running process with its log. `kills` counts what we did to it, `deaths` what it did by itself."""

    def __init__(self, spec: ChildSpec, folder: Path, clock: Clock) -> None:
        self.spec = spec
        self.log_path = folder / f"{spec.name}.log"
        self.announced: dict[str, object] = {}
        self.starts = 0
        self.deaths = 0
        self.started_at = 0.0
        self._folder = folder
        self._clock = clock
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    @property
    def pid(self) -> int | None:
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    @property
    def returncode(self) -> int | None:
        return None if self._process is None else self._process.returncode

    async def start(self) -> None:
        """Start it; returns at once."""
        self._ready.clear()
        self.starts += 1
        self.started_at = self._clock.monotonic()
        with self.log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self.spec.arguments,
                stdin=asyncio.subprocess.PIPE if self.spec.stdin else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=Path(__file__).resolve().parent.parent,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.spec.environment},
                preexec_fn=_die_with_parent,
                # Ctrl-C in the terminal is ours alone: children are stopped in order.
                start_new_session=True,
            )
        self._reader = asyncio.create_task(self._read(self._process))

    async def ready(self, timeout_s: float) -> dict[str, object]:
        """What it announced. ChildFailedError when it died or said nothing in time."""
        assert self._process is not None
        waiting = asyncio.ensure_future(self._ready.wait())
        dying = asyncio.ensure_future(self._process.wait())
        done, _ = await asyncio.wait({waiting, dying}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        dying.cancel()
        if not self._ready.is_set():
            why = (
                f"ended with code {self._process.returncode}" if dying in done else f"was silent for {timeout_s:.0f} s"
            )
            raise ChildFailedError(f"{self.spec.name} {why}; the end of {self.log_path}:\n{tail(self.log_path)}")
        return self.announced

    async def wait(self) -> int:
        assert self._process is not None
        return await self._process.wait()

    def tell(self, line: str) -> None:
        """Write one line to its stdin."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")

    def signal(self, number: signal.Signals) -> None:
        if self.pid is not None:
            os.kill(self.pid, number)

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL for one that does not listen."""
        if self._process is None or self._process.returncode is not None:
            return
        self.signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_WAIT_S)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self._process.wait()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Copies stdout to the log and picks the announcement out of it."""
        assert process.stdout is not None
        async for raw in process.stdout:
            with self.log_path.open("ab") as log:
                log.write(raw)
            announced = _announcement(raw)
            if announced is not None:
                self.announced = announced
                self._ready.set()


def _announcement(raw: bytes) -> dict[str, object] | None:
    if not raw.startswith(b"{"):
        return None
    try:
        body = json.loads(raw)
    except ValueError:
        return None
    return body if isinstance(body, dict) and body.get("ready") is True else None


class Supervisor:
    """All children of a run. Watches them from `add` to `stop`, restarting the ones that are to be restarted."""

    def __init__(self, folder: Path, clock: Clock, say: Say) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._clock = clock
        self._say = say
        self._stopping = False
        self._watchers: list[asyncio.Task[None]] = []
        self.children: dict[str, Child] = {}

    async def add(self, spec: ChildSpec) -> Child:
        """Start a child and watch over it."""
        child = Child(spec, self._folder, self._clock)
        self.children[spec.name] = child
        await child.start()
        self._watchers.append(asyncio.create_task(self._watch(child)))
        return child

    async def up(self, spec: ChildSpec, timeout_s: float) -> Child:
        """Start a child and wait until it says that it serves."""
        child = await self.add(spec)
        await child.ready(timeout_s)
        return child

    async def stop(self, order: Sequence[str] = ()) -> None:
        """Stop the named ones first, one after the other, then the rest together."""
        self._stopping = True
        for watcher in self._watchers:
            watcher.cancel()
        for name in order:
            if name in self.children:
                await self.children[name].stop()
        await asyncio.gather(*(child.stop() for child in self.children.values()))

    def kill(self, name: str) -> None:
        """kill -9, as a fault; the watcher starts it again."""
        self.children[name].signal(signal.SIGKILL)

    async def _watch(self, child: Child) -> None:
        while True:
            code = await child.wait()
            if self._stopping:
                return
            child.deaths += 1
            self._say(f"{child.spec.name} ended with code {code}; the end of {child.log_path}:\n{tail(child.log_path)}")
            if not child.spec.restart:
                return
            await asyncio.sleep(_RESTART_AFTER_S)
            await child.start()
            self._say(f"{child.spec.name} started again (pid {child.pid})")
