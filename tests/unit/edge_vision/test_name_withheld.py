"""A name that is in doubt is taken back at once: what zones tell, and what the labels of this node make of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from contract.events import ZoneDwelled, ZoneEntered, ZoneLeft
from edge.config.vision import ZoneConfig
from edge.floor.zones import ZoneStage
from edge.labels.arbitration import Occupancy
from edge.store.people import Look
from edge.store.tracker import StoreTracker
from edge.values import Emission, FloorPosition, Instant

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ZONE = ZoneConfig(id="shelf", polygon=[(0, 0), (2, 0), (2, 2), (0, 2)], dwell_s=2.0)  # type: ignore[arg-type]


def at(seconds: float) -> Instant:
    return Instant(1000.0 + seconds, START + timedelta(seconds=seconds))


def named(_: str) -> str | None:
    return "v1"


def stay(zones: ZoneStage, until: float) -> list[Emission]:
    return [
        event
        for step in range(int(until * 5) + 1)
        for event in zones.step([FloorPosition("t1", (1.0, 1.0), 1000.0 + step / 5)], named, at(step / 5))
    ]


def hear(occupancy: Occupancy, events: list[Emission]) -> Occupancy:
    for event in events:
        occupancy = occupancy.step(event)
    return occupancy


def test_a_name_in_doubt_is_no_longer_at_the_label_and_comes_back_when_it_is_sure() -> None:
    zones = ZoneStage([ZONE])
    heard = hear(Occupancy(frozenset({"shelf"})), stay(zones, 3.0))
    assert heard.alone("shelf", "v1")
    told = zones.unsure({"t1"}, lambda _: None, at(3.2))
    assert [(type(event), event.visit) for event in told if isinstance(event, ZoneEntered)] == [(ZoneEntered, None)]
    heard = hear(heard, told)
    assert not heard.alone("shelf", "v1")
    assert zones.unsure({"t1"}, lambda _: None, at(3.4)) == [], "told once"
    back = zones.unsure(set(), named, at(4.0))
    assert [type(event) for event in back] == [ZoneEntered, ZoneDwelled]
    assert hear(heard, back).alone("shelf", "v1")


def test_a_stay_that_ends_in_doubt_has_its_whole_length_and_no_name() -> None:
    zones = ZoneStage([ZONE])
    stay(zones, 3.0)
    zones.unsure({"t1"}, lambda _: None, at(3.2))
    (left,) = [event for event in zones.close(at(3.4)) if isinstance(event, ZoneLeft)]
    assert (left.visit, left.dwell_s) == (None, 3.0)


def exchange(apart_m: float, deviation_m: float) -> tuple[set[str], set[str]]:
    """One camera gives two people each other's track; who is suspended and who is doubted then."""
    tracker = StoreTracker("s-")
    places = {"a": (2.0, 2.0), "b": (2.0 + apart_m, 2.0)}
    suspended: set[str] = set()
    doubted: set[str] = set()
    for step in range(45):
        names = ("b", "a") if step >= 20 else ("a", "b")
        sights = tuple(
            FloorPosition(name, place, step / 5, (deviation_m**2, 0.0, deviation_m**2))
            for name, place in zip(names, places.values(), strict=True)
        )
        view = tracker.step(Look("c", step / 5, sights), ["s-1", "s-2"])
        assert step >= 20 or not view.doubted
        suspended |= view.suspended
        doubted.update(view.doubted)
    return suspended, doubted


def test_two_who_change_their_picture_tracks_where_they_may_have_changed_places_are_doubted() -> None:
    """The plan keeps them apart, the camera says they changed places: nobody can tell."""
    suspended, doubted = exchange(1.6, 0.5)
    assert suspended == {"s-1", "s-2"} == doubted


def test_two_who_change_their_picture_tracks_a_leap_apart_are_withheld_and_told_again() -> None:
    """Nobody gets two metres on between two looks: it is the camera's own tracks that were mixed up."""
    suspended, doubted = exchange(2.0, 0.14)
    assert suspended == {"s-1", "s-2"}
    assert not doubted


def test_who_comes_back_from_the_door_is_not_known_any_more() -> None:
    """Somebody else may have come in just as the named person went out."""
    tracker = StoreTracker("s-")
    for step in range(10):
        tracker.step(Look("c", step / 5, (FloorPosition("a", (2.0, 2.0), step / 5),)), ["s-1"])
    tracker.leave("s-1")
    tracker.leave("s-1", leaving=False)
    view = tracker.step(Look("c", 2.0, (FloorPosition("a", (2.0, 2.0), 2.0),)), ["s-1"])
    assert view.doubted == ("s-1",)
