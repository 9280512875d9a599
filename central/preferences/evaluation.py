"""How well tastes predict opinions that were held back, beside what is merely popular. Pure.

Pairs: of two products one person judged differently, both held back, which one is liked more? NDCG@3: half of a
person's products held back and ranked (Jarvelin, Kekalainen 2002). Priors and popularity come from other people only
(folds over people), so nothing of the person leaks. Intervals: bootstrap over people.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from math import log2
from statistics import fmean
from typing import Final

from central.preferences.learning import EVERYBODY, counted
from central.preferences.taste import Belief, Item, Judged, Space, fit, learn, popularity, space_of

FOLDS: Final = 5
BOOTSTRAPS: Final = 1000
MOST_PAIRS: Final = 30
_DEPTH: Final = 3
Scorer = Callable[[Sequence[Judged]], Callable[[Item], float]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over people with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Report:
    """`gain_*`: ours minus popularity, person by person. `cold_*`: knowing nothing of the person but their segment."""

    people: int
    opinions: int
    pairs: int
    pairwise: Figure
    pairwise_popularity: Figure
    gain_pairwise: Figure
    ndcg3: Figure
    ndcg3_popularity: Figure
    gain_ndcg3: Figure
    cold_pairwise: Figure
    cold_gain_pairwise: Figure
    cold_ndcg3: Figure
    cold_gain_ndcg3: Figure

    def as_json(self) -> dict[str, object]:
        """Rounded, for people and machines."""
        return {name: _rounded(value) for name, value in asdict(self).items()}


def _rounded(value: object) -> object:
    return {key: round(part, 4) for key, part in value.items()} if isinstance(value, dict) else value


@dataclass(frozen=True, slots=True)
class _World:
    """What other people told: no opinion of the people tested is in it."""

    space: Space
    items: Mapping[str, Item]
    beliefs: Mapping[str, Belief]

    def belief(self, segments: Sequence[str]) -> Belief:
        return next((self.beliefs[name] for name in segments if name in self.beliefs), self.beliefs[EVERYBODY])


def evaluate(
    items: Sequence[Item],
    opinions: Mapping[str, Sequence[Judged]],
    segments: Mapping[str, Sequence[str]] | None = None,
    seed: int = 1,
) -> Report | None:
    """None when nobody judged two products differently, or there are fewer people than folds."""
    by_sku = {item.sku: item for item in items}
    known = {
        who: [one for one in said if one.sku in by_sku and one.overall is not None] for who, said in opinions.items()
    }
    people = sorted(who for who, said in known.items() if len({one.overall for one in said}) > 1)
    if len(people) < FOLDS:
        return None
    rows: list[_Row] = []
    for fold in range(FOLDS):
        tested = people[fold::FOLDS]
        others = {who: said for who, said in known.items() if who not in set(tested)}
        world = _world(items, by_sku, others, segments or {})
        rows += [_person(world, known[who], (segments or {}).get(who, ()), random.Random(seed)) for who in tested]
    return _report(rows, sum(len(known[who]) for who in people), seed)


def _world(
    items: Sequence[Item],
    by_sku: Mapping[str, Item],
    others: Mapping[str, Sequence[Judged]],
    segments: Mapping[str, Sequence[str]],
) -> _World:
    space = space_of(items, popularity(counted(others.values(), 1)))
    everybody = learn(space, list(others.values()), by_sku, Belief())
    beliefs = {EVERYBODY: everybody}
    for name in sorted({segment for who in others for segment in segments.get(who, ())}):
        members = [said for who, said in others.items() if name in segments.get(who, ())]
        beliefs[name] = learn(space, members, by_sku, everybody)
    return _World(space, by_sku, beliefs)


@dataclass(frozen=True, slots=True)
class _Row:
    pairs: int
    ours: float
    popular: float
    cold: float
    ndcg: float
    ndcg_popular: float
    ndcg_cold: float


def _person(world: _World, said: Sequence[Judged], segments: Sequence[str], rng: random.Random) -> _Row:
    belief = world.belief(segments)

    def own(known: Sequence[Judged]) -> Callable[[Item], float]:
        taste = fit(world.space, known, world.items, belief)
        return lambda item: taste.score(item)[0]

    def cold(_: Sequence[Judged]) -> Callable[[Item], float]:
        return own(())

    def popular(_: Sequence[Judged]) -> Callable[[Item], float]:
        return lambda item: world.space.popular.get(item.sku, 0.0)

    pairs = [(a, b) for a, b in combinations(said, 2) if a.overall != b.overall]
    pairs = rng.sample(pairs, min(len(pairs), MOST_PAIRS))
    halves = (said[::2], said[1::2])
    return _Row(
        len(pairs),
        *(_pairwise(world, said, pairs, scorer) for scorer in (own, popular, cold)),
        *(_ndcg(world, halves, scorer) for scorer in (own, popular, cold)),
    )


def _pairwise(world: _World, said: Sequence[Judged], pairs: Sequence[tuple[Judged, Judged]], scorer: Scorer) -> float:
    """Share of pairs in the right order; a tie is half right."""
    right = 0.0
    for a, b in pairs:
        score = scorer([one for one in said if one is not a and one is not b])
        apart = score(world.items[a.sku]) - score(world.items[b.sku])
        better = (a.overall or 0.0) - (b.overall or 0.0)
        right += 0.5 if apart == 0 else float((apart > 0) == (better > 0))
    return right / len(pairs)


def _ndcg(world: _World, halves: tuple[Sequence[Judged], Sequence[Judged]], scorer: Scorer) -> float:
    found = []
    for held, known in (halves, halves[::-1]):
        ideal = _gain(sorted((_relevance(one) for one in held), reverse=True))
        if ideal > 0:
            score = scorer(known)
            # Ties by SKU: an order that knows nothing must not gain from how the opinions were given.
            order = sorted(held, key=lambda one: (-score(world.items[one.sku]), one.sku))
            found.append(_gain([_relevance(one) for one in order]) / ideal)
    return fmean(found) if found else 1.0


def _relevance(one: Judged) -> float:
    return ((one.overall or 0.0) + 1) / 2


def _gain(relevances: Sequence[float]) -> float:
    return sum(value / log2(place + 2) for place, value in enumerate(relevances[:_DEPTH]))


def _report(rows: Sequence[_Row], opinions: int, seed: int) -> Report:
    def figure(of: Callable[[_Row], float]) -> Figure:
        return bootstrap([of(row) for row in rows], seed)

    return Report(
        people=len(rows),
        opinions=opinions,
        pairs=sum(row.pairs for row in rows),
        pairwise=figure(lambda row: row.ours),
        pairwise_popularity=figure(lambda row: row.popular),
        gain_pairwise=figure(lambda row: row.ours - row.popular),
        ndcg3=figure(lambda row: row.ndcg),
        ndcg3_popularity=figure(lambda row: row.ndcg_popular),
        gain_ndcg3=figure(lambda row: row.ndcg - row.ndcg_popular),
        cold_pairwise=figure(lambda row: row.cold),
        cold_gain_pairwise=figure(lambda row: row.cold - row.popular),
        cold_ndcg3=figure(lambda row: row.ndcg_cold),
        cold_gain_ndcg3=figure(lambda row: row.ndcg_cold - row.ndcg_popular),
    )


def bootstrap(values: Sequence[float], seed: int) -> Figure:
    """Mean and percentile interval over resampled people."""
    rng = random.Random(seed)
    means = sorted(fmean(rng.choices(values, k=len(values))) for _ in range(BOOTSTRAPS))
    return Figure(fmean(values), means[round(0.025 * BOOTSTRAPS)], means[round(0.975 * BOOTSTRAPS) - 1])
