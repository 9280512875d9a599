"""When something is bought again and what is bought next, learned from many people's purchases. Pure.

Replenishment: the logarithms of the days between two purchases of one article are normal around the customer's own
mean, and customers' means are normal around the article's (a renewal process with lognormal intervals and partial
pooling: Gelman & Hill 2007, ch. 12). Articles with few intervals lean on their category, categories on everything.
With every own interval the customer's own rhythm counts for more. That nothing was bought since the last purchase is
taken into account: the distribution is cut off there.

Next purchase: the chance that an own rhythm comes due within the customer's usual pause, and counts of what others
bought next after the same article, leaning on how popular an article is.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist, fmean, median
from typing import Final

from pydantic import BaseModel

LEAN: Final = 5.0
"""Intervals of an article that weigh as much as its category's mean."""
SMOOTH: Final = 5.0
"""Followers that weigh as much as plain popularity."""
FEWEST: Final = 3
"""People behind every number that is kept."""
LEAST_REPEAT: Final = 0.15
"""Share of buyers who bought it again, below which a single purchase promises nothing."""
MOST_FOLLOWERS: Final = 20
ROUNDS: Final = 8
_SPREAD: Final = 0.6
"""Standard deviation of log-intervals before anything is known: a factor of 1.8 either way."""
_SAME_DAY: Final = 0.5


@dataclass(frozen=True, slots=True)
class Purchase:
    """One basket. `day`: days since any fixed moment."""

    person: str
    day: float
    skus: frozenset[str]


class Rhythm(BaseModel):
    """Log-days between purchases: `mean` over customers, `within` one customer, `between` customers (variances)."""

    mean: float
    within: float = _SPREAD**2
    between: float = _SPREAD**2
    repeat: float
    """Share of buyers who bought it again."""


class Model(BaseModel):
    """Everything that was learned."""

    rhythms: dict[str, Rhythm] = {}
    popular: dict[str, float] = {}
    follows: dict[str, dict[str, float]] = {}
    """{sku: {sku bought next: share}}."""
    pause: float = 30.0
    """Days between two purchases of anything, usually."""


@dataclass(frozen=True, slots=True)
class Again:
    """A repeat purchase expected: days of the median and of the quartiles; `own`: weight of the customer's rhythm."""

    sku: str
    last: float
    times: int
    next: float
    lower: float
    upper: float
    own: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate for the next basket; `after`: the article it follows, None for an own rhythm."""

    sku: str
    score: float
    after: str | None


@dataclass(frozen=True, slots=True)
class _Own:
    """One customer's expectation for one article, as a normal distribution of log-days."""

    last: float
    times: int
    dist: NormalDist
    own: float

    def survived(self, now: float) -> float:
        """Share of the distribution that is over already without a purchase."""
        waited = now - self.last
        return self.dist.cdf(math.log(waited)) if waited > 0 else 0.0

    def quantile(self, share: float, now: float) -> float:
        """Day by which it will have been bought with this probability, given that it was not until now."""
        over = self.survived(now)
        return self.last + math.exp(self.dist.inv_cdf(min(over + share * (1 - over), 1 - 1e-9)))

    def within(self, now: float, days: float) -> float:
        """Probability of a purchase in the next `days`."""
        over = self.survived(now)
        later = self.dist.cdf(math.log(max(now - self.last, 0) + days))
        return (later - over) / (1 - over) if over < 1 - 1e-9 else 0.0


@dataclass(frozen=True, slots=True)
class _Completed:
    """Log-days with the one expected; `doubt`: the variance of what is expected."""

    logs: list[float]
    doubt: float


@dataclass(frozen=True, slots=True)
class _Intervals:
    """One customer's log-days between purchases of one article, and of the wait that goes on."""

    logs: list[float]
    waiting: float

    def completed(self, rhythm: Rhythm) -> _Completed:
        """The wait that goes on replaced by its expectation (mean and variance of a normal cut off below)."""
        own = _posterior(rhythm, self.logs)
        spread = own.dist.stdev
        cut = min((self.waiting - own.dist.mean) / spread, 5.0)
        beyond = _UNIT.pdf(cut) / (1 - _UNIT.cdf(cut))
        doubt = spread**2 * (1 + cut * beyond - beyond**2)
        return _Completed([*self.logs, own.dist.mean + spread * beyond], max(0.0, doubt))


