"""Children of the simulator: announced, watched, restarted, stopped, and never left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contract.clock import SystemClock
from simulator.processes import ChildFailedError, ChildSpec, Supervisor, free_ports, tail

READY = "import json,sys,time; print(json.dumps({'ready': True, 'n': 5}), flush=True); time.sleep(60)"


def supervisor(folder: Path) -> tuple[Supervisor, list[str]]:
    said: list[str] = []
    return Supervisor(folder, SystemClock(), said.append), said


async def test_what_a_child_announces_is_waited_for(tmp_path: Path) -> None:
    parent, _ = supervisor(tmp_path)
    child = await parent.up(ChildSpec("good", ("-c", READY)), 20)
    assert child.announced["n"] == 5
    pid = child.pid
    assert pid is not None
    await parent.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_child_that_ends_says_why_with_its_last_words(tmp_path: Path) -> None:
    parent, _ = supervisor(tmp_path)
    spec = ChildSpec("bad", ("-c", "import sys; sys.exit('no such camera: left')"), restart=False)
    with pytest.raises(ChildFailedError, match="no such camera: left"):
        await parent.up(spec, 20)
    await parent.stop()


async def test_a_silent_child_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    parent, _ = supervisor(tmp_path)
    with pytest.raises(ChildFailedError, match="silent"):
        await parent.up(ChildSpec("mute", ("-c", "import time; time.sleep(60)")), 0.5)
    await parent.stop()


async def test_a_killed_child_is_started_again_and_told_about(tmp_path: Path) -> None:
    parent, said = supervisor(tmp_path)
    child = await parent.up(ChildSpec("phoenix", ("-c", READY)), 20)
    first = child.pid
    parent.kill("phoenix")
    for _ in range(200):
        if child.starts == 2 and child.pid not in (None, first):
            break
        await asyncio.sleep(0.05)
    await child.ready(20)
    assert child.deaths == 1
    assert any("phoenix ended with code -9" in line for line in said)
    await parent.stop()


async def test_one_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.processes._STOP_WAIT_S", 0.5)
    parent, _ = supervisor(tmp_path)
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {READY}"
    child = await parent.up(ChildSpec("deaf", ("-c", deaf)), 20)
    await parent.stop()
    assert child.returncode == -signal.SIGKILL


def test_children_die_with_a_killed_simulator(tmp_path: Path) -> None:
    script = (
        "import asyncio,sys; from pathlib import Path; from contract.clock import SystemClock;"
        "from simulator.processes import *\n"
        "async def main():\n"
        f"    s = Supervisor(Path({str(tmp_path)!r}), SystemClock(), print)\n"
        "    c = await s.up(ChildSpec('c', ('-c', 'import json,time; print(json.dumps(dict(ready=True)), flush=True);"
        " time.sleep(60)')), 20)\n"
        "    print('PID', c.pid, flush=True); await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    line = parent.stdout.readline()
    assert line.startswith("PID"), line
    pid = int(line.split()[1])
    parent.kill()
    parent.wait()
    assert gone(pid)


def gone(pid: int) -> bool:
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_ports_differ_and_are_none_that_a_stranger_gets_while_a_process_is_away() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    given = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(given.read_text().split()[0]) if given.exists() else 49152
    assert max(ports) < lowest


def test_a_port_that_is_taken_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    (taken, free) = free_ports(2)
    monkeypatch.setattr("simulator.processes._PORTS", [taken, free])
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", taken))
        assert free_ports(1) == [free]


def test_the_tail_of_a_missing_log(tmp_path: Path) -> None:
    assert "nothing" in tail(tmp_path / "none.log")
