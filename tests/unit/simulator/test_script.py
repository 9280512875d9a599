"""The day of the store in a box: who comes, whether the scenes can play it, and what must be true of it."""

from __future__ import annotations

import math

import pytest

from simulator.cast import load_cast
from simulator.scenes.plan import STORE
from simulator.script import ALERT_WITHIN_S, CYCLE_S, DWELL_S, Script, arrival_window, truth
from simulator.shoppers import Visit, contains

SEEDS = (1, 2, 3, 7, 11)
STEP_S = 0.1


def script(seed: int = 1, seconds: float | None = None) -> Script:
    return Script(load_cast(), seed, seconds)


def test_a_minute_has_everybody_that_must_be_tried() -> None:
    visits = script(seconds=60.0).visits(0.0, 60.0)
    people = {kind: {v.person.id for v in visits if v.person.kind == kind} for kind in ("face", "qr", "stranger")}
    assert len(people["face"]) >= 3
    assert len(people["qr"]) >= 3
    assert len(people["stranger"]) >= 3
    assert len(truth(script(seconds=60.0), 60.0).arrivals) >= 6
    assert any(visit.plan.buys for visit in visits)


def test_first_arrival_is_soon() -> None:
    first = min(arrival_window(visit)[0] for visit in script().cycle(0))
    assert first + ALERT_WITHIN_S < 15.0


def test_the_same_seed_is_the_same_day_and_another_is_not() -> None:
    def plans(seed: int) -> list[object]:
        return [visit.plan for visit in script(seed).cycle(3)]

    assert plans(5) == plans(5)
    assert plans(5) != plans(6)


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_comes_again_before_he_has_left(seed: int) -> None:
    last_end: dict[str, float] = {}
    for number in range(4):
        for visit in script(seed).cycle(number):
            assert visit.approach.start > last_end.get(visit.person.id, -math.inf)
            last_end[visit.person.id] = visit.end


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_walks_through_furniture(seed: int) -> None:
    for visit in script(seed).cycle(0):
        for _, (x, y) in positions(visit):
            assert 0 <= x <= STORE.width
            assert 0 <= y <= STORE.depth
            assert not any(contains(shelf.footprint, (x, y)) for shelf in STORE.shelves), (visit.person.id, x, y)
            assert not contains(STORE.till, (x, y))


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_walks_through_anybody(seed: int) -> None:
    """Bodies keep apart, over the seam of two cycles as well: a tracker can tell them from each other."""
    day = script(seed)
    for step in range(int(2 * CYCLE_S / STEP_S)):
        t = step * STEP_S
        here = [pose for visit in day.visits(t, t) if (pose := visit.route.pose(t)) is not None]
        for place, a in enumerate(here):
            for b in here[place + 1 :]:
                assert math.dist((a.x, a.y), (b.x, b.y)) > 0.5, (t, a, b)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_at_a_time_is_at_the_check_in(seed: int) -> None:
    """An identity goes to the only body near: nobody else who is not yet identified may stand there."""
    day = script(seed)
    for visit in (visit for visit in day.cycle(1) if visit.person.kind != "stranger"):
        moment = visit.scan_at if visit.scan_at is not None else visit.plan.enter + 0.4
        others = [
            other.person.id
            for other in day.visits(moment, moment)
            if other.number != visit.number
            and not_identified(other, moment)
            and (pose := other.route.pose(moment)) is not None
            and math.dist((pose.x, pose.y), STORE.scanner_stand) < 1.3
        ]
        assert not others, (visit.person.id, moment, others)


@pytest.mark.parametrize("seed", SEEDS)
def test_two_meet_at_one_shelf_and_only_where_they_are_meant_to(seed: int) -> None:
    stays = [stay for visit in script(seed).cycle(0) for stay in visit.stays]
    met = {
        a.zone
        for place, a in enumerate(stays)
        for b in stays[place + 1 :]
        if a.zone == b.zone and min(a.end, b.end) > max(a.begin, b.begin)
    }
    assert met == {"turntables"}


@pytest.mark.parametrize("seed", SEEDS)
def test_everybody_dwells_where_he_means_to_and_nowhere_else(seed: int) -> None:
    for visit in script(seed).cycle(0):
        assert [stay.zone for stay in visit.stays] == [visit.plan.zone]
        (stay,) = visit.stays
        assert stay.end - stay.begin >= max(visit.plan.stay, DWELL_S)


def test_only_a_lone_customer_who_agreed_may_have_a_personal_price() -> None:
    found = truth(script(seconds=80.0), 80.0)
    assert "ines" not in {window.person for window in (*found.alone, *found.personal)}
    assert not any(window.person is None for window in found.personal)
    jonas = [window for window in found.personal if window.person == "jonas"]
    joined = next(v for v in script().cycle(0) if v.person.id == "passer-2").stays[0]
    assert jonas
    assert all(window.end <= joined.begin for window in jonas)


def test_a_card_never_comes_before_its_cause() -> None:
    for visit in script().cycle(0):
        begin, end = arrival_window(visit)
        assert begin < end
        if visit.scan_at is not None:
            assert begin == visit.scan_at
            pose = visit.route.pose(visit.scan_at)
            assert pose is not None
            assert not pose.moving


def test_point_in_polygon() -> None:
    square = ((0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0))
    assert contains(square, (1.0, 1.0))
    assert not contains(square, (3.0, 1.0))
    assert not contains(square, (1.0, -0.1))


def not_identified(visit: Visit, t: float) -> bool:
    return visit.person.kind == "stranger" or (visit.scan_at is not None and t < visit.scan_at)


def positions(visit: Visit) -> list[tuple[float, tuple[float, float]]]:
    steps = int((visit.end - visit.route.start) / STEP_S)
    times = [visit.route.start + step * STEP_S for step in range(steps)]
    return [(t, (pose.x, pose.y)) for t in times if (pose := visit.route.pose(t)) is not None]
