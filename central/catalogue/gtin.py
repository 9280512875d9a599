"""GTINs and GS1 Digital Link addresses (GS1 General Specifications 7.9; GS1 Digital Link URI syntax 1.5)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, urlsplit

_LINK: Final = re.compile(r"(?:^|/)(?:01|gtin)/(\d{8,14})(?:/|$)")


def valid_gtin(text: str) -> bool:
    """GTIN-8, -12, -13 or -14 with the right check digit."""
    if len(text) not in {8, 12, 13, 14} or not (text.isascii() and text.isdigit()):
        return False
    digits = [int(digit) for digit in reversed(text)]
    return sum(digit * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0


def same(gtin: str) -> tuple[str, ...]:
    """The ways one GTIN may be written: with and without leading zeros."""
    bare = gtin.lstrip("0")
    return tuple(sorted({bare.zfill(length) for length in (8, 12, 13, 14) if len(bare) <= length}))


def of_link(text: str) -> str | None:
    """The GTIN of what a scanner read: a Digital Link address or path, or the bare number; None otherwise."""
    words = text.strip()
    if valid_gtin(words):
        return words
    try:
        path = unquote(urlsplit(words).path)
    except ValueError:
        return None
    found = _LINK.search(path)
    return found[1] if found and valid_gtin(found[1]) else None
