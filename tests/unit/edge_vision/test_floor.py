"""Zones, lines, occupancy and the plan: hysteresis, grace, monotonic dwell, messages that fit."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.channels import channel_for
from contract.codec import Envelope, encode
from contract.events import FloorOccupancy, ZoneDwelled, ZoneEntered, ZoneLeft
from edge.config.vision import LineConfig, ZoneConfig
from edge.floor.lines import LineStage
from edge.floor.occupancy import OccupancyStage
from edge.floor.plane import FloorPlane
from edge.floor.zones import ZoneStage
from edge.geometry import inside, segments_meet, side
from edge.values import Emission, FloorPosition, Instant

At = Callable[..., Instant]
SQUARE = ((1.0, 1.0), (2.0, 1.0), (2.0, 2.0), (1.0, 2.0))
IN, OUT = (1.5, 1.5), (3.0, 3.0)
ZONE = ZoneConfig(id="shelf", polygon=SQUARE, enter_s=0.5, grace_s=1.0, dwell_s=3.0)


def nobody(track: str) -> None:
    return None


def here(point: tuple[float, float], now: Instant, track: str = "c-1") -> tuple[FloorPosition, ...]:
    return (FloorPosition(track, point, now.monotonic),)


def walk(
    stage: ZoneStage, at: At, plan: Iterable[tuple[float, tuple[float, float] | None]], shift: float = 0.0
) -> list[Emission]:
    """(until second, place or None for unseen), at 10 fps."""
    emitted: list[Emission] = []
    tick = 0
    for until, place in plan:
        while tick / 10 < until:
            now = at(tick / 10, shift if tick > 10 else 0.0)
            emitted += stage.step(here(place, now) if place else (), nobody, now)
            tick += 1
    return emitted


def test_a_stay_is_entered_dwelled_and_left_with_its_true_length(at: At) -> None:
    events = walk(ZoneStage([ZONE]), at, [(1, OUT), (6, IN), (9, OUT)])
    assert [type(event) for event in events] == [ZoneEntered, ZoneDwelled, ZoneLeft]
    entered, dwelled, left = events
    assert isinstance(entered, ZoneEntered)
    assert entered.at == at(1.0).wall
    assert isinstance(dwelled, ZoneDwelled)
    assert dwelled.dwell_s == pytest.approx(3.0, abs=0.11)
    assert isinstance(left, ZoneLeft)
    assert left.dwell_s == pytest.approx(4.9, abs=0.01)


def test_passing_by_is_no_stay(at: At) -> None:
    assert walk(ZoneStage([ZONE]), at, [(1, OUT), (1.4, IN), (5, OUT)]) == []


def test_a_gap_shorter_than_the_grace_does_not_split_a_stay(at: At) -> None:
    events = walk(ZoneStage([ZONE]), at, [(4, IN), (4.9, None), (8, IN), (8.8, OUT), (12, IN), (15, OUT)])
    lefts = [event for event in events if isinstance(event, ZoneLeft)]
    assert [event.dwell_s for event in lefts] == [pytest.approx(11.9, abs=0.01)]


def test_a_longer_gap_does(at: At) -> None:
    events = walk(ZoneStage([ZONE]), at, [(4, IN), (6, None), (9, IN), (12, OUT)])
    assert len([event for event in events if isinstance(event, ZoneLeft)]) == 2


@pytest.mark.parametrize("shift", [3600.0, -3600.0, -86_400.0])
def test_a_wall_clock_that_jumps_leaves_dwell_alone(at: At, shift: float) -> None:
    events = walk(ZoneStage([ZONE]), at, [(6, IN), (9, OUT)], shift)
    assert [event.dwell_s for event in events if isinstance(event, ZoneLeft)] == [pytest.approx(5.9, abs=0.01)]


def test_a_visit_learnt_during_the_stay_is_told_and_kept_to_its_end(at: At) -> None:
    stage, emitted = ZoneStage([ZONE]), []
    for tick in range(90):
        now = at(tick / 10)
        visit = "v1" if 10 <= tick < 40 else None
        emitted += stage.step(here(IN, now) if tick < 50 else (), lambda _, v=visit: v, now)
    assert [event.visit for event in emitted] == [None, "v1", "v1"]


def test_shutdown_ends_stays(at: At) -> None:
    stage = ZoneStage([ZONE], calibrated=False)
    walk(stage, at, [(2, IN)])
    (left,) = stage.close(at(2))
    assert isinstance(left, ZoneLeft)
    assert not left.calibrated
    assert stage.close(at(3)) == []


LINE = LineConfig(id="door", start=(0.0, 0.0), end=(4.0, 0.0), inside=(2.0, 3.0))


def crossings(at: At, path: list[tuple[float, float]], line: LineConfig = LINE) -> list[str]:
    stage = LineStage([line])
    return [
        event.direction
        for tick, point in enumerate(path)
        for event in stage.step(here(point, at(tick / 10)), nobody, at(tick / 10))
    ]


def test_in_and_out_by_the_inside_point(at: At) -> None:
    down = [(2.0, y / 10) for y in range(-10, 11)]
    assert crossings(at, down) == ["in"]
    assert crossings(at, down[::-1]) == ["out"]
    mirrored = LineConfig(id="door", start=(0.0, 0.0), end=(4.0, 0.0), inside="left")
    assert crossings(at, down, mirrored) == ["out"]


def test_dithering_on_the_line_is_not_counted(at: At) -> None:
    draw = random.Random(3)
    assert crossings(at, [(2.0, draw.uniform(-0.14, 0.14)) for _ in range(200)]) == []
    assert crossings(at, [(2.0, -1.0)] + [(2.0, draw.uniform(-0.14, 0.14)) for _ in range(50)] + [(2.0, 1.0)]) == ["in"]


def test_walking_round_the_end_is_no_crossing(at: At) -> None:
    assert crossings(at, [(5.0, -1.0), (6.0, 0.5), (5.0, 1.0)]) == []


def test_a_track_that_appears_inside_has_not_crossed(at: At) -> None:
    assert crossings(at, [(2.0, 1.0), (2.0, 2.0)]) == []


def test_occupancy_adds_up_to_the_time_present(at: At) -> None:
    stage = OccupancyStage("cam", 0.25)
    told = [event for tick in range(1300) for event in stage.step(here(IN, at(tick / 10)), at(tick / 10))]
    told += stage.close()
    assert sum(cell[2] for event in told for cell in event.cells) == pytest.approx(129.9, abs=0.1)
    assert {cell[:2] for event in told for cell in event.cells} == {(6, 6)}
    assert [event.minute.second for event in told] == [0] * len(told)


def test_a_frozen_camera_does_not_add_the_time_nobody_saw(at: At) -> None:
    stage = OccupancyStage("cam", 0.25)
    stage.step(here(IN, at(0)), at(0))
    stage.step(here(IN, at(40)), at(40))
    (event,) = stage.close()
    assert event.cells[0][2] <= 1.0


def test_a_crowded_minute_is_split_into_messages_that_fit(at: At) -> None:
    draw = random.Random(1)
    stage = OccupancyStage("a" * 40, 0.25)
    stage.step((), at(0))
    for tick in range(1, 60):
        people = tuple(
            FloorPosition(f"t{n}", (draw.uniform(-900, 900), draw.uniform(-900, 900)), 0.0) for n in range(30)
        )
        stage.step(people, at(tick * 0.9))
    told = stage.close()
    assert len(told) > 5
    assert [event.part for event in told] == list(range(len(told)))
    for event in told:
        assert len(_encoded(event)) <= 4096
    assert sum(len(event.cells) for event in told) == len({cell[:2] for event in told for cell in event.cells})


def _encoded(event: FloorOccupancy) -> bytes:
    envelope = Envelope(
        id="x" * 64,
        source="/" + "s" * 40 + "/" + "n" * 40,
        type=channel_for(event).event_type,
        time=datetime(2026, 1, 1, tzinfo=UTC),
        session="s" * 64,
        sequence=10**12,
        clockoffset=-12345.678,
    )
    return encode(envelope, event)


def test_points_beyond_the_horizon_are_nowhere() -> None:
    plane = FloorPlane(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.01, -1.0)))
    assert plane.to_plan((10.0, 100.0)) is None
    assert plane.to_plan((10.0, 100.0001)) is None
    assert plane.to_plan((10.0, 200.0)) == pytest.approx((10.0, 200.0))
    assert plane.to_plan((float("nan"), 3.0)) is None


@given(st.floats(0, 3), st.floats(0, 3))
def test_inside_a_square(x: float, y: float) -> None:
    if min(abs(x - 1), abs(x - 2), abs(y - 1), abs(y - 2)) > 1e-9:
        assert inside(SQUARE, (x, y)) == (1 < x < 2 and 1 < y < 2)


def test_geometry_of_sides_and_segments() -> None:
    assert side((0, 0), (4, 0), (1, 2)) == pytest.approx(2.0)
    assert side((4, 0), (0, 0), (1, 2)) == pytest.approx(-2.0)
    assert segments_meet((0, -1), (0, 1), (-1, 0), (1, 0))
    assert not segments_meet((2, -1), (2, 1), (-1, 0), (1, 0))
    assert not inside(SQUARE, (float("nan"), 1.5))
