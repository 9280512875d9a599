"""Thirty people in twenty minutes under two cameras, with a detector's faults and exact truth, through the real edge.

The same twenty minutes as `python -m simulator.floor_run`, whose figures for more seeds stand in
docs/decisions/0009. Detections are simulated; everything after the detector is what runs in a store.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.floor_run import FloorReport, run_floor, violations
from simulator.scenes.floor_day import floor_day


@pytest.fixture(scope="module")
def report() -> FloorReport:
    return run_floor(1)


@pytest.mark.slow
def test_people_are_counted_and_their_stays_measured(report: FloorReport) -> None:
    assert report.crossings == 60
    assert report.count_error <= 0.02
    assert report.reported == report.stays
    assert report.dwell_error_p95_s is not None
    assert report.dwell_error_p95_s <= 1.0


@pytest.mark.slow
def test_no_name_is_on_somebody_else_and_every_lost_one_is_reported(report: FloorReport) -> None:
    assert report.attached >= 10
    assert report.wrong_names == 0
    assert report.vanished == 0
    assert report.doubted <= report.lost
    assert report.names_kept >= 0.5, "a tracker that drops every name would be never wrong too"


def test_every_way_to_fail_is_a_violation() -> None:
    good = FloorReport(1, 60, 30, 30, 0.0, 90, 90, 0, 0.1, 0.5, 15, 15, 0, 0.6, 0, 5, 5, 0, True, ())
    assert violations(good) == []
    for bad in ({"count_error": 0.03}, {"dwell_error_p95_s": 1.2}, {"dwell_error_p95_s": None}, {"wrong_names": 1},
                {"vanished": 1}):  # fmt: skip
        assert len(violations(replace(good, **bad))) == 1, bad  # type: ignore[arg-type]


def test_the_day_is_the_same_for_the_same_seed_and_everybody_leaves() -> None:
    day = floor_day(3, people=6, seconds=200)
    assert day == floor_day(3, people=6, seconds=200)
    assert sum(crossing.inwards for crossing in day.crossings) == 6 == len(day.crossings) / 2
