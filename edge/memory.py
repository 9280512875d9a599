"""What the node must remember beyond the outbox: the highest command it obeyed, what its labels show.

One SQLite file, `state_dir/node.db`, WAL and FULL: written before acting. A damaged one is moved aside and reported.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS obeyed(scope TEXT PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS label(id TEXT PRIMARY KEY, public TEXT, unsure INTEGER NOT NULL DEFAULT 1,"
    " quote TEXT, glass TEXT NOT NULL DEFAULT '') WITHOUT ROWID",
)


class Memory:
    """The state database; thread-safe."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self.moved_aside: Path | None = None
        try:
            self._db = _open(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            self.moved_aside = _move_aside(path)
            consequence = "every label counts as personal until reverted"
            log.error("%s is damaged (%s): moved to %s; %s", path.name, error, self.moved_aside.name, consequence)
            self._db = _open(path)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One committed change; sqlite3.Error when it could not be written."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """Everything a query finds."""
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10.0)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        for statement in _SCHEMA:
            db.execute(statement)
        (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(f"quick_check: {found}")
    except BaseException:
        db.close()
        raise
    return db


def _move_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.damaged-{secrets.token_hex(4)}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside
