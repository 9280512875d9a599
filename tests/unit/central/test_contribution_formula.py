"""Sharing one sale line: fair, bounded, explainable."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.contribution.formula import DEFAULT, DEFAULT_TEXT, KINDS, Deed, Formula, parse, shares
from central.rule_files import RuleFileError

SOLD = datetime(2026, 11, 20, 12, tzinfo=UTC)


def _deed(number: int, who: str, kind: str, hours: float = 1.0, sku: str | None = None) -> Deed:
    return Deed(number, who, kind, SOLD - timedelta(hours=hours), sku)  # type: ignore[arg-type]


deeds = st.lists(
    st.builds(
        _deed,
        st.integers(1, 50),
        st.sampled_from(["anna", "boris", "clara"]),
        st.sampled_from(KINDS),
        st.floats(-48, 24 * 90),
        st.sampled_from([None, "HP-1", "TV-1"]),
    ),
    max_size=20,
    unique_by=lambda deed: deed.id,
)
formulas = st.builds(
    Formula,
    version=st.just(1),
    window_days=st.integers(1, 60),
    half_life_days=st.floats(0.5, 60),
    other_article=st.floats(0, 1),
    saturation=st.floats(0, 10),
    most=st.floats(0.1, 1),
    least=st.floats(0, 0.3),
)


@given(formulas, deeds)
def test_a_line_is_never_shared_out_more_than_once(formula: Formula, done: list[Deed]) -> None:
    found = shares(formula, "HP-1", SOLD, done)
    assert sum(share.share for share in found) <= formula.most + 1e-9
    assert all(share.share >= formula.least for share in found)
    assert len({share.consultant for share in found}) == len(found)
    for share in found:
        assert share.reasons
        assert all(reason.deed.consultant == share.consultant for reason in share.reasons)


@given(formulas, deeds)
def test_the_order_in_which_things_became_known_changes_nothing(formula: Formula, done: list[Deed]) -> None:
    assert shares(formula, "HP-1", SOLD, done) == shares(formula, "HP-1", SOLD, list(reversed(done)))


@given(deeds, st.sampled_from(KINDS))
def test_doing_more_never_gives_less(done: list[Deed], kind: str) -> None:
    formula = Formula(version=1, least=0)
    before = {share.consultant: share.share for share in shares(formula, "HP-1", SOLD, done)}
    more = [*done, _deed(99, "anna", kind)]
    after = {share.consultant: share.share for share in shares(formula, "HP-1", SOLD, more)}
    assert after.get("anna", 0) >= before.get("anna", 0) - 1e-9


def test_the_one_who_suggested_it_has_most() -> None:
    found = shares(
        DEFAULT,
        "HP-1",
        SOLD,
        [
            _deed(1, "anna", "claimed"),
            _deed(2, "boris", "claimed"),
            _deed(3, "boris", "suggested", sku="HP-1"),
            _deed(4, "clara", "suggested", sku="TV-1", hours=24 * 29),
        ],
    )
    assert [share.consultant for share in found] == ["boris", "anna", "clara"]
    assert found[0].share == pytest.approx(5 / (1 + 5 + 0.24 + 1), abs=0.01)
    assert [reason.deed.kind for reason in found[0].reasons] == ["claimed", "suggested"]


def test_what_came_after_the_sale_or_long_before_it_does_not_count() -> None:
    assert shares(DEFAULT, "HP-1", SOLD, [_deed(1, "anna", "suggested", hours=-1)]) == ()
    assert shares(DEFAULT, "HP-1", SOLD, [_deed(1, "anna", "suggested", hours=24 * 31)]) == ()


def test_ten_opinions_are_not_ten_times_one() -> None:
    (many,) = shares(DEFAULT, "HP-1", SOLD, [_deed(n, "anna", "opinion") for n in range(10)])
    assert sum(reason.points for reason in many.reasons) == pytest.approx(4.5)


def test_the_text_that_is_offered_is_the_default() -> None:
    assert parse(DEFAULT_TEXT) == DEFAULT


def test_mistakes_are_named_with_their_line() -> None:
    with pytest.raises(RuleFileError, match=r"contribution.yaml:3: weights\.clamed"):
        parse("version: 1\nweights:\n  clamed: 3\n")
    with pytest.raises(RuleFileError, match=r"contribution.yaml:2: most"):
        parse("version: 1\nmost: 1.5\n")
