"""How good predictions are: learned from the sales before a day, asked about those after it. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Final

from central.predictions.model import Again, Purchase, candidates, learn, replenishment

TOP: Final = (1, 3, 5)
LEAST_PEOPLE: Final = 20


@dataclass(frozen=True, slots=True)
class Report:
    """Hit rates: share of customers whose next basket holds one of the first k. The baseline names what was bought
    last, then what is popular; `frequent` what this customer bought most often, then what is popular. Dates: of
    repeat purchases whose window ended before the data did, the share that fell into it (0.5 would be perfect) or
    before its median (0.5), and the median error in days beside that of "after the same time as last time".
    """

    people: int
    hit: Mapping[str, float]
    baseline: Mapping[str, float]
    frequent: Mapping[str, float]
    dates: int
    in_window: float | None
    before_median: float | None
    error_days: float | None
    baseline_error_days: float | None

    def as_json(self) -> dict[str, object]:
        """For printing."""
        return {
            key: {name: round(number, 3) for name, number in value.items()}
            if isinstance(value, Mapping)
            else round(value, 3)
            if isinstance(value, float)
            else value
            for key, value in asdict(self).items()
        }


def evaluate(purchases: Sequence[Purchase], categories: Mapping[str, str], held_out: float = 0.25) -> Report | None:
    """None when fewer than 20 people bought both before and after the cut (the last quarter of the time)."""
    if not purchases:
        return None
    first, end = min(p.day for p in purchases), max(p.day for p in purchases)
    cut = end - (end - first) * held_out
    before = [purchase for purchase in purchases if purchase.day < cut]
    past, future = _people(before), _people([purchase for purchase in purchases if purchase.day >= cut])
    both = sorted(past.keys() & future.keys())
    if len(both) < LEAST_PEOPLE:
        return None
    model = learn(before, categories)
    popular = [sku for sku, _ in Counter(sku for basket in before for sku in basket.skus).most_common()]
    hits: Counter[int] = Counter()
    others: Counter[int] = Counter()
    often: Counter[int] = Counter()
    for person in both:
        real = future[person][0].skus
        named = [found.sku for found in candidates(model, past[person], cut, max(TOP))]
        last = list(dict.fromkeys([*sorted(past[person][-1].skus), *popular[: max(TOP)]]))
        own = Counter(sku for basket in past[person] for sku in sorted(basket.skus))
        most = list(dict.fromkeys([*(sku for sku, _ in own.most_common(max(TOP))), *popular[: max(TOP)]]))
        for top in TOP:
            hits[top] += bool(real & set(named[:top]))
            others[top] += bool(real & set(last[:top]))
            often[top] += bool(real & set(most[:top]))
    expected = [(person, again) for person in past for again in replenishment(model, past[person], cut)]
    dates = _Dates(past, future, end)
    for person, again in expected:
        dates.take(person, again)
    return Report(
        people=len(both),
        hit={f"@{top}": hits[top] / len(both) for top in TOP},
        baseline={f"@{top}": others[top] / len(both) for top in TOP},
        frequent={f"@{top}": often[top] / len(both) for top in TOP},
        **dates.figures(),  # type: ignore[arg-type]
    )


def _people(purchases: Sequence[Purchase]) -> dict[str, list[Purchase]]:
    found: dict[str, list[Purchase]] = defaultdict(list)
    for purchase in sorted(purchases, key=lambda purchase: purchase.day):
        found[purchase.person].append(purchase)
    return found


def _bought(baskets: Sequence[Purchase], sku: str) -> list[float]:
    return [basket.day for basket in baskets if sku in basket.skus]


class _Dates:
    """Windows against what happened. Only windows that ended within the data: later ones cannot be judged."""

    def __init__(
        self,
        past: Mapping[str, Sequence[Purchase]],
        future: Mapping[str, Sequence[Purchase]],
        end: float,
    ) -> None:
        self._past, self._future, self._end = past, future, end
        self._inside: list[bool] = []
        self._early: list[bool] = []
        self._errors: list[float] = []
        self._others: list[float] = []

    def take(self, person: str, again: Again) -> None:
        if again.times < 2 or again.upper > self._end:
            return
        real = next(iter(_bought(self._future.get(person, ()), again.sku)), None)
        self._inside.append(real is not None and again.lower <= real <= again.upper)
        self._early.append(real is not None and real <= again.next)
        if real is None:
            return
        days = _bought(self._past[person], again.sku)
        self._errors.append(abs(real - again.next))
        self._others.append(abs(real - (days[-1] + (days[-1] - days[-2]))))

    def figures(self) -> dict[str, float | int | None]:
        return {
            "dates": len(self._inside),
            "in_window": fmean(self._inside) if self._inside else None,
            "before_median": fmean(self._early) if self._early else None,
            "error_days": median(self._errors) if self._errors else None,
            "baseline_error_days": median(self._others) if self._others else None,
        }
