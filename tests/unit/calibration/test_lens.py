"""Lens calibration: rendered boards through a known lens give that lens back; bad pictures are refused in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.__main__ import main
from calibration.errors import CalibrationError
from calibration.lens.board import Board, Sighting
from calibration.lens.file import lens_file, lens_yaml, read_lens
from calibration.lens.gather import Gathering
from calibration.lens.model import Lens
from calibration.lens.solve import solve_lens

SIZE = (960, 540)
BOARD = Board.parse("charuco:9x6:28")
LENSES = {
    "pinhole": Lens(
        "pinhole",
        SIZE,
        np.array([[620.0, 0, 488], [0, 622, 264], [0, 0, 1]]),
        np.array([-0.22, 0.06, 0.0008, -0.0005, 0]),
    ),
    "fisheye": Lens(
        "fisheye", SIZE, np.array([[320.0, 0, 488], [0, 322, 264], [0, 0, 1]]), np.array([-0.02, 0.004, -0.002, 0.0003])
    ),
}
Seen = Callable[[Lens, int, float], list[Sighting]]


def poses(lens: Lens, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Boards all over the picture, tilted, near and far: (rotation, translation)."""
    random = np.random.default_rng(3)
    sheet = BOARD.sheet()
    middle = np.array([sheet.width, sheet.height, 0]) / 2000
    found = []
    for number in range(count):
        across, down = (number % 6 + 0.5) / 6, (number // 6 % 4 + 0.5) / 4
        target = np.array([[90 + across * (SIZE[0] - 180), 70 + down * (SIZE[1] - 140)]])
        ideal = lens.undistort(target)[0]
        turn = cv2.Rodrigues(random.uniform(-0.5, 0.5, 3))[0]
        ray = (ideal - lens.matrix[:2, 2]) / (lens.matrix[0, 0], lens.matrix[1, 1])
        depth = random.uniform(0.26, 0.4)
        found.append((turn, np.array([ray[0] * depth, ray[1] * depth, depth]) - turn @ middle))
    return found


def project(lens: Lens, turn: np.ndarray, move: np.ndarray, places: np.ndarray) -> np.ndarray:
    camera = places @ turn.T + move
    ideal = camera[:, :2] / camera[:, 2:] * (lens.matrix[0, 0], lens.matrix[1, 1]) + lens.matrix[:2, 2]
    return lens.distort(ideal)


def corners() -> np.ndarray:
    across, down = np.meshgrid(np.arange(1, BOARD.columns), np.arange(1, BOARD.rows))
    return np.column_stack([across.ravel(), down.ravel(), np.zeros(across.size)]) * BOARD.square_mm / 1000


def sightings(lens: Lens, count: int, noise: float = 0.2) -> list[Sighting]:
    """As a detector would have found the corners."""
    random = np.random.default_rng(1)
    places, found = corners(), []
    for number, (turn, move) in enumerate(poses(lens, count)):
        pixels = project(lens, turn, move, places) + random.normal(0, noise, (len(places), 2))
        inside = np.all((pixels > 0) & (pixels < SIZE), axis=1)
        found.append(Sighting(f"{number}.png", np.float32(places[inside]), np.float32(pixels[inside])))
    return [one for one in found if len(one.pixels) >= 8]


@cache
def every_pixel(kind: str) -> np.ndarray:
    u, v = np.meshgrid(np.arange(SIZE[0], dtype=float), np.arange(SIZE[1], dtype=float))
    return LENSES[kind].undistort(np.column_stack([u.ravel(), v.ravel()]))


def render(lens: Lens, turn: np.ndarray, move: np.ndarray) -> np.ndarray:
    """The printed sheet through the lens: every pixel is traced back to the board."""
    per_mm = 3.0
    sheet = np.asarray(BOARD.sheet().image(dpi=25.4 * per_mm))
    ideal = every_pixel(lens.kind)
    to_picture = lens.matrix @ np.column_stack([turn[:, 0], turn[:, 1], move])
    board = np.column_stack([ideal, np.ones(len(ideal))]) @ np.linalg.inv(to_picture).T
    places = board[:, :2] / board[:, 2:] * 1000 * per_mm
    places[(board[:, 2] <= 0) | ~np.isfinite(places).all(axis=1)] = -1e4
    maps = places.astype(np.float32).reshape(SIZE[1], SIZE[0], 2)
    return cv2.remap(sheet, maps[..., 0], maps[..., 1], cv2.INTER_LINEAR, borderValue=128)


def far_apart(first: Lens, second: Lens) -> np.ndarray:
    """Angle in degrees between the rays two lenses see at the same pixels of the middle four fifths."""
    grid = np.array([[x, y] for x in range(96, 865, 64) for y in range(54, 487, 54)], float)
    rays = []
    for one in (first, second):
        flat = (one.undistort(grid) - one.matrix[:2, 2]) / (one.matrix[0, 0], one.matrix[1, 1])
        ray = np.column_stack([flat, np.ones(len(flat))])
        rays.append(ray / np.linalg.norm(ray, axis=1, keepdims=True))
    return np.degrees(np.linalg.norm(rays[0] - rays[1], axis=1))


@pytest.mark.parametrize("kind", ["pinhole", "fisheye"])
def test_known_lens_comes_back(kind: str) -> None:
    true = LENSES[kind]
    result = solve_lens(sightings(true, 24), SIZE, true.kind)
    assert result.faults == ()
    assert result.rms_px < 0.35
    assert abs(result.lens.matrix[0, 0] / true.matrix[0, 0] - 1) < 0.01
    assert np.nanmedian(far_apart(result.lens, true)) < np.degrees(1 / true.matrix[0, 0]), "less than a pixel"


def test_printed_board_is_found_through_the_lens() -> None:
    true = LENSES["pinhole"]
    errors = []
    for turn, move in poses(true, 24)[7:10]:
        found = BOARD.find(render(true, turn, move))
        assert found is not None
        assert len(found.pixels) > BOARD.corners / 2
        board = found.board + np.array([12.0, 12.0, 0.0]) / 1000  # the sheet has a margin of 12 mm
        errors.append(np.linalg.norm(project(true, turn, move, board) - found.pixels, axis=1).mean())
    assert max(errors) < 0.7, "pixels"


def test_checkerboard_is_found() -> None:
    board = Board.parse("checkerboard:8x6:30")
    found = board.find(np.asarray(board.sheet().image(dpi=60)))
    assert found is not None
    assert len(found.pixels) == board.corners == 35


def test_a_blunder_is_left_out_and_told() -> None:
    seen = sightings(LENSES["pinhole"], 24)
    bent = seen[5].pixels + np.random.default_rng(0).normal(0, 15, seen[5].pixels.shape).astype(np.float32)
    seen[5] = Sighting("bent.png", seen[5].board, bent)
    result = solve_lens(seen, SIZE, "pinhole")
    assert result.dropped == ("bent.png",)
    assert result.faults == ()


def test_gates_say_what_to_do() -> None:
    seen = [one for one in sightings(LENSES["pinhole"], 24) if one.pixels[:, 0].mean() < SIZE[0] / 2]
    assert any("show it" in fault and "right" in fault for fault in solve_lens(seen, SIZE, "pinhole").faults)
    noisy = solve_lens(sightings(LENSES["pinhole"], 24, noise=2.0), SIZE, "pinhole")
    assert any("px is over" in fault for fault in noisy.faults)
    assert not noisy.valid
    with pytest.raises(CalibrationError, match="8 are needed"):
        solve_lens(seen[:5], SIZE, "pinhole")


@pytest.mark.parametrize("kind", ["pinhole", "fisheye"])
@settings(max_examples=60, deadline=None)
@given(x=st.floats(60, 900), y=st.floats(60, 480))
def test_undistorting_and_distorting_again_changes_nothing(kind: str, x: float, y: float) -> None:
    lens = LENSES[kind]
    there = lens.undistort(np.array([[x, y]]))
    if np.isfinite(there).all():
        assert np.allclose(lens.distort(there), [[x, y]], atol=0.05)


def test_a_pixel_the_lens_cannot_undo_is_not_a_number() -> None:
    strong = Lens("pinhole", SIZE, LENSES["pinhole"].matrix, np.array([-0.6, 0.1, 0, 0, 0]))
    assert np.isnan(strong.undistort(np.array([[0.0, 0.0], [SIZE[0], SIZE[1]]]))).all()
    assert np.isfinite(strong.undistort(np.array([[480.0, 270.0]]))).all()


def test_file_goes_round(tmp_path: Path) -> None:
    result = solve_lens(sightings(LENSES["fisheye"], 24), SIZE, "fisheye")
    path = tmp_path / "lens.yaml"
    path.write_text(lens_yaml(lens_file("floor", "Инженер А.", BOARD, result, datetime(2026, 3, 1, tzinfo=UTC))))
    body = yaml.safe_load(path.read_text())
    assert body["operator"] == "Инженер А."
    assert body["board"] == "charuco:9x6:28"
    again = read_lens(path).lens
    assert np.nanmax(far_apart(again, result.lens)) < 1e-4
    path.write_text(
        path.read_text().replace("kind: fisheye", "kind: pinhole").replace("distortion: [", "distortion: [1, 2, 3, ")
    )
    with pytest.raises(CalibrationError, match="coefficients"):
        read_lens(path)


def test_command_line_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    true = LENSES["pinhole"]
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, (turn, move) in enumerate(poses(true, 24)[::2] + poses(true, 24)[1:6:2]):
        cv2.imwrite(str(folder / f"{number:02}.png"), render(true, turn, move))
    out = tmp_path / "floor.lens.yaml"
    assert main(["camera", str(folder), "--camera", "floor", "--operator", "A", "--out", str(out)]) == 0
    told = capsys.readouterr().err
    assert "VALID" in told
    assert "# #" in told, "coverage is drawn"
    record = read_lens(out)
    assert record.verdict == "VALID"
    assert record.error_px.rms < 0.6
    assert np.nanmedian(far_apart(record.lens, true)) < 0.2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["camera"], "sources"),
        (["camera", "x.png", "--camera", "a", "--operator", "b", "--board", "8x6"], "charuco:8x6:30"),
        (["camera", "nowhere.mp4", "--camera", "a", "--operator", "b"], "no such file"),
        (["camera", "--print-board", "board.doc"], ".svg, .png or .pdf"),
    ],
)
def test_bad_input_is_told(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_board_is_printed_in_true_size(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"board.{suffix}"
    assert main(["camera", "--print-board", str(path)]) == 0
    if suffix == "png":
        picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        assert abs(picture.shape[1] / 300 * 25.4 - BOARD.sheet().width) < 0.2
        found = BOARD.find(picture)
        assert found is not None
        assert len(found.pixels) == BOARD.corners
    assert path.stat().st_size > 1000


def test_a_stream_keeps_a_board_only_where_it_is_new_and_still() -> None:
    true, gathering = LENSES["pinhole"], Gathering(BOARD)
    (turn, move), (other, further) = poses(true, 24)[8], poses(true, 24)[15]
    here, there = render(true, turn, move), render(true, other, further)
    assert [gathering.step(picture, "x") for picture in (here, here, here, there, there)] == [0, 1, 0, 0, 1]
    with pytest.raises(CalibrationError, match="one resolution"):
        gathering.step(here[:200], "small")
