"""Price rules as data: the file a retailer writes, and what it gives one visitor for one product. Pure.

A rule gives a share or an amount off when all of its conditions hold. Rules of one `group` do not add up: the best one
counts. Different groups add up; the store's limits (rules.py) cut whatever comes out of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import ROUND_FLOOR, Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from central import rule_files
from central.rule_files import Problem, RuleFileError

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Word = Annotated[str, Field(min_length=1, max_length=80)]
Interest = Literal["abandoned_basket", "favourite", "compared", "viewed"]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class When(_Strict):
    """Conditions; an absent one always holds, within a list any one is enough."""

    segments: tuple[Word, ...] = ()
    not_segments: tuple[Word, ...] = ()
    skus: tuple[Word, ...] = ()
    categories: tuple[Word, ...] = ()
    brands: tuple[Word, ...] = ()
    interest: tuple[Interest, ...] = ()
    """What the site knows of this customer and this product."""
    conditions: Mapping[Word, tuple[Word, ...]] = Field(default_factory=dict)
    """Facts of the day by name, such as `weather: [rain]` or `region: [EU-DE]`."""
    days: tuple[Day, ...] = ()
    hours: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")] | None = None
    """Local time of the store, the end not included; 22:00-02:00 goes over midnight."""
    from_: Annotated[date | None, Field(alias="from")] = None
    until: date | None = None
    """The last day."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.from_ and self.until and self.until < self.from_:
            raise ValueError("until lies before from")
        return self


class Give(_Strict):
    """One of a share of the public price and an amount in minor units."""

    share: Annotated[Decimal, Field(gt=0, le=1)] | None = None
    amount: Annotated[int, Field(gt=0, le=10**12)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.share is None) == (self.amount is None):
            raise ValueError("give either share or amount")
        return self

    def off(self, public: int) -> int:
        """Minor units off, rounded down."""
        if self.amount is not None:
            return min(self.amount, public)
        return int((public * (self.share or Decimal(0))).to_integral_value(ROUND_FLOOR))


class Rule(_Strict):
    """One reason for a lower price."""

    id: Id
    title: Mapping[Literal["en", "ru"], Annotated[str, Field(min_length=1, max_length=120)]] = Field(
        default_factory=dict
    )
    when: When = When()
    give: Give
    group: Id = "offers"
    campaign: Id | None = None


class Campaign(_Strict):
    """Limits of several rules together. Money counts when a quote is given, and comes back when it lapses unused."""

    id: Id
    budget: Annotated[int, Field(gt=0, le=10**15)] | None = None
    """Minor units given away at most."""
    uses_per_customer: Annotated[int, Field(ge=1, le=10_000)] | None = None
    uses: Annotated[int, Field(ge=1, le=10**9)] | None = None


class Ruleset(_Strict):
    """The whole file."""

    version: Literal[1]
    rules: tuple[Rule, ...] = Field(default=(), max_length=500)
    campaigns: tuple[Campaign, ...] = Field(default=(), max_length=200)

    def campaign(self, name: str | None) -> Campaign | None:
        """A campaign by id."""
        return next((item for item in self.campaigns if item.id == name), None)


EMPTY = Ruleset(version=1)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules may look at. `at` is local time of the store."""

    public: int
    at: datetime
    sku: str = ""
    category: str = ""
    brand: str = ""
    segments: frozenset[str] = frozenset()
    interest: frozenset[str] = frozenset()
    conditions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Use:
    """What was given of a campaign so far."""

    spent: int = 0
    uses: int = 0
    by_customer: int = 0


@dataclass(frozen=True, slots=True)
class Granted:
    """A rule that holds and what it takes off."""

    rule: str
    off: int
    campaign: str | None = None


def parse(text: str, name: str = "prices.yaml") -> Ruleset:
    """The file, checked as a whole: ids used once, campaigns that exist. RuleFileError names the line."""
    ruleset = rule_files.load(text, Ruleset, name)
    problems = [*_twice(text, "rules", ruleset.rules), *_twice(text, "campaigns", ruleset.campaigns)]
    known = {campaign.id for campaign in ruleset.campaigns}
    for index, rule in enumerate(ruleset.rules):
        if rule.campaign is not None and rule.campaign not in known:
            path = ("rules", index, "campaign")
            message = f"there is no campaign {rule.campaign!r} below `campaigns:`"
            problems.append(Problem(rule_files.line_of(text, path), rule_files.dotted(path), message))
    if problems:
        raise RuleFileError(name, problems)
    return ruleset


def _twice(text: str, key: str, items: Sequence[Rule | Campaign]) -> list[Problem]:
    seen: set[str] = set()
    problems = []
    for index, item in enumerate(items):
        if item.id in seen:
            path = (key, index, "id")
            problems.append(Problem(rule_files.line_of(text, path), rule_files.dotted(path), f"{item.id!r} twice"))
        seen.add(item.id)
    return problems


def granted(ruleset: Ruleset, facts: Facts, uses: Mapping[str, Use]) -> tuple[Granted, ...]:
    """The best rule of every group, biggest first; a campaign that is used up gives nothing."""
    best: dict[str, Granted] = {}
    left: dict[str, int] = {}
    for rule in ruleset.rules:
        off = rule.give.off(facts.public) if holds(rule.when, facts) else 0
        if rule.campaign is not None and off:
            off = min(off, _left(ruleset.campaign(rule.campaign), uses.get(rule.campaign, Use()), off))
        if off > 0 and off > best.get(rule.group, Granted("", 0)).off:
            best[rule.group] = Granted(rule.id, off, rule.campaign)
    found = []
    for item in sorted(best.values(), key=lambda item: (-item.off, item.rule)):
        off = item.off
        campaign = ruleset.campaign(item.campaign)
        if campaign is not None and campaign.budget is not None:
            # two groups may draw on one budget
            rest = left.setdefault(campaign.id, campaign.budget - uses.get(campaign.id, Use()).spent)
            off = max(0, min(off, rest))
            left[campaign.id] = rest - off
        if off:
            found.append(Granted(item.rule, off, item.campaign))
    return tuple(found)


def _left(campaign: Campaign | None, use: Use, off: int) -> int:
    if campaign is None:
        return 0
    if campaign.uses is not None and use.uses >= campaign.uses:
        return 0
    if campaign.uses_per_customer is not None and use.by_customer >= campaign.uses_per_customer:
        return 0
    return off if campaign.budget is None else max(0, campaign.budget - use.spent)


def holds(when: When, facts: Facts) -> bool:
    """Whether every condition holds."""
    return (
        _any(when.segments, facts.segments)
        and not facts.segments.intersection(when.not_segments)
        and (not when.skus or facts.sku in when.skus)
        and (not when.categories or facts.category in when.categories)
        and (not when.brands or facts.brand in when.brands)
        and _any(when.interest, facts.interest)
        and all(facts.conditions.get(name) in values for name, values in when.conditions.items())
        and _in_time(when, facts.at)
    )


def _any(wanted: Sequence[str], given: frozenset[str]) -> bool:
    return not wanted or bool(given.intersection(wanted))


def _in_time(when: When, at: datetime) -> bool:
    day = at.date()
    if (when.from_ and day < when.from_) or (when.until and day > when.until):
        return False
    if when.days and DAYS[at.weekday()] not in when.days:
        return False
    if when.hours is None:
        return True
    start, end = (time.fromisoformat(part) for part in when.hours.split("-"))
    now = at.time()
    return start <= now < end if start < end else now >= start or now < end
