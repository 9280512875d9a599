"""The node's measured offset: the least delayed receipt counts, a set clock starts afresh."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from edge.clock_offset import ClockOffset

SENT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def test_nothing_is_claimed_before_the_first_receipt() -> None:
    assert ClockOffset().seconds is None


@given(
    offset=st.floats(-3600, 3600),
    delays=st.lists(st.floats(0.001, 5.0), min_size=1, max_size=32),
)
def test_the_estimate_errs_by_the_shortest_delay_at_most(offset: float, delays: list[float]) -> None:
    measured = ClockOffset()
    for delay in delays:
        measured.step(SENT, SENT + timedelta(seconds=offset + delay))
    assert measured.seconds is not None
    assert -0.002 <= measured.seconds - offset <= min(delays) + 0.002


def test_a_clock_that_was_set_is_measured_anew() -> None:
    measured = ClockOffset()
    measured.step(SENT, SENT + timedelta(seconds=0.01))
    measured.step(SENT, SENT + timedelta(hours=1))
    assert measured.seconds == 3600.0
