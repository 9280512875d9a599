"""The check-in token a phone shows as a QR code: a certificate from central and a statement by the phone's key.

Layout (big-endian), base64url without padding after the prefix `VITRINA1.`:

    certificate   subject 16 B | phone key 33 B (P-256, compressed) | not after 8 B (unix s) | Ed25519 by central 64 B
    statement     issued 8 B (unix ms) | nonce 8 B | ECDSA P-256/SHA-256 by the phone, r||s (IEEE P1363) 64 B

201 bytes, 268 characters: QR version 10-L. The phone signs `CHECKIN_CONTEXT + certificate + issued + nonce`; central
signs `CERTIFICATE_CONTEXT + subject + phone key + not after`. Nothing in it names the person;
the edge verifies it offline.
"""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass

PREFIX = "VITRINA1."
CERTIFICATE_CONTEXT = b"vitrina/checkin-certificate/v1\0"
CHECKIN_CONTEXT = b"vitrina/checkin/v1\0"
LIFETIME_S = 30.0
"""Longest time between signing and scanning (PRIVACY S5)."""

_CERTIFICATE = struct.Struct(">16s33sQ")
_SIGNATURE = 64
_STATEMENT = struct.Struct(">Q8s")
_TOKEN_BYTES = _CERTIFICATE.size + _SIGNATURE + _STATEMENT.size + _SIGNATURE


class TokenError(ValueError):
    """Not a check-in token. The message says which part is wrong, never what it contained."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Central's word that this phone key belongs to this subject until `not_after` (unix seconds)."""

    subject: bytes
    phone_key: bytes
    not_after: int
    signature: bytes = b""

    def body(self) -> bytes:
        """The fixed-size part, without the signature."""
        return _CERTIFICATE.pack(self.subject, self.phone_key, self.not_after)

    def signed_part(self) -> bytes:
        """What central signs."""
        return CERTIFICATE_CONTEXT + self.body()

    def encode(self) -> bytes:
        """121 bytes with the signature."""
        return self.body() + self.signature

    @property
    def subject_id(self) -> str:
        """The pseudonym as it appears on the wire: 32 hex digits."""
        return self.subject.hex()


@dataclass(frozen=True, slots=True)
class CheckinToken:
    """A parsed token; nothing in it is trusted before both signatures are verified."""

    certificate: Certificate
    issued_ms: int
    nonce: bytes
    signature: bytes

    def signed_part(self) -> bytes:
        """What the phone signs."""
        return CHECKIN_CONTEXT + self.certificate.encode() + _STATEMENT.pack(self.issued_ms, self.nonce)

    def encode(self) -> str:
        """The text of the QR code."""
        raw = self.certificate.encode() + _STATEMENT.pack(self.issued_ms, self.nonce) + self.signature
        return PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def is_checkin(text: str) -> bool:
    """Whether a scanned text claims to be a check-in token (rather than a product's link)."""
    return text.startswith(PREFIX)


def parse_certificate(raw: bytes) -> Certificate:
    """121 bytes to a certificate; TokenError on any other length."""
    if len(raw) != _CERTIFICATE.size + _SIGNATURE:
        raise TokenError(f"certificate: {len(raw)} bytes, {_CERTIFICATE.size + _SIGNATURE} expected")
    subject, key, not_after = _CERTIFICATE.unpack(raw[: _CERTIFICATE.size])
    return Certificate(subject, key, not_after, raw[_CERTIFICATE.size :])


def parse_token(text: str) -> CheckinToken:
    """QR text to a token; TokenError when it is not one. Signatures are not checked here."""
    if not is_checkin(text):
        raise TokenError("prefix: not a check-in code")
    body = text[len(PREFIX) :]
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise TokenError("encoding: not base64url") from None
    if len(raw) != _TOKEN_BYTES:
        raise TokenError(f"length: {len(raw)} bytes, {_TOKEN_BYTES} expected")
    edge = _CERTIFICATE.size + _SIGNATURE
    issued_ms, nonce = _STATEMENT.unpack(raw[edge : edge + _STATEMENT.size])
    return CheckinToken(parse_certificate(raw[:edge]), issued_ms, nonce, raw[edge + _STATEMENT.size :])
