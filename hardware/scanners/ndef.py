"""NDEF out of an NFC reader that prints what a phone wrote into its tag, as hexadecimal. Pure.

NFC Forum: NDEF 1.0 (records), Type 2 Tag (the TLV around a message), RTD Text and URI. Only whole records of those
two types are read; chunked ones and everything else are no check-in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_TLV_MESSAGE, _TLV_NOTHING = 0x03, 0x00
_LONG: Final = 0xFF
_CHUNKED, _SHORT, _HAS_ID = 0x20, 0x10, 0x08
_WELL_KNOWN: Final = 1
_UTF_16: Final = 0x80
_URI_STARTS: Final = ("", "http://www.", "https://www.", "http://", "https://")


class NdefError(ValueError):
    """Not an NDEF message with a text or an address."""


def text_of(scanned: str) -> str:
    """The first text or address of a message given in hexadecimal; NdefError when there is none."""
    try:
        raw = bytes.fromhex(scanned)
    except ValueError:
        raise NdefError("not hexadecimal") from None
    reader = _Reader(_message(raw))
    while reader.left:
        said = _record(reader)
        if said is not None:
            return said
    raise NdefError("no text and no address in the message")


def handed_on(scanned: str | None, *, ndef: bool) -> str | None:
    """What a driver hands on: the scan itself, or with `ndef` the text in it; None for a reading to throw away."""
    if scanned is None or not ndef:
        return scanned
    try:
        text = text_of(scanned)
    except NdefError:
        return None
    return text if text.isprintable() else None


@dataclass(slots=True)
class _Reader:
    raw: bytes
    at: int = 0

    @property
    def left(self) -> int:
        return len(self.raw) - self.at

    def take(self, count: int) -> bytes:
        """The next bytes; a message that ends early is an error."""
        if count > self.left:
            raise NdefError("the message ends in the middle of a record")
        self.at += count
        return self.raw[self.at - count : self.at]

    def number(self, count: int) -> int:
        """The next bytes as a number, big-endian."""
        return int.from_bytes(self.take(count))


def _message(raw: bytes) -> bytes:
    """Without the TLV a Type 2 tag keeps around it, if there is one: no record begins with those bytes."""
    reader = _Reader(raw)
    while reader.left and raw[reader.at] in (_TLV_NOTHING, _TLV_MESSAGE):
        if reader.number(1) == _TLV_MESSAGE:
            length = reader.number(1)
            return reader.take(reader.number(2) if length == _LONG else length)
    return raw[reader.at :]


def _record(reader: _Reader) -> str | None:
    """One record as text; None for a type we do not read."""
    flags = reader.number(1)
    if flags & _CHUNKED:
        raise NdefError("a record in chunks")
    kind_length = reader.number(1)
    payload_length = reader.number(1 if flags & _SHORT else 4)
    id_length = reader.number(1) if flags & _HAS_ID else 0
    kind = reader.take(kind_length)
    reader.take(id_length)
    payload = reader.take(payload_length)
    if flags & 0x07 != _WELL_KNOWN or not payload:
        return None
    try:
        return {b"T": _text, b"U": _address}[kind](payload)
    except KeyError:
        return None
    except UnicodeDecodeError:
        raise NdefError("the text is not what its encoding says") from None


def _text(payload: bytes) -> str:
    start = 1 + (payload[0] & 0x3F)
    return payload[start:].decode("utf-16" if payload[0] & _UTF_16 else "utf-8")


def _address(payload: bytes) -> str:
    if payload[0] >= len(_URI_STARTS):
        raise NdefError("an address of a kind that is no check-in")
    return _URI_STARTS[payload[0]] + payload[1:].decode("utf-8")
