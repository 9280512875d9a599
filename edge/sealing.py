"""Templates under a key of their subject alone (AES-256-GCM), that key under HPKE (RFC 9180) to central or a node.

Destroying a subject's key destroys every copy of the template, wherever it lies (PRIVACY P6).
"""

from __future__ import annotations

import base64
import binascii
import os

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from numpy.typing import NDArray

KEY_INFO = b"vitrina/subject-key/v1"
KEY_BYTES = 32
SIZE = 512
_NONCE = 12
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class SealError(ValueError):
    """Not sealed to us, altered on the way, or not a template. Says nothing about the content."""


def new_subject_key() -> bytes:
    """32 random bytes."""
    return os.urandom(KEY_BYTES)


def seal_key(key: bytes, recipient: str) -> str:
    """A subject's key for the holder of `recipient` (X25519 public key, raw, base64); base64."""
    public = X25519PublicKey.from_public_bytes(_bytes(recipient))
    return base64.b64encode(_SUITE.encrypt(key, public, info=KEY_INFO)).decode()


def open_key(sealed: str, private: X25519PrivateKey) -> bytes:
    """A subject's key that was sealed to us. SealError."""
    try:
        key = _SUITE.decrypt(_bytes(sealed), private, info=KEY_INFO)
    except (InvalidTag, ValueError):
        raise SealError("the subject's key is not sealed to this node") from None
    if len(key) != KEY_BYTES:
        raise SealError(f"the subject's key has {len(key)} bytes, {KEY_BYTES} expected")
    return key


def seal_template(vector: NDArray[np.float32], key: bytes, subject: str, template: str) -> str:
    """float32[512] to base64 of nonce and sealed fp16; subject and template id are bound to it."""
    if vector.shape != (SIZE,):
        raise SealError(f"a template has {SIZE} numbers, this one {vector.shape}")
    nonce = os.urandom(_NONCE)
    plain = vector.astype(np.float16).tobytes()
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, plain, _bound(subject, template))).decode()


def open_template(sealed: str, key: bytes, subject: str, template: str) -> NDArray[np.float32]:
    """The reverse: float32[512] of unit length. SealError."""
    raw = _bytes(sealed)
    try:
        plain = AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], _bound(subject, template))
    except (InvalidTag, ValueError):
        raise SealError("the template was altered, or belongs to another subject or key") from None
    if len(plain) != 2 * SIZE:
        raise SealError(f"the template has {len(plain)} bytes, {2 * SIZE} expected")
    vector = np.frombuffer(plain, dtype=np.float16).astype(np.float32)
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length < 1e-3:
        raise SealError("the template is not a direction")
    return np.asarray(vector / length, dtype=np.float32)


def _bound(subject: str, template: str) -> bytes:
    return f"{subject}/{template}".encode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SealError("not base64") from None
