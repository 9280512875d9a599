"""Counting against a person: who belongs to whom, and intervals that hold what they promise."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.audit.compare import Crossing, Stay, Stretch, compare, count_error, dwell_error, garwood
from calibration.audit.events import read_events
from calibration.audit.file import AuditFile, audit_yaml, read_audit
from calibration.errors import CalibrationError
from calibration.source import source_of
from calibration.web.audit_desk import AuditDesk, Counted, Task
from contract.clock import ManualClock, SystemClock
from contract.events import LineCrossed
from contract.quality import count_class, dwell_class
from simulator.scenes.cameras import MjpegCamera

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
WHOLE = [Stretch(0, 1000)]


def ins(*moments: float) -> list[Crossing]:
    return [Crossing(at, "in") for at in moments]


def test_everybody_found_is_an_error_of_zero_with_an_interval() -> None:
    found = compare(WHOLE, (ins(*range(10, 110, 5)), []), (ins(*np.arange(10.4, 110, 5).tolist()), [])).count
    assert found is not None
    assert (found.counted, found.missed, found.extra, found.share) == (20, 0, 0, 0.0)
    assert found.low < -0.15 < 0.15 < found.high, "twenty people without a mistake prove little"


def test_two_who_go_opposite_ways_are_not_each_other() -> None:
    found = compare(WHOLE, ([Crossing(50, "in")], []), ([Crossing(50.2, "out")], []))
    assert found.missed == (50,)
    assert found.extra == (50.2,)


def test_one_crossing_is_matched_once() -> None:
    found = compare(WHOLE, (ins(50), []), (ins(49.5, 50.5), []))
    assert found.count is not None
    assert found.count.extra == 1
    assert found.count.missed == 0


def test_only_what_was_watched_counts_and_its_ends_are_not_blamed() -> None:
    watched = [Stretch(100, 200)]
    found = compare(watched, (ins(150, 101), []), (ins(50, 150.5, 199, 300), []))
    assert found.missed == ()
    assert found.extra == ()


def test_stays_are_matched_by_common_time() -> None:
    person = [Stay(10, 20), Stay(15, 40), Stay(100, 110), Stay(200, 204)]
    node = [Stay(14.5, 41), Stay(10.5, 20), Stay(100, 109), Stay(300, 310)]
    found = compare(WHOLE, ([], person), ([], node))
    assert found.dwell is not None
    assert found.missed_stays == (200,)
    assert found.extra_stays == (300,)
    assert found.dwell.mean_abs_s == pytest.approx((1.5 + 0.5 + 1.0) / 3, abs=1e-3)
    assert found.dwell.bias_s == pytest.approx((1.5 - 0.5 - 1.0) / 3, abs=1e-3)


@given(st.lists(st.floats(0, 900), max_size=25), st.lists(st.floats(0, 900), max_size=25))
def test_the_books_always_balance(person: list[float], node: list[float]) -> None:
    found = compare([Stretch(-100, 1100)], (ins(*person), []), (ins(*node), []))
    if found.count is None:
        assert not person
        return
    matched = found.count.counted - found.count.missed
    assert found.count.counted == len(person)
    assert matched + found.count.extra == len(node)
    assert found.count.low <= found.count.share <= found.count.high


def test_the_interval_holds_the_truth_nineteen_times_of_twenty() -> None:
    random = np.random.default_rng(0)
    held, rounds = 0, 2000
    for _ in range(rounds):
        counted = 120
        missed, extra = int(random.binomial(counted, 0.05)), int(random.poisson(4.0))
        error = count_error(counted, missed, extra)
        assert error is not None
        held += error.low <= (4.0 - 0.05 * counted) / counted <= error.high
    assert held / rounds >= 0.95


def test_the_dwell_interval_holds_for_few_stays() -> None:
    random = np.random.default_rng(1)
    rounds = 400
    true = float(np.abs(random.normal(0.1, 0.6, 200_000)).mean())
    held = 0
    for _ in range(rounds):
        error = dwell_error(random.normal(0.1, 0.6, 6), 0, 0)
        assert error is not None
        held += true <= error.high_s
    assert held / rounds >= 0.95


def test_small_samples_earn_no_class() -> None:
    now = START + timedelta(days=1)
    few = audit(count_error(10, 0, 0))
    many = audit(count_error(400, 1, 1))
    assert count_class(few.audit, now) == "D"
    assert count_class(many.audit, now) in ("A", "B")
    assert count_class(many.audit, now + timedelta(days=400)) == "unmeasured"
    assert dwell_class(many.audit, now) == "unmeasured"
    three = dwell_error(np.array([0.4, 0.4, 0.4]), 0, 0)
    assert three is not None
    assert three.high_s > 0.9, "three stays that agree are no proof"
    assert dwell_error(np.array([0.1, 0.1]), 0, 0) is None


def test_limits_of_a_count() -> None:
    assert garwood(0) == (0.0, pytest.approx(3.689, abs=0.001))
    assert garwood(10) == (pytest.approx(4.795, abs=0.001), pytest.approx(18.390, abs=0.001))


def audit(count: object, dwell: object = None) -> AuditFile:
    return AuditFile.model_validate({
        "camera": "floor", "operator": "V", "audited_at": START, "until": START + timedelta(days=180),
        "footage": "day.mp4", "watched_s": 1800, "count": count, "dwell": dwell,
    })  # fmt: skip


def test_file_goes_round(tmp_path: Path) -> None:
    record = audit(count_error(112, 3, 2), dwell_error(np.array([0.5, -0.2, 0.9, 0.1]), 1, 0))
    path = tmp_path / "a.yaml"
    path.write_text(audit_yaml(record), encoding="utf-8")
    assert read_audit(path) == record
    path.write_text(audit_yaml(record).replace("operator", "operater"))
    with pytest.raises(CalibrationError, match="operater"):
        read_audit(path)


def test_events_of_a_node_are_read_and_rubbish_is_counted(tmp_path: Path) -> None:
    at = (START + timedelta(seconds=30)).isoformat()
    lines = [
        {"type": "com.vitrina.v1.line.crossed", "data": {"line": "door", "direction": "in", "track": "t", "at": at}},
        {
            "type": "com.vitrina.v1.zone.left",
            "data": {"zone": "z", "track": "t", "dwell_s": 12.0, "at": at, "calibrated": False},
        },
        {"type": "com.vitrina.v1.zone.entered", "data": {}},
        {"type": "com.vitrina.v1.line.crossed", "data": {"line": "door"}},
        [],
    ]
    path = tmp_path / "e.jsonl"
    path.write_text("\n".join(["{", *(json.dumps(line) for line in lines)]))
    found = read_events(path, START)
    assert found.crossings == {"door": [Crossing(30, "in")]}
    assert found.stays == {"z": [Stay(18, 30)]}
    assert (found.unreadable, found.uncalibrated) == (3, 1)


def test_a_live_camera_is_counted_by_the_wall_clock(tmp_path: Path) -> None:
    """Seconds of a live stretch run from when the page began to look; the node's times are wall times."""
    clock = ManualClock(START)
    path = tmp_path / "e.jsonl"
    path.write_text("")
    with MjpegCamera(lambda _now: np.full((240, 320, 3), 90, np.uint8), fps=20, clock=SystemClock(), port=0) as camera:
        task = Task("floor", source_of(camera.url), path, datetime(2000, 1, 1, tzinfo=UTC), tmp_path / "a.yaml")
        desk = AuditDesk(task, clock)
        assert desk.start()["live"] is True
        clock.advance(30)
        jpeg, at = desk.frame(0.0)
        assert jpeg.startswith(b"\xff\xd8")
        assert at == 30.0
        crossed = LineCrossed(line="door", direction="in", track="t", at=START + timedelta(seconds=20.5))
        path.write_text(json.dumps({"type": "com.vitrina.v1.line.crossed", "data": crossed.model_dump(mode="json")}))
        told = desk.compare(Counted(line="door", watched=((0, 30),), crossings=((20.0, "in"),)))
        desk.close()
    assert told["count"] is not None
    assert (told["missed"], told["extra"]) == ([], [])
