"""Scoring of an entrance: who came in against what was decided, on days whose answers are known."""

from __future__ import annotations

from models.evaluation.entrance import Appearance, DecidedTrack, Decision, Sighting, score_entrance


def came(subject: str | None, start: float, x: float | None = None) -> Appearance:
    return Appearance(subject, start, start + 4, start + 1, path(start, x))


def path(start: float, x: float | None) -> tuple[Sighting, ...]:
    return () if x is None else tuple(Sighting(start + k, x, 0.5) for k in range(5))


def track(start: float, *decisions: tuple[float, str | None], calls: int = 2, x: float | None = None) -> DecidedTrack:
    return DecidedTrack(
        start, start + 4, tuple(Decision(start + at, who) for at, who in decisions), calls, path(start, x)
    )


def test_a_perfect_day() -> None:
    truth = [came("ann", 0), came(None, 10), came("bob", 20)]
    tracks = [track(0, (1.2, "ann")), track(10, (2.0, None)), track(20, (1.0, None), (1.4, "bob"), calls=4)]
    report = score_entrance(truth, tracks, total_ms=300)
    assert (report["found"], report["right"], report["wrong"], report["missed"], report["late"]) == (3, 3, 0, 0, 0)
    assert report["embedder_calls"] == {"total": 8, "per_person": 2.667, "most": 4}
    assert report["ms_per_person"] == 100
    assert report["delay_s"] == {"p50": 0.3, "p95": 0.39}


def test_every_kind_of_failure_is_counted_once() -> None:
    truth = [came("ann", 0), came(None, 10), came("bob", 20), came("cid", 30), came("dan", 40)]
    tracks = [
        track(0, (1.2, "bob"), (2.0, "ann")),
        track(10, (1.2, "ann")),
        track(20, (3.0, "bob")),
        track(30, (3.0, None)),
        track(70, (1.0, "ann")),
    ]
    report = score_entrance(truth, tracks, total_ms=0)
    assert report["found"] == 4
    assert report["wrong"] == 2, "a name corrected later was still wrong for a while"
    assert report["strangers_named"] == 1
    assert report["right"] == 1
    assert report["late"] == 1
    assert report["missed"] == 2, "one without a name, one without a track"
    assert (report["tracks_of_nobody"], report["nobody_named"]) == (1, 1)


def test_people_in_view_together_are_told_apart_by_place() -> None:
    truth = [came("ann", 0, x=0.2), came("bob", 0.1, x=0.8)]
    tracks = [track(0.1, (1.5, "bob"), x=0.78), track(0.0, (1.2, "ann"), x=0.22)]
    assert score_entrance(truth, tracks, 0)["right"] == 2
    swapped = [track(0.1, (1.5, "ann"), x=0.78), track(0.0, (1.2, "bob"), x=0.22)]
    assert score_entrance(truth, swapped, 0)["wrong"] == 2


def test_pieces_of_one_person_are_one_person() -> None:
    truth = [Appearance("ann", 0, 10, 1)]
    pieces = [DecidedTrack(0, 3, (), 1), DecidedTrack(4, 9, (Decision(5, "ann"),), 2)]
    report = score_entrance(truth, pieces, 0)
    assert (report["right"], report["late"], report["embedder_calls"]) == (
        1,
        1,
        {"total": 3, "per_person": 3, "most": 3},
    )


def test_nobody_came() -> None:
    report = score_entrance([], [track(0, (1, None))], 5)
    assert (report["people"], report["tracks_of_nobody"], report["ms_per_person"]) == (0, 1, 0)
    assert report["delay_s"] == {"p50": None, "p95": None}


def test_embedder_calls_count_for_whom_they_were_spent_on() -> None:
    """A track that went over from one person to another: by place each has two calls, by track one has all four."""
    path = {x: tuple(Sighting(0.1 * n, x, 0.5) for n in range(40)) for x in (0.2, 0.8)}
    truth = [Appearance(None, 0, 4, 1, path[0.2]), Appearance(None, 0, 4, 1, path[0.8])]
    spent = (Sighting(1, 0.2, 0.5), Sighting(1.2, 0.21, 0.5), Sighting(2, 0.79, 0.5), Sighting(2.2, 0.8, 0.5))
    went_over = DecidedTrack(0, 4, (Decision(2.5, None),), 4, path[0.2], spent)
    calls = score_entrance(truth, [went_over], 0)["embedder_calls"]
    assert calls == {"total": 4, "per_person": 2.0, "most": 2}


def test_calls_count_exactly_where_it_is_known_whose_face_it_was() -> None:
    """Two who cross: the nearest by place is not always the one who was embedded."""
    path = tuple(Sighting(0.1 * n, 0.5, 0.5) for n in range(40))
    truth = [Appearance(None, 0, 4, 1, path), Appearance(None, 0, 4, 1, path)]
    spent = tuple(Sighting(t, 0.5, 0.5) for t in (1.0, 1.2, 1.4, 2.0, 2.2, 3.0))
    track = DecidedTrack(0, 4, (), 6, path, spent)
    assert score_entrance(truth, [track], 0)["embedder_calls"]["most"] == 6  # type: ignore[index]
    exact = score_entrance(truth, [track], 0, whose=lambda face: 0 if face.at_s < 2 else None if face.at_s > 2.5 else 1)
    assert exact["embedder_calls"] == {"total": 6, "per_person": 2.5, "most": 3}
