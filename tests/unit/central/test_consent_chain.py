"""One changed byte anywhere in the chain of consents is found (PRIVACY P4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from central.privacy.chain import GENESIS, Link, first_break, link_hash

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _chain(length: int) -> list[tuple[Link, str, str]]:
    rows, previous = [], GENESIS
    for number in range(1, length + 1):
        link = Link(number, f"s{number}", {"identify": True}, "1", "0" * 64, "page", NOW, NOW)
        digest = link_hash(link, previous)
        rows.append((link, previous, digest))
        previous = digest
    return rows


CHANGES = {
    "subject": "somebody else",
    "purposes": {"identify": False},
    "text_version": "2",
    "text_sha256": "1" * 64,
    "channel": "kiosk",
    "given_at": NOW + timedelta(milliseconds=1),
    "recorded_at": NOW - timedelta(days=1),
}


def test_a_whole_chain_is_whole() -> None:
    assert first_break(_chain(20)) is None
    assert first_break([]) is None


@given(st.integers(0, 9), st.sampled_from(sorted(CHANGES)))
def test_a_changed_field_is_found_at_its_place(place: int, field: str) -> None:
    rows = _chain(10)
    link, previous, digest = rows[place]
    rows[place] = (replace(link, **{field: CHANGES[field]}), previous, digest)
    assert first_break(rows) == place + 1


@given(st.integers(0, 8))
def test_a_removed_record_is_found(place: int) -> None:
    rows = _chain(10)
    del rows[place]
    assert first_break(rows) is not None
