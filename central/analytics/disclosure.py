"""The one gate (PRIVACY P10): nothing about fewer than k people leaves it, nor can be had by subtracting answers.

Every person counted belongs to exactly one published figure, and every figure stands on at least k people. What is too
small waits and is merged with what comes next in the same series; what is published never changes. All answers,
comparisons and exports are sums of whole figures, so whatever one subtracts from whatever, sums of whole figures
remain. See docs/decisions/0008.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from central.analytics.buckets import Group, grouped

LEAST_K = 10
"""A store may ask for more, never for less."""

Cell = tuple[int, int]
Key = TypeVar("Key")


@dataclass(slots=True)
class Amount:
    """Something counted in [start, until), and the people behind it."""

    start: datetime
    until: datetime
    people: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    times: dict[int, int] = field(default_factory=dict)
    """Bucket of a time -> people with such a time; one time a person."""
    cameras: frozenset[str] = frozenset()

    def add(self, other: Amount) -> None:
        """Take another amount of the same series in."""
        self.start, self.until = min(self.start, other.start), max(self.until, other.until)
        self.people += other.people
        for name, value in other.sums.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        for bucket, people in other.times.items():
            self.times[bucket] = self.times.get(bucket, 0) + people
        self.cameras |= other.cameras


@dataclass(frozen=True, slots=True)
class Published:
    """What may be shown of an amount."""

    start: datetime
    until: datetime
    people: int
    sums: Mapping[str, float]
    groups: Mapping[Group, int]
    """People per group of buckets."""
    cameras: frozenset[str]


def publish(amount: Amount, k: int) -> Published | None:
    """The amount as a figure, or None while it must wait."""
    if amount.people < max(k, LEAST_K):
        return None
    groups: dict[Group, int] = {}
    if amount.times:
        for first, last in grouped(amount.times, max(k, LEAST_K)):
            groups[first, last] = sum(amount.times.get(one, 0) for one in range(first, last + 1))
    return Published(amount.start, amount.until, amount.people, dict(amount.sums), groups, amount.cameras)


def publish_leaving(amount: Amount, came: int, gone: int, k: int) -> tuple[Published | None, Amount | None]:
    """Those who left, and who of them waits: "came minus left" is always 0 or at least k, never how few are inside.

    `came` and `gone` are what is published of the day; more than came have not left, whatever a camera says.
    Counts only (`people`): anybody may be the one who waits.
    """
    k = max(k, LEAST_K)
    shown = min(amount.people, came - gone)
    if 0 < came - gone - shown < k:
        shown = came - gone - k
    if shown < k:
        return None, amount
    figure = Published(amount.start, amount.until, shown, {}, {}, amount.cameras)
    waiting = amount.people - shown
    rest = Amount(amount.until, amount.until, waiting, {}, {}, amount.cameras) if waiting else None
    return figure, rest


def publish_part(amount: Amount, whole: int, k: int) -> Published | None:
    """A part of a published whole (buyers, of those who stopped): the others must be nobody or k as well."""
    others = whole - amount.people
    return publish(amount, k) if others == 0 or others >= max(k, LEAST_K) else None


@dataclass(slots=True)
class HeatCell:
    """Person-seconds in one cell, and the people behind them."""

    seconds: float = 0.0
    people: int = 0


def publish_cells(cells: Mapping[Cell, HeatCell], k: int) -> tuple[dict[Cell, float], dict[Cell, HeatCell]]:
    """Cells with enough people, and those that wait for the day's next hours."""
    least = max(k, LEAST_K)
    shown = {cell: held.seconds for cell, held in cells.items() if held.people >= least}
    return shown, {cell: held for cell, held in cells.items() if held.people < least}


def least_people(parts: Iterable[int]) -> int:
    """People behind counts that may have seen the same ones (two cameras on one place): at least the largest."""
    return max(parts, default=0)
