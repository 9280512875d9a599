"""One key per person, kept apart from the database: what it sealed is noise everywhere once the key is destroyed.

The keys live in a file of their own (`subject-keys.db` in the data folder) that database backups never contain, so an
erasure reaches the write-ahead log, every backup and every copy (PRIVACY P6, docs/decisions/0003).
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, runtime_checkable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from central.errors import MisconfiguredError

KEY_BYTES = 32
NONCE_BYTES = 12
CACHE = 20_000
"""Keys kept in memory: about 4 MB."""


class Erased(Exception):  # noqa: N818 - a state of the person, not a fault
    """The person's key was destroyed; nothing may be written about them any more."""


@runtime_checkable
class Vault(Protocol):
    """Seals what is known about a person. `owner` is a subject, or `visitor:<hash>` before anybody is known."""

    def seal(self, owner: str, value: object) -> bytes:
        """JSON of `value`, AES-256-GCM, nonce in front, bound to the owner. Erased after `destroy`."""
        ...

    def open(self, owner: str, sealed: bytes | None) -> object | None:
        """The value; None when there is none, the key is gone or it belongs to somebody else."""
        ...

    def prepare(self, owners: Iterable[str]) -> None:
        """Make the keys that are missing, in one write: a batch about many new people costs one fsync, not many."""
        ...

    def destroy(self, owners: Iterable[str]) -> None:
        """Destroy keys for good; sealing for these owners raises Erased from now on. Idempotent."""
        ...

    def destroyed(self) -> list[str]:
        """Everybody whose key was destroyed: they must stay erased when a backup is restored."""
        ...

    def close(self) -> None:
        """Forget the keys in memory."""
        ...


class FileVault:
    """Keys in an SQLite file with secure deletion and no write-ahead log: a deleted key is overwritten."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._cache: OrderedDict[str, AESGCM] = OrderedDict()
        self._version = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA secure_delete = ON")
            self._connection.execute("PRAGMA journal_mode = DELETE")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("CREATE TABLE IF NOT EXISTS keys (owner TEXT PRIMARY KEY, key BLOB) WITHOUT ROWID")
        except (OSError, sqlite3.Error) as error:
            raise MisconfiguredError(f"{path}: the keys of persons cannot be opened ({error})") from None

    def close(self) -> None:
        """Forget the cached keys and close the file."""
        with self._lock:
            self._cache.clear()
            self._connection.close()

    def seal(self, owner: str, value: object) -> bytes:
        cipher = self._cipher(owner, create=True)
        if cipher is None:
            raise Erased(owner)
        nonce = os.urandom(NONCE_BYTES)
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return nonce + cipher.encrypt(nonce, text, owner.encode())

    def open(self, owner: str, sealed: bytes | None) -> object | None:
        cipher = self._cipher(owner, create=False) if sealed else None
        if cipher is None or sealed is None:
            return None
        try:
            text = cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], owner.encode())
        except InvalidTag:
            return None
        value: object = json.loads(text)
        return value

    def prepare(self, owners: Iterable[str]) -> None:
        with self._lock:
            self._forget_if_changed()
            missing = sorted({owner for owner in owners if owner not in self._cache})
            if not missing:
                return
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "INSERT INTO keys (owner, key) VALUES (?, ?) ON CONFLICT (owner) DO NOTHING",
                [(owner, secrets.token_bytes(KEY_BYTES)) for owner in missing],
            )
            self._connection.execute("COMMIT")

    def destroy(self, owners: Iterable[str]) -> None:
        wanted = sorted(set(owners))
        with self._lock:
            for owner in wanted:
                self._cache.pop(owner, None)
            self._connection.execute("BEGIN IMMEDIATE")
            # The row stays without its key: nobody makes a new one for a person who was erased.
            self._connection.executemany(
                "INSERT INTO keys (owner, key) VALUES (?, NULL) ON CONFLICT (owner) DO UPDATE SET key = NULL",
                [(owner,) for owner in wanted],
            )
            self._connection.execute("COMMIT")

    def destroyed(self) -> list[str]:
        with self._lock:
            rows = self._connection.execute("SELECT owner FROM keys WHERE key IS NULL ORDER BY owner").fetchall()
        return [str(row[0]) for row in rows]

    def _cipher(self, owner: str, *, create: bool) -> AESGCM | None:
        with self._lock:
            self._forget_if_changed()
            cached = self._cache.get(owner)
            if cached is not None:
                self._cache.move_to_end(owner)
                return cached
            key = self._read(owner, create=create)
            if key is None:
                return None
            cipher = AESGCM(key)
            self._cache[owner] = cipher
            if len(self._cache) > CACHE:
                self._cache.popitem(last=False)
            return cipher

    def _forget_if_changed(self) -> None:
        """Another process (a command line beside `run`) may have destroyed a key: microseconds to ask."""
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self._cache.clear()
            self._version = version

    def _read(self, owner: str, *, create: bool) -> bytes | None:
        found = self._connection.execute("SELECT key FROM keys WHERE owner = ?", (owner,)).fetchone()
        if found is None and create:
            self._connection.execute(
                "INSERT INTO keys (owner, key) VALUES (?, ?) ON CONFLICT (owner) DO NOTHING",
                (owner, secrets.token_bytes(KEY_BYTES)),
            )
            found = self._connection.execute("SELECT key FROM keys WHERE owner = ?", (owner,)).fetchone()
        return None if found is None else found[0]
