"""The formula, as data, and what it makes of one sale line. Pure.

Every piece of evidence has points: the weight of its kind, halved with every `half_life_days` between it and the sale,
times `other_article` when it was about another article than the one bought. Points of one kind are capped for each
consultant. All consultants together share `P / (P + saturation)` of the line, P being the sum of points, at most
`most`; each in proportion to their points. A share below `least` goes to nobody, and so does the rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from central import rule_files

Kind = Literal["claimed", "opinion", "suggested", "basket", "authorised", "handed_over"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Weight = Annotated[float, Field(ge=0, le=100)]


class Formula(BaseModel):
    """A store's formula. The defaults are the ones in docs/contribution.md."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1]
    window_days: Annotated[int, Field(ge=1, le=365)] = 30
    """Sales this long after the evidence count: at the till, and on the site."""
    half_life_days: Annotated[float, Field(gt=0, le=365)] = 14.0
    weights: Mapping[Kind, Weight] = Field(
        default={"claimed": 1.0, "opinion": 1.5, "suggested": 4.0, "basket": 3.0, "authorised": 1.0, "handed_over": 1.0}
    )
    caps: Mapping[Kind, Weight] = Field(default={"opinion": 4.5})
    """Most points of a kind that one consultant can have for one line."""
    other_article: Annotated[float, Field(ge=0, le=1)] = 0.25
    saturation: Annotated[float, Field(ge=0, le=100)] = 1.0
    most: Annotated[float, Field(gt=0, le=1)] = 1.0
    least: Annotated[float, Field(ge=0, le=1)] = 0.02


DEFAULT = Formula(version=1)
DEFAULT_TEXT = """# How a sale is shared among consultants: docs/contribution.md
version: 1
window_days: 30
half_life_days: 14
weights: {claimed: 1, opinion: 1.5, suggested: 4, basket: 3, authorised: 1, handed_over: 1}
caps: {opinion: 4.5}
other_article: 0.25
saturation: 1
most: 1
least: 0.02
"""


@dataclass(frozen=True, slots=True)
class Deed:
    """One piece of evidence: what a consultant did for this customer, and about which article."""

    id: int
    consultant: str
    kind: Kind
    at: datetime
    sku: str | None


@dataclass(frozen=True, slots=True)
class Reason:
    """A deed and the points it brought for one line."""

    deed: Deed
    points: float


@dataclass(frozen=True, slots=True)
class Share:
    """A consultant's part of a line, 0 to 1, and why."""

    consultant: str
    share: float
    reasons: tuple[Reason, ...]


def parse(text: str, name: str = "contribution.yaml") -> Formula:
    """Text to a formula; RuleFileError names the line."""
    return rule_files.load(text, Formula, name)


def shares(formula: Formula, sku: str, sold_at: datetime, deeds: Iterable[Deed]) -> tuple[Share, ...]:
    """Who has which part of one line, largest first. The parts never add up to more than 1."""
    by: dict[str, list[Reason]] = defaultdict(list)
    for deed in sorted(deeds, key=lambda deed: (deed.at, deed.id)):
        points = _points(formula, sku, sold_at, deed)
        if points > 0:
            by[deed.consultant].append(Reason(deed, points))
    capped = {name: _capped(formula, reasons) for name, reasons in by.items()}
    owned = {name: sum(reason.points for reason in reasons) for name, reasons in capped.items()}
    total = sum(owned.values())
    if total <= 0:
        return ()
    pool = min(formula.most, total / (total + formula.saturation))
    found = [
        Share(name, pool * own / total, tuple(capped[name]))
        for name, own in owned.items()
        if pool * own / total >= formula.least
    ]
    return tuple(sorted(found, key=lambda share: (-share.share, share.consultant)))


def _points(formula: Formula, sku: str, sold_at: datetime, deed: Deed) -> float:
    age = sold_at - deed.at
    if not timedelta(0) <= age <= timedelta(days=formula.window_days):
        return 0.0
    fading: float = 0.5 ** (age / timedelta(days=formula.half_life_days))
    weight = formula.weights.get(deed.kind, 0.0) * fading
    return weight if deed.sku in (None, sku) else weight * formula.other_article


def _capped(formula: Formula, reasons: Sequence[Reason]) -> list[Reason]:
    """The largest of a kind count first."""
    left = dict(formula.caps)
    kept = []
    for reason in sorted(reasons, key=lambda reason: (-reason.points, reason.deed.id)):
        kind = reason.deed.kind
        points = min(reason.points, left.get(kind, reason.points))
        if kind in left:
            left[kind] -= points
        if points > 0:
            kept.append(Reason(reason.deed, points))
    return sorted(kept, key=lambda reason: (reason.deed.at, reason.deed.id))
