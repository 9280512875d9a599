"""The visit book: one visit a person, identity on the right track or on none."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from contract.events import VisitEnded, VisitIdentified, VisitStarted
from edge.attachment import Place
from edge.config.vision import VisitsConfig
from edge.values import Decision, Emission, FloorPosition, Instant
from edge.visits import VisitBook

At = Callable[..., Instant]
DOOR = Place("door", (2.0, 1.0), 1.5)
DESK = Place("desk", (2.0, 1.0), 1.0)
FAR = Place("back-door", (20.0, 20.0), 1.5)
NEAR, AWAY = (2.2, 1.3), (9.0, 9.0)


@pytest.fixture
def book() -> VisitBook:
    numbers = iter(range(1000))
    return VisitBook(VisitsConfig(silence_s=60, pending_s=5, attach_window_s=2), lambda: f"v{next(numbers)}")


def seen(book: VisitBook, now: Instant, ended: tuple[str, ...] = (), **tracks: tuple[float, float]) -> None:
    book.floor([FloorPosition(track, point, now.monotonic) for track, point in tracks.items()], ended, now)


def known(subject: str, stage: Any, at: At, track: int = 1, seconds: float = 0.0) -> Decision:
    return Decision("known", stage, subject, 0.8, 0.3, "", at(seconds), None, track)


def kinds(events: list[Emission]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_check_in_starts_and_identifies_once(book: VisitBook, at: At) -> None:
    first = book.checked_in("anna", DESK, at(0))
    assert kinds(first) == ["VisitStarted", "VisitIdentified"]
    assert isinstance(first[0], VisitStarted)
    assert first[0].position == DESK.position
    assert isinstance(first[1], VisitIdentified)
    assert (first[1].method, first[1].stage, first[1].subject) == ("qr", "final", "anna")
    assert book.checked_in("anna", DOOR, at(30)) == []
    assert len(book.live()) == 1


def test_provisional_then_final_are_one_visit(book: VisitBook, at: At) -> None:
    told = book.decided(known("anna", "provisional", at), DOOR, at(0.2))
    told += book.decided(known("anna", "final", at), DOOR, at(0.6))
    assert [getattr(event, "stage", None) for event in told] == [None, "provisional", "final"]
    assert book.decided(known("anna", "final", at, track=2, seconds=9), DOOR, at(10)) == []


@pytest.mark.parametrize("outcome", ["stranger", "unrecognisable"])
def test_a_provisional_word_that_does_not_hold_is_retracted(book: VisitBook, at: At, outcome: Any) -> None:
    book.decided(known("anna", "provisional", at), DOOR, at(0.2))
    told = book.decided(Decision(outcome, "final", track=1), DOOR, at(1))
    assert [getattr(event, "outcome", None) for event in told] == ["retracted", None]
    assert isinstance(told[1], VisitEnded)
    assert book.live() == ()


def test_a_provisional_word_that_changes_its_mind_retracts_before_it_names(book: VisitBook, at: At) -> None:
    book.decided(known("anna", "provisional", at), DOOR, at(0.2))
    told = book.decided(known("ben", "final", at), DOOR, at(1))
    assert kinds(told) == ["VisitIdentified", "VisitEnded", "VisitStarted", "VisitIdentified"]
    assert isinstance(told[3], VisitIdentified)
    assert told[3].subject == "ben"


def test_what_a_qr_code_proved_no_face_retracts(book: VisitBook, at: At) -> None:
    book.checked_in("anna", DESK, at(0))
    book.decided(known("anna", "provisional", at), DOOR, at(1))
    assert book.decided(Decision("stranger", "final", track=1), DOOR, at(2)) == []
    assert len(book.live()) == 1


@pytest.mark.parametrize("outcome", ["stranger", "unrecognisable", "refused"])
def test_others_are_never_told(book: VisitBook, at: At, outcome: Any) -> None:
    assert book.decided(Decision(outcome, "final", track=3), DOOR, at(0)) == []
    assert book.live() == ()


def test_the_only_person_there_gets_the_visit(book: VisitBook, at: At) -> None:
    seen(book, at(0), t1=NEAR, t2=AWAY)
    book.checked_in("anna", DESK, at(0.1))
    seen(book, at(0.2), t1=NEAR, t2=AWAY)
    assert (book.visit_of("t1"), book.visit_of("t2")) == ("v0", None)


def test_two_people_there_nobody_is_guessed(book: VisitBook, at: At) -> None:
    seen(book, at(0), t1=NEAR, t2=(1.8, 1.0))
    book.checked_in("anna", DESK, at(0.1))
    for tick in range(80):
        seen(book, at(0.2 + tick / 10), t1=NEAR, t2=(1.8, 1.0) if tick < 10 else AWAY)
    assert book.visit_of("t1") is None
    assert book.visit_of("t2") is None
    assert book.counts.ambiguous == 1


def test_of_two_people_the_other_being_known_settles_it(book: VisitBook, at: At) -> None:
    seen(book, at(-1), t1=NEAR)
    book.checked_in("anna", DESK, at(-1))
    seen(book, at(-0.9), t1=NEAR)
    seen(book, at(0), t1=NEAR, t2=(1.8, 1.0))
    book.checked_in("ben", DESK, at(0))
    seen(book, at(0.1), t1=NEAR, t2=(1.8, 1.0))
    assert (book.visit_of("t1"), book.visit_of("t2")) == ("v0", "v1")


def test_a_track_that_shows_up_a_moment_later_is_taken(book: VisitBook, at: At) -> None:
    book.checked_in("anna", DESK, at(0))
    seen(book, at(1.2), t1=NEAR)
    assert book.visit_of("t1") == "v0"


def test_one_that_shows_up_too_late_is_not(book: VisitBook, at: At) -> None:
    book.checked_in("anna", DESK, at(0))
    seen(book, at(5.5), t1=AWAY)
    seen(book, at(6.0), t1=NEAR)
    assert book.visit_of("t1") is None
    assert book.counts.unattached == 1


def test_a_lost_track_loses_its_identity(book: VisitBook, at: At) -> None:
    seen(book, at(0), t1=NEAR)
    book.checked_in("anna", DESK, at(0))
    seen(book, at(0.1), t1=NEAR)
    seen(book, at(2), ended=("t1",), t2=NEAR)
    assert book.visit_of("t1") is None
    assert book.visit_of("t2") is None
    assert len(book.live()) == 1
    assert book.counts.identity_lost == 1


def test_recognised_elsewhere_the_old_track_is_given_up(book: VisitBook, at: At) -> None:
    seen(book, at(0), t1=NEAR)
    book.checked_in("anna", DESK, at(0))
    seen(book, at(0.1), t1=NEAR)
    book.decided(known("anna", "final", at, seconds=9), FAR, at(10))
    assert book.visit_of("t1") is None


def test_walking_out_ends_the_visit(book: VisitBook, at: At) -> None:
    seen(book, at(0), t1=NEAR)
    book.checked_in("anna", DESK, at(0))
    seen(book, at(8), t1=NEAR)
    (ended,) = book.left("t1", at(9))
    assert isinstance(ended, VisitEnded)
    assert ended.reason == "exit"
    assert book.left("t2", at(9)) == []
    assert kinds(book.checked_in("anna", DESK, at(20))) == ["VisitStarted", "VisitIdentified"]


def test_silence_ends_a_visit_but_a_live_track_keeps_it(book: VisitBook, at: At) -> None:
    book.checked_in("ben", FAR, at(0))
    seen(book, at(0), t1=NEAR)
    book.checked_in("anna", DESK, at(0))
    for second in range(120):
        seen(book, at(second + 0.1), t1=NEAR)
        told = book.tick(at(second + 0.2))
        if told:
            assert [event.visit for event in told if isinstance(event, VisitEnded)] == ["v0"]
    assert [visit.subject for visit in book.live()] == ["anna"]


def test_withdrawal_and_shutdown(book: VisitBook, at: At) -> None:
    book.checked_in("anna", DESK, at(0))
    book.checked_in("ben", DESK, at(0))
    (gone,) = book.withdrawn("anna", at(5))
    assert isinstance(gone, VisitEnded)
    assert gone.reason == "withdrawn"
    assert book.withdrawn("anna", at(5)) == []
    assert [event.reason for event in book.shutdown(at(6)) if isinstance(event, VisitEnded)] == ["shutdown"]
    assert book.live() == ()


def test_a_claim_no_face_came_for_is_final_at_lower_confidence(book: VisitBook, at: At) -> None:
    first = book.checked_in("anna", DESK, at(0), claim_s=10)
    assert [getattr(event, "stage", None) for event in first] == [None, "provisional"]
    assert book.tick(at(9)) == []
    (final,) = book.tick(at(11))
    assert isinstance(final, VisitIdentified)
    assert (final.stage, final.outcome, final.confidence) == ("final", "known", 0.7)


def test_any_order_of_events_keeps_one_track_to_one_visit(book: VisitBook, at: At) -> None:
    """Random crowds and check-ins: no track carries two visits, no visit two tracks, none is started twice."""
    draw = random.Random(11)
    started: list[str] = []
    for tick in range(3000):
        now = at(tick / 10)
        tracks = {f"t{n}": (draw.uniform(0, 4), draw.uniform(0, 3)) for n in draw.sample(range(12), draw.randrange(4))}
        seen(book, now, (f"t{draw.randrange(12)}",) if tick % 7 == 0 else (), **tracks)
        if tick % 13 == 0:
            told = book.checked_in(f"s{draw.randrange(8)}", draw.choice([DESK, DOOR, FAR]), now)
            started += [event.visit for event in told if isinstance(event, VisitStarted)]
        if tick % 29 == 0:
            book.left(f"t{draw.randrange(12)}", now)
        book.tick(now)
        carried = [visit.track for visit in book.live() if visit.track is not None]
        assert len(carried) == len(set(carried))
        assert all(book.visit_of(visit.track) == visit.id for visit in book.live() if visit.track is not None)
    assert len(started) == len(set(started)) > 10
    assert book.counts.attached > 0
    assert book.counts.ambiguous > 0
