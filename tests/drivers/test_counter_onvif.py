"""Profile M counters: every dialect is read, nothing hostile gets through, totals only rise by who walked."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config import ConfigError, parse_config
from edge.config.counters import CounterConfig
from edge.counters import COUNTERS_FILE, CounterDesk
from edge.values import Instant
from hardware.counters.onvif import Count, CounterError, parse_count
from hardware.counters.simulated import SimulatedCounter

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TOPIC = "cameras/door/onvif-ej/RuleEngine/CountAggregation/Counter/&1/2/Door-In"
DOOR = CounterConfig.model_validate(
    {
        "id": "door-cam",
        "topic": "cameras/door/#",
        "rules": {"Door-In": {"line": "door", "direction": "in"}, "Door-Out": {"line": "door", "direction": "out"}},
    }
)


def at(seconds: float) -> Instant:
    return Instant(1000.0 + seconds, START + timedelta(seconds=seconds))


def desk(folder: Path, **more: int) -> CounterDesk:
    return CounterDesk((DOOR.model_copy(update=more),), folder)


@pytest.mark.parametrize("dialect", ["spec", "numbers", "items", "silent"])
def test_every_dialect_is_read(dialect: str) -> None:
    camera = SimulatedCounter(dialect=dialect)  # type: ignore[arg-type]
    topic, payload = camera.walk("Door-In", START, 412)
    count = parse_count(topic, payload)
    assert count == Count("Door-In", 412, None if dialect == "silent" else START)


def test_other_events_are_not_counters() -> None:
    occupancy = TOPIC.replace("/Counter/", "/OccupancyCounter/")
    assert parse_count(occupancy, b'{"Data":{"Count":"4"}}') is None
    assert parse_count("cameras/door/onvif-ej/VideoSource/MotionAlarm/&1", b'{"Data":{"State":"true"}}') is None


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"3",
        b"{}",
        b'{"Data":{}}',
        b'{"Data":{"Count":true}}',
        b'{"Data":{"Count":"-3"}}',
        b'{"Data":{"Count":"3.5"}}',
        b'{"Data":{"Count":NaN}}',
        b'{"Data":{"Count":1e400}}',
        b'{"Data":{"Count":"99999999999999999"}}',
        b'{"Data":{"Count":"\xd9\xa3"}}',
        b'{"Data":{"Count":["3"]}}',
        b'{"Data":' * 5000 + b"1" + b"}" * 5000,
        b"[" * 100_000,
    ],
)
def test_what_is_no_count_is_refused(payload: bytes, tmp_path: Path) -> None:
    with pytest.raises(CounterError):
        parse_count(TOPIC, payload)
    counters = desk(tmp_path)
    counters.take(TOPIC, payload, at(0))
    assert counters.counts == {"unreadable": 1}
    assert counters.tick(at(100)) == []


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Data", "Count", "Name", "Value", "Source", "Rule", "UtcTime"]), inner)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(_JSON)
def test_no_message_breaks_it(value: object) -> None:
    try:
        count = parse_count(TOPIC, json.dumps(value).encode())
    except CounterError:
        return
    assert count is None or 0 <= count.count <= 10**12


def play(counters: CounterDesk, camera: SimulatedCounter, rule: str, people: int, seconds: float) -> None:
    counters.take(*camera.walk(rule, at(seconds).wall, people), at(seconds))


def test_totals_begin_at_nought_and_go_out_once_a_minute(tmp_path: Path) -> None:
    counters, camera = desk(tmp_path), SimulatedCounter(counts={"Door-In": 400, "Door-Out": 380})
    counters.take(*camera.say("Door-In", START), at(0))
    (first,) = counters.tick(at(0.1))
    assert (first.entered, first.left, first.since, first.device) == (0, None, START, "door-cam")
    play(counters, camera, "Door-In", 2, 5)
    counters.take(*camera.say("Door-Out", at(6).wall), at(6))
    play(counters, camera, "Door-Out", 1, 7)
    assert counters.tick(at(30)) == []
    (second,) = counters.tick(at(61))
    assert (second.entered, second.left, second.since) == (2, 1, START)
    assert counters.tick(at(200)) == []


def test_a_reset_of_one_direction_is_no_event(tmp_path: Path) -> None:
    counters, camera = desk(tmp_path), SimulatedCounter()
    for rule in ("Door-In", "Door-Out"):
        counters.take(*camera.say(rule, START), at(0))
        play(counters, camera, rule, 5, 10)
    camera.reset()
    play(counters, camera, "Door-In", 3, 200)
    (told,) = counters.tick(at(201))
    assert (told.entered, told.left, told.since) == (8, 5, START)
    assert counters.counts["reset"] == 1


def test_a_rollover_that_is_configured_loses_nobody(tmp_path: Path) -> None:
    counters = desk(tmp_path, rolls_over_at=1000)
    camera = SimulatedCounter(counts={"Door-In": 990}, wraps_at=1000)
    counters.take(*camera.say("Door-In", START), at(0))
    play(counters, camera, "Door-In", 25, 5)
    assert counters.tick(at(6))[0].entered == 25
    assert counters.counts["rolled_over"] == 1


def test_repeats_and_what_was_overtaken_change_nothing(tmp_path: Path) -> None:
    counters, camera = desk(tmp_path), SimulatedCounter()
    counters.take(*camera.say("Door-In", START), at(0))
    early = camera.walk("Door-In", at(5).wall)
    play(counters, camera, "Door-In", 1, 6)
    for message in (early, camera.again(), camera.again()):
        counters.take(*message, at(7))
    assert counters.tick(at(8))[0].entered == 2


def test_a_leap_is_not_believed(tmp_path: Path) -> None:
    counters, camera = desk(tmp_path), SimulatedCounter()
    counters.take(*camera.say("Door-In", START), at(0))
    play(counters, camera, "Door-In", 10**9, 5)
    play(counters, camera, "Door-In", 2, 6)
    assert counters.tick(at(8))[0].entered == 2


def test_a_restart_counts_neither_twice_nor_anew_and_takes_in_who_came_meanwhile(tmp_path: Path) -> None:
    camera = SimulatedCounter()
    before = desk(tmp_path)
    before.take(*camera.say("Door-In", START), at(0))
    play(before, camera, "Door-In", 7, 5)
    assert before.tick(at(6))[0].entered == 7
    camera.walk("Door-In", at(50).wall, 2)
    after = desk(tmp_path)
    play(after, camera, "Door-In", 1, 100)
    (told,) = after.tick(at(101))
    assert (told.entered, told.since) == (10, START)


@pytest.mark.parametrize("text", ["", "{", '{"tallies": 3}', '{"tallies": {"door-cam/door": {"since": "x"}}}'])
def test_a_damaged_file_begins_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / COUNTERS_FILE).write_text(text)
    counters, camera = desk(tmp_path), SimulatedCounter(counts={"Door-In": 400})
    counters.take(*camera.say("Door-In", at(9).wall), at(9))
    assert [(told.entered, told.since) for told in counters.tick(at(10))] == [(0, at(9).wall)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_whatever_is_repeated_or_lost_the_total_is_who_walked(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    draw = random.Random(seed)
    counters, camera = desk(tmp_path_factory.mktemp("c"), rolls_over_at=500), SimulatedCounter(wraps_at=500)
    counters.take(*camera.say("Door-In", START), at(0))
    walked, t = 0, 0.0
    totals = [told.entered or 0 for told in counters.tick(at(0))]
    for _ in range(60):
        t += draw.uniform(1, 100)
        people = draw.randint(0, 5)
        walked += people
        message = camera.walk("Door-In", at(t).wall, people)
        if draw.random() < 0.7:
            for _ in range(draw.randint(1, 2)):
                counters.take(*message, at(t))
        totals += [told.entered or 0 for told in counters.tick(at(t))]
    counters.take(*camera.say("Door-In", at(t + 1).wall), at(t + 1))
    totals += [told.entered or 0 for told in counters.tick(at(t + 100))]
    assert totals == sorted(totals)
    assert totals[-1] == walked


def configured(text: str) -> list[str]:
    document = f"store: s\nnode: n\nstate_dir: v\ncounters:\n  - id: cam\n{text}"
    with pytest.raises(ConfigError) as error:
        parse_config(document)
    return str(error.value).splitlines()


RULES = "    rules: {A: {line: door, direction: in}}\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (f"    topic: '#'\n{RULES}", 6, "own topic prefix"),
        (f"    topic: vitrina/v1/s/n/#\n{RULES}", 6, "Vitrina's own"),
        (f"    topic: a/#/b\n{RULES}", 6, "not an MQTT topic filter"),
        (f"    topic: a/b+\n{RULES}", 6, "not an MQTT topic filter"),
        ("    topic: a/#\n    rules: {}\n", 7, "at least 1"),
        ("    topic: a/#\n    rules: {A: {line: door, direction: up}}\n", 7, "'in' or 'out'"),
        (f"    topic: a/#\n    rolls_over: 3\n{RULES}", 7, "did you mean"),
        (
            "    topic: a/#\n    rules:\n      A: {line: door, direction: in}\n      B: {line: door, direction: in}\n",
            5,
            "two rules count door in",
        ),
    ],
)
def test_a_wrong_section_names_its_line(text: str, line: int, words: str) -> None:
    (problem,) = configured(text)
    assert f":{line}:" in problem, problem
    assert words in problem
