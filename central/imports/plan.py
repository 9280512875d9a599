"""The plan drawn on site (`python -m calibration floor`) as part of an import file, so that nothing is drawn twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from central.errors import MisconfiguredError
from contract.values import Name, Point

Part = dict[str, object]


class _Drawn(BaseModel):
    """What central needs of it; times of zones and the drawing's scale are the node's affair."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class DrawnZone(_Drawn):
    """A polygon in metres; a zone of kind `staff` is told to nobody."""

    id: Name
    polygon: list[Point] = Field(min_length=3, max_length=64)
    kind: Literal["area", "queue", "staff"] | None = None


class DrawnLine(_Drawn):
    """An entrance line."""

    id: Name
    start: Point = Field(alias="from")
    end: Point = Field(alias="to")


class DrawnLabel(_Drawn):
    """Where a label hangs."""

    id: Name
    position: Point


class Drawn(_Drawn):
    """The plan file."""

    width_m: float = Field(gt=0, le=10_000)
    height_m: float = Field(gt=0, le=10_000)
    zones: list[DrawnZone] = []
    lines: list[DrawnLine] = []
    labels: list[DrawnLabel] = []


def read_plan(path: Path) -> Drawn:
    """MisconfiguredError names the file and the line or the field."""
    try:
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Drawn.model_validate(body)
    except OSError as error:
        raise MisconfiguredError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise MisconfiguredError(f"{path.name}: not UTF-8 text") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise MisconfiguredError(f"{path.name}: line {line}: {error.problem}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "file"
        raise MisconfiguredError(f"{path.name}: {place}: {first['msg']}") from None


def with_plan(body: object, drawn: Drawn) -> object:
    """The import file's JSON with places from the plan; names, products and nodes stay the file's.

    Zones and lines of the plan are added or take the place of those of the same id. A label's place comes from the
    plan; one that names no zone gets the zone it hangs in. Anything else is left for the check that follows.
    """
    if not isinstance(body, dict) or not isinstance(body.get("store"), dict):
        return body
    store: Part = dict(body["store"])
    before = store.get("plan")
    size: Part = {"width_m": drawn.width_m, "height_m": drawn.height_m}
    store["plan"] = {**(before if isinstance(before, dict) else {}), **size}
    store["zones"] = list(_zones(_by_id(store.get("zones")), drawn.zones, str(store.get("language", "en"))))
    lines = _by_id(store.get("lines"))
    lines |= {line.id: {"id": line.id, "start": line.start, "end": line.end} for line in drawn.lines}
    store["lines"] = list(lines.values())
    store["labels"] = [_hung(label, drawn) for label in _by_id(store.get("labels")).values()]
    return {**body, "store": store}


def _by_id(rows: object) -> dict[object, Part]:
    """Rows that are none are kept under a name of their own: the check names what is wrong with them."""
    listed = rows if isinstance(rows, list) else []
    known: dict[object, Part] = {}
    for place, row in enumerate(listed):
        key = row.get("id", place) if isinstance(row, dict) else place
        known[key if key not in known else (place, key)] = row
    return known


def _zones(named: Mapping[object, Part], drawn: list[DrawnZone], language: str) -> Iterator[object]:
    polygons = {zone.id: zone.polygon for zone in drawn if zone.kind != "staff"}
    for ident, zone in named.items():
        polygon = polygons.pop(ident, None) if isinstance(ident, str) else None
        yield zone if polygon is None else {**zone, "polygon": polygon}
    for ident, polygon in polygons.items():
        yield {"id": ident, "name": {language: ident}, "polygon": polygon}


def _hung(label: object, drawn: Drawn) -> object:
    if not isinstance(label, dict):
        return label
    place = next((one.position for one in drawn.labels if one.id == label.get("id")), None)
    if place is None:
        return label
    around = [zone.id for zone in drawn.zones if zone.kind != "staff" and _inside(place, zone.polygon)]
    zone = label.get("zone") or (around[0] if len(around) == 1 else None)
    return {**label, "position": place, "zone": zone}


def _inside(point: Point, polygon: list[Point]) -> bool:
    """Even-odd rule."""
    x, y = point
    inside = False
    for (x1, y1), (x2, y2) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside
