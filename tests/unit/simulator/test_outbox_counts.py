"""Losses are counted over the events an outbox had given out, whatever came later."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.clock import SystemClock
from contract.events import VisitEnded
from edge.outbox.draft import make_draft
from edge.outbox.store import OutboxStore
from simulator.outbox import read_outbox, session_counts


def row(committed: set[int], again: int = 0) -> dict[str, object]:
    """What central would say of these sequences."""
    highest = max(committed, default=0)
    missing = sorted(set(range(1, highest + 1)) - committed)
    gaps: list[list[int]] = []
    for number in missing:
        if gaps and gaps[-1][1] == number - 1:
            gaps[-1][1] = number
        else:
            gaps.append([number, number])
    high = (missing[0] - 1) if missing else highest
    return {"high_water": high, "gaps": gaps, "received": len(committed), "duplicates": again, "quarantined": 0}


@given(emitted=st.integers(0, 40), committed=st.sets(st.integers(1, 50)))
def test_received_is_exactly_what_central_has_of_ours(emitted: int, committed: set[int]) -> None:
    counts = session_counts("s", emitted, row(committed))
    assert counts.received == len({number for number in committed if number <= emitted})
    assert counts.doubled == 0


def test_an_unknown_session_is_lost_whole() -> None:
    assert session_counts("s", 5, None).received == 0


def test_an_event_committed_twice_is_seen() -> None:
    twice = {**row({1, 2, 3}), "received": 4}
    assert session_counts("s", 3, twice).doubled == 1


def test_the_outbox_is_read_beside_its_writer(tmp_path: Path) -> None:
    clock = SystemClock()
    store = OutboxStore(tmp_path / "outbox.db", clock)
    event = VisitEnded(visit="v", reason="exit", duration_s=1.0, at=clock.now())
    store.append([make_draft(event, "/demo/box-1", clock)] * 3)
    assert read_outbox(tmp_path / "outbox.db") == {store.session: 3}
    store.close()


def test_a_missing_outbox_is_an_error_not_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        read_outbox(tmp_path / "none.db")
