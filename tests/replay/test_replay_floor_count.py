"""Everybody who comes in is counted in once and out once: days whose crossings used to be miscounted."""

from __future__ import annotations

import pytest

from simulator.floor_run import COUNT_ERROR, run_floor


@pytest.mark.slow
@pytest.mark.parametrize("seed", [4, 5])
def test_thirty_people_come_in_and_leave(seed: int) -> None:
    report = run_floor(seed)
    assert report.crossings == 60
    assert report.count_error <= COUNT_ERROR, (report.counted_in, report.counted_out)
