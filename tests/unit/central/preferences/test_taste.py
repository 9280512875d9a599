"""The taste model: arithmetic, what it learns, how sure it is, and whether it beats what is merely popular."""

from __future__ import annotations

import random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.preferences.algebra import cholesky, dot, inverse, solve
from central.preferences.evaluation import bootstrap, evaluate
from central.preferences.learning import counted
from central.preferences.population import generate
from central.preferences.taste import OTHERS, Belief, Item, Judged, fit, learn, popularity, space_of

ITEMS = [Item(f"S-{n}", 10000 + 100 * n, {"weight": 150.0 + 20 * n, "bass": float(n * 7 % 10)}, "c") for n in range(10)]
BY_SKU = {item.sku: item for item in ITEMS}
SPACE = space_of(ITEMS, {})


@given(st.integers(1, 8), st.integers(0, 10**6))
def test_linear_algebra(size: int, seed: int) -> None:
    rng = random.Random(seed)
    root = [[rng.gauss(0, 1) for _ in range(size)] for _ in range(size)]
    matrix = [[dot(a, b) + (0.5 if i == j else 0) for j, b in enumerate(root)] for i, a in enumerate(root)]
    right = [rng.gauss(0, 1) for _ in range(size)]
    lower = cholesky(matrix)
    x = solve(lower, right)
    assert [dot(row, x) for row in matrix] == pytest.approx(right, abs=1e-6)
    unit = inverse(lower)
    for i, row in enumerate(matrix):
        assert [dot(row, column) for column in unit] == pytest.approx([float(i == j) for j in range(size)], abs=1e-6)
    with pytest.raises(ValueError):
        cholesky([[-1.0]])


def test_without_opinions_it_is_the_prior() -> None:
    taste = fit(SPACE, [], BY_SKU, Belief({"weight": -0.5}, {"weight": 0.2}))
    place = SPACE.keys.index("weight")
    assert taste.mean[place] == pytest.approx(-0.5)
    assert taste.covariance[place][place] == pytest.approx(0.2)
    assert taste.touched == frozenset()


def test_ratings_of_a_parameter_teach_that_parameter_alone() -> None:
    said = [Judged("S-0", None, {"weight": 1.0}), Judged("S-9", None, {"weight": -1.0})]
    taste = fit(SPACE, said, BY_SKU, Belief())
    weight, bass = (SPACE.keys.index(key) for key in ("weight", "bass"))
    assert taste.mean[weight] < -0.1
    assert taste.sure(weight) > 0.8
    assert abs(taste.mean[bass]) < 1e-9
    assert taste.touched == {"weight"}


@given(st.lists(st.sampled_from(sorted(BY_SKU)), max_size=8), st.integers(0, 9))
def test_every_opinion_makes_surer_or_leaves_as_sure(skus: list[str], at: int) -> None:
    prior = Belief()
    before = fit(SPACE, [], BY_SKU, prior).score(ITEMS[at])[1]
    for count in range(1, len(skus) + 1):
        after = fit(SPACE, [Judged(sku, 1.0) for sku in skus[:count]], BY_SKU, prior).score(ITEMS[at])[1]
        assert after <= before + 1e-9
        before = after


@given(st.permutations(range(6)))
def test_the_order_of_opinions_does_not_matter(order: list[int]) -> None:
    said = [Judged(f"S-{n}", 1.0 if n % 2 else -1.0, {"weight": 0.5}) for n in range(6)]
    first = fit(SPACE, said, BY_SKU, Belief()).mean
    assert fit(SPACE, [said[n] for n in order], BY_SKU, Belief()).mean == pytest.approx(first)


def test_known_tastes_are_found_again() -> None:
    made = generate(people=60, seed=5, opinions=30, noise=0.1)
    by_sku = {item.sku: item for item in made.items}
    space = space_of(made.items, popularity(counted(made.opinions.values())))
    belief = learn(space, list(made.opinions.values()), by_sku, Belief())
    agreement = []
    for who, said in made.opinions.items():
        taste = fit(space, said, by_sku, belief)
        best = max(made.items, key=lambda item: taste.score(item)[0])
        rank = sorted(made.utility[who].values(), reverse=True).index(made.utility[who][best.sku])
        agreement.append(rank)
    assert fmean(agreement) < 4  # of 40; chance would be 19.5


def test_the_stated_uncertainty_is_about_right() -> None:
    """People drawn from the prior itself: their true weights lie within one sd as often as they should."""
    rng = random.Random(7)
    inside = []
    for _ in range(150):
        true = [rng.gauss(0, 0.12**0.5) if key != OTHERS else 0.6 for key in SPACE.keys]
        said = [Judged(item.sku, dot(true, SPACE.z(item)) + rng.gauss(0, 0.4**0.5)) for item in rng.sample(ITEMS, 5)]
        taste = fit(SPACE, said, BY_SKU, Belief())
        for place, key in enumerate(SPACE.keys):
            if key != OTHERS:
                inside.append(abs(taste.mean[place] - true[place]) <= taste.covariance[place][place] ** 0.5)
    assert 0.6 < fmean(inside) < 0.76  # 0.683


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_model_beats_popularity_and_a_cold_start_is_not_worse(seed: int) -> None:
    made = generate(seed=seed)
    report = evaluate(made.items, made.opinions, made.segments, seed)
    assert report is not None
    assert report.gain_pairwise.low > 0.02
    assert report.gain_ndcg3.low > 0
    assert report.cold_gain_pairwise.low > -0.02
    assert report.cold_gain_ndcg3.low > -0.02
    assert report.pairwise.mean > report.cold_pairwise.mean


def test_where_nobody_has_a_taste_popularity_is_not_lost() -> None:
    """Opinions that follow nothing but quality: there is nothing personal to find, and little may be made up."""
    made = generate(people=150, seed=4, apart=0.0, own=0.0)
    report = evaluate(made.items, made.opinions, made.segments)
    assert report is not None
    assert report.gain_pairwise.mean > -0.03
    assert report.cold_gain_pairwise.mean > -0.03


def test_shuffled_opinions_teach_nothing() -> None:
    """The same evaluation on opinions without any pattern comes out at chance: nothing leaks into it."""
    made = generate(seed=6, apart=0.0, own=0.0)
    rng = random.Random(1)
    noise = {who: [Judged(one.sku, rng.choice((-1.0, 1.0))) for one in said] for who, said in made.opinions.items()}
    report = evaluate(made.items, noise, made.segments)
    assert report is not None
    assert report.pairwise.low < 0.5 < report.pairwise.high + 0.03


def test_too_few_people_are_not_evaluated() -> None:
    assert evaluate(ITEMS, {"a": [Judged("S-1", 1.0), Judged("S-2", -1.0)]}) is None
    assert bootstrap([0.5] * 10, 1).low == 0.5


def test_only_what_enough_people_spoke_about_is_counted() -> None:
    four = [[Judged("S-1", 1.0)]] * 4
    assert counted(four) == {}
    assert counted([*four, [Judged("S-1", -1.0)]]) == {"S-1": (4, 1)}
