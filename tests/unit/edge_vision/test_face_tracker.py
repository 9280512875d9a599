"""The tracker of faces: few boxes in plain numbers, a new track rather than a wrong one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.values import Box, TrackSet
from tracking.box_filter import BoxFilter
from tracking.faces import FaceTracker
from tracking.kalman import KalmanBank
from tracking.near import pairs_near

FACE: Box = (200.0, 100.0, 240.0, 150.0)
PERIOD_S = 0.2


def step(tracker: FaceTracker, boxes: list[Box], t: float, score: float = 0.9) -> TrackSet:
    return tracker.step(np.array(boxes, float).reshape(-1, 4), np.full(len(boxes), score), t)


def moved(box: Box, x: float, y: float = 0.0) -> Box:
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


sides = st.floats(10.0, 500.0)
measured = st.tuples(st.floats(-500, 3000), st.floats(-500, 3000), sides, sides)


@given(st.lists(st.tuples(measured, st.floats(0.0, 2.0)), min_size=1, max_size=8), st.floats(0.1, 3.0))
def test_it_filters_as_the_bank_does(walk: list[tuple[Box, float]], agility: float) -> None:
    boxes = [(x, y, x + wide, y + tall) for (x, y, wide, tall), _ in walk]
    one, bank = BoxFilter(boxes[0]), KalmanBank(agility)
    bank.append(np.array(boxes[:1]))
    for box, (_, dt) in zip(boxes, walk, strict=True):
        one.predict(dt, agility)
        bank.predict(dt)
        one.correct(box)
        bank.correct(np.array([0]), np.array([box]))
        assert one.box() == pytest.approx(bank.boxes()[0].tolist(), abs=1e-3)
        assert one.box(0.3) == pytest.approx(bank.boxes(0.3)[0].tolist(), abs=1e-3)


@pytest.mark.parametrize("jump", [moved(FACE, 80.0), (210.0, 110.0, 230.0, 135.0)])
def test_a_track_is_given_up_rather_than_guessed(jump: Box) -> None:
    """A face that is suddenly two widths aside, or half as large, is somebody else."""
    tracker = FaceTracker()
    seen = [step(tracker, [FACE], PERIOD_S * n) for n in range(3)][-1]
    assert [track.id for track in seen.tracks] == [1]
    seen = [step(tracker, [jump], PERIOD_S * n) for n in range(3, 5)][-1]
    assert [track.id for track in seen.tracks if track.seen] == [2]


def test_a_face_that_leaves_its_own_box_is_followed() -> None:
    tracker = FaceTracker()
    found = [step(tracker, [moved(FACE, 25.0 * n)], PERIOD_S * n) for n in range(12)]
    assert {track.id for one in found for track in one.tracks} == {1}


def test_two_who_pass_each_other_at_different_heights_keep_their_ids() -> None:
    tracker = FaceTracker()
    last: dict[int, float] = {}
    for n in range(20):
        here = [moved(FACE, 15.0 * n), moved(FACE, 300.0 - 15.0 * n, 60.0)]
        last = {track.id: track.box[0] for track in step(tracker, here, PERIOD_S * n).tracks}
    assert last[1] > 450
    assert last[2] < 250


def test_it_ends_and_its_id_is_told_once() -> None:
    tracker = FaceTracker()
    for n in range(5):
        step(tracker, [FACE], n / 4)
    assert tracker.busy
    after = [step(tracker, [], n / 4) for n in range(5, 12)]
    assert [track.seen for one in after for track in one.tracks] == [False, False]
    assert [ended for one in after for ended in one.ended] == [1]
    assert not tracker.busy


def test_a_weak_detection_keeps_a_track_but_never_starts_one() -> None:
    tracker = FaceTracker()
    for n in range(5):
        assert step(tracker, [FACE], PERIOD_S * n, score=0.6).tracks == ()
    for n in range(5, 8):
        step(tracker, [FACE], PERIOD_S * n)
    assert all(step(tracker, [FACE], PERIOD_S * n, score=0.6).tracks[0].seen for n in range(8, 14))


def test_it_is_expected_where_it_is_going() -> None:
    tracker = FaceTracker()
    for n in range(10):
        step(tracker, [moved(FACE, 10.0 * n)], PERIOD_S * n)
    ((x1, *_),) = tracker.expected(10 * PERIOD_S)
    assert x1 == pytest.approx(300.0, abs=3.0)


def test_who_competes_for_a_track_gets_what_suits_all_best() -> None:
    """The first track could take either; the second only the nearer one, so the first must leave it."""
    tracks = [FACE, moved(FACE, 36.0)]
    found = [moved(FACE, 12.0), moved(FACE, -14.0)]
    assert sorted(pairs_near(tracks, found, 0.7, 0.75)) == [(0, 1), (1, 0)]
    assert pairs_near([], found, 0.7, 0.75) == []


numbers = st.floats(allow_nan=True, allow_infinity=True, width=32)


@given(st.lists(st.lists(st.tuples(*[numbers] * 5), max_size=4), max_size=12))
def test_any_input_gives_finite_unique_tracks(frames: list[list[tuple[float, ...]]]) -> None:
    tracker = FaceTracker()
    for n, rows in enumerate(frames):
        table = np.array(rows, float).reshape(-1, 5)
        found = tracker.step(table[:, :4], table[:, 4], n / 10 if n % 4 else -1.0)
        ids = [track.id for track in found.tracks]
        assert len(ids) == len(set(ids))
        assert 0 not in ids
        assert all(np.isfinite(track.box).all() for track in found.tracks)
