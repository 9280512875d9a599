"""From products and a query to answers with reasons. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from math import exp
from typing import Final

from central.catalogue.products import Status
from central.catalogue.schemas import Availability
from central.preferences.schemas import Condition, Query, Suggestion
from central.preferences.taste import OTHERS, Item, Taste, grouped
from central.preferences.wording import Wording

_NEAR: Final[Mapping[Status, float]] = {"here": 0.1, "delivery": 0.05, "elsewhere": 0.05, "online": 0.02, "none": -0.5}
"""What being at hand is worth, in units of liking: it decides between products that are liked alike."""
_SURE: Final = 0.75
_TELLING: Final = 0.08
_SOFT: Final = 0.4
MOST_REASONS: Final = 6


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that may answer."""

    item: Item
    title: str
    currency: str
    page: str | None
    where: Availability


@dataclass(frozen=True, slots=True)
class Setting:
    """What ranking goes by. `tastes` by category; `likes` by SKU: (liked, disliked)."""

    query: Query
    references: Mapping[str, Candidate]
    tastes: Mapping[str, Taste]
    likes: Mapping[str, tuple[int, int]]
    wording: Wording
    personal: bool


def figure(item: Item, key: str) -> float | None:
    """A parameter's figure; the price in minor units."""
    return float(item.price) if key == "price" else item.values.get(key)


def best(items: Sequence[Item], statuses: Mapping[str, Status], setting: Setting, limit: int) -> list[Item]:
    """The best answers first. What misses something comes only when nothing fits all that was asked."""
    worth = _worth(items, statuses, setting)
    if _asks_nothing(setting.query):
        weighed = [(0, -value, item.price, item) for item, value in worth]
    else:
        weighed = [(_missed(item, statuses[item.sku], setting), -value, item.price, item) for item, value in worth]
    chosen = [entry for entry in weighed if not entry[0]] or weighed
    return [entry[-1] for entry in nsmallest(limit, chosen, key=lambda entry: (*entry[:3], entry[3].sku))]


def explained(candidates: Sequence[Candidate], setting: Setting) -> list[Suggestion]:
    """In words; they come only for those that are shown."""
    return [_suggestion(candidate, setting) for candidate in candidates]


def _worth(items: Sequence[Item], statuses: Mapping[str, Status], setting: Setting) -> Iterator[tuple[Item, float]]:
    wishes = [condition for condition in setting.query.conditions if condition.than is None]
    for category, mine in grouped(items).items():
        taste = setting.tastes.get(category)
        liked = taste.likings(mine) if taste else [0.0] * len(mine)
        for item, liking in zip(mine, liked, strict=True):
            leaning = sum(_lean(item, wish, taste) for wish in wishes) if wishes else 0.0
            yield item, liking + leaning + _NEAR[statuses[item.sku]]


def _asks_nothing(query: Query) -> bool:
    """Nothing that a product could miss."""
    asked = query.flags or query.here or query.price_max is not None or query.price_min is not None
    return not asked and all(condition.than is None for condition in query.conditions)


def _missed(item: Item, status: Status, setting: Setting) -> int:
    """How much of what was asked for it is not."""
    query = setting.query
    missed = sum(
        not _passes(*_figures(item, condition, setting), condition)
        for condition in query.conditions
        if condition.than is not None
    )
    missed += query.price_max is not None and item.price > query.price_max
    missed += query.price_min is not None and item.price < query.price_min
    missed += query.here and status != "here"
    for key, wanted in query.flags.items():
        value = item.values.get(key)
        missed += value is None or bool(value) != wanted
    return missed


def _lean(item: Item, condition: Condition, taste: Taste | None) -> float:
    """A wish without a measure: more of it is better, and no product is ruled out."""
    if taste is None or condition.parameter not in taste.space.keys:
        return 0.0
    z = taste.space.z(item)[taste.space.keys.index(condition.parameter)]
    return _SOFT * (z if condition.direction == "more" else -z)


def _figures(item: Item, condition: Condition, setting: Setting) -> tuple[float | None, float | None]:
    """The item's figure and the one it is measured by."""
    than = condition.than
    assert than is not None
    other = setting.references.get(than.sku) if than.sku else None
    return figure(item, condition.parameter), figure(other.item, condition.parameter) if other else than.value


