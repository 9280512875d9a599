"""Where people stand: bodies lean at the border of a picture, feet behind a shelf, boxes that begin below the head."""

from __future__ import annotations

import math

import pytest

from edge.floor.stature import Stand, StatureModel
from edge.floor.upright import Upright
from simulator.scenes.pinhole import Pinhole

CAMERA = Pinhole((5.0, 0.05, 2.9), math.radians(20), 0.586 * 1280, (1280, 720))
Place = tuple[float, float]
Box = tuple[float, float, float, float]


def body(place: Place, height: float, below: float = 0.0) -> Box:
    """The box of a body of which only what is higher than `below` metres is seen."""
    depth = CAMERA.depth(*place, height / 2)
    lower, crown = CAMERA.project([(*place, below), (*place, height)])
    half = 0.25 * CAMERA.focal / depth
    return (
        min(float(lower[0]), float(crown[0])) - half,
        float(crown[1]),
        max(float(lower[0]), float(crown[0])) + half,
        float(lower[1]),
    )


@pytest.fixture
def model() -> StatureModel:
    upright = Upright.of(tuple(map(tuple, CAMERA.image_to_floor().tolist())), CAMERA.size)  # type: ignore[arg-type]
    assert upright is not None
    return StatureModel(upright)


def stand(model: StatureModel, track: int, box: Box) -> Stand:
    found = model.whole(track, box, learn=True) or model.from_head(track, box)
    assert found is not None
    return found


def test_whose_legs_are_below_the_picture_stands_below_his_head_and_bodies_lean_there(model: StatureModel) -> None:
    for x in (1.5, 3.0, 7.0, 8.2):
        found = model.from_head(1, body((x, 2.6), 1.7, below=0.8))
        assert found is not None
        assert math.dist(found.point, (x, 2.6)) < 0.1, x


def test_where_feet_are_seen_a_box_that_begins_below_the_head_keeps_its_feet(model: StatureModel) -> None:
    place = (5.2, 6.2)
    headless = body(place, 1.38)
    assert math.dist(stand(model, 1, headless).point, place) > 0.5, "not known yet: its feet might be hidden"
    for look in range(15):
        stand(model, 10 + look, body(place, 1.66 + 0.01 * look))
    assert math.dist(stand(model, 1, headless).point, place) < 0.15


def test_who_is_not_seen_apart_from_others_may_be_hidden_anywhere(model: StatureModel) -> None:
    place = (5.2, 6.2)
    for look in range(15):
        stand(model, 10 + look, body(place, 1.66 + 0.01 * look))
    assert model.whole(1, body(place, 1.38), learn=False) is None
