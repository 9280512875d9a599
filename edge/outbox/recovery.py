"""Opening the outbox file: create it, check it, and move a damaged one aside with its journal, never deleting it."""

from __future__ import annotations

import logging
import secrets
import sqlite3
from datetime import datetime
from pathlib import Path

log = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS event(sequence INTEGER PRIMARY KEY, kind TEXT NOT NULL, made_ms INTEGER NOT NULL,
                                 payload BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS outbox(only INTEGER PRIMARY KEY CHECK (only = 1), session TEXT NOT NULL,
                                  last INTEGER NOT NULL);
"""
BUSY_TIMEOUT_S = 10.0


def open_checked(path: Path, now: datetime) -> tuple[sqlite3.Connection, Path | None]:
    """A connection to a sound outbox at `path`, and where a damaged predecessor was moved (None when there was none).

    A torn WAL tail is no damage: SQLite drops the uncommitted rest by its checksums.
    """
    try:
        return _open(path), None
    except sqlite3.DatabaseError as error:
        if not is_corruption(error):
            raise
        aside = _move_aside(path, now)
        log.error("outbox %s is damaged (%s): moved to %s, a new session starts", path.name, error, aside.name)
        return _open(path), aside


def is_corruption(error: sqlite3.DatabaseError) -> bool:
    """Whether the file itself is broken, rather than locked, full or unwritable."""
    code = getattr(error, "sqlite_errorcode", None)
    broken = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, None)
    return (code & 0xFF if code is not None else None) in broken and not isinstance(error, sqlite3.ProgrammingError)


def is_full(error: sqlite3.Error) -> bool:
    """Whether the disk (or the page limit) has no room left, or a write failed as it does on a full disk."""
    code = getattr(error, "sqlite_errorcode", 0) or 0
    return code & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_S)
    try:
        db.execute("PRAGMA page_size = 1024")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA wal_autocheckpoint = 1000")
        db.execute("PRAGMA journal_size_limit = 4194304")
        # Two processes may start together: only one of them creates the session.
        db.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA.split(";"):
            db.execute(statement)
        db.execute("INSERT OR IGNORE INTO outbox VALUES (1, ?, 0)", (secrets.token_hex(16),))
        db.execute("COMMIT")
        found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(f"quick_check: {found}")
        _check_sequence(db)
    except BaseException:
        db.close()
        raise
    return db


def _check_sequence(db: sqlite3.Connection) -> None:
    (last,) = db.execute("SELECT last FROM outbox").fetchone()
    (highest,) = db.execute("SELECT max(sequence) FROM event").fetchone()
    if highest is not None and highest > last:
        raise sqlite3.DatabaseError(f"row {highest} lies beyond the last given sequence {last}")


def _move_aside(path: Path, now: datetime) -> Path:
    stamp = now.strftime("%Y%m%dT%H%M%S")
    aside = path.with_name(f"{path.name}.damaged-{stamp}-{secrets.token_hex(3)}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside
