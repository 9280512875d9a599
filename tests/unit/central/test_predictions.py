"""Predictions: rhythms, sequences, and that they beat what anybody would guess."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.errors import MisconfiguredError
from central.predictions import history
from central.predictions.evaluation import Report, evaluate
from central.predictions.model import Model, Purchase, candidates, learn, replenishment
from central.predictions.population import generate


def _every(person: str, sku: str, days: float, times: int, start: float = 0.0) -> list[Purchase]:
    return [Purchase(person, start + number * days, frozenset({sku})) for number in range(times)]


@pytest.fixture(scope="module")
def reports() -> list[Report]:
    made = [generate(400, seed=seed) for seed in (1, 2, 3)]
    found = [evaluate(one.purchases, one.categories) for one in made]
    return [report for report in found if report is not None]


def test_later_purchases_are_foretold_better_than_by_the_last_and_the_most_popular(reports: list[Report]) -> None:
    assert len(reports) == 3
    for report in reports:
        for top in ("@1", "@3", "@5"):
            assert report.hit[top] > report.baseline[top] * 1.25, (top, report)


def test_the_window_of_dates_holds_what_it_says(reports: list[Report]) -> None:
    assert sum(report.dates for report in reports) > 200
    assert fmean(report.in_window or 0 for report in reports) == pytest.approx(0.5, abs=0.08)
    assert fmean(report.before_median or 0 for report in reports) == pytest.approx(0.5, abs=0.08)
    for report in reports:
        assert report.error_days is not None
        assert report.baseline_error_days is not None
        assert report.error_days < report.baseline_error_days


def test_a_customer_with_a_history_follows_their_own_rhythm_and_a_new_one_everybodys() -> None:
    others = [basket for number in range(30) for basket in _every(f"p{number}", "ink", 30 + number % 5, 8)]
    model = learn(others, {})
    slow, fresh = _every("slow", "ink", 90, 6), _every("fresh", "ink", 1, 1, start=450)
    (own,) = replenishment(model, slow, 451)
    (usual,) = replenishment(model, fresh, 451)
    assert own.next - own.last > 60
    assert own.own > 0.8
    assert usual.own == 0
    assert 20 < usual.next - usual.last < 50


def test_articles_that_nobody_buys_again_and_few_people_bought_promise_nothing() -> None:
    single = [Purchase(f"p{number}", float(number), frozenset({"fridge"})) for number in range(20)]
    pair = [*_every("a", "rare", 10, 5), *_every("b", "rare", 10, 5)]
    model = learn([*single, *pair], {})
    assert set(model.rhythms) == set()
    assert "rare" not in model.popular
    assert replenishment(model, single[:1], 30) == []


def test_what_others_bought_next_is_a_candidate_with_its_reason() -> None:
    baskets = []
    for number in range(20):
        baskets.append(Purchase(f"p{number}", 0.0, frozenset({"phone"})))
        baskets.append(Purchase(f"p{number}", 9.0, frozenset({"case" if number % 4 else "lens"})))
    model = learn(baskets, {})
    best, *_ = candidates(model, [Purchase("new", 100.0, frozenset({"phone"}))], 101)
    assert (best.sku, best.after) == ("case", "phone")
    assert candidates(Model(), [], 0.0) == []


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.floats(0, 700), st.sets(st.sampled_from(["x", "y", "z"]), min_size=1)),
        max_size=40,
    ),
    st.floats(0, 900),
)
def test_whatever_was_bought_windows_are_in_order_and_not_in_the_past(
    baskets: list[tuple[str, float, set[str]]], waited: float
) -> None:
    every = [Purchase(person, day, frozenset(skus)) for person, day, skus in baskets]
    model = learn(every, {"x": "refills"})
    today = max((purchase.day for purchase in every), default=0.0) + waited
    for person in "abcd":
        own = [purchase for purchase in every if purchase.person == person]
        for again in replenishment(model, own, today):
            assert again.lower <= again.next <= again.upper
            assert again.lower >= today - 1e-6
        for candidate in candidates(model, own, today):
            assert 0 <= candidate.score <= 1.0000001
    assert Model.model_validate(model.model_dump()) == model


def test_an_order_history_is_read_from_a_file_and_mistakes_are_named(tmp_path: Path) -> None:
    made = generate(60, seed=4)
    file = tmp_path / "orders.csv"
    start = datetime(2024, 1, 1, tzinfo=UTC)
    lines = [
        f"{basket.person},{(start + timedelta(days=basket.day)).isoformat()},{sku},{made.categories.get(sku, '')}"
        for basket in made.purchases
        for sku in sorted(basket.skus)
    ]
    file.write_text("\n".join(["customer,at,sku,category", *lines]), encoding="utf-8")
    found = history.read(file)
    assert [purchase.skus for purchase in found.purchases] == [
        purchase.skus for purchase in sorted(made.purchases, key=lambda one: (one.day, one.person))
    ]
    report, direct = evaluate(found.purchases, found.categories), evaluate(made.purchases, made.categories)
    assert report is not None
    assert direct is not None
    assert (report.people, report.dates, report.frequent.keys()) == (direct.people, direct.dates, report.hit.keys())
    file.write_text("customer,at,sku\nc1,yesterday,HP-1\n", encoding="utf-8")
    with pytest.raises(MisconfiguredError, match=r"orders\.csv:2: at: 'yesterday'"):
        history.read(file)
    file.write_text("who,when\n", encoding="utf-8")
    with pytest.raises(MisconfiguredError, match="customer, at, sku is missing"):
        history.read(file)
