"""A generated population with known tastes: to see whether the model finds what is there to be found. Deterministic."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Final

from central.preferences.taste import Item, Judged

_PARAMETERS: Final = {"weight": (250, 60), "bass": (5, 2), "noise": (30, 6), "battery": (28, 8), "treble": (5, 2)}
_KEYS: Final = (*_PARAMETERS, "price")


@dataclass(frozen=True, slots=True)
class Population:
    """Products, opinions by person, their segments, and the true utility of each product for each person."""

    items: Sequence[Item]
    opinions: Mapping[str, Sequence[Judged]]
    segments: Mapping[str, Sequence[str]]
    utility: Mapping[str, Mapping[str, float]]


def generate(
    people: int = 120,
    products: int = 40,
    opinions: int = 8,
    seed: int = 1,
    segments: int = 3,
    apart: float = 0.7,
    own: float = 0.5,
    noise: float = 0.5,
) -> Population:
    """`apart`: spread of tastes between segments; `own`: within one; `noise`: of an opinion about a taste."""
    rng = random.Random(seed)
    items = [_item(rng, number) for number in range(products)]
    z = {item.sku: _standard(item, items) for item in items}
    centres = [{key: rng.gauss(0, apart) for key in _KEYS} for _ in range(segments)]
    said, belongs, utility = {}, {}, {}
    for number in range(people):
        segment, subject = number % segments, f"{number:032x}"
        weights = {key: centres[segment][key] + rng.gauss(0, own) for key in _KEYS}
        # Quality that no parameter tells: what makes a product popular with everybody.
        utility[subject] = {item.sku: _dot(weights, z[item.sku]) + _quality(item) for item in items}
        belongs[subject] = (f"segment-{segment}",)
        said[subject] = [
            _opinion(rng, item, weights, z[item.sku], utility[subject][item.sku], noise)
            for item in rng.sample(items, opinions)
        ]
    return Population(items, said, belongs, utility)


def _item(rng: random.Random, number: int) -> Item:
    values = {key: rng.gauss(*spread) for key, spread in _PARAMETERS.items()}
    return Item(f"S-{number}", round(10 ** rng.uniform(5.5, 6.7)), values, "Headphones")


def _quality(item: Item) -> float:
    return random.Random(item.sku).gauss(0, 0.5)


def _standard(item: Item, items: Sequence[Item]) -> dict[str, float]:
    found = {key: (item.values[key] - mean) / spread for key, (mean, spread) in _PARAMETERS.items()}
    logs = [log(other.price) for other in items]
    centre = sum(logs) / len(logs)
    spread = (sum((value - centre) ** 2 for value in logs) / len(logs)) ** 0.5
    return {**found, "price": (log(item.price) - centre) / spread}


def _dot(weights: Mapping[str, float], z: Mapping[str, float]) -> float:
    return sum(weight * z[key] for key, weight in weights.items())


def _opinion(
    rng: random.Random, item: Item, weights: Mapping[str, float], z: Mapping[str, float], utility: float, noise: float
) -> Judged:
    told = rng.sample(sorted(_PARAMETERS), 2)
    ratings = {key: max(-2, min(2, round(weights[key] * z[key] + rng.gauss(0, noise)))) / 2 for key in told}
    return Judged(item.sku, 1.0 if utility + rng.gauss(0, noise) > 0 else -1.0, ratings)