@dataclass(frozen=True, slots=True)
class _Posterior:
    """The next log-days of one customer; `own`: weight of their own rhythm."""

    dist: NormalDist
    own: float


_UNIT: Final = NormalDist()


def _posterior(rhythm: Rhythm, logs: Sequence[float]) -> _Posterior:
    weight = rhythm.between / (rhythm.between + rhythm.within / len(logs)) if logs else 0.0
    mean = weight * fmean(logs) + (1 - weight) * rhythm.mean if logs else rhythm.mean
    return _Posterior(NormalDist(mean, math.sqrt(rhythm.within + rhythm.between * (1 - weight))), weight)


def _by_person(purchases: Iterable[Purchase]) -> dict[str, list[Purchase]]:
    people: dict[str, list[Purchase]] = defaultdict(list)
    for purchase in purchases:
        people[purchase.person].append(purchase)
    for baskets in people.values():
        baskets.sort(key=lambda basket: basket.day)
    return people


def _days(baskets: Sequence[Purchase]) -> dict[str, list[float]]:
    days: dict[str, list[float]] = defaultdict(list)
    for basket in baskets:
        for sku in basket.skus:
            if not days[sku] or basket.day - days[sku][-1] >= _SAME_DAY:
                days[sku].append(basket.day)
    return days


def _logs(days: Sequence[float]) -> list[float]:
    return [math.log(later - earlier) for earlier, later in pairwise(days)]


def learn(purchases: Iterable[Purchase], categories: Mapping[str, str]) -> Model:
    """A model of what these people bought. Numbers that fewer than three people stand behind are left out."""
    people = _by_person(purchases)
    intervals: dict[str, list[_Intervals]] = defaultdict(list)
    today = max((basket.day for baskets in people.values() for basket in baskets), default=0.0)
    buyers: Counter[str] = Counter()
    pauses: list[float] = []
    for baskets in people.values():
        pauses += [
            later.day - earlier.day for earlier, later in pairwise(baskets) if later.day - earlier.day >= _SAME_DAY
        ]
        for sku, days in _days(baskets).items():
            buyers[sku] += 1
            if len(days) > 1:
                intervals[sku].append(_Intervals(_logs(days), math.log(max(today - days[-1], _SAME_DAY))))
    known = {sku for sku, count in buyers.items() if count >= FEWEST}
    total = sum(buyers[sku] for sku in known)
    popular = {sku: buyers[sku] / total for sku in known}
    return Model(
        rhythms=_rhythms({sku: found for sku, found in intervals.items() if sku in known}, buyers, categories),
        popular=popular,
        follows=_follows(people, popular),
        pause=median(pauses) if len(people) >= FEWEST and pauses else 30.0,
    )


def _rhythms(
    intervals: Mapping[str, list[_Intervals]], buyers: Mapping[str, int], categories: Mapping[str, str]
) -> dict[str, Rhythm]:
    every = [log for found in intervals.values() for one in found for log in one.logs]
    if not every:
        return {}
    pooled: dict[str, list[float]] = defaultdict(list)
    for sku, found in intervals.items():
        pooled[categories.get(sku, "")] += [log for one in found for log in one.logs]
    whole = fmean(every)
    means = {name: (sum(logs) + LEAN * whole) / (len(logs) + LEAN) for name, logs in pooled.items()}
    return {
        sku: _rhythm(found, means[categories.get(sku, "")], len(found) / buyers[sku])
        for sku, found in intervals.items()
        if len(found) >= FEWEST
    }


def _rhythm(found: Sequence[_Intervals], lean_on: float, repeat: float) -> Rhythm:
    """Expectation maximisation: waits that go on count as what they will probably become.

    Left out, they would make every rhythm look shorter than it is: long pauses are those that have not ended yet.
    """
    rhythm = Rhythm(mean=lean_on, repeat=repeat)
    for _ in range(ROUNDS):
        rhythm = _moments([one.completed(rhythm) for one in found], lean_on, repeat)
    return rhythm


