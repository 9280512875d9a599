"""Keyboard scanners: event bytes through a pipe, torn anywhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.clock import ManualClock, SystemClock
from hardware.errors import PermanentError, TransientError
from hardware.registry import create_scanner
from hardware.scanners.keys import EV_KEY, EV_SYN, EVENT, US_KEYS, KeyDecoder
from hardware.scanners.options import HidOptions

LEFT_SHIFT, RIGHT_SHIFT, ENTER, CAPS_LOCK = 42, 54, 28, 58
# The first key that types each character (keypads come later in the table).
TYPED: dict[str, tuple[int, bool]] = {}
for _code in sorted(US_KEYS):
    for _shifted, _character in enumerate(US_KEYS[_code]):
        TYPED.setdefault(_character, (_code, bool(_shifted)))
PRINTABLE = "".join(chr(code) for code in range(32, 127))


def event(kind: int, code: int, value: int) -> bytes:
    return EVENT.pack(1_700_000_000, 5, kind, code, value)


def press(code: int) -> bytes:
    sync = event(EV_SYN, 0, 0)
    return event(4, 4, 458792) + event(EV_KEY, code, 1) + sync + event(EV_KEY, code, 0) + sync


def keys(text: str, shift: int = LEFT_SHIFT) -> bytes:
    data = b""
    for character in text:
        code, shifted = TYPED[character]
        data += event(EV_KEY, shift, 1) + press(code) + event(EV_KEY, shift, 0) if shifted else press(code)
    return data + press(ENTER)


def test_every_printable_character_can_be_typed() -> None:
    assert set(PRINTABLE) <= set(TYPED)
    for shift in (LEFT_SHIFT, RIGHT_SHIFT):
        _, texts = KeyDecoder().step(keys(PRINTABLE, shift))
        assert texts == (PRINTABLE,)


def test_known_codes_of_the_us_layout() -> None:
    """Spot checks against linux/input-event-codes.h, not derived from our own table."""
    known = {
        30: "aA",
        44: "zZ",
        2: "1!",
        11: "0)",
        53: "/?",
        39: ";:",
        12: "-_",
        13: "=+",
        51: ",<",
        52: ".>",
        25: "pP",
    }
    assert {code: "".join(US_KEYS[code]) for code in known} == known
    assert {code: US_KEYS[code][0] for code in (71, 75, 79, 82)} == {71: "7", 75: "4", 79: "1", 82: "0"}


@given(st.lists(st.text(PRINTABLE, min_size=1, max_size=12), max_size=4), st.data())
def test_torn_reads_change_nothing(lines: list[str], data: st.DataObject) -> None:
    stream = b"".join(keys(line) for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    decoder, read = KeyDecoder(), []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        decoder, texts = decoder.step(stream[start:stop])
        read.extend(texts)
    assert read == lines


@given(st.binary(max_size=480))
def test_any_bytes_are_survived(noise: bytes) -> None:
    decoder, _ = KeyDecoder().step(noise + b"\0" * (-len(noise) % EVENT.size))
    release = event(EV_SYN, 0, 0) + event(EV_KEY, LEFT_SHIFT, 0) + event(EV_KEY, RIGHT_SHIFT, 0)
    _, texts = decoder.step(release + press(ENTER) + keys("ok"))
    assert texts[-1] == "ok"


def test_repeats_unknown_keys_and_lost_events() -> None:
    repeat = event(EV_KEY, 30, 1) + event(EV_KEY, 30, 2) * 5 + event(EV_KEY, 30, 0)
    _, texts = KeyDecoder().step(repeat + press(CAPS_LOCK) + press(ENTER))
    assert texts == ("a",)
    dropped = press(30) + event(EV_SYN, 3, 0) + event(EV_KEY, 31, 1) + event(EV_SYN, 0, 0) + press(ENTER)
    decoder, texts = KeyDecoder().step(dropped + keys("next"))
    assert texts == ("next",)
    assert decoder.rejected == 1


def test_a_code_without_end_is_bounded() -> None:
    decoder, texts = KeyDecoder(max_length=8).step(press(30) * 1000)
    assert len(decoder.typed) == 8
    decoder, texts = decoder.step(press(ENTER) + keys("b"))
    assert (texts, decoder.rejected) == (("b",), 1)


@pytest.fixture
def pipe() -> Iterator[tuple[str, int]]:
    reader, writer = os.pipe()
    yield f"/proc/self/fd/{reader}", writer
    os.close(reader)


def test_the_driver_reads_a_device(pipe: tuple[str, int]) -> None:
    device, writer = pipe
    scanner = create_scanner(HidOptions(device=device, grab=False), SystemClock())
    scanner.open()
    assert scanner.read() is None
    stream = keys("SKU-1") + keys("SKU-2")
    os.write(writer, stream[:100])
    assert scanner.read() is None
    os.write(writer, stream[100:])
    scans = [scan.text for _ in range(4) if (scan := scanner.read()) is not None]
    assert scans == ["SKU-1", "SKU-2"]
    os.close(writer)
    with pytest.raises(TransientError, match="unplugged"):
        scanner.read()
    scanner.close()


def test_devices_that_do_not_open_say_why(tmp_path: Path, pipe: tuple[str, int]) -> None:
    with pytest.raises(TransientError, match="There is no scanner"):
        create_scanner(HidOptions(device=str(tmp_path / "event9")), ManualClock()).open()
    with pytest.raises(PermanentError, match="not an input device"):
        create_scanner(HidOptions(device=pipe[0]), ManualClock()).open()
    os.close(pipe[1])
