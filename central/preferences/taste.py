"""A person's taste as a Bayesian linear model over standardised parameters of a category. Pure and closed-form.

liking = intercept + w . z(product) + noise, with w ~ N(prior of the person's segment, between people). A rating of one
parameter says the same of that parameter alone. Bayesian ridge regression (Bishop, Pattern Recognition and Machine
Learning, 3.3.1); the priors by EM over people (ibid. 9.3.4). Linear on purpose: each weight can be read and said aloud.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import erf, log, sqrt
from statistics import fmean
from typing import Final, NamedTuple

from central.preferences.algebra import Matrix, cholesky, dot, inverse, quadratic, solve

OTHERS: Final = "liked by others"
"""The feature that stands for what other people thought of the product."""
MAX_FEATURES: Final = 14
LIKING_NOISE: Final = 0.4
RATING_NOISE: Final = 0.5
WEIGHT_VARIANCE: Final = 0.12
OTHERS_MEAN: Final = 0.6
INTERCEPT_VARIANCE: Final = 0.3
_SMOOTH: Final = 4.0
_FLOOR: Final = 0.01
_EM_ROUNDS: Final = 4


class Item(NamedTuple):
    """A product as taste sees it: figures by canonical parameter; yes and no are 1 and 0. `price` in minor units."""

    sku: str
    price: int
    values: Mapping[str, float]
    category: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """An opinion: overall -1..1 or None, and ratings -1..1 by canonical parameter."""

    sku: str
    overall: float | None
    ratings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Belief:
    """Mean and variance of each weight among people of a kind."""

    mean: Mapping[str, float] = field(default_factory=dict)
    variance: Mapping[str, float] = field(default_factory=dict)

    def of(self, key: str) -> tuple[float, float]:
        """Of one parameter; indifference when nothing is known."""
        start = OTHERS_MEAN if key == OTHERS else 0.0
        return self.mean.get(key, start), max(_FLOOR, self.variance.get(key, WEIGHT_VARIANCE))


@dataclass(frozen=True, slots=True)
class Space:
    """What products of a category differ in: usual value and spread of each parameter, and what is popular."""

    keys: tuple[str, ...]
    mean: Mapping[str, float]
    spread: Mapping[str, float]
    popular: Mapping[str, float]

    def z(self, item: Item) -> tuple[float, ...]:
        """Standardised values; what is not known counts as usual."""
        return tuple([self._z(item, key) for key in self.keys])

    def _z(self, item: Item, key: str) -> float:
        if key == OTHERS:
            return self.popular.get(item.sku, 0.0)
        value = value_of(item, key)
        return 0.0 if value is None else max(-3.0, min(3.0, (value - self.mean[key]) / self.spread[key]))

    def column(self, key: str, items: Sequence[Item]) -> list[float]:
        """One of them for many products."""
        if key == OTHERS:
            return [self.popular.get(item.sku, 0.0) for item in items]
        values = [value_of(item, key) for item in items]
        mean, spread = self.mean[key], self.spread[key]
        return [0.0 if value is None else max(-3.0, min(3.0, (value - mean) / spread)) for value in values]


def value_of(item: Item, key: str) -> float | None:
    """A parameter's figure; the price by its logarithm, because people feel shares."""
    if key == "price":
        return log(max(1, item.price))
    return item.values.get(key)


def grouped(items: Iterable[Item]) -> Mapping[str, list[Item]]:
    """Items by category."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.category, []).append(item)
    return found


def popularity(likes: Mapping[str, tuple[int, int]]) -> dict[str, float]:
    """(liked, disliked) by SKU as -1..1, drawn to 0 where few spoke."""
    return {sku: (good - bad) / (good + bad + _SMOOTH) for sku, (good, bad) in likes.items()}


def space_of(items: Sequence[Item], popular: Mapping[str, float]) -> Space:
    """The parameters in which the products differ, the most widely stated first."""
    counts: dict[str, list[float]] = {"price": [log(max(1, item.price)) for item in items]}
    for item in items:
        for key, value in item.values.items():
            counts.setdefault(key, []).append(value)
    stated = [
        (len(values), key)
        for key, values in counts.items()
        if len(values) >= max(2, len(items) // 4) and max(values) > min(values)
    ]
    keys = [key for _, key in sorted(stated, key=lambda pair: (-pair[0], pair[1]))][:MAX_FEATURES]
    return Space(
        (*keys, OTHERS),
        {key: fmean(counts[key]) for key in keys},
        {key: _spread(counts[key]) or 1.0 for key in keys},
        popular,
    )


def _spread(values: Sequence[float]) -> float:
    """Standard deviation. The library's reckons in fractions: ten times slower, and no digit of it is needed here."""
    centre = fmean(values)
    return sqrt(fmean([(value - centre) ** 2 for value in values]))


