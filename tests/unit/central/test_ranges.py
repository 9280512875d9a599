"""The set of committed numbers against a plain set."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from central.ingest.ranges import MAX_RANGES, Committed

numbers = st.lists(st.integers(1, 60), max_size=120)


@given(numbers)
def test_it_is_a_set_with_a_mark(offered: list[int]) -> None:
    committed, plain = Committed(), set[int]()
    for number in offered:
        assert committed.add(number) == (number not in plain)
        plain.add(number)
    expected = next(n for n in range(1, 100) if n not in plain) - 1
    assert committed.high_water == expected
    assert {n for n in range(1, 100) if n in committed} == plain
    missing = {n for first, last in committed.gaps() for n in range(first, last + 1)}
    assert missing == set(range(1, max(plain, default=0) + 1)) - plain


@given(numbers)
def test_it_survives_being_written_down(offered: list[int]) -> None:
    committed = Committed()
    for number in offered:
        committed.add(number)
    assert Committed.load(committed.high_water, committed.dump()) == committed


def test_a_flood_of_holes_is_refused_and_takes_no_more_memory() -> None:
    committed = Committed()
    accepted = sum(committed.add(number) for number in range(2, 4 * MAX_RANGES, 2))
    assert accepted == MAX_RANGES
    assert committed.add(1)  # what fills a hole is always taken
    assert committed.high_water == 2
