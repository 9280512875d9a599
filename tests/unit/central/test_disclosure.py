"""The gate's own rules, and times in groups."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.analytics.buckets import COUNT, bucket_of, grouped, percentile, spread
from central.analytics.disclosure import (
    Amount,
    HeatCell,
    publish,
    publish_cells,
    publish_leaving,
    publish_part,
)
from central.analytics.hours import HOUR, day_start, days_within, hour_end, hour_start, next_day, zone_of

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def amount(people: int) -> Amount:
    return Amount(AT, AT + HOUR, people)


@pytest.mark.parametrize(("people", "shown"), [(0, False), (1, False), (9, False), (10, True), (500, True)])
def test_ten_people_or_nothing(people: int, shown: bool) -> None:
    assert (publish(amount(people), 10) is not None) is shown
    assert (publish(amount(people), 1) is not None) is shown, "a store cannot ask for fewer"


@pytest.mark.parametrize(
    ("part", "whole", "shown"), [(12, 12, True), (12, 22, True), (12, 21, False), (12, 5, False), (9, 40, False)]
)
def test_a_part_needs_the_others_to_be_many_or_none(part: int, whole: int, shown: bool) -> None:
    assert (publish_part(amount(part), whole, 10) is not None) is shown


@given(came=st.integers(0, 200), gone=st.integers(0, 200), people=st.integers(0, 200))
def test_came_minus_left_is_nobody_or_many(came: int, gone: int, people: int) -> None:
    gone = gone if came - gone >= 10 else came
    figure, rest = publish_leaving(amount(people), came, gone, 10)
    shown = figure.people if figure else 0
    assert shown == 0 or shown >= 10
    assert came - gone - shown == 0 or came - gone - shown >= 10
    assert shown + (rest.people if rest else 0) == people


@given(st.dictionaries(st.integers(0, COUNT - 1), st.integers(0, 40)), st.integers(10, 30))
def test_groups_of_times_cover_the_axis_and_hold_enough(people: dict[int, int], least: int) -> None:
    groups = grouped(people, least)
    assert [bucket for first, last in groups for bucket in range(first, last + 1)] == list(range(COUNT))
    if len(groups) > 1:
        assert all(sum(people.get(one, 0) for one in range(first, last + 1)) >= least for first, last in groups)


@pytest.mark.parametrize("kind", ["exponential", "lognormal", "two humps"])
def test_percentiles_from_merged_groups_are_near_the_truth(kind: str) -> None:
    chance = random.Random(4)
    draw = {
        "exponential": lambda: chance.expovariate(1 / 90),
        "lognormal": lambda: chance.lognormvariate(3.7, 1.0),
        "two humps": lambda: chance.expovariate(1 / 4) if chance.random() < 0.6 else max(0.1, chance.gauss(180, 60)),
    }[kind]
    times: list[float] = []
    groups: dict[tuple[int, int], float] = {}
    for _ in range(30 * 14):
        hour = [draw() for _ in range(60)]
        times += hour
        people: dict[int, int] = {}
        for seconds in hour:
            people[bucket_of(seconds)] = people.get(bucket_of(seconds), 0) + 1
        for first, last in grouped(people, 10):
            inside = sum(people.get(one, 0) for one in range(first, last + 1))
            groups[first, last] = groups.get((first, last), 0) + inside
    times.sort()
    counts = spread(groups, sum(times) / len(times))
    assert abs(sum(counts) - len(times)) < 1
    for share, allowed in ((0.5, 0.05), (0.9, 0.15)):
        true = times[int(len(times) * share)]
        assert abs(percentile(counts, share) / true - 1) < allowed, (share, percentile(counts, share), true)


def test_cells_wait_for_their_ten() -> None:
    shown, waiting = publish_cells({(0, 0): HeatCell(5.0, 10), (1, 0): HeatCell(900.0, 9)}, 10)
    assert shown == {(0, 0): 5.0}
    assert waiting == {(1, 0): HeatCell(900.0, 9)}


@given(
    st.integers(1_577_836_800, 1_893_456_000),  # 2020 to 2030
    st.sampled_from(
        [
            "Europe/Berlin",
            "America/St_Johns",
            "Asia/Kathmandu",
            "Australia/Lord_Howe",
            "Asia/Beirut",
            "America/Santiago",
        ]
    ),
)
def test_hours_and_days_of_any_zone(seconds: int, name: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    zone = zone_of(name)
    assert isinstance(zone, ZoneInfo)
    start = hour_start(at, zone)
    assert timedelta(0) <= at - start < HOUR
    assert start.astimezone(zone).minute in (0, 30)  # Lord Howe moves its clocks by half an hour
    assert hour_end(start, zone) in (start, start + HOUR)
    day = day_start(at, zone)
    assert day <= at < next_day(day, zone)
    assert next_day(day, zone) - day in [timedelta(hours=n) for n in (23, 23.5, 24, 24.5, 25)]
    first, last = days_within(at, at + timedelta(days=5), zone)
    assert at <= first < last <= at + timedelta(days=5)
    assert first.astimezone(zone).hour in (0, 1)


def test_no_whole_day_within_a_few_hours() -> None:
    first, last = days_within(AT, AT + 5 * HOUR, UTC)
    assert first == last
