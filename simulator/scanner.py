"""A QR scanner on a serial line, as a pseudo-terminal: what it reads it types, ended by a carriage return."""

from __future__ import annotations

import os
import tty
from types import TracebackType


class PtyScanner:
    """The device side is held here; the edge opens `port` as it would /dev/ttyACM0."""

    def __init__(self) -> None:
        self._device, self._line = os.openpty()
        tty.setraw(self._line)
        self.port = os.ttyname(self._line)

    def present(self, text: str) -> None:
        """Somebody holds a code before the scanner. Never blocks: nobody may be listening, as on a real line."""
        os.set_blocking(self._device, False)
        try:
            os.write(self._device, text.encode() + b"\r")
        except BlockingIOError:
            return

    def close(self) -> None:
        os.close(self._device)
        os.close(self._line)

    def __enter__(self) -> PtyScanner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
