"""NFC readers: the same token as in the QR code, as the NDEF message of a tag, through the scanner drivers."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.checkin import Certificate, CheckinToken, parse_token
from contract.clock import SystemClock
from hardware.registry import create_scanner
from hardware.scanners.hid import HidScanner
from hardware.scanners.keys import EV_KEY, EVENT
from hardware.scanners.ndef import NdefError, handed_on, text_of
from hardware.scanners.options import HidOptions, SerialOptions

TOKEN = CheckinToken(
    Certificate(bytes(range(16)), bytes(33), 1_900_000_000, bytes(64)), 1_772_452_800_000, bytes(8), bytes(64)
).encode()
KEYS = {text: code for code, text in zip([11, *range(2, 11)], "0123456789", strict=True)}
KEYS |= {"a": 30, "b": 48, "c": 46, "d": 32, "e": 18, "f": 33}


def record(kind: bytes, payload: bytes, *, ident: bytes = b"", name_format: int = 1, extra: int = 0) -> bytes:
    """One NDEF record, both ends of a message; short when it can be."""
    short = len(payload) < 256
    flags = 0xC0 | (0x10 if short else 0) | (0x08 if ident else 0) | name_format | extra
    length = len(payload).to_bytes(1 if short else 4)
    return bytes([flags, len(kind)]) + length + (bytes([len(ident)]) if ident else b"") + kind + ident + payload


def text_record(text: str, language: bytes = b"en") -> bytes:
    return record(b"T", bytes([len(language)]) + language + text.encode())


def tlv(message: bytes) -> bytes:
    """As a Type 2 tag keeps it."""
    length = bytes([len(message)]) if len(message) < 255 else b"\xff" + len(message).to_bytes(2)
    return b"\x00\x03" + length + message + b"\xfe"


@pytest.mark.parametrize("wrap", [bytes, tlv])
def test_the_token_comes_out_as_it_went_in(wrap: type[bytes]) -> None:
    assert len(TOKEN) > 255  # a long record
    assert text_of(wrap(text_record(TOKEN)).hex()) == TOKEN
    assert parse_token(text_of(wrap(text_record(TOKEN, b"")).hex().upper())).issued_ms == 1_772_452_800_000


def test_addresses_and_records_of_others() -> None:
    link = record(b"U", b"\x04shop.example/01/04006381333931", ident=b"x")
    assert text_of(link.hex()) == "https://shop.example/01/04006381333931"
    assert text_of((record(b"image/png", b"..", name_format=2) + text_record("a")).hex()) == "a"
    assert text_of(record(b"T", b"\x82en" + "ж".encode("utf-16")).hex()) == "ж"


@pytest.mark.parametrize(
    "scanned",
    [
        "VITRINA1.abc",
        "",
        text_record(TOKEN).hex()[:-2],
        record(b"T", b"\x02en" + b"a", extra=0x20).hex(),
        record(b"T", b"\x02en\xff\xfe\xff").hex(),
        record(b"U", b"\x05+49123").hex(),
        record(b"Sp", b"x").hex(),
        "03ff01",
    ],
)
def test_what_is_no_message_is_refused(scanned: str) -> None:
    with pytest.raises(NdefError):
        text_of(scanned)
    assert handed_on(scanned, ndef=True) is None
    assert handed_on(scanned, ndef=False) == scanned


@given(st.binary(max_size=400))
def test_garbage_is_an_answer_or_an_error_of_ours(raw: bytes) -> None:
    with contextlib.suppress(NdefError):
        assert isinstance(text_of(raw.hex()), str)


@given(st.text(min_size=1, max_size=600))
def test_every_text_survives(text: str) -> None:
    clean = text.encode("utf-8", "ignore").decode()
    assert text_of(tlv(text_record(clean)).hex()) == clean


def typed(text: str) -> bytes:
    keys = [KEYS[sign] for sign in text] + [28]
    return b"".join(EVENT.pack(0, 0, EV_KEY, key, value) for key in keys for value in (1, 0))


def test_a_reader_that_poses_as_a_keyboard(tmp_path: Path) -> None:
    pipe = tmp_path / "event-kbd"
    os.mkfifo(pipe)
    reader = HidScanner(HidOptions(device=str(pipe), grab=False, ndef=True), SystemClock())
    reader.open()
    writer = os.open(pipe, os.O_WRONLY)
    os.write(writer, typed("c0ffee"))
    os.write(writer, typed(tlv(text_record(TOKEN)).hex()))
    scans = [scan for _ in range(60) if (scan := reader.read()) is not None]
    os.close(writer)
    reader.close()
    assert [scan.text for scan in scans] == [TOKEN]
    assert reader.rejected == 1


def test_a_reader_on_a_serial_port() -> None:
    master, slave = os.openpty()
    reader = create_scanner(SerialOptions(port=os.ttyname(slave), ndef=True), SystemClock())
    reader.open()
    os.write(master, text_record(TOKEN).hex().encode() + b"\r\n" + b"VITRINA1.plain\r\n")
    scans = [scan for _ in range(8) if (scan := reader.read()) is not None]
    reader.close()
    os.close(master)
    os.close(slave)
    assert [scan.text for scan in scans] == [TOKEN]
    assert reader.rejected == 1
