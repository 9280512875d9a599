"""The thread that commits events in groups and only then tells those who act on them."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contract.clock import Clock
from edge.outbox.draft import KEEP, Draft
from edge.outbox.store import Committed, OutboxFullError, OutboxReplacedError, OutboxStore

log = logging.getLogger(__name__)

Listener = Callable[[Sequence[Committed]], None]


@dataclass(frozen=True, slots=True)
class WriterLimits:
    """When a group is committed, and how much is held while the disk takes nothing."""

    group: int = 20
    delay_s: float = 0.25
    batch: int = 2000
    """Most events of one transaction."""
    memory: int = 5_000
    """Events held in memory; above it telemetry is shed, oldest first, the most expendable class first."""
    file_bytes: int = 200 * 1024 * 1024
    """Above it telemetry of the most expendable class is no longer committed; above 5/4 of it no telemetry is."""
    retry_s: float = 1.0
    prune_after_s: float = 5.0


def shed(drafts: Sequence[Draft], room: int) -> tuple[list[Draft], list[Draft]]:
    """(kept, shed): drop telemetry, highest class first and oldest first, until `room` fit; never what must be kept."""
    excess = len(drafts) - room
    doomed: set[int] = set()
    for level in sorted({draft.shed_class for draft in drafts} - {KEEP}, reverse=True):
        places = [place for place, draft in enumerate(drafts) if draft.shed_class == level]
        doomed.update(places[: max(0, excess - len(doomed))])
    kept = [draft for place, draft in enumerate(drafts) if place not in doomed]
    return kept, [drafts[place] for place in sorted(doomed)]


class OutboxWriter:
    """Takes drafts from any thread; commits at once what is urgent, the rest in groups; then calls the listeners."""

    def __init__(self, store: OutboxStore, clock: Clock, limits: WriterLimits = WriterLimits()) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits
        self._listeners: list[Listener] = []
        self._wake = threading.Condition()
        self._waiting: list[Draft] = []
        self._committing = 0
        self._due_at: float | None = None
        self._stopping = False
        self._full = False
        self._last_activity = clock.monotonic()
        self.beat = clock.monotonic()
        """Monotonic time of the last turn of this thread; it turns every `prune_after_s` at the least."""
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self.shed_counts: Counter[str] = Counter()
        """Events given up before they had a sequence, by kind, since the start of the process."""

    def listen(self, listener: Listener) -> None:
        """Call `listener` (quickly, it must not block) with every committed group, in order. Before start()."""
        self._listeners.append(listener)

    def start(self) -> None:
        """Start committing."""
        self._thread.start()

    def submit(self, drafts: Sequence[Draft]) -> None:
        """Queue events; returns at once, also when the disk is full."""
        if not drafts:
            return
        with self._wake:
            self._waiting.extend(drafts)
            if len(self._waiting) > self._limits.memory:
                self._shed_to(self._limits.memory)
            urgent = any(draft.urgent for draft in drafts) or len(self._waiting) >= self._limits.group
            due = self._clock.monotonic() + (0.0 if urgent else self._limits.delay_s)
            if not self._full:
                self._due_at = due if self._due_at is None else min(due, self._due_at)
            self._wake.notify_all()

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Wait until everything submitted before is committed; False when it could not be in time."""
        with self._wake:
            self._due_at = self._clock.monotonic()
            self._wake.notify_all()
            return self._wake.wait_for(lambda: not self._waiting and not self._committing, timeout_s)

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Commit what is left and end the thread; False when events were left uncommitted."""
        done = self.flush(timeout_s)
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        self._thread.join(timeout_s)
        return done

    @property
    def waiting(self) -> int:
        """Events not yet committed."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether the disk takes nothing at the moment."""
        return self._full

    def _run(self) -> None:
        while True:
            self.beat = self._clock.monotonic()
            batch = self._next_batch()
            if batch is None:
                return
            if batch:
                self._commit(batch)
            else:
                self._idle()

    def _next_batch(self) -> list[Draft] | None:
        with self._wake:
            while not self._stopping:
                now = self._clock.monotonic()
                if self._waiting and self._due_at is not None and now >= self._due_at:
                    return self._take()
                idle_at = self._last_activity + self._limits.prune_after_s
                if now >= idle_at:
                    self._last_activity = now
                    return []
                wake_at = idle_at if self._due_at is None else min(idle_at, self._due_at)
                self._wake.wait(max(0.001, wake_at - now))
            return None

    def _take(self) -> list[Draft]:
        if self._full:
            # On a full disk what must be kept goes alone and first: it is small and may still fit.
            self._waiting.sort(key=lambda draft: draft.shed_class)
            kept = sum(draft.shed_class == KEEP for draft in self._waiting)
            size = min(self._limits.batch, kept or len(self._waiting))
        else:
            size = self._limits.batch
        batch, self._waiting = self._waiting[:size], self._waiting[size:]
        self._committing = len(batch)
        self._due_at = self._clock.monotonic() if self._waiting else None
        return batch

    def _commit(self, batch: list[Draft]) -> None:
        batch = self._admit(batch)
        try:
            committed = self._store.append(batch)
        except (OutboxFullError, OutboxReplacedError, sqlite3.OperationalError) as error:
            self._put_back(batch, error)
            return
        if self._full:
            log.warning("outbox: the disk takes events again; shed meanwhile: %s", dict(self.shed_counts))
            self._full = False
        for listener in self._listeners:
            listener(committed)
        with self._wake:
            self._committing = 0
            self._last_activity = self._clock.monotonic()
            self._wake.notify_all()

    def _admit(self, batch: list[Draft]) -> list[Draft]:
        """Keep telemetry out of a file that has grown to its limit; events that matter always go in."""
        used = self._store.used_bytes()
        if used < self._limits.file_bytes:
            return batch
        highest = 1 if used < self._limits.file_bytes * 5 // 4 else KEEP
        refused = [draft for draft in batch if draft.shed_class > highest]
        self._count_shed(refused, "the outbox file has reached its limit")
        return [draft for draft in batch if draft.shed_class <= highest]

    def _put_back(self, batch: list[Draft], error: Exception) -> None:
        self._idle()
        with self._wake:
            self._waiting = batch + self._waiting
            self._committing = 0
            if isinstance(error, OutboxReplacedError):
                self._due_at = self._clock.monotonic()
                return
            if not self._full:
                log.error("outbox: cannot write (%s). Free space in the state directory; events wait in memory", error)
                self._full = True
            self._shed_to(self._limits.memory)
            self._due_at = self._clock.monotonic() + self._limits.retry_s

    def _shed_to(self, room: int) -> None:
        self._waiting, gone = shed(self._waiting, room)
        self._count_shed(gone, "no room")

    @property
    def events_shed(self) -> int:
        """Telemetry events given up since the process started."""
        return self.shed_counts.total()

    def _count_shed(self, gone: Sequence[Draft], why: str) -> None:
        if gone and not self.shed_counts:
            log.error("outbox: telemetry is being shed (%s); the counts follow when there is room", why)
        self.shed_counts.update(draft.kind for draft in gone)

    def _idle(self) -> None:
        try:
            self._store.prune()
        except (OutboxFullError, OutboxReplacedError, sqlite3.OperationalError) as error:
            if not self._full:
                log.warning("outbox: receipted events could not be deleted yet (%s)", error)
