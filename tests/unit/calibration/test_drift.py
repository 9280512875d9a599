"""A camera that is moved is noticed on a rendered shop: by how much, not by people, light or night."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from calibration.background import Background, reference
from calibration.drift import LIMIT_M, DriftWatch
from calibration.floor_file import FloorFile, FloorPoints, PointPair, floor_file, floor_yaml, read_floor, solve
from calibration.homography import project
from calibration.view import FloorView
from contract.clock import ManualClock
from simulator.scenes.floor import FloorPose, FloorScene

SIZE = (1280, 720)
K = np.array([[900.0, 0, 640], [0, 900, 360], [0, 0, 1]])
POINTS = np.array([[200, 650], [1100, 640], [640, 480], [300, 420], [1000, 420], [640, 620]], float)


@pytest.fixture(scope="module")
def scene() -> FloorScene:
    return FloorScene(seed=1)


def people(count: int, seed: int) -> list[FloorPose]:
    random = np.random.default_rng(seed)
    return [
        FloorPose(
            figure=n,
            x=random.uniform(2, 8),
            y=random.uniform(3, 6),
            heading=1.0,
            walked=random.uniform(0, 3),
            moving=True,
        )
        for n in range(count)
    ]


def noisy(picture: np.ndarray, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 3, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def turned(picture: np.ndarray, yaw: float = 0.0, pitch: float = 0.0) -> np.ndarray:
    return cv2.warpPerspective(picture, warp(yaw, pitch), SIZE, borderMode=cv2.BORDER_REFLECT)


def warp(yaw: float, pitch: float) -> np.ndarray:
    rotation = cv2.Rodrigues(np.radians([pitch, yaw, 0.0]))[0]
    return K @ rotation @ np.linalg.inv(K)


@pytest.fixture(scope="module")
def background(scene: FloorScene) -> Background:
    found = reference([noisy(scene.render(second, people(2, second)), second) for second in range(4)])
    assert found is not None
    return found


def looked(scene: FloorScene, background: Background, look, looks: int = 4, count: int = 2):
    watch = DriftWatch(background, FloorView(scene.homography, SIZE), POINTS)
    for number in range(looks):
        watch.step(noisy(look(scene.render(60 + number, people(count, 90 + number))), number))
    return watch.now


@pytest.mark.parametrize(
    "look",
    [
        lambda picture: picture,
        lambda picture: (picture * 0.5).astype(np.uint8),
        lambda picture: np.clip(picture * 1.3 + 15, 0, 255).astype(np.uint8),
        lambda picture: (picture * 0.01).astype(np.uint8),
        lambda picture: turned(picture, 0.2),
    ],
    ids=["as it was", "dim", "bright", "night", "a fifth of a degree"],
)
def test_light_night_and_people_do_not_move_a_camera(scene: FloorScene, background: Background, look) -> None:
    found = looked(scene, background, look, count=8)
    assert found.state == "steady"
    assert (found.metres or 0) < 0.1


@pytest.mark.parametrize(("yaw", "pitch"), [(4, 0), (10, 0), (0, 2), (-3, 2)])
def test_a_turned_camera_is_noticed_and_measured(
    scene: FloorScene, background: Background, yaw: float, pitch: float
) -> None:
    found = looked(scene, background, lambda picture: turned(picture, yaw, pitch))
    moved = project(warp(yaw, pitch), POINTS)
    true = np.linalg.norm(project(scene.homography, moved) - project(scene.homography, POINTS), axis=1)
    assert found.state == "moved"
    assert found.metres is not None
    assert found.metres == pytest.approx(float(np.median(true)), rel=0.15)
    assert found.metres > LIMIT_M


def test_one_look_convinces_nobody_and_a_camera_set_back_is_believed_again(
    scene: FloorScene, background: Background
) -> None:
    watch = DriftWatch(background, FloorView(scene.homography, SIZE), POINTS)
    straight, crooked = scene.render(5, []), turned(scene.render(5, []), 6)
    states = [watch.step(noisy(picture, n)).state for n, picture in enumerate([crooked, straight, crooked, crooked])]
    assert states == ["steady"] * 4
    assert watch.step(crooked).state == "moved"
    assert [watch.step(straight).state for _ in range(3)] == ["moved", "moved", "steady"]


def test_another_view_and_another_resolution(scene: FloorScene, background: Background) -> None:
    watch = DriftWatch(background, FloorView(scene.homography, SIZE), POINTS)
    random = np.random.default_rng(0)
    elsewhere = cv2.resize(random.integers(0, 255, (90, 160, 3), np.uint8), SIZE, interpolation=cv2.INTER_NEAREST)
    states = {watch.step(elsewhere).state for _ in range(9)}
    assert states == {"steady"}
    assert watch.step(elsewhere).state == "view_changed"
    assert watch.step(scene.render(0, [])[::2, ::2]).state == "resolution"
    assert not watch.fits(640, 360)


def test_people_leave_nothing_in_the_reference(scene: FloorScene) -> None:
    """The same crowd in one picture only: its details are not in the reference."""
    empty = scene.render(0, [])
    crowd = scene.render(0, people(6, 4))
    changed = np.abs(crowd.astype(int) - empty).sum(axis=2) > 40
    found = reference([crowd, empty, noisy(empty, 1)])
    assert found is not None
    places = found.decoded().places * (SIZE[0] / found.look[0])
    inside = changed[places[:, 1].astype(int).clip(0, 719), places[:, 0].astype(int).clip(0, 1279)]
    assert inside.mean() < 0.03


def test_a_blank_wall_cannot_be_watched() -> None:
    assert reference([np.full((360, 640, 3), 120, np.uint8)] * 2) is None


def test_the_file_holds_numbers_and_no_picture(scene: FloorScene, background: Background, tmp_path: Path) -> None:
    pairs = tuple(
        PointPair(image=tuple(i), floor=tuple(f))
        for i, f in zip(POINTS.tolist(), project(scene.homography, POINTS).tolist(), strict=True)
    )
    points = FloorPoints(camera="floor", operator="A", points=pairs, image_size=SIZE)
    record = floor_file(points, solve(pairs, None), ManualClock().now(), background=background)
    path = tmp_path / "floor.yaml"
    path.write_text(floor_yaml(record), encoding="utf-8")
    assert read_floor(path) == record
    assert path.stat().st_size < 20_000, "descriptors of details, not pixels"
    assert isinstance(read_floor(path), FloorFile)


def test_a_look_costs_next_to_nothing(scene: FloorScene, background: Background) -> None:
    """Once a minute, the work of shrinking so many frames: measured against that in the same run."""
    watch = DriftWatch(background, FloorView(scene.homography, SIZE), POINTS)
    picture = noisy(scene.render(3, []), 0)
    spent = []
    for work in (lambda: watch.step(picture), lambda: cv2.resize(picture, (640, 360), interpolation=cv2.INTER_AREA)):
        rounds = []
        for _ in range(7):
            before = time.thread_time()
            work()
            rounds.append(time.thread_time() - before)
        spent.append(sorted(rounds)[3])
    assert spent[0] < 100 * max(spent[1], 1e-4)
