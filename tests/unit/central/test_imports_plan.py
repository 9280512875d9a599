"""The plan drawn on site, read into an import file: written by calibration itself, as an installer would."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from calibration.plan_file import PlanFile, PlanLabel, PlanLine, PlanZone, plan_yaml
from central.errors import MisconfiguredError
from central.imports.plan import read_plan
from central.imports.service import parse

SQUARE = ((0.0, 0.0), (3.0, 0.0), (3.0, 2.0), (0.0, 2.0))
STORE: dict[str, Any] = {
    "store": {
        "id": "shop", "name": "Shop", "currency": "EUR", "language": "ru",
        "plan": {"width_m": 1, "height_m": 1, "svg": "/plan.svg"},
        "zones": [{"id": "audio", "name": {"en": "Headphones"}}],
        "lines": [{"id": "back", "start": [1, 1], "end": [2, 1]}],
        "labels": [{"id": "label-1", "node": "n", "sku": "HP-1"}, {"id": "label-2", "node": "n", "sku": "HP-1"}],
    },
    "products": [{"sku": "HP-1", "title": {"en": "Headphones"}, "price": 100, "currency": "EUR"}],
}  # fmt: skip


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """As `calibration floor` writes it."""
    drawn = PlanFile(
        operator="A. Installer",
        drawn_at=datetime(2026, 11, 22, tzinfo=UTC),
        width_m=8,
        height_m=9,
        zones=(
            PlanZone(id="audio", polygon=SQUARE, enter_s=1),
            PlanZone(id="till", polygon=((5, 5), (6, 5), (6, 6)), kind="queue"),
            PlanZone(id="store-room", polygon=((7, 7), (8, 7), (8, 8)), kind="staff"),
        ),
        lines=(PlanLine(id="door", start=(0, 8), end=(2, 8), inside=(1, 5)),),
        labels=(PlanLabel(id="label-1", position=(1.5, 0.2)), PlanLabel(id="label-9", position=(2, 0.2))),
    )
    path = tmp_path / "plan.yaml"
    path.write_text(plan_yaml(drawn), encoding="utf-8")
    return path


def test_places_come_from_the_plan_and_names_from_the_file(plan: Path) -> None:
    store = parse(json.dumps(STORE).encode(), "store.json", read_plan(plan)).store
    assert (store.plan.width_m, store.plan.height_m, store.plan.svg) == (8, 9, "/plan.svg")
    assert [(zone.id, zone.name) for zone in store.zones] == [("audio", {"en": "Headphones"}), ("till", {"ru": "till"})]
    assert store.zones[0].polygon == list(SQUARE)
    assert [(line.id, line.start) for line in store.lines] == [("back", (1, 1)), ("door", (0, 8))]
    first, second = store.labels
    assert (first.position, first.zone) == ((1.5, 0.2), "audio")
    assert (second.position, second.zone) == (None, None), "a label that nobody drew hangs nowhere"


def test_a_label_keeps_the_zone_it_was_given(plan: Path) -> None:
    body = copy.deepcopy(STORE)
    body["store"]["labels"][0]["zone"] = "till"
    assert parse(json.dumps(body).encode(), "store.json", read_plan(plan)).store.labels[0].zone == "till"


def test_what_nobody_drew_is_named(plan: Path) -> None:
    body = copy.deepcopy(STORE)
    body["store"]["zones"].append({"id": "vinyl", "name": {"en": "Vinyl"}})
    with pytest.raises(MisconfiguredError, match=r"store\.zones\[1\]\.polygon: Field required"):
        parse(json.dumps(body).encode(), "store.json", read_plan(plan))


def test_doubles_of_the_file_are_still_found(plan: Path) -> None:
    body = copy.deepcopy(STORE)
    body["store"]["labels"].append(dict(body["store"]["labels"][0]))
    with pytest.raises(MisconfiguredError, match="'label-1' is there twice"):
        parse(json.dumps(body).encode(), "store.json", read_plan(plan))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("zones: [", "line 1"),
        ("width_m: 8\n", "height_m: Field required"),
        ("width_m: 8\nheight_m: 9\nzones: [{id: a, polygon: [[0, 0]]}]\n", r"zones\.0\.polygon"),
        ("- nothing\n", "file"),
        ("width_m: 8\nheight_m: 9\nlines: [{id: a, from: [0, 0]}]\n", r"lines\.0\.to"),
    ],
)
def test_a_broken_plan_names_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    with pytest.raises(MisconfiguredError, match=said):
        read_plan(path)
    with pytest.raises(MisconfiguredError, match="cannot be read"):
        read_plan(tmp_path / "none.yaml")


@pytest.mark.parametrize("body", [[], {}, {"store": 3}, {"store": {"zones": 3, "labels": [1, "x"]}}])
def test_nonsense_in_the_file_is_refused_as_before(plan: Path, body: object) -> None:
    with pytest.raises(MisconfiguredError, match="store"):
        parse(json.dumps(body).encode(), "store.json", read_plan(plan))
