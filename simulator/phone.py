"""A customer's phone: holds a P-256 key that never leaves it, and shows signed check-in codes (contract.checkin)."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from contract.checkin import Certificate, CheckinToken, parse_certificate


class Phone:
    """One phone. Ask central for a certificate of `public_key`, then `code` makes what the screen shows."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate: Certificate | None = None

    @property
    def public_key(self) -> str:
        """Base64 of the compressed point."""
        raw = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        return base64.b64encode(raw).decode()

    @property
    def certified(self) -> bool:
        return self._certificate is not None

    def accept(self, certificate_b64: str) -> None:
        """Keep central's certificate; TokenError when it is not one."""
        self._certificate = parse_certificate(base64.b64decode(certificate_b64))

    def code(self, now: datetime) -> str:
        """A fresh code, signed now. RuntimeError without a certificate."""
        if self._certificate is None:
            raise RuntimeError("this phone has no certificate; register it at central first")
        issued_ms = int(now.timestamp() * 1000)
        blank = CheckinToken(self._certificate, issued_ms, secrets.token_bytes(8), b"")
        r, s = decode_dss_signature(self._key.sign(blank.signed_part(), ec.ECDSA(hashes.SHA256())))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return CheckinToken(blank.certificate, issued_ms, blank.nonce, signature).encode()
