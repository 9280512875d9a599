"""Standard Webhooks 1.0.0: the headers that let a receiver check who sent a message, and that it is new."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from central.keys import Keys

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
NONCE_BYTES: Final = 12


def new_secret() -> str:
    """256 random bits as the standard writes them."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers(secret: str, message: str, at_s: int, body: bytes) -> dict[str, str]:
    """HMAC-SHA256 over `id.timestamp.body`."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.new(key, b"%s.%d.%s" % (message.encode(), at_s, body), hashlib.sha256).digest()
    return {
        "webhook-id": message,
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def seal_secret(keys: Keys, subscription: str, secret: str) -> str:
    """For the database: AES-256-GCM, bound to the subscription, base64."""
    nonce = os.urandom(NONCE_BYTES)
    return base64.b64encode(nonce + _cipher(keys).encrypt(nonce, secret.encode(), subscription.encode())).decode()


def open_secret(keys: Keys, subscription: str, sealed: str) -> str | None:
    """None when the keys are others: the database came from another installation."""
    try:
        raw = base64.b64decode(sealed, validate=True)
        return _cipher(keys).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], subscription.encode()).decode()
    except (binascii.Error, InvalidTag, ValueError):
        return None


def _cipher(keys: Keys) -> AESGCM:
    return AESGCM(hmac.new(keys.pepper, b"vitrina/webhook-secret/v1", hashlib.sha256).digest())