def _passes(value: float | None, limit: float | None, condition: Condition) -> bool:
    if value is None or limit is None:
        return False
    apart = value - limit if condition.direction == "more" else limit - value
    return apart > 0 or (condition.or_equal and apart == 0)


def _test(item: Item, condition: Condition, setting: Setting) -> tuple[bool, str]:
    words, key, than = setting.wording, condition.parameter, condition.than
    value, limit = _figures(item, condition, setting)
    if value is None or limit is None:
        return False, words.say("no_figure", name=words.name(key))
    passed = _passes(value, limit, condition)
    other = setting.references.get(than.sku) if than is not None and than.sku else None
    said = {"name": words.name(key), "value": words.value(key, value), "word": words.word(key, condition.direction)}
    if other is None:
        text = f"asked_{condition.direction}" if passed else "missed_limit"
        return passed, words.say(text, **said, limit=words.value(key, limit))
    if passed and value == limit:
        return True, words.say("same", **said, title=other.title)
    if passed:
        return True, words.say("than", **said, difference=words.value(key, abs(value - limit)), title=other.title)
    return False, words.say("missed", **said, title=other.title, other=words.value(key, limit))


def _limits(candidate: Candidate, setting: Setting, met: list[str], misses: list[str]) -> None:
    query, words, item = setting.query, setting.wording, candidate.item
    if query.price_max is not None and item.price > query.price_max:
        misses.append(words.say("over", price=words.money(item.price)))
    if query.price_min is not None and item.price < query.price_min:
        misses.append(words.say("below", price=words.money(item.price)))
    for key, wanted in query.flags.items():
        word = words.word(key, "more" if wanted else "less")
        value = item.values.get(key)
        if value is None:
            misses.append(words.say("no_figure", name=words.name(key)))
        elif bool(value) == wanted:
            met.append(words.say("yes", word=word))
        else:
            misses.append(words.say("missing_flag", word=word))
    if query.here and candidate.where.status != "here":
        misses.append(words.where(candidate.where))


def _suggestion(candidate: Candidate, setting: Setting) -> Suggestion:
    taste = setting.tastes.get(candidate.item.category)
    met: list[str] = []
    misses: list[str] = []
    for condition in setting.query.conditions:
        if condition.than is not None:
            passed, words = _test(candidate.item, condition, setting)
            (met if passed else misses).append(words)
    _limits(candidate, setting, met, misses)
    score, sd = taste.score(candidate.item) if taste else (0.0, 0.0)
    own = _why(candidate.item, taste, setting) if taste else []
    where = setting.wording.where(candidate.where)
    reasons = [*misses, *met, *own][: MOST_REASONS - 1]
    return Suggestion(
        sku=candidate.item.sku,
        title=candidate.title,
        price=candidate.item.price,
        currency=candidate.currency,
        score=round(score, 4),
        sd=round(sd, 4),
        exact=not misses,
        reasons=reasons if where in reasons else [*reasons, where],
        availability=candidate.where,
        page=candidate.page,
    )


def _why(item: Item, taste: Taste, setting: Setting) -> list[str]:
    """The parameters that speak for it, most telling first; only those that are fairly sure."""
    words, asked = setting.wording, {condition.parameter for condition in setting.query.conditions}
    found: list[tuple[float, str]] = []
    z = taste.space.z(item)
    for place, key in enumerate(taste.space.keys):
        gain = taste.mean[place] * z[place]
        value = figure(item, key)
        if key == OTHERS or key in asked or value is None or gain < _TELLING:
            continue
        if setting.personal and key in taste.touched and taste.sure(place) >= _SURE:
            usual = exp(taste.space.mean[key]) if key == "price" else taste.space.mean[key]
            word = words.word(key, "more" if taste.mean[place] > 0 else "less")
            text = words.say(
                "liked", name=words.name(key), value=words.value(key, value), usual=words.value(key, usual), word=word
            )
            found.append((gain, text))
    good, bad = setting.likes.get(item.sku, (0, 0))
    if good > bad:
        found.append((0.0, words.say("liked_here", good=good, all=good + bad)))
    return [text for _, text in sorted(found, key=lambda pair: -pair[0])[:3]]
