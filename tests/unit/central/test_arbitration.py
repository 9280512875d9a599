"""Who may see what at a shelf, for any crowd."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from central.labels.arbitration import Occupant, Personal, Public, decide

occupant = st.builds(
    Occupant,
    track=st.sampled_from(["a", "b", "c"]),
    visit=st.none() | st.sampled_from(["v1", "v2"]),
    dwelled=st.booleans(),
    allowed=st.booleans(),
)


@given(st.lists(occupant, max_size=4))
def test_personal_only_for_one_identified_consenting_person_alone(crowd: list[Occupant]) -> None:
    decision = decide(crowd)
    if isinstance(decision, Personal):
        (one,) = crowd
        assert (one.visit, one.dwelled, one.allowed) == (decision.visit, True, True)


@given(st.lists(occupant, min_size=1, max_size=3), occupant)
def test_whoever_joins_makes_it_public(crowd: list[Occupant], another: Occupant) -> None:
    assert decide([*crowd, another]) == Public("shared")


def test_reasons() -> None:
    assert decide([]) == Public("left")
    assert decide([Occupant("a", "v1", True, False)]) == Public("withdrawn")
    assert decide([Occupant("a", "v1", True, True)]) == Personal("v1")
