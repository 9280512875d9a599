"""The face stage as a whole, with counting fakes: who is embedded, how often, and who never (PRIVACY P1, P2)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from contract.events import VisitIdentified
from edge.config import EdgeConfig
from edge.engines import Engines
from edge.gallery import Gallery
from edge.values import Emission, Frame, Instant
from edge.vision_node import Vision

if TYPE_CHECKING:
    from edge.config.vision import Mode

Vectors = Callable[..., NDArray[np.float32]]
At = Callable[..., Instant]
Picture = Callable[..., Frame]
Store = Callable[[str], EdgeConfig]
INSIDE = (200.0, 60.0, 280.0, 160.0)
OUTSIDE = (20.0, 60.0, 100.0, 160.0)


def vision(store: Store, mode: Mode, faces: Any, gallery: Gallery, at: At) -> Vision:
    numbers = iter(range(10**6))
    engines = Engines(faces=faces)
    return Vision(store(mode), mode, gallery, engines, at(0), run="t", new_id=lambda: f"v{next(numbers)}")


def known(vector: Vectors) -> Gallery:
    gallery = Gallery()
    gallery.put("anna", "t1", vector(1), 1e9)
    gallery.put("ben", "t1", vector(2), 1e9)
    return gallery


def play(node: Vision, picture: Picture, seconds: float, start: float = 0.0, fps: float = 10.0) -> list[Emission]:
    emitted: list[Emission] = []
    for number in range(round(seconds * fps)):
        emitted += node.frame(picture(start + number / fps, number=number))
    return emitted


def test_a_known_person_in_the_lane_starts_a_visit(
    store: Store, faces: Any, vector: Vectors, at: At, picture: Picture
) -> None:
    faces.people = [(INSIDE, vector(5, vector(1), 0.58))]  # clear, but not beyond doubt
    node = vision(store, "lane", faces, known(vector), at)
    told = [event.model_dump() for event in play(node, picture, 3)]
    assert [event.get("stage") for event in told] == [None, "provisional", "final"]
    assert told[1]["subject"] == "anna"
    assert told[0]["visit"] == told[1]["visit"] == told[2]["visit"]
    assert told[1]["first_usable_at"] <= told[1]["at"]
    assert 1 <= faces.calls["embed"] <= 4


def test_the_embedder_runs_at_most_four_times_a_person_however_long_they_stay(
    store: Store, faces: Any, vector: Vectors, at: At, picture: Picture
) -> None:
    faces.people = [(INSIDE, vector(5, vector(1), 0.4))]
    node = vision(store, "lane", faces, known(vector), at)
    play(node, picture, 60)
    assert node.counters().decisions == {"stranger": 1}
    assert faces.calls["embed"] <= 4


@pytest.mark.parametrize("mode", ["lane", "verify"])
def test_ten_thousand_frames_without_a_trigger_never_reach_the_embedder(
    store: Store, faces: Any, vector: Vectors, at: At, picture: Picture, mode: Mode
) -> None:
    faces.people = [(OUTSIDE if mode == "lane" else INSIDE, vector(5, vector(1), 0.9))]
    node = vision(store, mode, faces, known(vector), at)
    assert play(node, picture, 1000) == []
    assert faces.calls["detect"] >= 5000
    assert (faces.calls["landmarks"], faces.calls["embed"]) == (0, 0)


def test_the_same_frames_with_a_trigger_do_reach_it(
    store: Store, faces: Any, vector: Vectors, at: At, picture: Picture
) -> None:
    faces.people = [(INSIDE, vector(5, vector(1), 0.9))]
    node = vision(store, "lane", faces, known(vector), at)
    play(node, picture, 5)
    assert faces.calls["embed"] > 0


def test_leaving_the_lane_stops_everything_at_once(
    store: Store, faces: Any, vector: Vectors, at: At, picture: Picture
) -> None:
    faces.people = [(INSIDE, vector(5, vector(1), 0.4))]
    node = vision(store, "lane", faces, known(vector), at)
    play(node, picture, 0.4)
    before = faces.calls["landmarks"], faces.calls["embed"]
    faces.people = [(OUTSIDE, vector(5, vector(1), 0.4))]
    play(node, picture, 20, start=0.4)
    assert (faces.calls["landmarks"], faces.calls["embed"]) == before


def test_an_empty_gallery_is_no_reason_to_embed(
    store: Store, faces: Any, vector: Vectors, at: At, picture: Picture
) -> None:
    faces.people = [(INSIDE, vector(5))]
    node = vision(store, "lane", faces, Gallery(), at)
    play(node, picture, 5)
    assert faces.calls["embed"] == 0


def test_a_stranger_leaves_nothing(
    store: Store, faces: Any, vector: Vectors, at: At, picture: Picture, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    faces.people = [(INSIDE, vector(77))]
    node = vision(store, "lane", faces, known(vector), at)
    caplog.clear()  # the threshold in force is said at the start
    emitted = play(node, picture, 5)
    faces.people = []
    emitted += play(node, picture, 5, start=5)
    assert emitted == []
    assert caplog.text == ""
    assert node.counters().decisions == {"stranger": 1}
    assert faces.handed_out
    assert not any(vectors.any() for vectors in faces.handed_out), "a vector of a stranger was not overwritten"


def test_a_camera_that_goes_silent_does_not_keep_vectors(
    store: Store, faces: Any, vector: Vectors, at: At, picture: Picture
) -> None:
    faces.people = [(INSIDE, vector(77))]
    node = vision(store, "lane", faces, known(vector), at)
    play(node, picture, 0.5)
    node.tick(at(2.0))
    assert faces.handed_out
    assert not any(vectors.any() for vectors in faces.handed_out)


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"yaw": 60.0}, "turned"), ({"score": 0.8}, "short"), ({"box": (200.0, 60.0, 222.0, 90.0)}, "small")],
)
def test_a_bad_picture_is_unrecognisable_not_a_stranger(
    store: Store, faces: Any, vector: Vectors, at: At, picture: Picture, change: dict[str, Any], reason: str
) -> None:
    box = change.pop("box", INSIDE)
    for name, value in change.items():
        setattr(faces, name, value)
    faces.people = [(box, vector(5, vector(1), 0.9))]
    node = vision(store, "lane", faces, known(vector), at)
    play(node, picture, 3)
    faces.people = []
    play(node, picture, 3, start=3)
    assert node.counters().decisions == {"unrecognisable": 1}
    assert node.counters().unrecognisable == {reason: 1}
    assert faces.calls["embed"] == 0


def test_broken_frames_are_counted_and_survived(
    store: Store, faces: Any, vector: Vectors, at: At, picture: Picture
) -> None:
    node = vision(store, "lane", faces, known(vector), at)
    for shape in ((0, 0, 3), (5, 5, 3), (240, 320), (240, 320, 4)):
        assert node.frame(Frame("door", np.zeros(shape, np.uint8), at(0))) == []
    assert node.counters().broken_frames == 4


def test_detections_that_are_not_numbers_are_survived(
    store: Store, faces: Any, vector: Vectors, at: At, picture: Picture
) -> None:
    faces.people = [((np.nan, 0.0, 5.0, 5.0), vector(78)), ((1e30, 0.0, 1e31, 9.0), vector(79)), (INSIDE, vector(77))]
    node = vision(store, "lane", faces, known(vector), at)
    play(node, picture, 5)
    assert node.counters().decisions == {"stranger": 1}


def test_verify_compares_only_at_the_spot_with_the_one_who_checked_in(
    store: Store, faces: Any, vector: Vectors, at: At, picture: Picture
) -> None:
    """Ben stands at the spot while Anna's check-in waits: no match, although Ben is in the gallery."""
    faces.people = [(INSIDE, vector(5, vector(2), 0.9))]
    node = vision(store, "verify", faces, known(vector), at)
    node._visits.checked_in("anna", node._places["desk"], at(0), claim_s=15.0)
    emitted = play(node, picture, 5)
    assert emitted == []
    assert faces.calls["embed"] > 0
    after = [event.model_dump() for event in node.tick(at(16)) if isinstance(event, VisitIdentified)]
    assert [(event["stage"], event["subject"], event["method"]) for event in after] == [("final", "anna", "qr")]
    assert after[0]["confidence"] == 0.5


def test_verify_confirms_the_right_face(store: Store, faces: Any, vector: Vectors, at: At, picture: Picture) -> None:
    faces.people = [(INSIDE, vector(5, vector(1), 0.8))]
    node = vision(store, "verify", faces, known(vector), at)
    node._visits.checked_in("anna", node._places["desk"], at(0), claim_s=15.0)
    told = [event.model_dump() for event in play(node, picture, 5)]
    assert [(event["stage"], event["method"], event["confidence"]) for event in told] == [("final", "qr", 0.99)]
    calls = faces.calls["embed"]
    play(node, picture, 20, start=5)
    assert faces.calls["embed"] == calls, "a satisfied check-in is no licence to go on"
