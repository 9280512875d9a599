"""A quote a till can check without asking anybody: the signed fields as a code on the customer's phone.

`VQ1.` + base64url of the canonical JSON + `.` + base64url of the Ed25519 signature over it (docs/till.md).
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from central.pricing.rules import WINDOW_S, quote_bytes
from contract.signing import canonical_json

PREFIX = "VQ1"
Refusal = Literal["malformed", "forged", "other_store", "other_sku", "expired", "used", "not_cheaper"]


@dataclass(frozen=True, slots=True)
class SignedQuote:
    """What the code says, once the signature was checked."""

    quote: str
    store: str
    visit: str
    sku: str
    price: int
    public: int
    currency: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """Charge the public price."""

    reason: Refusal


def encode(fields: dict[str, object], signature: bytes) -> str:
    """The code of signed fields."""
    return f"{PREFIX}.{_text(canonical_json(fields))}.{_text(signature)}"


def decode(code: str, key: Ed25519PublicKey) -> SignedQuote | Refused:
    """Check the signature, then read."""
    parts = code.strip().split(".")
    if len(parts) != 3 or parts[0] != PREFIX:
        return Refused("malformed")
    try:
        body = json.loads(_bytes(parts[1]))
        key.verify(_bytes(parts[2]), quote_bytes(body))
        return SignedQuote(
            body["quote"],
            body["store"],
            body["visit"],
            body["sku"],
            int(body["price"]),
            int(body["public"]),
            body["currency"],
            datetime.fromtimestamp(body["expires_at_ms"] / 1000, UTC),
        )
    except InvalidSignature:
        return Refused("forged")
    except (binascii.Error, ValueError, KeyError, TypeError):
        return Refused("malformed")


def judge(
    quote: SignedQuote, store: str, sku: str, public: int, now: datetime, used: frozenset[str]
) -> SignedQuote | Refused:
    """Whether a till that cannot ask may charge this. `used`: quotes in its own journal."""
    if quote.store != store:
        return Refused("other_store")
    if quote.sku != sku:
        return Refused("other_sku")
    if now > quote.expires_at + timedelta(seconds=WINDOW_S):
        return Refused("expired")
    if quote.quote in used:
        return Refused("used")
    return Refused("not_cheaper") if quote.price >= public else quote


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
