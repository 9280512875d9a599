"""Queues, groups, U-turns, people of the house, stays across an id switch, people in cells."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.events import FloorOccupancy, GroupEntered, LineCrossed, QueueMeasured, ZoneEntered, ZoneLeft
from edge.config.vision import LineConfig, ZoneConfig
from edge.floor.arrivals import Arrivals
from edge.floor.groups import GroupStage, Walk
from edge.floor.lines import LineStage
from edge.floor.occupancy import Footprints, OccupancyStage
from edge.floor.queues import QueueStage, Wait, measured
from edge.floor.staff import StaffRules
from edge.floor.turns import Turns
from edge.floor.zones import ZoneStage
from edge.values import Emission, FloorPosition, Instant, PlanPoint

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SQUARE = ((1.0, 1.0), (5.0, 1.0), (5.0, 3.0), (1.0, 3.0))
SHELF = ZoneConfig(id="shelf", polygon=SQUARE, enter_s=0.5, grace_s=1.0, dwell_s=3.0)
TILL = ZoneConfig(id="till", polygon=SQUARE, kind="queue", service=(5.0, 2.0), service_m=0.8)
LINE = LineConfig(id="door", start=(0.0, 0.0), end=(4.0, 0.0), inside=(2.0, 3.0))


def at(seconds: float, shift: float = 0.0) -> Instant:
    return Instant(1000.0 + seconds, START + timedelta(seconds=seconds + shift))


def here(t: float, **tracks: PlanPoint) -> tuple[FloorPosition, ...]:
    return tuple(FloorPosition(name, point, 1000.0 + t) for name, point in tracks.items())


def nobody(track: str) -> None:
    return None


# Stays across an id switch


def stays(plan: dict[str, tuple[float, float, PlanPoint]], seconds: float, visit: str | None = None) -> list[Emission]:
    """Tracks by (from, until, place), ten looks a second."""
    stage, told = ZoneStage([SHELF]), []
    for tick in range(round(seconds * 10)):
        t = tick / 10
        seen = {name: place for name, (since, until, place) in plan.items() if since <= t < until}
        told += stage.step(here(t, **seen), lambda name: visit if name == "a" else None, at(t))
    return told


def lefts(told: list[Emission]) -> list[ZoneLeft]:
    return [event for event in told if isinstance(event, ZoneLeft)]


def test_a_stay_goes_on_under_another_number() -> None:
    told = stays({"a": (0, 6, (2.0, 2.0)), "b": (6.8, 15, (2.4, 2.0))}, 20)
    (left,) = lefts(told)
    assert left.track == "a", "told under the number it was begun with"
    assert left.dwell_s == pytest.approx(14.9, abs=0.01)
    assert sum(isinstance(event, ZoneEntered) for event in told) == 1


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        ({"a": (0, 6, (2.0, 2.0)), "b": (6.8, 15, (4.0, 2.0))}, "too far off"),
        ({"a": (0, 6, (2.0, 2.0)), "b": (9.0, 15, (2.0, 2.0))}, "too late"),
        ({"a": (0, 6, (2.0, 2.0)), "c": (0, 6, (2.2, 2.2)), "b": (6.8, 15, (2.1, 2.1))}, "two could be meant"),
        ({"a": (0, 8, (2.0, 2.0)), "b": (6.8, 15, (2.4, 2.0))}, "both are seen"),
    ],
)
def test_it_does_not_when(plan: dict[str, tuple[float, float, PlanPoint]], why: str) -> None:
    assert len(lefts(stays(plan, 20))) == len(plan), why


def test_a_stay_with_a_name_never_goes_on_with_somebody_else() -> None:
    told = stays({"a": (0, 6, (2.0, 2.0)), "b": (6.8, 15, (2.0, 2.0))}, 20, visit="v1")
    assert [(left.track, left.visit) for left in lefts(told)] == [("a", "v1"), ("b", None)]


def test_who_turns_up_again_takes_the_stay_back() -> None:
    stage, told = ZoneStage([SHELF]), []
    for tick in range(220):
        t = tick / 10
        seen: dict[str, PlanPoint] = {}
        if t < 6 or 9 <= t < 16:
            seen["a"] = (2.0, 2.0)
        if 6.8 <= t < 12:
            seen["b"] = (2.4, 2.0)
        told += stage.step(here(t, **seen), nobody, at(t), hidden={"a"} if 6 <= t < 9 else ())
    found = {left.track: left.dwell_s for left in lefts(told)}
    assert found == {"a": pytest.approx(15.9, abs=0.01), "b": pytest.approx(5.1, abs=0.11)}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_stays_never_overlap_themselves_and_each_is_told_once(seed: int) -> None:
    draw = random.Random(seed)
    stage, told = ZoneStage([SHELF]), []
    names = [f"t{n}" for n in range(6)]
    for tick in range(150):
        t = tick / 5
        seen = {n: (draw.uniform(0, 6), draw.uniform(0, 4)) for n in draw.sample(names, draw.randint(0, 4))}
        told += stage.step(here(t, **seen), nobody, at(t), hidden=set(draw.sample(names, 2)))
    told += stage.close(at(30))
    entered = [event for event in told if isinstance(event, ZoneEntered)]
    assert len(entered) == len(lefts(told))
    for left in lefts(told):
        assert 0 <= left.dwell_s <= 30
    live: set[str] = set()
    for event in told:
        if isinstance(event, ZoneEntered):
            assert event.track not in live
            live.add(event.track)
        elif isinstance(event, ZoneLeft):
            live.remove(event.track)
    assert not live


# Queues


def queue(path: dict[str, list[tuple[float, float, PlanPoint]]], seconds: float) -> list[QueueMeasured]:
    stage, told = QueueStage(TILL, 5.0), []
    for tick in range(round(seconds * 5)):
        t = tick / 5
        seen = {name: place for name, legs in path.items() for since, until, place in legs if since <= t < until}
        told += stage.step(here(t, **seen), at(t))
    return told + stage.close(at(seconds))


def test_a_queue_has_a_length_and_waiting_times() -> None:
    told = queue(
        {
            "a": [(10, 70, (3.0, 2.0)), (70, 100, (4.8, 2.0))],
            "b": [(30, 100, (2.0, 2.0)), (100, 130, (4.8, 2.0))],
            "passes": [(50, 52, (2.0, 2.5))],
        },
        260,
    )
    assert [event.minute.minute for event in told] == [0, 1, 2]
    assert [(event.length_max, event.length) for event in told] == [(2, 2), (2, 0), (0, 0)]
    assert told[0].length_mean == pytest.approx((50 + 30) / 60, abs=0.02)
    assert told[1].length_mean == pytest.approx((10 + 40) / 60, abs=0.02)
    assert told[0].waits == ()
    assert told[1].waits == pytest.approx((59.8, 69.8), abs=0.3)


def test_nobody_in_the_queue_is_silence() -> None:
    assert queue({"passes": [(5, 8, (2.0, 2.0))], "served": [(10, 60, (4.9, 2.0))]}, 200) == []


def test_people_of_the_house_never_waited() -> None:
    stage = QueueStage(TILL, 5.0)
    for tick in range(300):
        stage.step(here(tick / 5, a=(2.0, 2.0)), at(tick / 5))
    stage.drop({"a"})
    assert stage.close(at(60)) == []


@pytest.mark.parametrize("shift", [-3600.0, 3600.0, -7.0])
def test_a_clock_that_is_set_neither_loses_nor_doubles_waiting(shift: float) -> None:
    stage, told = QueueStage(TILL, 5.0), []
    for tick in range(1500):
        t = tick / 5
        told += stage.step(here(t, a=(2.0, 2.0)) if 20 <= t < 200 else (), at(t, shift if t > 100 else 0.0))
    told += stage.close(at(300, shift))
    assert [wait for event in told for wait in event.waits] == [pytest.approx(179.8, abs=0.3)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-200, 200), st.floats(0, 300)), max_size=30),
    st.floats(5, 60),
)
def test_a_minute_of_a_queue_is_what_sampling_it_gives(spans: list[tuple[float, float]], length: float) -> None:
    waits = [Wait(begin, begin + span) for begin, span in spans]
    told = measured("till", START, (0.0, length), waits)
    ticks = 400
    counts = [sum(wait.begin <= (k + 0.5) * length / ticks < wait.end for wait in waits) for k in range(ticks)]
    assert told.length_mean == pytest.approx(sum(counts) / ticks, abs=0.003 * (len(waits) + 1))
    assert told.length_max >= max(counts)
    assert len(told.waits) == sum(0 < wait.end <= length for wait in waits)
    assert told.length <= told.length_max or not told.length


# Groups


def groups(people: dict[str, tuple[float, float, float]], seconds: float = 60, **walk: float) -> list[GroupEntered]:
    """Everybody as (second of entering, y, speed along x)."""
    stage, told = GroupStage(Walk(**walk)), []
    entered: set[str] = set()
    for tick in range(round(seconds * 10)):
        t = tick / 10
        seen: dict[str, PlanPoint] = {}
        for name, (since, y, speed) in people.items():
            if since <= t < since + 30:
                seen[name] = ((t - since) * speed, y)
                if name not in entered:
                    entered.add(name)
                    stage.entered(name, "door", 1000.0 + t, at(t).wall)
        told += stage.step(here(t, **seen), at(t))
    return told


def sizes(told: list[GroupEntered]) -> list[int]:
    return sorted(event.size for event in told)


def test_who_walks_together_is_one_buying_unit() -> None:
    told = groups({"a": (1, 2.0, 1.0), "b": (1.5, 2.6, 1.0), "c": (2.2, 2.2, 1.0), "alone": (20, 2.0, 1.0)})
    assert sizes(told) == [1, 3]
    assert told[0].at == at(1).wall


def test_who_only_comes_in_at_the_same_time_is_not() -> None:
    assert sizes(groups({"a": (1, 2.0, 1.2), "b": (1.5, 2.4, 0.3)})) == [1, 1]
    assert sizes(groups({"a": (1, 2.0, 1.0), "b": (1.0, 6.0, 1.0)})) == [1, 1]
    assert sizes(groups({"a": (1, 2.0, 1.0), "b": (3.0, 2.0, 1.0)}, gap_s=1.0)) == [1, 1]


def test_who_turned_round_or_is_of_the_house_is_in_no_group() -> None:
    stage = GroupStage()
    for name in ("a", "b"):
        stage.entered(name, "door", 1000.0, START)
    stage.drop(["b"])
    assert sizes(stage.close()) == [1]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 40), st.floats(0, 8), st.floats(0.2, 1.5)), max_size=12))
def test_everybody_who_came_in_is_in_exactly_one_group(entries: list[tuple[float, float, float]]) -> None:
    people = {f"t{n}": entry for n, entry in enumerate(entries)}
    assert sum(event.size for event in groups(people, 90)) == len(people)


# U-turns and crossings at the border of the picture


def crossed(line: str, track: str, direction: str) -> LineCrossed:
    return LineCrossed.model_validate({"line": line, "track": track, "direction": direction, "at": START})


def test_over_the_line_and_back_is_no_crossing() -> None:
    turns = Turns(3.0)
    assert turns.step([crossed("door", "a", "in")], 0.0) == ([], [])
    told, back = turns.step([crossed("door", "a", "out")], 2.0)
    assert (told, [one.direction for one in back], turns.undone) == ([], ["out"], 1)
    assert turns.step([], 10.0) == ([], [])


def test_out_and_in_again_is_somebody_else() -> None:
    turns = Turns(3.0)
    turns.step([crossed("door", "a", "out")], 0.0)
    assert [one.direction for one in turns.step([crossed("door", "a", "in")], 2.0)[0]] == ["out"]
    assert [one.direction for one in turns.close()] == ["in"]


def test_a_crossing_holds_after_the_time_and_one_back_later_counts() -> None:
    turns = Turns(3.0)
    turns.step([crossed("door", "a", "in")], 0.0)
    assert [one.direction for one in turns.step([], 3.0)[0]] == ["in"]
    turns.step([crossed("door", "a", "out")], 4.0)
    assert [one.direction for one in turns.release({"a"})] == ["out"]
    assert turns.close() == []


@given(st.lists(st.tuples(st.floats(0, 5), st.sampled_from("abc"), st.sampled_from(["in", "out"])), max_size=40))
def test_no_crossing_is_told_twice_and_none_vanishes(script: list[tuple[float, str, str]]) -> None:
    turns, now, told = Turns(3.0), 0.0, 0
    for wait, track, direction in script:
        now += wait
        told += len(turns.step([crossed("door", track, direction)], now)[0])
    told += len(turns.close())
    assert told + 2 * turns.undone == len(script)


def test_who_is_first_seen_at_the_border_beyond_the_line_has_come_over_it() -> None:
    stage, arrivals, told = LineStage([LINE]), Arrivals(), []
    for tick in range(20):
        seen = here(tick / 10, a=(2.0, 0.4 + tick / 10))
        if tick == 0:
            arrivals.begin(seen[0], 1000.0)
        told += stage.step(seen, nobody, at(tick / 10))
        told += stage.arrived(arrivals.step(seen, 1000.0 + tick / 10), nobody, at(tick / 10))
    assert [event.direction for event in told] == ["in"]


def test_who_stands_there_has_not() -> None:
    arrivals = Arrivals()
    arrivals.begin(here(0, a=(2.0, 0.4))[0], 1000.0)
    assert [one for tick in range(30) for one in arrivals.step(here(tick, a=(2.0, 0.4)), 1000.0 + tick / 10)] == []


# People of the house


def test_who_begins_in_the_staff_area_or_stays_there_is_of_the_house() -> None:
    rules = StaffRules([ZoneConfig(id="till", polygon=SQUARE, kind="staff")])
    for tick in range(100):
        t = tick / 10
        seen: dict[str, PlanPoint] = {"clerk": (2.0 + t, 2.0), "visitor": (0.0, 0.0), "passer": (0.5 + t, 2.5)}
        if t > 2:
            seen["helper"] = (3.0, 2.0) if t > 3 else (0.0, 2.0)
        rules.step(here(t, **seen), 1000.0 + t)
    assert set(rules.tracks) == {"clerk", "helper"}
    rules.forget({"clerk"})
    assert set(rules.tracks) == {"helper"}


def test_a_staff_area_tells_no_stays() -> None:
    stage = ZoneStage([ZoneConfig(id="till", polygon=SQUARE, kind="staff")])
    assert [e for tick in range(100) for e in stage.step(here(tick, a=(2.0, 2.0)), nobody, at(tick))] == []


# People in cells


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_two_cameras_count_each_person_once_in_a_cell_and_their_seconds_once(seed: int) -> None:
    draw = random.Random(seed)
    shared = Footprints()
    cameras = [OccupancyStage(name, 0.25, footprints=shared) for name in ("one", "two")]
    counted: dict[str, float] = {}
    told: list[FloorOccupancy] = []
    been: set[tuple[str, int, int]] = set()
    for tick in range(1000):
        t = tick / 10
        place = (t / 50 + draw.uniform(-0.05, 0.05), 1.0)
        for camera in cameras:
            seen = here(t, a=place)
            since = {"a": counted.get("a", 1000.0 + t)}
            counted["a"] = 1000.0 + t
            told += camera.step(seen, at(t), since)
        been.add(("a", int(place[0] // 0.25), 4))
    told += [event for camera in cameras for event in camera.close()]
    for event in told:
        assert len(event.people) == len(event.cells)
    assert sum(count for event in told for count in event.people) == len(been)
    assert sum(cell[2] for event in told for cell in event.cells) == pytest.approx(99.9, abs=0.2)


def test_a_cell_is_counted_in_the_minute_it_was_first_come_into() -> None:
    stage, told = OccupancyStage("one", 0.25), []
    for tick in range(1300):
        told += stage.step(here(tick / 10, a=(1.1, 1.1)), at(tick / 10))
    told += stage.close()
    assert [event.people for event in told] == [(1,), (0,), (0,)]


def test_places_that_are_no_numbers_are_nowhere() -> None:
    stage = OccupancyStage("one", 0.25)
    stage.step(here(0, a=(float("nan"), 1.0), b=(float("inf"), 1.0), c=(1e9, 1.0)), at(0))
    assert stage.close() == []
