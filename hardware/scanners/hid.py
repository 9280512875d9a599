"""A scanner that poses as a keyboard, read from its /dev/input device (or, in tests, from any pipe)."""

from __future__ import annotations

import errno
import fcntl
import os
import select
from collections import deque

from contract.clock import Clock
from hardware.errors import HardwareError, PermanentError, TransientError
from hardware.scanners.base import Scan
from hardware.scanners.keys import EVENT, KeyDecoder
from hardware.scanners.ndef import handed_on
from hardware.scanners.options import HidOptions

_WAIT_S = 0.2
_BLOCK = EVENT.size * 64
# EVIOCGRAB = _IOW('E', 0x90, int): nobody else, above all not the console, gets this keyboard's keys.
_EVIOCGRAB = 0x40044590


class HidScanner:
    """One open device. Enter ends a code; the layout is US, as scanners leave the factory."""

    def __init__(self, options: HidOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._file: int | None = None
        self._decoder = KeyDecoder(options.max_length)
        self._ready: deque[str] = deque()
        self._unread = 0

    @property
    def name(self) -> str:
        return self._options.device

    @property
    def rejected(self) -> int:
        return self._decoder.rejected + self._unread

    def open(self) -> None:
        self._ready.clear()
        self._decoder = KeyDecoder(self._options.max_length, rejected=self._decoder.rejected)
        try:
            self._file = os.open(self._options.device, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _cannot_open(self.name, error) from error
        if self._options.grab:
            self._grab(self._file)

    def read(self) -> Scan | None:
        if not self._ready:
            self._receive()
        return Scan(self._ready.popleft(), self._clock.monotonic(), self.name) if self._ready else None

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _grab(self, file: int) -> None:
        try:
            fcntl.ioctl(file, _EVIOCGRAB, 1)
        except OSError as error:
            self.close()
            if error.errno == errno.EBUSY:
                raise TransientError(f"{self.name} is held by another program", f"fuser {self.name}") from error
            raise PermanentError(
                f"{self.name} is not an input device", "Set `device`: ls /dev/input/by-id/*-event-kbd"
            ) from error

    def _receive(self) -> None:
        if self._file is None:
            raise TransientError(f"The scanner {self.name} is not open")
        readable, _, _ = select.select([self._file], [], [], _WAIT_S)
        if not readable:
            return
        try:
            data = os.read(self._file, _BLOCK)
        except BlockingIOError:
            return
        except OSError as error:
            raise TransientError(f"The scanner {self.name} was unplugged", "It is opened again by itself") from error
        if not data:
            raise TransientError(f"The scanner {self.name} was unplugged", "It is opened again by itself")
        self._decoder, texts = self._decoder.step(data)
        for typed in texts:
            text = handed_on(typed, ndef=self._options.ndef)
            if text is None:
                self._unread += 1
            else:
                self._ready.append(text)


def _cannot_open(device: str, error: OSError) -> HardwareError:
    if error.errno in (errno.EACCES, errno.EPERM):
        return PermanentError(f"This user may not open {device}", "Add it to the group input and log in again")
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return TransientError(f"There is no scanner {device}", "Plug it in, or set `device`: ls /dev/input/by-id")
    return PermanentError(f"{device} does not open ({error.strerror})", "Set `device`: ls /dev/input/by-id")
