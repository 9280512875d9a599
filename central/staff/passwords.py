"""Passwords and tokens: argon2id for what people choose, SHA-256 for what we drew at random."""

from __future__ import annotations

import hashlib
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
"""OWASP's minimum for argon2id: 19 MiB, two passes."""
_NOBODY = _HASHER.hash(secrets.token_hex(16))
SHORTEST = 8


def hash_password(password: str) -> str:
    """Argon2id hash."""
    return _HASHER.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether it is the password; an unknown name costs the same time."""
    try:
        _HASHER.verify(stored or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def new_token() -> str:
    """256 random bits for a cookie or a bearer token."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is kept of a random token."""
    return hashlib.sha256(token.encode()).hexdigest()
