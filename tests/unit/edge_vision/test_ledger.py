"""The book of who is in the store: doubles, hand-overs, leaps and unseen steps do not spoil the count."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from contract.events import LineCrossed
from edge.config.vision import LineConfig
from edge.floor.gates import Gate, Whereabouts, whereabouts
from edge.floor.ledger import SETTLED_S, Ledger
from edge.floor.lines import LineStage
from edge.values import FloorPosition, Instant, PlanPoint

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DOOR = LineConfig(id="door", start=(1.0, 0.0), end=(1.0, 4.0), inside=(3.0, 2.0))
Path = Callable[[float], PlanPoint | None]


def at(seconds: float) -> Instant:
    return Instant(1000.0 + seconds, START + timedelta(seconds=seconds))


def nobody(track: str) -> None:
    return None


def walk(start: float, speed: float, y: float = 2.0, until: float = 1e9, begin: float = -1e9) -> Path:
    """Along x from 0.2 at second `start`, to and fro: x = 0.2 + speed * t; None outside of [begin, until)."""
    return lambda t: (0.2 + speed * (t - start), y) if max(start, begin) <= t < until else None


def visit(start: float, stay: float, y: float = 2.0) -> Path:
    """In at one metre a second, three seconds deep, out again after `stay`."""

    def place(t: float) -> PlanPoint | None:
        since = t - start
        if not 0 <= since < stay:
            return None
        return 0.2 + min(since, 3.0, stay - since), y

    return place


def play(seconds: float, house: frozenset[str] = frozenset(), **paths: Path) -> tuple[list[LineCrossed], Ledger]:
    """`paths`: track_camera=function of time to a place; five looks a second of each camera in turn."""
    lines, ledger = LineStage([DOOR]), Ledger([DOOR], 3.0)
    told: list[LineCrossed] = []
    last: dict[str, float] = {}
    for step in range(round((seconds + SETTLED_S + 2) * 5)):
        for camera, late in (("a", 0.0), ("b", 0.07)):
            t = step / 5 + late
            seen = {}
            for name, path in paths.items():
                track, looks = name.split("_")
                place = path(t) if looks in (camera, "both") else None
                if place is not None:
                    seen[track] = place
                    last[track] = t
            ended = {track for track, since in last.items() if t - since > 5.0}
            for track in ended:
                del last[track]
            now = at(t)
            positions = [FloorPosition(track, place, now.monotonic) for track, place in seen.items()]
            sources = [f"{camera}-{track}" for track in seen]
            lines.forget(ledger.cut(positions, sources, now))
            crossings = lines.step(positions, nobody, now)
            ledger.look(positions, sources, now, crossings, nobody, house)
            ledger.end(ended, now.monotonic)
            lines.forget(ended)
            told += ledger.tick(now)
    return told + ledger.close(at(seconds + SETTLED_S + 2)), ledger


def ways(told: list[LineCrossed]) -> list[str]:
    return [crossing.direction for crossing in told]


def test_in_and_out_are_told_once_each_and_when_they_were() -> None:
    told, ledger = play(30, s1_both=visit(1, 20))
    assert ways(told) == ["in", "out"]
    assert abs((told[0].at - START).total_seconds() - 2.0) <= 0.5
    assert abs((told[1].at - START).total_seconds() - 20.2) <= 0.5
    assert ledger.counts["in_unseen"] == ledger.counts["out_unseen"] == ledger.counts["ghosts"] == 0


def test_a_second_number_at_the_door_that_only_the_other_camera_has_is_nobody() -> None:
    told, ledger = play(30, s1_a=visit(1, 20), s2_b=walk(1.3, 1.0, y=2.4, until=3.5))
    assert ways(told) == ["in", "out"]
    assert ledger.counts["ghosts"] == 1


def test_two_whom_one_camera_sees_side_by_side_are_two() -> None:
    told, _ = play(30, s1_both=visit(1, 20), s2_both=visit(1.3, 20, y=2.6))
    assert sorted(ways(told)) == ["in", "in", "out", "out"]


def test_who_is_handed_to_another_number_comes_in_once_and_leaves_once() -> None:
    first, later = visit(1, 40), visit(1, 40)
    told, _ = play(
        50, s1_both=lambda t: first(t) if t < 15 else None, s2_both=lambda t: later(t) if t > 17 else None
    )  # fmt: skip
    assert ways(told) == ["in", "out"]


def test_a_track_that_leaps_over_the_line_has_not_crossed_it() -> None:
    stay = visit(1, 40)
    leap: Path = lambda t: (0.4, 2.0) if 12 <= t < 12.5 else (None if 12.5 <= t < 14 else stay(t))  # noqa: E731
    told, _ = play(50, s1_both=leap)
    assert ways(told) == ["in", "out"]


def test_who_is_first_seen_on_the_line_came_in_and_is_counted_as_unseen() -> None:
    told, ledger = play(30, s1_both=lambda t: (1.1 + min(t, 3.0), 2.0) if t < 20 else None)
    assert ways(told) == ["in"]
    assert ledger.counts["in_unseen"] == 1


def test_who_is_lost_walking_out_just_before_the_line_has_left() -> None:
    whole = visit(1, 20)
    told, ledger = play(30, s1_both=lambda t: whole(t) if t < 19.3 else None)
    assert ways(told) == ["in", "out"]
    assert ledger.counts["out_unseen"] == 1


def test_who_appears_or_is_lost_inside_has_not_crossed_anything() -> None:
    told, _ = play(30, s1_both=lambda t: (5.0, 2.0) if t < 20 else None)
    assert told == []


def test_in_and_out_again_at_once_is_none_and_counted() -> None:
    told, ledger = play(30, s1_both=lambda t: (0.2 + min(t, 2.6 - t), 2.0) if t < 2.6 else None)
    assert (told, ledger.counts["turned"]) == ([], 1)


def test_people_of_the_house_are_followed_and_not_counted() -> None:
    told, _ = play(30, frozenset({"s1"}), s1_both=visit(1, 20), s2_both=visit(1, 20, y=3.4))
    assert [crossing.track for crossing in told] == ["s2", "s2"]


def test_without_lines_nothing_is_kept() -> None:
    ledger = Ledger([], 3.0)
    position = FloorPosition("s1", (1.0, 1.0), 1000.0)
    assert ledger.cut([position], ["a"], at(0)) == set()
    assert ledger.look([position], ["a"], at(0), [], nobody, ()) == []
    assert ledger.tick(at(60)) == []


def test_a_place_beside_the_line_is_not_outside() -> None:
    gates = [Gate.of(DOOR)]
    places = {(0.5, 2.0): Whereabouts.OUTSIDE, (1.1, 2.0): Whereabouts.BORDER, (2.0, 2.0): Whereabouts.INSIDE}
    assert {place: whereabouts(gates, place) for place in places} == places
    assert whereabouts(gates, (0.5, 6.0)) is Whereabouts.INSIDE


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_whatever_is_seen_nobody_leaves_more_often_than_tracks_allow(seed: int) -> None:
    """Random tracks, losses and doubles: every crossing told is of a track that was there, at a time it was there."""
    draw = random.Random(seed)
    paths: dict[str, Path] = {}
    for number in range(5):
        whole, gone = visit(draw.uniform(0, 20), draw.uniform(4, 20), draw.uniform(0.5, 3.5)), draw.uniform(0, 30)
        paths[f"s{number}_{draw.choice(['a', 'b', 'both'])}"] = lambda t, whole=whole, gone=gone: (
            None if gone <= t < gone + 2 else whole(t)
        )  # type: ignore[misc]
    told, ledger = play(40, **paths)
    assert len(told) == ledger.counts["in"] + ledger.counts["out"]
    for crossing in told:
        assert f"{crossing.track}_" in "".join(paths)
        assert 0 <= (crossing.at - START).total_seconds() <= 45
