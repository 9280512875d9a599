"""The outbox file: SQLite in WAL mode with FULL sync. Several processes may append to it at once.

Sequences are 1, 2, 3 ... without gaps within one file (its `session`), given inside the transaction that commits the
row. Receipts are noted in memory and the rows deleted in bulk with the next commit: a delete that is lost costs one
duplicate at central, which drops it. This keeps wear low (infra.md, "Outbox").
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from contract.clock import Clock
from edge.outbox.draft import Draft
from edge.outbox.recovery import is_corruption, is_full, open_checked

log = logging.getLogger(__name__)

VACUUM_ABOVE_FREE_BYTES = 8 * 1024 * 1024
_DELETE_BATCH = 5000


class OutboxFullError(Exception):
    """No room: nothing of the batch was committed. Shed telemetry, keep the rest, try again later."""


class OutboxReplacedError(Exception):
    """The file was damaged and has been moved aside: a new session is open, the batch was not committed."""


@dataclass(frozen=True, slots=True)
class Row:
    """A committed event, ready to publish."""

    sequence: int
    kind: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Committed:
    """A draft and the sequence it was given."""

    sequence: int
    draft: Draft


@dataclass(frozen=True, slots=True)
class Backlog:
    """What still waits for a receipt."""

    depth: int
    used_bytes: int
    oldest_s: float


class OutboxStore:
    """Thread-safe access to one outbox file. Only one process may give receipts (the node), any may append."""

    def __init__(self, path: Path, clock: Clock) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._clock = clock
        self._lock = threading.RLock()
        self.moved_aside: list[Path] = []
        """Damaged predecessors found since this object exists."""
        self._open()

    def _open(self) -> None:
        self._db, aside = open_checked(self._path, self._clock.now())
        if aside is not None:
            self.moved_aside.append(aside)
        self.session, self._last = self._state()
        (rows,) = self._db.execute("SELECT count(*) FROM event").fetchone()
        self._gone = int(self._last - rows)
        """Sequences given out and no longer in the file: depth needs no scan."""
        self._watermark = 0
        self._also: set[int] = set()
        self._pruned_to = 0
        self._foreign_version = self._data_version()

    def close(self) -> None:
        """Forget what was receipted and close; the object is unusable afterwards."""
        with self._lock:
            try:
                self.prune()
            except (OutboxFullError, OutboxReplacedError, sqlite3.OperationalError):
                log.warning("outbox: receipted events stay in the file and will be sent again")
            self._db.close()

    def append(self, drafts: Sequence[Draft]) -> list[Committed]:
        """Commit all or none, in order, and forget what was receipted. OutboxFullError, OutboxReplacedError."""
        if not drafts:
            return []
        with self._lock, self._transaction():
            session, last = self._state()
            rows = [
                (last + place, draft.kind, draft.made_ms, draft.payload(session, last + place))
                for place, draft in enumerate(drafts, 1)
            ]
            self._db.executemany("INSERT INTO event VALUES (?, ?, ?, ?)", rows)
            self._db.execute("UPDATE outbox SET last = ?", (last + len(rows),))
            self._delete_receipted()
        return [Committed(row[0], draft) for row, draft in zip(rows, drafts, strict=True)]

    def read(self, after: int, limit: int) -> list[Row]:
        """The oldest events beyond `after` that have no receipt yet."""
        with self._lock:
            try:
                found = self._db.execute(
                    "SELECT sequence, kind, payload FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?",
                    (max(after, self._watermark), limit + len(self._also)),
                ).fetchall()
            except sqlite3.DatabaseError as error:
                self._give_up(error)
            return [Row(*row) for row in found if row[0] not in self._also][:limit]

    def acknowledge(self, session: str, sequence: int, also: Iterable[int] = ()) -> bool:
        """Note a receipt; True when the watermark rose. Ignored: another session's, one for events never given."""
        with self._lock:
            if session != self.session:
                return False
            # A receipt beyond what was given (a forged or mixed-up one) must not delete events yet to come.
            _, last = self._state()
            if sequence > last:
                log.warning("outbox: receipt %d beyond the last event %d ignored", sequence, last)
                return False
            before = self._watermark
            self._watermark = max(self._watermark, sequence)
            self._also = {n for n in self._also.union(also) if self._watermark < n <= last}
            return bool(self._watermark > before)

    def prune(self) -> int:
        """Delete receipted rows now; returns how many. Called when idle: append() does it on the way."""
        with self._lock:
            before = self._gone
            if self._watermark > self._pruned_to or self._also:
                with self._transaction():
                    self._delete_receipted()
            self._shrink_if_empty()
            return self._gone - before

    @property
    def watermark(self) -> int:
        """Everything up to here is at central."""
        return self._watermark

    def backlog(self) -> Backlog:
        """Depth, bytes in use and age of the oldest event; constant time."""
        with self._lock:
            _, last = self._state()
            unforgotten = self._receipted_in_file()
            oldest = self._db.execute(
                "SELECT made_ms FROM event WHERE sequence > ? ORDER BY sequence LIMIT 1", (self._watermark,)
            ).fetchone()
            age = 0.0 if oldest is None else self._clock.now().timestamp() - oldest[0] / 1000
            return Backlog(max(0, last - self._gone - unforgotten), self.used_bytes(), max(0.0, age))

    def used_bytes(self) -> int:
        """Bytes of the file that hold something."""
        with self._lock:
            pages, free, size = (self._pragma(name) for name in ("page_count", "freelist_count", "page_size"))
            return int((pages - free) * size)

    def changed_by_others(self) -> bool:
        """Whether another process committed since the last call (an enrolment at the command line)."""
        with self._lock:
            version = self._data_version()
            changed = version != self._foreign_version
            self._foreign_version = version
            return changed

    def limit_pages(self, pages: int) -> None:
        """Let SQLite refuse to grow past `pages` of 1 KB (used to bound the file, and to test a full disk)."""
        with self._lock:
            self._db.execute(f"PRAGMA max_page_count = {int(pages)}")

    def _state(self) -> tuple[str, int]:
        session, last = self._db.execute("SELECT session, last FROM outbox").fetchone()
        return session, last

    def _data_version(self) -> int:
        return self._pragma("data_version")

    def _pragma(self, name: str) -> int:
        (value,) = self._db.execute(f"PRAGMA {name}").fetchone()
        return int(value)

    def _receipted_in_file(self) -> int:
        if self._watermark <= self._pruned_to and not self._also:
            return 0
        (below,) = self._db.execute("SELECT count(*) FROM event WHERE sequence <= ?", (self._watermark,)).fetchone()
        # A repeated receipt names events that are long deleted: only what is still there counts.
        (beyond,) = self._db.execute(
            "SELECT count(*) FROM event WHERE sequence IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(self._also)),),
        ).fetchone()
        return int(below) + int(beyond)

    def _delete_receipted(self) -> None:
        gone = 0
        if self._watermark > self._pruned_to:
            gone += self._db.execute("DELETE FROM event WHERE sequence <= ?", (self._watermark,)).rowcount
        for sequence in self._also:
            gone += self._db.execute("DELETE FROM event WHERE sequence = ?", (sequence,)).rowcount
        self._pending_gone = gone

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._pending_gone = 0
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            self._give_up(error)
        self._gone += self._pending_gone
        self._pruned_to = self._watermark
        self._also.clear()

    def _give_up(self, error: sqlite3.DatabaseError) -> NoReturn:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        if is_full(error):
            raise OutboxFullError(str(error)) from error
        if is_corruption(error):
            self._db.close()
            self._open()
            raise OutboxReplacedError(str(error)) from error
        raise error

    def _shrink_if_empty(self) -> None:
        free = self._pragma("freelist_count") * self._pragma("page_size")
        if free > VACUUM_ABOVE_FREE_BYTES and self.backlog().depth == 0:
            try:
                self._db.execute("VACUUM")
            except sqlite3.OperationalError as error:
                log.info("outbox: the file keeps its size for now (%s)", error)