def _moments(found: Sequence[_Completed], lean_on: float, repeat: float) -> Rhythm:
    """Variances within and between customers by moments (one-way random effects), each leaning on the usual spread."""
    means = [fmean(one.logs) for one in found]
    mean = (sum(means) + LEAN * lean_on) / (len(found) + LEAN)
    inner = sum(one.doubt + sum((log - own) ** 2 for log in one.logs) for one, own in zip(found, means, strict=True))
    free = sum(len(one.logs) - 1 for one in found)
    within = (inner + LEAN * _SPREAD**2) / (free + LEAN)
    apart = sum((own - mean) ** 2 - within / len(one.logs) for one, own in zip(found, means, strict=True))
    between = max(0.01, (apart + LEAN * _SPREAD**2) / (len(found) + LEAN))
    return Rhythm(mean=mean, within=within, between=between, repeat=repeat)


def _follows(people: Mapping[str, Sequence[Purchase]], popular: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """What was new in the basket after one with this article; each person counts a pair once."""
    pairs: dict[str, Counter[str]] = defaultdict(Counter)
    totals: Counter[str] = Counter()
    for baskets in people.values():
        seen: set[tuple[str, str]] = set()
        had: set[str] = set()
        for earlier, later in pairwise(baskets):
            had |= earlier.skus
            new = later.skus - had
            seen |= {(sku, follower) for sku in earlier.skus for follower in new}
            totals.update(earlier.skus)
        for sku, follower in seen:
            pairs[sku][follower] += 1
    kept: dict[str, dict[str, float]] = {}
    for sku, counts in pairs.items():
        shares = {
            follower: (count + SMOOTH * popular.get(follower, 0.0)) / (totals[sku] + SMOOTH)
            for follower, count in counts.most_common(MOST_FOLLOWERS)
            if count >= FEWEST
        }
        if shares:
            kept[sku] = shares
    return kept


def _own(model: Model, baskets: Sequence[Purchase]) -> dict[str, _Own]:
    found = {}
    for sku, days in _days(baskets).items():
        rhythm = model.rhythms.get(sku)
        logs = _logs(days)
        if rhythm is None or (not logs and rhythm.repeat < LEAST_REPEAT):
            continue
        expected = _posterior(rhythm, logs)
        found[sku] = _Own(days[-1], len(days), expected.dist, expected.own)
    return found


def replenishment(model: Model, history: Iterable[Purchase], now: float) -> list[Again]:
    """Repeat purchases expected of one customer, the soonest first."""
    baskets = sorted(history, key=lambda basket: basket.day)
    found = [
        Again(
            sku=sku,
            last=one.last,
            times=one.times,
            next=one.quantile(0.5, now),
            lower=one.quantile(0.25, now),
            upper=one.quantile(0.75, now),
            own=one.own,
        )
        for sku, one in _own(model, baskets).items()
    ]
    return sorted(found, key=lambda again: (again.next, again.sku))


def candidates(model: Model, history: Iterable[Purchase], now: float, most: int = 10) -> list[Candidate]:
    """Candidates for the next basket of one customer, the likeliest first."""
    baskets = sorted(history, key=lambda basket: basket.day)
    had = {sku for basket in baskets for sku in basket.skus}
    best = {sku: Candidate(sku, share * 0.1, None) for sku, share in model.popular.items() if sku not in had}
    pause = _pause(model, baskets)
    for sku, one in _own(model, baskets).items():
        chance = one.within(now, pause) * (1.0 if one.times > 1 else model.rhythms[sku].repeat)
        best[sku] = Candidate(sku, chance, None)
    for sku in baskets[-1].skus if baskets else ():
        for follower, share in model.follows.get(sku, {}).items():
            if follower not in had and share > best.get(follower, Candidate(follower, 0.0, None)).score:
                best[follower] = Candidate(follower, share, sku)
    return sorted(best.values(), key=lambda item: (-item.score, item.sku))[:most]


def _pause(model: Model, baskets: Sequence[Purchase]) -> float:
    own = [later.day - earlier.day for earlier, later in pairwise(baskets)]
    own = [days for days in own if days >= _SAME_DAY]
    return fmean([model.pause, *own]) if own else model.pause
