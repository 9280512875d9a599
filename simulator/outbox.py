"""Losses: what the edge's outbox gave out, held against what central says it committed."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from simulator.observations import EventCounts


def read_outbox(path: Path) -> dict[str, int]:
    """Session and last sequence of an outbox file, read beside the running node."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5.0)) as database:
        return {str(session): int(last) for session, last in database.execute("SELECT session, last FROM outbox")}


def session_counts(session: str, emitted: int, row: Mapping[str, object] | None) -> EventCounts:
    """Of the first `emitted` events of a session, how many central has; `row` is its entry in /api/v1/ingest.

    More may have come since `emitted` was read, and must not hide a gap before it.
    """
    if row is None:
        return EventCounts(session, emitted, 0)
    received, high = _number(row, "received"), _number(row, "high_water")
    gaps = _gaps(row)
    missing = sum(last - first + 1 for first, last in gaps)
    highest = received + missing if gaps else high
    missing_of_ours = sum(max(0, min(last, emitted) - first + 1) for first, last in gaps)
    return EventCounts(
        session=session,
        emitted=emitted,
        received=max(0, min(emitted, highest) - missing_of_ours),
        doubled=0 if gaps else max(0, received - high),
        repeats=_number(row, "duplicates"),
        quarantined=_number(row, "quarantined"),
    )


def _number(row: Mapping[str, object], name: str) -> int:
    return int(str(row[name]))


def _gaps(row: Mapping[str, object]) -> list[tuple[int, int]]:
    gaps = row["gaps"]
    assert isinstance(gaps, list)
    return [(int(first), int(last)) for first, last in gaps]
