"""The badge of somebody who works in a store: a QR code on paper; the edge leaves its bearer out of all counts.

Layout (big-endian), base64url without padding after the prefix `VITRINASTAFF1.`:

    badge 8 B | not after 8 B (unix s) | Ed25519 by central 64 B

80 bytes, 107 characters after the prefix. Central signs `BADGE_CONTEXT + store + NUL + badge + not after`: a badge of
another store is not valid. It names nobody; unlike a check-in (contract.checkin) it is shown again and again, so all
that it can do is take its bearer out of the figures, one track at a time, until it runs out.
"""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass

PREFIX = "VITRINASTAFF1."
BADGE_CONTEXT = b"vitrina/staff-badge/v1\0"
LONGEST_LIFE_DAYS = 366

_BODY = struct.Struct(">8sQ")
_SIGNATURE = 64


class BadgeError(ValueError):
    """Not a badge. The message says which part is wrong, never what it contained."""


@dataclass(frozen=True, slots=True)
class Badge:
    """Central's word that the bearer works in a store until `not_after` (unix seconds)."""

    badge: bytes
    not_after: int
    signature: bytes = b""

    def signed_part(self, store: str) -> bytes:
        """What central signs for that store."""
        return BADGE_CONTEXT + store.encode() + b"\0" + _BODY.pack(self.badge, self.not_after)

    def encode(self) -> str:
        """The text of the QR code."""
        raw = _BODY.pack(self.badge, self.not_after) + self.signature
        return PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def is_badge(text: str) -> bool:
    """Whether a scanned text claims to be a badge."""
    return text.startswith(PREFIX)


def parse_badge(text: str) -> Badge:
    """QR text to a badge; BadgeError when it is not one. The signature is not checked here."""
    if not is_badge(text):
        raise BadgeError("prefix: not a badge")
    body = text[len(PREFIX) :]
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadgeError("encoding: not base64url") from None
    if len(raw) != _BODY.size + _SIGNATURE:
        raise BadgeError(f"length: {len(raw)} bytes, {_BODY.size + _SIGNATURE} expected")
    badge, not_after = _BODY.unpack(raw[: _BODY.size])
    return Badge(badge, not_after, raw[_BODY.size :])
