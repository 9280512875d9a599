"""Segments as data: what must hold of a customer's history. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from central import rule_files
from central.rule_files import Problem, RuleFileError

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Days = Annotated[int, Field(ge=1, le=3650)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AtLeast(_Strict):
    """So many, or for so much money, within so many days."""

    times: Annotated[int, Field(ge=0, le=100_000)] = 1
    amount: Annotated[int, Field(ge=0, le=10**15)] = 0
    """Minor units, of purchases."""
    within_days: Days = 365


class When(_Strict):
    """All that is given must hold."""

    site: AtLeast | None = None
    """Days with anything done on the site or in the app."""
    visits: AtLeast | None = None
    purchases: AtLeast | None = None
    first_seen_within_days: Days | None = None
    silent_for_days: Days | None = None
    """Nothing at all for so long: no site, no visit, no purchase."""
    bought_before: bool | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("at least one condition is needed")
        return self


class Segment(_Strict):
    """One kind of customer; whoever fits `any` of the conditions belongs to it."""

    id: Id
    title: dict[Literal["en", "ru"], Annotated[str, Field(min_length=1, max_length=60)]] = Field(default_factory=dict)
    any: Annotated[tuple[When, ...], Field(min_length=1, max_length=20)]


class Segments(_Strict):
    """The whole file."""

    version: Literal[1]
    segments: Annotated[tuple[Segment, ...], Field(max_length=100)] = ()


DEFAULT_TEXT = """# Kinds of customers: docs/segments.md
version: 1
segments:
  - id: new
    title: {en: New, ru: Новый}
    any: [{first_seen_within_days: 30}]
  - id: active
    title: {en: Active, ru: Активный}
    any:
      - {site: {times: 2, within_days: 30}}
      - {visits: {times: 1, within_days: 30}}
      - {purchases: {times: 1, within_days: 90}}
  - id: omnichannel
    title: {en: Site and shop, ru: Сайт и магазин}
    any: [{site: {times: 1, within_days: 90}, visits: {times: 1, within_days: 90}}]
  - id: core
    title: {en: Core, ru: Постоянный}
    any: [{purchases: {times: 3, within_days: 365}}]
  - id: lapsed
    title: {en: Lapsed, ru: Ушедший}
    any: [{bought_before: true, silent_for_days: 180}]
"""


@dataclass(frozen=True, slots=True)
class Purchase:
    """One sale; `amount` in minor units."""

    at: datetime
    amount: int


@dataclass(frozen=True, slots=True)
class History:
    """What the rules look at. `site_days`: one moment for each day something was done on the site."""

    site_days: Sequence[datetime] = ()
    visits: Sequence[datetime] = ()
    purchases: Sequence[Purchase] = ()


def parse(text: str, name: str = "segments.yaml") -> Segments:
    """Text to rules; RuleFileError names the line."""
    found = rule_files.load(text, Segments, name)
    problems = []
    seen: set[str] = set()
    for index, segment in enumerate(found.segments):
        if segment.id in seen:
            path = ("segments", index, "id")
            problems.append(Problem(rule_files.line_of(text, path), rule_files.dotted(path), f"{segment.id!r} twice"))
        seen.add(segment.id)
    if problems:
        raise RuleFileError(name, problems)
    return found


def segments_for(rules: Segments, history: History, now: datetime) -> list[str]:
    """The segments somebody belongs to, in the order of the file."""
    return [segment.id for segment in rules.segments if any(_holds(when, history, now) for when in segment.any)]


def _holds(when: When, history: History, now: datetime) -> bool:
    moments = [*history.site_days, *history.visits, *(purchase.at for purchase in history.purchases)]
    checks = (
        when.site is None or _enough(when.site, history.site_days, now),
        when.visits is None or _enough(when.visits, history.visits, now),
        when.purchases is None or _bought(when.purchases, history.purchases, now),
        when.first_seen_within_days is None or _recent(moments and [min(moments)], when.first_seen_within_days, now),
        when.silent_for_days is None or not _recent(moments, when.silent_for_days, now),
        when.bought_before is None or bool(history.purchases) is when.bought_before,
    )
    return all(checks)


def _recent(moments: Sequence[datetime], days: int, now: datetime) -> bool:
    return any(now - timedelta(days=days) <= moment <= now for moment in moments)


def _enough(wanted: AtLeast, moments: Sequence[datetime], now: datetime) -> bool:
    since = now - timedelta(days=wanted.within_days)
    return sum(since <= moment <= now for moment in moments) >= wanted.times


def _bought(wanted: AtLeast, purchases: Sequence[Purchase], now: datetime) -> bool:
    since = now - timedelta(days=wanted.within_days)
    recent = [purchase for purchase in purchases if since <= purchase.at <= now]
    return len(recent) >= wanted.times and sum(purchase.amount for purchase in recent) >= wanted.amount
