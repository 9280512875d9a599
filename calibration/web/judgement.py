"""The live check of the floor page: calibration, view and every finding of a draft. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from shapely import Polygon, box
from shapely.geometry.base import BaseGeometry

from calibration.errors import CalibrationError
from calibration.floor_file import PointPair, solve
from calibration.homography import MAX_ERROR_M, FloorCalibration, Verdict
from calibration.lens.file import LensFile
from calibration.plan_checks import (
    LEAST_PICTURE,
    Finding,
    duplicate_findings,
    line_findings,
    polygon_findings,
    zone_view_findings,
)
from calibration.view import FloorView
from calibration.web.draft import Draft, DraftLine, Pair
from contract.values import NAME_PATTERN

_AROUND_M = 3.0
"""How far beyond the plan the view is drawn."""


@dataclass(frozen=True, slots=True)
class Told:
    """A finding for the page: where, which word it has a text for, what to put in."""

    place: tuple[str | int, ...]
    word: str
    values: dict[str, str | float] = field(default_factory=dict)
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is known about a draft. `pairs` are the indices of the points that were used."""

    pairs: tuple[int, ...]
    result: FloorCalibration | None
    view: FloorView | None
    told: tuple[Told, ...]

    @property
    def state(self) -> str:
        """UNCALIBRATED, VALID or INVALID."""
        if self.result is None or self.result.verdict is Verdict.UNCHECKED:
            return "UNCALIBRATED"
        return str(self.result.verdict)

    def plan_faults(self) -> list[Told]:
        """What keeps the plan from being saved."""
        return [one for one in self.told if not one.warning and one.place[0] in ("zones", "lines", "labels", "lane")]


def judge(draft: Draft, size: tuple[int, int] | None, lens: LensFile | None) -> Judgement:
    """`size` of the still, None before there is one."""
    pairs = [
        (index, PointPair(image=point.image, floor=point.floor, note=point.note))
        for index, point in enumerate(draft.points)
        if point.image is not None and point.floor is not None
    ]
    told = [
        Told(("points", i), "half_point", {}, True) for i, p in enumerate(draft.points) if not (p.image and p.floor)
    ]
    result, view = None, None
    try:
        result = solve([pair for _, pair in pairs], lens)
    except CalibrationError as error:
        told.append(
            Told(("points",), error.word, {"count": len(pairs), "text": str(error)}, error.word == "few_points")
        )
    if result is not None:
        told += _about(result, [index for index, _ in pairs])
        view = _view(result, size, lens, [pair for _, pair in pairs])
    told += [_tell(one) for one in _shapes(draft)]
    told += [_tell(one, here_only=True) for one in _in_view(draft, view)]
    told += _names(draft)
    return Judgement(tuple(index for index, _ in pairs), result, view, tuple(told))


def _about(result: FloorCalibration, indices: list[int]) -> Iterator[Told]:
    if result.verdict is Verdict.UNCHECKED:
        yield Told(("points",), "unchecked", {}, True)
    if result.folded:
        yield Told(("points",), "folded")
        return
    if result.mirrored:
        yield Told(("points",), "mirrored", {}, True)
    if result.verdict is not Verdict.INVALID:
        return
    marked = result.outliers or (() if result.suspect is None else (result.suspect,))
    yield Told(("points",), "residual", {"error": round(float(np.max(result.errors_m)), 2), "limit": MAX_ERROR_M})
    if not marked:
        yield Told(("points",), "unclear_which", {}, True)
    yield from (Told(("points", indices[index]), "measure_again") for index in marked)


def _view(
    result: FloorCalibration, size: tuple[int, int] | None, lens: LensFile | None, pairs: list[PointPair]
) -> FloorView | None:
    if size is None or result.folded:
        return None
    anchor = max((pair.image for pair in pairs), key=lambda image: image[1])
    return FloorView(result.matrix, size, None if lens is None else lens.lens, anchor)


