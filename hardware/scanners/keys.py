"""Key events of the Linux input system into text, for scanners that pose as a US keyboard. Pure.

Layout: struct input_event of linux/input.h on 64-bit machines, native "llHHi": seconds, microseconds, type,
code, value.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

EVENT = struct.Struct("llHHi")
EV_SYN, EV_KEY = 0, 1
_SYN_REPORT, _SYN_DROPPED = 0, 3
_RELEASED, _PRESSED = 0, 1
_SHIFTS = frozenset({42, 54})
_ENDS = frozenset({28, 96})


def _row(first: int, plain: str, shifted: str) -> dict[int, tuple[str, str]]:
    return {first + place: pair for place, pair in enumerate(zip(plain, shifted, strict=True))}


# Key codes of linux/input-event-codes.h run along the rows of the keyboard.
US_KEYS: dict[int, tuple[str, str]] = {
    **_row(2, "1234567890-=", "!@#$%^&*()_+"),
    **_row(16, "qwertyuiop[]", "QWERTYUIOP{}"),
    **_row(30, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    **_row(43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    **_row(71, "789-456+1230.", "789-456+1230."),
    15: ("\t", "\t"),
    55: ("*", "*"),
    57: (" ", " "),
    98: ("/", "/"),
}


@dataclass(frozen=True, slots=True)
class KeyDecoder:
    """Collects presses up to Enter. Bytes may come torn anywhere; `rejected` counts readings thrown away."""

    max_length: int = 4096
    torn: bytes = b""
    typed: str = ""
    shifts: frozenset[int] = frozenset()
    spoiled: bool = False
    skipping: bool = False
    rejected: int = 0

    def step(self, data: bytes) -> tuple[KeyDecoder, tuple[str, ...]]:
        """Take bytes off the device; returns the texts completed by Enter."""
        buffer = self.torn + data
        whole = len(buffer) - len(buffer) % EVENT.size
        decoder, texts = self, []
        for _seconds, _micros, kind, code, value in EVENT.iter_unpack(buffer[:whole]):
            decoder, text = decoder._event(kind, code, value)
            if text is not None:
                texts.append(text)
        return replace(decoder, torn=buffer[whole:]), tuple(texts)

    def _event(self, kind: int, code: int, value: int) -> tuple[KeyDecoder, str | None]:
        if kind == EV_SYN and code == _SYN_DROPPED:
            # The kernel's buffer ran over: keys were lost up to the next report, the code in progress is spoiled.
            return replace(self, skipping=True, spoiled=True, shifts=frozenset()), None
        if kind == EV_SYN and code == _SYN_REPORT:
            return (replace(self, skipping=False) if self.skipping else self), None
        if self.skipping or kind != EV_KEY:
            return self, None
        if code in _SHIFTS:
            return replace(self, shifts=self.shifts - {code} if value == _RELEASED else self.shifts | {code}), None
        if value != _PRESSED:
            return self, None
        if code in _ENDS:
            return self._finish()
        if code not in US_KEYS:
            return self, None
        typed = self.typed + US_KEYS[code][bool(self.shifts)]
        return replace(self, typed=typed[: self.max_length], spoiled=self.spoiled or len(typed) > self.max_length), None

    def _finish(self) -> tuple[KeyDecoder, str | None]:
        fresh = replace(self, typed="", spoiled=False)
        if self.spoiled:
            return replace(fresh, rejected=self.rejected + 1), None
        return fresh, self.typed or None
