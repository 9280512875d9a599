"""A scanner on a serial port or USB-CDC, through pyserial."""

from __future__ import annotations

import errno
import termios
from collections import deque

import serial

from contract.clock import Clock
from hardware.errors import HardwareError, PermanentError, TransientError
from hardware.scanners.base import Scan
from hardware.scanners.framing import LineFramer
from hardware.scanners.ndef import handed_on
from hardware.scanners.options import SerialOptions

_READ_TIMEOUT_S = 0.2
_BLOCK = 4096


class SerialScanner:
    """One open port. A code ends with CR, LF or both."""

    def __init__(self, options: SerialOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._port: serial.Serial | None = None
        self._framer = LineFramer()
        self._ready: deque[str] = deque()
        self.rejected = 0

    @property
    def name(self) -> str:
        return self._options.port

    def open(self) -> None:
        self._framer = LineFramer(self._options.encoding, self._options.gap_s, self._options.max_length)
        self._ready.clear()
        try:
            self._port = serial.Serial(
                self._options.port, self._options.baudrate, timeout=_READ_TIMEOUT_S, exclusive=True
            )
        except (serial.SerialException, OSError, termios.error) as error:
            raise _cannot_open(self.name, error) from error
        except ValueError as error:
            raise PermanentError(f"{self.name} refuses {self._options.baudrate} baud", "Set `baudrate`") from error

    def read(self) -> Scan | None:
        if not self._ready:
            self._receive()
        return Scan(self._ready.popleft(), self._clock.monotonic(), self.name) if self._ready else None

    def close(self) -> None:
        if self._port is not None:
            self._port.close()
            self._port = None

    def _receive(self) -> None:
        if self._port is None:
            raise TransientError(f"The scanner {self.name} is not open")
        try:
            data = self._port.read(1)
            if data:
                data += self._port.read(min(self._port.in_waiting, _BLOCK))
        except (serial.SerialException, OSError, termios.error, TypeError) as error:
            # pyserial raises TypeError when the descriptor vanishes under a read.
            raise TransientError(f"The scanner {self.name} was unplugged", "It is opened again by itself") from error
        self._framer, lines = self._framer.step(data, self._clock.monotonic())
        for line in lines:
            text = handed_on(line.text, ndef=self._options.ndef)
            if text is None:
                self.rejected += 1
            else:
                self._ready.append(text)


def _cannot_open(port: str, error: Exception) -> HardwareError:
    code = getattr(error, "errno", None)
    if code is None and isinstance(error.__context__, termios.error):
        code = error.__context__.args[0]  # pyserial keeps the number out of its own error
    if code in (errno.EACCES, errno.EPERM):
        return PermanentError(f"This user may not open {port}", "Add it to the group dialout and log in again")
    if code == errno.ENOENT:
        return TransientError(
            f"There is no serial port {port}", "Plug the scanner in, or set `port`: ls /dev/serial/by-id"
        )
    if code in (errno.EBUSY, errno.EAGAIN):
        return TransientError(f"{port} is held by another program", "Find it with: fuser " + port)
    if code in (errno.ENOTTY, errno.EINVAL):
        return PermanentError(f"{port} is not a serial port", "Set `port`: ls /dev/serial/by-id")
    return TransientError(f"{port} does not open ({error})", "Check the plug")