def _shapes(draft: Draft) -> Iterator[Finding]:
    for index, zone in enumerate(draft.zones):
        yield from polygon_findings(("zones", index), zone.polygon)
    if draft.lane:
        yield from polygon_findings(("lane",), draft.lane, "of the picture", LEAST_PICTURE)
    whole = [(index, line) for index, line in enumerate(draft.lines) if line.start is not None and line.end is not None]
    for finding in line_findings([_Whole(line) for _, line in whole]):
        yield Finding(("lines", whole[int(finding.place[1])][0]), finding.word, finding.values)
    for section, ids in _ids(draft).items():
        yield from duplicate_findings(section, ids)
    plan = box(0, 0, draft.width_m, draft.height_m).buffer(0.05)
    for index, zone in enumerate(draft.zones):
        if len(zone.polygon) >= 3 and Polygon(zone.polygon).is_valid and not plan.covers(Polygon(zone.polygon)):
            yield Finding(("zones", index), "outside_plan")
    for index, label in enumerate(draft.labels):
        x, y = label.position or (0.0, 0.0)
        if not (0 <= x <= draft.width_m and 0 <= y <= draft.height_m):
            yield Finding(("labels", index), "label_outside_plan")


def _in_view(draft: Draft, view: FloorView | None) -> Iterator[Finding]:
    seen = area_of(view)
    if seen is None:
        return
    for index, zone in enumerate(draft.zones):
        if len(zone.polygon) >= 3:
            yield from zone_view_findings(("zones", index), zone.polygon, seen)
    for index, line in enumerate(draft.lines):
        if line.start is not None and line.end is not None:
            found = line_findings([_Whole(line)], seen)
            yield from (Finding(("lines", index), one.word) for one in found if one.word == "line_outside_view")


def area_of(view: FloorView | None) -> BaseGeometry | None:
    """What the camera sees, None when that cannot be said."""
    if view is None:
        return None
    try:
        return view.area()
    except CalibrationError:
        return None


def drawn_view(view: FloorView | None, draft: Draft) -> list[list[float]]:
    """The view's outline near the plan, metres."""
    area = area_of(view)
    if area is None:
        return []
    near = area.intersection(box(-_AROUND_M, -_AROUND_M, draft.width_m + _AROUND_M, draft.height_m + _AROUND_M))
    return [[round(x, 2), round(y, 2)] for x, y in near.exterior.coords] if isinstance(near, Polygon) else []


def _ids(draft: Draft) -> dict[str, list[str]]:
    return {
        "zones": [zone.id for zone in draft.zones],
        "lines": [line.id for line in draft.lines],
        "labels": [label.id for label in draft.labels],
    }


def _names(draft: Draft) -> Iterator[Told]:
    for section, ids in _ids(draft).items():
        for index, ident in enumerate(ids):
            if not re.fullmatch(NAME_PATTERN, ident):
                yield Told((section, index), "bad_id")
    for index, line in enumerate(draft.lines):
        if line.start is None or line.end is None or line.inside is None:
            yield Told(("lines", index), "half_line")
        elif not isinstance(line.inside, str) and _beside(line.start, line.end, line.inside) < 0.05:
            yield Told(("lines", index), "inside_on_line")
    for index, label in enumerate(draft.labels):
        if label.position is None:
            yield Told(("labels", index), "half_label")


def _beside(start: Pair, end: Pair, point: Pair) -> float:
    along = np.array(end) - np.array(start)
    length = float(np.linalg.norm(along))
    across = along[0] * (point[1] - start[1]) - along[1] * (point[0] - start[0])
    return abs(float(across)) / length if length else 1.0


def _tell(finding: Finding, *, here_only: bool = False) -> Told:
    """Another camera may see what this one does not: in the page that is a warning."""
    word = {"outside_view": "outside_camera", "line_outside_view": "line_outside_camera"}.get(
        finding.word, finding.word
    )
    return Told(finding.place, word if here_only else finding.word, finding.values, finding.warning or here_only)


class _Whole:
    """A draft line that has both ends."""

    def __init__(self, line: DraftLine) -> None:
        assert line.start is not None
        assert line.end is not None
        self.id, self.start, self.end = line.id, line.start, line.end
