"""Shapes on a plan, and what a camera of known geometry sees of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, Polygon, box

from calibration.floor_file import PointPair, solve
from calibration.homography import Verdict, calibrate_floor, project
from calibration.lens.file import LensError, LensFile
from calibration.lens.model import Lens
from calibration.plan_checks import (
    duplicate_findings,
    line_findings,
    polygon_findings,
    zone_view_findings,
)
from calibration.view import FloorView
from calibration.web.draft import Draft
from calibration.web.judgement import judge

SIZE = (1280, 720)
K = np.array([[900.0, 0, 640], [0, 900, 360], [0, 0, 1]])
coordinate = st.floats(0, 20).map(lambda value: round(value, 2))
corner = st.tuples(coordinate, coordinate)


def floor_of(height: float = 3.0, tilt_deg: float = 35.0, x: float = 5.0, y: float = 9.0) -> np.ndarray:
    """A camera at (x, y), `height` metres up, looking towards smaller y and down: ideal pixels to plan metres."""
    tilt = np.radians(tilt_deg)
    right, forward, down = (
        np.array([1.0, 0, 0]),
        np.array([0, -np.cos(tilt), -np.sin(tilt)]),
        np.array([0, np.sin(tilt), -np.cos(tilt)]),
    )
    rotation = np.stack([right, down, forward])
    move = -rotation @ np.array([x, y, height])
    to_picture = K @ np.column_stack([rotation[:, 0], rotation[:, 1], move])
    return np.linalg.inv(to_picture)


@dataclass(frozen=True)
class Line:
    id: str
    start: tuple[float, float]
    end: tuple[float, float]


@given(st.lists(corner, min_size=3, max_size=9))
def test_a_polygon_is_sound_or_said_not_to_be(corners: list[tuple[float, float]]) -> None:
    found = list(polygon_findings(("zones", 0), corners))
    shape = Polygon(corners)
    assert bool(found) == (not shape.is_valid or shape.area < 0.01)
    assert all(str(one) for one in found)


@given(st.lists(corner, min_size=4, max_size=8, unique=True))
def test_a_star_made_of_sorted_corners_is_never_called_self_crossing(corners: list[tuple[float, float]]) -> None:
    middle = np.mean(corners, axis=0)
    angles = [float(np.arctan2(y - middle[1], x - middle[0])) for x, y in corners]
    assume(len({round(angle, 6) for angle in angles}) == len(angles))
    gaps = np.diff(np.sort([*angles, min(angles) + 2 * np.pi]))
    assume(gaps.max() < np.pi - 1e-6)
    ordered = [corner for _, corner in sorted(zip(angles, corners, strict=True))]
    assert not any(one.word == "self_crossing" for one in polygon_findings((), ordered))


def test_a_bow_tie_is_named() -> None:
    (found,) = polygon_findings(("zones", 2), [(0, 0), (2, 2), (2, 0), (0, 2)])
    assert found.word == "self_crossing"
    assert "list its corners in order" in str(found)


@given(corner, corner, corner, corner)
def test_lines_that_meet_are_found(
    a: tuple[float, float], b: tuple[float, float], c: tuple[float, float], d: tuple[float, float]
) -> None:
    assume(a != b and c != d and len({a, b, c, d}) == 4)
    meet = LineString([a, b]).intersects(LineString([c, d]))
    found = [one.word for one in line_findings([Line("one", a, b), Line("two", c, d)])]
    assert bool(found) == meet


def test_two_wings_of_a_door_may_share_a_post() -> None:
    assert not list(line_findings([Line("left", (0, 0), (1, 0)), Line("right", (1, 0), (2, 0))]))
    assert [one.word for one in line_findings([Line("a", (0, 0), (2, 0)), Line("b", (1, 0), (3, 0))])] == ["lines_same"]
    assert [one.word for one in line_findings([Line("a", (0, 0), (0, 0))])] == ["no_length"]
    assert [one.place for one in duplicate_findings("zones", ["a", "b", "a"])] == [("zones", 2, "id")]


@settings(max_examples=40, deadline=None)
@given(height=st.floats(2.2, 5), tilt=st.floats(15, 70), u=st.floats(0, 1279), v=st.floats(0, 719))
def test_what_is_in_the_picture_is_in_the_view_and_back(height: float, tilt: float, u: float, v: float) -> None:
    view = FloorView(floor_of(height, tilt), SIZE)
    place = view.to_plan(np.array([[u, v]]))[0]
    area = view.area()
    assert area.is_valid
    if np.isfinite(place).all() and np.linalg.norm(place - (5, 9)) < 30:
        assert area.buffer(0.02).contains(Point(place))
        assert np.allclose(view.to_picture(place[None]), [[u, v]], atol=1e-3)


def test_above_the_horizon_there_is_no_floor() -> None:
    view = FloorView(floor_of(3, 10), SIZE)
    assert np.isnan(view.to_plan(np.array([[640.0, 0.0]]))).all()
    assert np.isnan(view.to_picture(np.array([[5.0, 30.0]]))).all(), "behind the camera"
    assert not view.area().contains(Point(5, 12))


def test_a_lens_is_part_of_the_view() -> None:
    lens = Lens("pinhole", SIZE, K, np.array([-0.2, 0.03, 0, 0, 0]))
    bent, straight = FloorView(floor_of(), SIZE, lens), FloorView(floor_of(), SIZE)
    edge = np.array([[1200.0, 650.0]])
    off = float(np.linalg.norm(bent.to_plan(edge) - straight.to_plan(edge)))
    assert off > 0.2, "ignoring the lens would be wrong by decimetres here"
    assert np.allclose(bent.to_picture(bent.to_plan(edge)), edge, atol=0.1)


def test_zones_against_the_view() -> None:
    seen = box(0, 0, 10, 8)
    words = {
        name: [one.word for one in zone_view_findings(("zones", 0), corners, seen)]
        for name, corners in {
            "inside": [(1, 1), (2, 1), (2, 2)],
            "half": [(9, 1), (11, 1), (11, 3), (9, 3)],
            "outside": [(12, 1), (13, 1), (13, 3)],
        }.items()
    }
    assert words == {"inside": [], "half": ["partly_outside"], "outside": ["outside_view"]}


def test_lens_and_floor_together_give_the_true_metres() -> None:
    """Clicks on a distorted picture: with its lens the error is centimetres, without it several times worse."""
    true, lens = floor_of(), Lens("pinhole", SIZE, K, np.array([-0.28, 0.06, 0, 0, 0]))
    ideal = np.array(
        [[180, 640], [1100, 640], [640, 500], [330, 330], [980, 340], [640, 660], [150, 430], [1130, 430]], float
    )
    clicks = lens.distort(ideal) + np.random.default_rng(0).normal(0, 0.7, ideal.shape)
    floor = project(true, ideal)
    record = LensFile(
        camera="floor", operator="a", calibrated_at="2026-01-01T00:00:00Z", verdict="VALID", board="charuco:9x6:28",
        pictures=20, image_size=SIZE, error_px=LensError(rms=0.2, worst_picture=0.4), coverage=0.9, kind="pinhole",
        focal=(900, 900), centre=(640, 360), distortion=tuple(lens.distortion),
    )  # fmt: skip
    pairs = [PointPair(image=tuple(i), floor=tuple(f)) for i, f in zip(clicks.tolist(), floor.tolist(), strict=True)]
    with_lens, without = solve(pairs, record), solve(pairs, None)
    assert with_lens.verdict is Verdict.VALID
    assert with_lens.residual_m < 0.12
    assert max(without.errors_m) > 3 * with_lens.residual_m


def test_exchanged_points_are_called_folded_mirrored_or_outliers() -> None:
    image = np.array(
        [[180, 640], [1100, 640], [640, 500], [330, 330], [980, 340], [640, 660], [200, 430], [1130, 430]], float
    )
    floor = project(floor_of(), image)
    assert not calibrate_floor(image, floor).mirrored
    mirrored = calibrate_floor(image, floor * (-1, 1))
    assert mirrored.mirrored
    wrong = floor.copy()
    wrong[[2, 6]] += [[2.0, 0.5], [-1.5, 1.0]]
    result = calibrate_floor(image, wrong)
    assert result.verdict is Verdict.INVALID
    assert set(result.outliers) == {2, 6}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.one_of(st.none(), corner), st.one_of(st.none(), corner)), max_size=7),
    st.lists(st.lists(corner, max_size=5), max_size=3),
)
def test_any_half_finished_draft_is_judged(points: list[object], zones: list[list[tuple[float, float]]]) -> None:
    draft = Draft.model_validate({
        "width_m": 20, "height_m": 20,
        "points": [{"image": image and (image[0] * 60, image[1] * 30), "floor": floor} for image, floor in points],
        "zones": [{"id": f"z{index}", "polygon": polygon} for index, polygon in enumerate(zones)],
        "lines": [{"id": "l", "from": [1, 1]}], "labels": [{"id": "Bad Id"}],
    })  # fmt: skip
    found = judge(draft, SIZE, None)
    assert found.state in ("UNCALIBRATED", "VALID", "INVALID")
    words = {one.word for one in found.told}
    assert {"half_line", "half_label", "bad_id"} <= words
    whole = sum(1 for image, floor in points if image and floor)
    if whole < 4:
        assert "few_points" in words
        assert found.state == "UNCALIBRATED"


@pytest.mark.parametrize("count", [4, 5])
def test_four_points_are_never_more_than_uncalibrated(count: int) -> None:
    image = [[180, 640], [1100, 640], [330, 330], [980, 340], [640, 500]][:count]
    floor = project(floor_of(), np.array(image, float)).tolist()
    draft = Draft(
        width_m=20, height_m=20, points=tuple({"image": i, "floor": f} for i, f in zip(image, floor, strict=True))
    )
    assert judge(draft, SIZE, None).state == ("UNCALIBRATED" if count == 4 else "VALID")
