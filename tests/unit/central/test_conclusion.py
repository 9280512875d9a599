"""An identity concluded from evidence does not depend on the order of its arrival."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from central.visits.conclusion import Clue, conclude

START = datetime(2026, 1, 1, tzinfo=UTC)


def _clue(
    subject: str = "s", stage: str = "final", outcome: str = "known", second: int = 0, confidence: float = 0.9
) -> Clue:
    at = START + timedelta(seconds=second)
    return Clue(subject, "face", stage, outcome, confidence, at, at)


clues = st.lists(
    st.builds(
        _clue,
        subject=st.sampled_from("ab"),
        stage=st.sampled_from(["provisional", "final"]),
        outcome=st.sampled_from(["known", "retracted"]),
        second=st.integers(0, 50),
    ),
    unique_by=lambda clue: clue.at,
    max_size=6,
)


@given(clues.flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_order_does_not_matter(pair: tuple[list[Clue], list[Clue]]) -> None:
    assert conclude(pair[0]) == conclude(pair[1])


def test_final_beats_a_later_provisional() -> None:
    best = conclude([_clue("a", second=1), _clue("b", stage="provisional", second=5)])
    assert best is not None
    assert best.subject == "a"


def test_a_retraction_stands() -> None:
    best = conclude([_clue(stage="provisional"), _clue(outcome="retracted", second=2)])
    assert best is not None
    assert best.outcome == "retracted"


def test_latency_is_measured_from_the_first_usable_face() -> None:
    best = conclude([_clue(stage="provisional", second=1), _clue(second=3)])
    assert best is not None
    assert best.first_usable_at == START + timedelta(seconds=1)
    assert conclude([]) is None