@dataclass(frozen=True, slots=True)
class Taste:
    """What is believed of one person: mean and covariance of the weights, in the order of `space.keys`."""

    space: Space
    mean: tuple[float, ...]
    covariance: Matrix
    opinions: int
    touched: frozenset[str]
    """Parameters their own opinions said something about."""

    def likings(self, items: Sequence[Item]) -> list[float]:
        """Expected liking of each; the product of usual values is 0."""
        totals = [0.0] * len(items)
        for weight, key in zip(self.mean, self.space.keys, strict=True):
            column = self.space.column(key, items)
            totals = [total + weight * z for total, z in zip(totals, column, strict=True)]
        return totals

    def score(self, item: Item) -> tuple[float, float]:
        """Expected liking (the product of usual values is 0) and its standard deviation."""
        z = self.space.z(item)
        return dot(self.mean, z), sqrt(max(0.0, quadratic(self.covariance, z)))

    def sure(self, place: int) -> float:
        """Probability that the weight has the sign of its mean."""
        sd = sqrt(self.covariance[place][place])
        return 0.5 * (1 + erf(abs(self.mean[place]) / sd / sqrt(2)))


def fit(space: Space, judged: Sequence[Judged], items: Mapping[str, Item], prior: Belief) -> Taste:
    """The posterior after these opinions; without any it is the prior."""
    size = len(space.keys)
    beliefs = [prior.of(key) for key in space.keys]
    # Two intercepts: people differ in how freely they praise, products and parameters apart.
    precision = [[0.0] * (size + 2) for _ in range(size + 2)]
    right = [0.0] * (size + 2)
    for place, (mean, variance) in enumerate(beliefs):
        precision[place][place] = 1 / variance
        right[place] = mean / variance
    for place in (size, size + 1):
        precision[place][place] = 1 / INTERCEPT_VARIANCE
    touched = set()
    for opinion in judged:
        item = items.get(opinion.sku)
        if item is None:
            continue
        z = space.z(item)
        for row, target, noise in _rows(space.keys, opinion, z, size):
            _add(precision, right, row, target, noise)
            touched |= {space.keys[place] for place, _ in row if place < size}
    lower = cholesky(precision)
    weights, covariance = solve(lower, right), inverse(lower)
    return Taste(
        space, tuple(weights[:size]), [row[:size] for row in covariance[:size]], len(judged), frozenset(touched)
    )


Sparse = list[tuple[int, float]]


def _rows(keys: Sequence[str], opinion: Judged, z: Sequence[float], size: int) -> list[tuple[Sparse, float, float]]:
    rows: list[tuple[Sparse, float, float]] = []
    if opinion.overall is not None:
        rows.append(([(i, v) for i, v in enumerate(z) if v] + [(size, 1.0)], opinion.overall, LIKING_NOISE))
    rows.extend(
        ([(place, z[place]), (size + 1, 1.0)], opinion.ratings[key], RATING_NOISE)
        for place, key in enumerate(keys)
        if key in opinion.ratings and z[place]
    )
    return rows


def _add(precision: Matrix, right: list[float], row: Sparse, target: float, noise: float) -> None:
    for i, x in row:
        right[i] += x * target / noise
        for j, y in row:
            precision[i][j] += x * y / noise


def learn(space: Space, people: Sequence[Sequence[Judged]], items: Mapping[str, Item], start: Belief) -> Belief:
    """Mean and spread of the weights among people, by EM: each person's posterior, then the Gaussian that fits them."""
    belief, count = start, len(people)
    if not count:
        return start
    for _ in range(_EM_ROUNDS):
        tastes = [fit(space, judged, items, belief) for judged in people]
        mean: dict[str, float] = {}
        variance: dict[str, float] = {}
        for at, key in enumerate(space.keys):
            before, spread = start.of(key)
            centre = (sum(taste.mean[at] for taste in tastes) + 2 * before) / (count + 2)
            around = [(taste.mean[at] - centre) ** 2 + taste.covariance[at][at] for taste in tastes]
            mean[key], variance[key] = centre, (sum(around) + 2 * spread) / (count + 2)
        belief = Belief(mean, variance)
    return belief


def overall_of(liked: bool | None, ratings: Mapping[str, float]) -> float | None:
    """Overall liking; from the ratings when nobody said it."""
    if liked is not None:
        return 1.0 if liked else -1.0
    return fmean(ratings.values()) if ratings else None
