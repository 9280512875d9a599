"""The tracker: identities hold through gaps and crossings, and nonsense in gives no nonsense out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.values import TrackSet
from tracking.association import overlap
from tracking.tracker import Tracker, TrackerSettings

FPS = 10.0


def box(x: float, y: float = 100.0, w: float = 40.0, h: float = 100.0) -> list[float]:
    return [x, y, x + w, y + h]


def step(tracker: Tracker, boxes: list[list[float]], t: float, score: float = 0.9) -> TrackSet:
    return tracker.step(np.array(boxes, float).reshape(-1, 4), np.full(len(boxes), score), t)


def test_no_id_before_min_hits_and_one_id_ever_after() -> None:
    tracker = Tracker()
    ids = [tuple(t.id for t in step(tracker, [box(10 + 3 * i)], i / FPS).tracks) for i in range(30)]
    assert ids[:2] == [(), ()]
    assert set(ids[2:]) == {(1,)}


def test_a_single_flash_never_becomes_a_track() -> None:
    tracker = Tracker()
    for i in range(60):
        assert step(tracker, [box(50.0 * i)] if i % 3 == 0 else [], i / FPS).tracks == ()


def test_the_id_survives_an_occlusion_and_ends_after_max_lost() -> None:
    tracker = Tracker(TrackerSettings(max_lost_s=1.0))
    for i in range(20):
        step(tracker, [box(10 + 4 * i)], i / FPS)
    for i in range(20, 26):
        lost = step(tracker, [], i / FPS)
        assert [t.seen for t in lost.tracks] == [False]
    back = step(tracker, [box(10 + 4 * 26)], 2.6)
    assert [(t.id, t.seen) for t in back.tracks] == [(1, True)]
    ended = [step(tracker, [], 2.6 + i / FPS).ended for i in range(1, 20)]
    assert [e for e in ended if e] == [(1,)]


def test_two_who_cross_keep_their_ids() -> None:
    tracker = Tracker()
    last: dict[int, float] = {}
    for i in range(60):
        here = [box(10 + 5 * i, y=100), box(310 - 5 * i, y=130)]
        last = {t.id: t.box[0] for t in step(tracker, here, i / FPS).tracks}
    assert last[1] > 250
    assert last[2] < 60


def test_weak_detections_keep_a_track_but_never_start_one() -> None:
    tracker = Tracker()
    for i in range(10):
        assert step(tracker, [box(10)], i / FPS, score=0.3).tracks == ()
    for i in range(10, 15):
        step(tracker, [box(10)], i / FPS)
    kept = [step(tracker, [box(10)], i / FPS, score=0.3).tracks[0].seen for i in range(15, 40)]
    assert all(kept)


def test_the_real_time_step_is_used() -> None:
    """The same walk, seen at uneven times, stays one track and is predicted where it is."""
    tracker = Tracker()
    times = np.cumsum([0.1, 0.1, 0.1, 0.1, 0.1, 0.4, 0.1, 0.5, 0.1, 0.3] * 3)
    ids = {t.id for when in times for t in step(tracker, [box(10 + 60 * when)], float(when)).tracks}
    assert ids == {1}


def test_a_clock_that_stands_or_goes_back_does_no_harm() -> None:
    tracker = Tracker()
    for t in (0.0, 0.1, 0.2, 0.3, 0.3, 0.1, -50.0, 0.4):
        found = step(tracker, [box(10)], t)
    assert [t.id for t in found.tracks] == [1]
    assert np.isfinite(found.tracks[0].box).all()


@pytest.mark.parametrize("bad", [[np.nan, 0, 5, 5], [0, 0, np.inf, 5], [9, 9, 1, 1], [3, 3, 3, 9]])
def test_impossible_boxes_are_ignored(bad: list[float]) -> None:
    tracker = Tracker()
    for i in range(10):
        found = step(tracker, [box(10), bad], i / FPS)
    assert len(found.tracks) == 1


@given(
    st.lists(
        st.lists(st.tuples(*[st.floats(allow_nan=True, allow_infinity=True, width=32)] * 5), max_size=4), max_size=12
    )
)
def test_any_input_gives_finite_unique_tracks(frames: list[list[tuple[float, ...]]]) -> None:
    tracker = Tracker()
    for i, rows in enumerate(frames):
        table: NDArray[np.float64] = np.array(rows, float).reshape(-1, 5)
        with np.errstate(all="ignore"):
            found = tracker.step(table[:, :4], table[:, 4], i / FPS)
        ids = [t.id for t in found.tracks]
        assert len(ids) == len(set(ids))
        assert 0 not in ids


def test_overlap_of_known_boxes() -> None:
    first = np.array([[0.0, 0, 10, 10]])
    second = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]])
    assert overlap(first, second)[0].tolist() == pytest.approx([1.0, 1 / 3, 0.0])
