"""The store tracker: several cameras, one set of people; a name stays only while nobody else can be meant."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest

from contract.errors import InvalidDataError
from contract.local import FloorTracks, decode, encode, speaker, topic
from edge.floor.plane import FloorPlane
from edge.floor.stage import FloorView
from edge.floor.stature import StatureModel
from edge.floor.upright import Upright
from edge.store.neighbours import Neighbours, shared
from edge.store.people import Look, StoreSettings, StoreView
from edge.store.tracker import StoreTracker
from edge.values import FloorPosition, Instant
from simulator.scenes.pinhole import Pinhole

At = Callable[..., Instant]
Point = tuple[float, float]
Path = Callable[[float], Point | None]
CAMERA = Pinhole((5.0, 0.05, 2.9), math.radians(20), 750.0, (1280, 720))


def look(camera: str, t: float, *, clear: bool = True, **tracks: Point) -> Look:
    seen = (FloorPosition(f"{camera}-{name}", point, t, (0.01, 0.0, 0.01), clear) for name, point in tracks.items())
    return Look(camera, t, tuple(seen))


def tracker(**settings: float) -> StoreTracker:
    return StoreTracker("s-", StoreSettings(**settings))


def walk(store: StoreTracker, start: float, end: float, named: tuple[str, ...] = (), **paths: Path) -> list[StoreView]:
    """`paths`: camera_track=function of time to a place, or None while unseen; ten looks a second."""
    views = []
    for step in range(round((end - start) * 10)):
        t = start + step / 10
        for camera in sorted({name.split("_")[0] for name in paths}):
            seen = {}
            for name, path in paths.items():
                place = path(t) if name.startswith(camera + "_") else None
                if place is not None:
                    seen[name.split("_")[1]] = place
            views.append(store.step(look(camera, t, **seen), named))
    return views


def tracks(views: list[StoreView]) -> set[str]:
    return {position.track for view in views for position in view.positions}


def test_one_person_seen_by_two_cameras_is_one_track() -> None:
    views = walk(tracker(), 0, 8, a_1=lambda t: (1 + t, 2.0), b_1=lambda t: (1.1 + t, 2.1))
    assert tracks(views) == {"s-1"}


def test_two_people_who_pass_each_other_stay_two_and_keep_their_tracks() -> None:
    views = walk(tracker(), 0, 6, a_1=lambda t: (1 + t, 2.0), a_2=lambda t: (7 - t, 2.6))
    assert tracks(views) == {"s-1", "s-2"}
    last = {position.track: position.point[0] for position in views[-1].positions}
    assert last["s-1"] > 6
    assert last["s-2"] < 2


def test_the_next_camera_takes_up_who_walks_through_a_gap() -> None:
    views = walk(
        tracker(),
        0,
        8,
        a_1=lambda t: (t, 2.0) if t < 3 else None,
        b_7=lambda t: (t, 2.0) if t > 5 else None,
    )
    assert tracks(views) == {"s-1"}


def test_who_is_gone_for_longer_than_the_gap_is_somebody_new() -> None:
    store = tracker(gap_s=2.0)
    views = walk(store, 0, 3, a_1=lambda t: (t, 2.0))
    assert store.tick(5.5).ended == ("s-1",)
    views += walk(store, 6, 9, b_7=lambda t: (t, 2.0))
    assert tracks(views) == {"s-1", "s-2"}


def test_who_left_by_the_door_is_not_who_comes_in_after() -> None:
    store = tracker()
    views = walk(store, 0, 2, a_1=lambda t: (2 - t, 2.0))
    store.leave("s-1")
    views += walk(store, 2.3, 4, a_2=lambda t: (t - 2.2, 2.0))
    assert tracks(views) == {"s-1", "s-2"}


def test_a_name_is_dropped_when_two_stood_together_unseen_and_one_comes_out() -> None:
    store = tracker()
    together = lambda t: (4.0, 2.0) if t < 3 or t > 6 else None  # noqa: E731
    beside = lambda t: (4.4, 2.0) if t < 3 or t > 6 else None  # noqa: E731
    walk(store, 0, 3, ("s-1",), a_1=together, a_2=beside)
    views = walk(store, 3, 9, ("s-1",), a_5=together, a_6=beside)
    assert any("s-1" in view.suspended for view in views)
    assert [track for view in views for track in view.doubted] == ["s-1"]


def test_a_name_stays_on_who_is_seen_apart_all_the_time() -> None:
    views = walk(tracker(), 0, 9, ("s-1",), a_1=lambda t: (1 + t / 2, 2.0), a_2=lambda t: (6 - t / 2, 2.7))
    assert not any(view.doubted for view in views)


def test_a_second_camera_that_sees_both_keeps_the_name() -> None:
    store = tracker()
    hidden = lambda t: (4.0, 2.0) if t < 3 or t > 5 else None  # noqa: E731
    views = walk(store, 0, 8, ("s-1",), a_1=hidden, a_2=lambda t: (4.5, 2.0), b_1=lambda t: (4.0, 2.0),
                 b_2=lambda t: (4.5, 2.0))  # fmt: skip
    assert tracks(views) == {"s-1", "s-2"}
    assert not any(view.doubted for view in views)


def test_a_late_look_is_used_for_when_it_was_seen_and_a_stale_one_not() -> None:
    store = tracker()
    walk(store, 0, 3, a_1=lambda t: (t, 2.0))
    assert tracks([store.step(look("b", 2.6, x=(2.6, 2.0)))]) == {"s-1"}
    assert store.step(look("b", 0.5, x=(9.0, 9.0))) == StoreView()


def test_feet_behind_a_shelf_are_found_from_the_head() -> None:
    upright = Upright.of(tuple(map(tuple, CAMERA.image_to_floor().tolist())), CAMERA.size)  # type: ignore[arg-type]
    assert upright is not None
    model = StatureModel(upright)
    for step in range(60):
        model.whole(1, _box((3 + step / 20, 4.0), 1.72), learn=True)
    whole = _box((5.0, 6.0), 1.72)
    cut = (whole[0], whole[1], whole[2], whole[3] - 0.35 * (whole[3] - whole[1]))
    assert model.whole(1, cut, learn=True) is None
    stand = model.from_head(1, cut)
    assert stand is not None
    assert math.dist(stand.point, (5.0, 6.0)) < 0.3
    naive = FloorPlane(tuple(map(tuple, CAMERA.image_to_floor().tolist()))).to_plan(((cut[0] + cut[2]) / 2, cut[3]))  # type: ignore[arg-type]
    assert naive is None or math.dist(naive, (5.0, 6.0)) > 1.5


def test_a_camera_that_looks_straight_down_says_nothing_of_heights() -> None:
    assert Upright.of(((0.01, 0, 0), (0, 0.01, 0), (0, 0, 1)), (640, 480)) is None


def _box(place: Point, height: float) -> tuple[float, float, float, float]:
    foot, crown = CAMERA.project([(*place, 0.0), (*place, height)])
    return float(foot[0]) - 20, float(crown[1]), float(foot[0]) + 20, float(foot[1])


# What nodes tell each other


def test_neighbours_share_places_and_nothing_else(at: At) -> None:
    view = FloorView((FloorPosition("floor-t-1", (1.0, 2.0), at(0).monotonic, (0.02, 0.0, 0.03)),), ("floor-t-0",))
    payload = encode(shared("floor", view, at(0)))
    assert set(decode(payload).model_dump()) == {"camera", "at", "sights", "ended"}
    other = Neighbours("shop", "n2")
    taken = other.take(topic("shop", "n1"), payload, at(0.2))
    assert taken is not None
    camera, seen, when = taken
    assert camera == "n1/floor"
    assert seen.positions[0].point == (1.0, 2.0)
    assert when.monotonic == pytest.approx(at(0).monotonic)


@pytest.mark.parametrize(
    ("where", "late_s", "why"),
    [
        (topic("shop", "n2"), 0.1, "own"),
        (topic("mall", "n1"), 0.1, "misaddressed"),
        ("vitrina/v1/shop/n1/floor.tracks", 0.1, "misaddressed"),
        (topic("shop", "n1"), 5.0, "clock"),
        (topic("shop", "n1"), -5.0, "clock"),
    ],
)
def test_what_is_not_to_be_used_is_counted(at: At, where: str, late_s: float, why: str) -> None:
    other = Neighbours("shop", "n2")
    payload = encode(FloorTracks(camera="floor", at=at(0).wall))
    assert other.take(where, payload, at(late_s)) is None
    assert other.counts == {why: 1}


def test_rubbish_from_a_neighbour_is_refused_and_a_crowd_fits(at: At) -> None:
    for rubbish in (b"", b"\xff", b"[]", b'{"camera":"x"}', b"x" * 20000):
        with pytest.raises(InvalidDataError):
            decode(rubbish)
    crowd = tuple(
        FloorPosition("t" * 60 + str(n), (899.123, -899.123), 0.0, (9.1234, -9.1234, 9.1234)) for n in range(40)
    )
    assert len(encode(shared("c" * 40, FloorView(crowd), at(0)))) <= 4096
    assert speaker("vitrina-local/v1/shop/+/floor.tracks") is None


def test_the_local_topic_is_outside_of_what_central_hears() -> None:
    from contract.channels import CHANNELS, ROOT

    assert not topic("shop", "n1").startswith(ROOT + "/")
    assert "floor.tracks" not in CHANNELS


def test_two_nodes_agree_on_a_person_between_their_cameras(at: At) -> None:
    """One node's camera loses a person whom the other's goes on seeing: the track, and so the name, lives on."""
    store, other = tracker(), Neighbours("shop", "n1")
    views = walk(store, 0, 3, ("s-1",), own_1=lambda t: (t, 2.0))
    for step in range(40):
        t = 3 + step / 10
        sight = FloorView((FloorPosition("cam-9", (t, 2.0), t, (0.01, 0.0, 0.01)),))
        now = at(t)
        taken = other.take(
            topic("shop", "n2"),
            encode(shared("cam", sight, now)),
            Instant(t + 0.05, now.wall + timedelta(milliseconds=50)),
        )
        assert taken is not None
        camera, seen, when = taken
        views.append(store.step(Look(camera, when.monotonic, seen.positions, seen.ended), ("s-1",)))
    assert tracks(views) == {"s-1"}
    assert not any(view.doubted for view in views)


def test_positions_of_the_store_are_finite_for_ever() -> None:
    rng = np.random.default_rng(3)
    store = tracker()
    for step in range(300):
        seen = {str(n): (float(x), float(y)) for n, (x, y) in enumerate(rng.uniform(0, 10, (5, 2)))}
        for position in store.step(look("a", step / 10, **seen), ()).positions:
            assert np.isfinite(position.point).all()
