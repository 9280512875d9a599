"""What is wrong with shapes drawn on a plan: for the page while drawing, and for the edge's configuration check.

A finding is a word with values, so that the page can say it in the reader's language; `str()` says it in English.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from shapely import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

Pair = tuple[float, float]
Word = Literal[
    "few_corners", "self_crossing", "too_small", "outside_view", "partly_outside", "no_length", "inside_on_line",
    "lines_cross", "lines_same", "line_outside_view", "twice", "label_outside_plan", "outside_plan",
]  # fmt: skip

LEAST_M2 = 0.01
LEAST_PICTURE = 0.0005
MOSTLY_SEEN = 0.9

_ENGLISH: dict[Word, str] = {
    "few_corners": "the polygon needs at least three corners",
    "self_crossing": "the polygon crosses or touches itself ({place}); list its corners in order",
    "too_small": "the polygon is too small: {area} {unit}",
    "outside_view": "no calibrated camera sees this zone; nothing could ever happen in it",
    "partly_outside": "only {share} % of this zone is seen by a camera; stays in the rest are not counted",
    "no_length": "the line has no length: `from` and `to` are the same point",
    "inside_on_line": "this point lies on the line itself; choose one inside the shop",
    "lines_cross": "crosses line {other!r} at ({x}, {y}); a person there would be counted twice or not at all",
    "lines_same": "lies on line {other!r}; everybody would be counted twice",
    "line_outside_view": "no calibrated camera sees this line; nobody could be counted",
    "twice": "{other!r} is already used; ids must differ",
    "label_outside_plan": "this label lies outside the plan",
    "outside_plan": "reaches outside the plan",
}
_WARNINGS: frozenset[Word] = frozenset({"partly_outside", "label_outside_plan", "outside_plan"})


@dataclass(frozen=True, slots=True)
class Finding:
    """`place` names the field: ("zones", 0, "polygon")."""

    place: tuple[str | int, ...]
    word: Word
    values: dict[str, str | float] = field(default_factory=dict)

    @property
    def warning(self) -> bool:
        """May be so, but somebody should know."""
        return self.word in _WARNINGS

    def __str__(self) -> str:
        return _ENGLISH[self.word].format_map(self.values)


class Line(Protocol):
    """An entrance line."""

    @property
    def id(self) -> str: ...
    @property
    def start(self) -> Pair: ...
    @property
    def end(self) -> Pair: ...


def polygon_findings(
    place: tuple[str | int, ...], corners: Sequence[Pair], unit: str = "square metre", least: float = LEAST_M2
) -> Iterator[Finding]:
    """Of one polygon by itself."""
    if len(corners) < 3:
        yield Finding(place, "few_corners")
        return
    shape = Polygon(corners)
    if not shape.is_valid:
        yield Finding(place, "self_crossing", {"place": explain_validity(shape)})
    elif shape.area < least:
        yield Finding(place, "too_small", {"area": float(f"{shape.area:.4g}"), "unit": unit})


def zone_view_findings(place: tuple[str | int, ...], corners: Sequence[Pair], seen: BaseGeometry) -> Iterator[Finding]:
    """Of a sound zone against what all cameras see together."""
    shape = Polygon(corners)
    if not shape.is_valid or shape.area < LEAST_M2:
        return
    share = shape.intersection(seen).area / shape.area
    if share < 0.02:
        yield Finding(place, "outside_view")
    elif share < MOSTLY_SEEN:
        yield Finding(place, "partly_outside", {"share": round(share * 100)})


def line_findings(lines: Sequence[Line], seen: BaseGeometry | None = None) -> Iterator[Finding]:
    """Lines by themselves, with one another and against the view. Lines may share an end: a door with two wings."""
    for index, line in enumerate(lines):
        if line.start == line.end:
            yield Finding(("lines", index, "to"), "no_length")
            continue
        here = LineString([line.start, line.end])
        if seen is not None and here.intersection(seen).length < 0.05 * here.length:
            yield Finding(("lines", index, "from"), "line_outside_view")
        yield from _meetings(index, line, here, lines[:index])


def _meetings(index: int, line: Line, here: LineString, earlier: Iterable[Line]) -> Iterator[Finding]:
    for other in earlier:
        if other.start == other.end:
            continue
        common = here.intersection(LineString([other.start, other.end]))
        if common.is_empty:
            continue
        if not isinstance(common, Point):
            yield Finding(("lines", index, "from"), "lines_same", {"other": other.id})
        elif not _at_both_ends(common, line, other):
            values: dict[str, str | float] = {"other": other.id, "x": round(common.x, 2), "y": round(common.y, 2)}
            yield Finding(("lines", index, "from"), "lines_cross", values)


def _at_both_ends(point: Point, first: Line, second: Line) -> bool:
    return all(min(point.distance(Point(end)) for end in (line.start, line.end)) < 1e-6 for line in (first, second))


def duplicate_findings(section: str, ids: Sequence[str]) -> Iterator[Finding]:
    """Ids used twice."""
    for index, one in enumerate(ids):
        if one in ids[:index]:
            yield Finding((section, index, "id"), "twice", {"other": one})
