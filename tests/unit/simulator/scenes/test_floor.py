"""The floor: plan, camera geometry, routes, and pictures that agree with their ground truth."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, Point, Polygon

from simulator.scenes.body import PHASES, STANDING, Build, Part, draw_body, phase_of
from simulator.scenes.floor import FIGURES, FloorPose, FloorScene, Route, Stop
from simulator.scenes.floor_eyes import second_camera
from simulator.scenes.pinhole import Pinhole
from simulator.scenes.plan import STORE, plan_svg
from simulator.scenes.ways import obstacles, way


@pytest.fixture(scope="module")
def scene() -> FloorScene:
    return FloorScene(seed=2)


def pose(x: float, y: float, figure: int = 0, heading: float = -math.pi / 2, moving: bool = False) -> FloorPose:
    return FloorPose(figure, x, y, heading, 0.3, moving)


@given(
    st.floats(-5, 5), st.floats(2, 15), st.floats(2, 5), st.floats(0.2, 1.0), st.floats(300, 1500), st.floats(-0.6, 0.6)
)
def test_the_homography_undoes_the_projection(
    x: float, y: float, height: float, pitch: float, focal: float, yaw: float
) -> None:
    camera = Pinhole((0.0, 0.0, height), pitch, focal, (1280, 720), yaw)
    if camera.depth(x, y, 0.0) < 0.3:
        return
    u, v = camera.project((x, y, 0.0))
    floor = camera.image_to_floor() @ np.array([u, v, 1.0])
    np.testing.assert_allclose(floor[:2] / floor[2], (x, y), atol=1e-6)


def test_what_is_higher_on_the_body_is_higher_in_the_picture(scene: FloorScene) -> None:
    foot, crown = scene.camera.project([(5, 5, 0), (5, 5, 1.8)])
    assert crown[1] < foot[1] - 100


def test_zones_lie_on_the_floor_apart_from_each_other_and_from_the_furniture() -> None:
    zones = [Polygon(shelf.zone) for shelf in STORE.shelves]
    solid = [Polygon(shelf.footprint) for shelf in STORE.shelves] + [Polygon(STORE.till)]
    walls = Polygon(STORE.walls)
    assert len(zones) == 6
    for number, zone in enumerate(zones):
        assert walls.contains(zone)
        assert not any(zone.intersects(other) for other in zones[number + 1 :])
        assert not any(zone.intersects(box) for box in solid)
        assert not zone.intersects(Polygon(STORE.lane))
    for shelf, zone in zip(STORE.shelves, zones, strict=True):
        assert zone.contains(Point(shelf.stand).buffer(0.3))
        assert zone.distance(Point(shelf.label)) < 0.1


def test_feet_in_every_zone_are_seen(scene: FloorScene) -> None:
    for place in [shelf.stand for shelf in STORE.shelves] + [STORE.till_stand, STORE.scanner_stand, STORE.inside]:
        (truth,) = scene.truth([pose(*place)])
        assert truth.visible > 0.97, place
        assert 0 < truth.foot[0] < 1280, place
        assert truth.foot[1] < 720, place


def test_the_plan_is_drawn_as_svg() -> None:
    root = ET.fromstring(plan_svg())
    assert root.attrib["viewBox"] == "0 0 1000 800"
    text = " ".join(root.itertext())
    for shelf in STORE.shelves:
        assert shelf.name in text


def test_a_picture_shows_people_where_the_truth_says(scene: FloorScene) -> None:
    empty = scene.render(0.0, []).astype(int)
    people = [pose(3.2, 6.8, 1), pose(6.5, 3.4, 2), pose(8.7, 5.4, 3)]
    changed = np.abs(scene.render(0.0, people).astype(int) - empty).max(axis=2) > 30
    for truth in scene.truth(people):
        x1, y1, x2, y2 = (round(v) for v in truth.box)
        assert changed[y1:y2, x1:x2].mean() > 0.3
        assert changed[y1 : y1 + 12, x1:x2].any()
        assert changed[y2 - 12 : y2, x1:x2].any()
        changed[max(0, y1 - 4) : y2 + 40, max(0, x1 - 60) : x2 + 60] = False
    assert changed.mean() < 0.001


def test_the_same_moment_looks_the_same(scene: FloorScene) -> None:
    people = [pose(4, 5.4, 4)]
    np.testing.assert_array_equal(scene.render(3.2, people), FloorScene(seed=2).render(3.2, people))
    assert (scene.render(3.2, people) != scene.render(3.4, people)).any()


def test_the_nearer_person_covers_the_farther(scene: FloorScene) -> None:
    behind, before = scene.truth([pose(5, 4.0), pose(5, 6.2, 1)])
    assert behind.y == 6.2
    assert behind.visible < 0.9
    assert before.visible == 1.0


def test_furniture_hides_who_stands_behind_it(scene: FloorScene) -> None:
    (behind,) = scene.truth([pose(3.5, 5.0)])
    (beside,) = scene.truth([pose(4.9, 5.0)])
    assert behind.visible < 0.95
    assert beside.visible == 1.0


def test_nobody_is_drawn_behind_the_camera(scene: FloorScene) -> None:
    assert scene.truth([pose(5, -3)]) == ()


@pytest.mark.parametrize("build", list(Build))
@pytest.mark.parametrize("phase", [STANDING, *range(0, PHASES, 3)])
def test_a_body_is_whole(build: Build, phase: int) -> None:
    shape = draw_body(build, phase, 0.6, 0.4, 90.0)
    seen = {part for part in Part if np.any((shape.part == part) & (shape.alpha > 127))}
    assert seen >= {Part.SKIN, Part.HAIR, Part.SHIRT, Part.SHOES}
    edges = (shape.alpha[0], shape.alpha[-1], shape.alpha[:, 0], shape.alpha[:, -1])
    assert max(edge.max() for edge in edges) == 0, "cut at an edge"
    rows = np.nonzero(shape.alpha.max(axis=1) > 127)[0]
    assert abs(rows[-1] - shape.foot[1]) < 0.45 * 90


def test_legs_move_with_the_way_walked() -> None:
    assert phase_of(0.0) == 0
    assert phase_of(1.4) == 0
    assert len({phase_of(way / 100) for way in range(140)}) == PHASES
    shapes = [draw_body(Build.PLAIN, phase, math.pi / 2, 0.3, 60.0) for phase in range(PHASES)]
    apart = [int((shape.alpha > 127).any(axis=0).sum()) for shape in shapes]
    assert max(apart) > 1.4 * min(apart)


def test_all_figures_differ(scene: FloorScene) -> None:
    pictures = [scene.render(0.0, [pose(5, 5.4, figure)])[200:600, 500:800] for figure in range(FIGURES)]
    for number, picture in enumerate(pictures):
        assert all((picture != other).any() for other in pictures[number + 1 :])


ROUTE = Route(2, 10.0, (Stop(0, 5), Stop(4, 5, stay=3.0, face=(4, 8)), Stop(4, 2)), speed=2.0)


def test_a_route_walks_stands_and_ends() -> None:
    assert ROUTE.pose(9.9) is None
    walking = ROUTE.pose(11.0)
    assert walking is not None
    assert (walking.x, walking.y, walking.walked, walking.moving) == (2.0, 5.0, 2.0, True)
    standing = ROUTE.pose(14.0)
    assert standing is not None
    assert (standing.x, standing.y, standing.moving) == (4, 5, False)
    assert standing.heading == pytest.approx(math.pi / 2)
    assert ROUTE.arrival(1) == 12.0
    assert ROUTE.end == pytest.approx(16.5)
    assert ROUTE.pose(ROUTE.end) is None


@given(st.floats(10.0, 16.4))
def test_nobody_leaps(t: float) -> None:
    a, b = ROUTE.pose(t), ROUTE.pose(t + 0.05)
    assert a is not None
    assert b is not None
    assert math.dist((a.x, a.y), (b.x, b.y)) <= 2.0 * 0.05 + 1e-6
    assert 0 <= b.walked - a.walked <= 2.0 * 0.05 + 1e-6


def test_a_route_needs_somewhere_to_go() -> None:
    with pytest.raises(ValueError, match="two stops"):
        Route(0, 0.0, (Stop(1, 1),))


PLACES = [(0.4, 5.3), STORE.inside, STORE.scanner_stand, STORE.till_stand, *(shelf.stand for shelf in STORE.shelves)]


@given(st.sampled_from(PLACES), st.sampled_from(PLACES))
def test_ways_lead_round_the_furniture(start: tuple[float, float], goal: tuple[float, float]) -> None:
    points = way(STORE, start, goal)
    assert (points[0], points[-1]) == (start, goal)
    if len(points) < 2 or start == goal:
        return
    line = LineString(points)
    assert all(line.distance(Polygon(box)) > 0.3 for box in obstacles(STORE))
    assert line.length < 2.5 * math.dist(start, goal) + 1


def test_there_is_no_way_into_a_shelf() -> None:
    shelf = STORE.shelves[0]
    with pytest.raises(ValueError, match="no way"):
        way(STORE, STORE.inside, ((shelf.x1 + shelf.x2) / 2, (shelf.y1 + shelf.y2) / 2))


def test_the_second_camera_sees_floor_walls_and_the_far_side_of_the_islands() -> None:
    """Surfaces that reach behind a camera are painted before it only: planks below, no wall over them."""
    view = second_camera()
    empty = FloorScene(camera=view).render(0.0, []).astype(int)

    def colour(x: float, y: float, z: float) -> np.ndarray:
        u, v = view.project((x, y, z)).round().astype(int)
        return np.asarray(empty[v - 3 : v + 4, u - 3 : u + 4].mean(axis=(0, 1)))

    for place in ((6.0, 2.5, 0.0), (6.0, 5.8, 0.0), (2.5, 3.0, 0.0)):
        blue, _, red = colour(*place)
        assert red - blue > 25, f"wood at {place}"
    for place in ((0.0, 1.0, 1.5), (4.0, 0.0, 1.5)):
        assert colour(*place).min() > 140, f"a pale wall at {place}"
    for x in (3.7, 6.4):
        assert colour(x, 4.7, 0.25).max() < 110, f"the back of the island at {x}"
