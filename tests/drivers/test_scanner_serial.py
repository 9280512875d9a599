"""Serial scanners over a pseudo-terminal: torn, glued, garbled, unplugged."""

from __future__ import annotations

import contextlib
import os
import time
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.clock import SystemClock
from hardware.backoff import BackoffPolicy
from hardware.errors import PermanentError, TransientError
from hardware.registry import create_scanner
from hardware.scanners.base import Scan
from hardware.scanners.framing import LineFramer
from hardware.scanners.options import SerialOptions
from hardware.scanners.thread import ScannerState, ScannerThread

CODE = "https://id.example/01/04006381333931?9=ж"


@dataclass
class Terminal:
    """The scanner's side of a pseudo-terminal whose other side has a steady name, as udev's links do."""

    link: Path
    master: int = -1

    def plug(self) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(slave))
        os.close(slave)

    def unplug(self) -> None:
        self.link.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            os.close(self.master)
        self.master = -1

    def send(self, data: bytes) -> None:
        os.write(self.master, data)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    device = Terminal(tmp_path / "scanner")
    device.plug()
    yield device
    device.unplug()


@pytest.fixture
def reading(terminal: Terminal) -> Iterator[tuple[ScannerThread, list[Scan]]]:
    scans: list[Scan] = []
    options = SerialOptions(port=str(terminal.link), gap_s=0.4)
    thread = ScannerThread(
        lambda: create_scanner(options, SystemClock()),
        scans.append,
        clock=SystemClock(),
        policy=BackoffPolicy(first_s=0.02, limit_s=0.05),
    )
    thread.start()
    assert wait_for(lambda: thread.state is ScannerState.READY)
    yield thread, scans
    assert thread.stop()


def wait_for(wanted: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not wanted() and time.monotonic() < deadline:
        time.sleep(0.005)
    return wanted()


def texts(scans: list[Scan]) -> list[str]:
    return [scan.text for scan in scans]


def test_one_byte_at_a_time(terminal: Terminal, reading: tuple[ScannerThread, list[Scan]]) -> None:
    thread, scans = reading
    for byte in CODE.encode() + b"\r\n":
        terminal.send(bytes([byte]))
        time.sleep(0.001)
    assert wait_for(lambda: texts(scans) == [CODE])
    assert scans[0].source == str(terminal.link)
    assert thread.counts.rejected == 0


def test_many_codes_at_once(terminal: Terminal, reading: tuple[ScannerThread, list[Scan]]) -> None:
    _, scans = reading
    codes = [f"code-{number}" for number in range(50)]
    terminal.send("\r".join(codes).encode() + b"\r")
    assert wait_for(lambda: texts(scans) == codes)


def test_garbage_is_counted_and_the_next_code_is_read(
    terminal: Terminal, reading: tuple[ScannerThread, list[Scan]]
) -> None:
    thread, scans = reading
    terminal.send(b"\xff\xfe\x00\x81\r\n")
    terminal.send(b"\x00\x07bell\r\n")
    terminal.send(b"X" * 5000 + b"\r\n")
    terminal.send(CODE.encode() + b"\r\n")
    assert wait_for(lambda: texts(scans) == [CODE])
    assert thread.counts.rejected == 3


def test_half_a_code_is_not_glued_to_the_next(terminal: Terminal, reading: tuple[ScannerThread, list[Scan]]) -> None:
    thread, scans = reading
    terminal.send(b"https://id.exam")
    assert wait_for(lambda: thread.counts.rejected == 1)
    terminal.send(b"whole\r\n")
    assert wait_for(lambda: texts(scans) == ["whole"])


def test_unplugged_and_plugged_in_again(
    terminal: Terminal, reading: tuple[ScannerThread, list[Scan]], caplog: pytest.LogCaptureFixture
) -> None:
    thread, scans = reading
    with caplog.at_level("INFO", logger="hardware"):
        for turn in range(3):
            terminal.send(b"half")
            terminal.unplug()
            assert wait_for(lambda: thread.state is ScannerState.LOST)
            time.sleep(0.1)  # several failed tries
            terminal.plug()
            assert wait_for(lambda: thread.state is ScannerState.READY)
            terminal.send(f"after {turn}\r\n".encode())
            assert wait_for(lambda wanted=turn + 1: len(scans) == wanted)
    assert texts(scans) == ["after 0", "after 1", "after 2"]
    assert thread.counts.reconnects == 3
    assert sum("lost" in record.getMessage() for record in caplog.records) == 3
    assert sum("back" in record.getMessage() for record in caplog.records) == 3


def test_ports_that_do_not_open_say_why(tmp_path: Path) -> None:
    with pytest.raises(TransientError, match="There is no serial port"):
        create_scanner(SerialOptions(port=str(tmp_path / "ttyUSB9")), SystemClock()).open()
    plain = tmp_path / "file"
    plain.touch()
    with pytest.raises(PermanentError, match="is not a serial port"):
        create_scanner(SerialOptions(port=str(plain)), SystemClock()).open()


LINES = st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20))


@given(LINES, st.sampled_from(["\r", "\n", "\r\n"]), st.data())
def test_framing_does_not_depend_on_how_bytes_are_cut(lines: list[str], end: str, data: st.DataObject) -> None:
    stream = "".join(line + end for line in lines).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    framer, read = LineFramer(), []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        framer, found = framer.step(stream[start:stop], 1.0)
        read.extend(line.text for line in found)
    assert read == lines


@given(st.lists(st.binary(max_size=64), max_size=20))
def test_framing_never_fails_and_stays_small(blocks: list[bytes]) -> None:
    framer = LineFramer(max_length=32)
    for number, block in enumerate(blocks):
        framer, _ = framer.step(block, number * 0.3)
        assert len(framer.pending) <= 32
    framer, lines = framer.step(b"\r", 100.0)
    framer, lines = framer.step(b"sound\r", 100.0)
    assert lines[-1].text == "sound"


def test_gs1_separators_and_stx_etx() -> None:
    _, lines = LineFramer().step(b"\x020104006381333931\x1d21abc\x03\r\n", 0.0)
    assert [line.text for line in lines] == ["0104006381333931\x1d21abc"]
