"""A made-up clientele with rhythms and sequences, to measure predictions where no sales are at hand."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from central.predictions.model import Purchase

CONSUMABLES: Final = {"ink": 45.0, "filter": 90.0, "coffee": 24.0, "brush": 80.0, "tablets": 35.0}
"""Days until most people need another one."""
LEADS_TO: Final = {
    "printer": "ink", "coffee-machine": "coffee", "toothbrush": "brush", "dishwasher": "tablets", "purifier": "filter",
    "phone": "case", "camera": "lens", "console": "gamepad", "turntable": "vinyl",
}  # fmt: skip
OTHERS: Final = tuple(f"thing-{number:02d}" for number in range(40))
SHAPE: Final = 6.0
"""Of the gamma distribution of pauses: a standard deviation of 40 % of the mean."""


@dataclass(frozen=True, slots=True)
class Clientele:
    """Baskets, and what each article is."""

    purchases: list[Purchase]
    categories: dict[str, str]


def generate(people: int, days: float = 730.0, seed: int = 1) -> Clientele:
    """Everybody buys durable things now and then; some of these need refills, or call for something to go with them.

    Rhythms are gamma distributed around each person's own mean: not the distribution the model assumes.
    """
    rng = random.Random(seed)
    baskets: dict[tuple[str, int], set[str]] = defaultdict(set)
    for number in range(people):
        _person(f"p{number}", rng, days, baskets)
    categories = dict.fromkeys(CONSUMABLES, "refills") | dict.fromkeys(LEADS_TO, "devices")
    found = [Purchase(person, float(day), frozenset(skus)) for (person, day), skus in sorted(baskets.items())]
    return Clientele(found, categories)


def _person(name: str, rng: random.Random, days: float, baskets: dict[tuple[str, int], set[str]]) -> None:
    day = rng.uniform(0, days / 2)
    own: set[str] = set()
    while day < days:
        device = rng.choice((*LEADS_TO, *OTHERS))
        if device not in own:
            own.add(device)
            baskets[name, int(day)].add(device)
            if device in LEADS_TO and rng.random() < 0.7:
                _follow(name, LEADS_TO[device], day, rng, days, baskets)
        # Small noise that nobody can foretell: what is popular.
        day += rng.expovariate(1 / 70)
        if day < days and rng.random() < 0.3:
            baskets[name, int(day)].add(OTHERS[min(int(rng.expovariate(0.25)), len(OTHERS) - 1)])


def _follow(
    name: str, sku: str, day: float, rng: random.Random, days: float, baskets: dict[tuple[str, int], set[str]]
) -> None:
    day += rng.uniform(3, 25)
    if sku not in CONSUMABLES:
        if day < days:
            baskets[name, int(day)].add(sku)
        return
    own_mean = CONSUMABLES[sku] * rng.lognormvariate(0, 0.35)
    while day < days:
        baskets[name, int(day)].add(sku)
        day += rng.gammavariate(SHAPE, own_mean / SHAPE)
