"""Floor homography: exact on exact points, honest about bad ones, clear about impossible ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from calibration.__main__ import main
from calibration.errors import CalibrationError
from calibration.homography import Verdict, calibrate_floor, project

TRUE = np.array([[0.012, 0.001, -2.0], [0.0, 0.02, -1.0], [0.0, 0.0009, 1.0]])
IMAGE = np.array([[100, 300], [1180, 310], [60, 700], [1200, 690], [640, 500], [400, 420], [900, 600]], dtype=float)


def test_exact_points_give_the_true_homography() -> None:
    result = calibrate_floor(IMAGE, project(TRUE, IMAGE))
    assert result.verdict is Verdict.VALID
    assert np.allclose(result.matrix / result.matrix[2, 2], TRUE, rtol=1e-3, atol=1e-5)
    assert result.errors_m.max() < 1e-4, "a tenth of a millimetre"


def test_one_point_measured_in_the_wrong_place_is_found() -> None:
    floor = project(TRUE, IMAGE)
    floor[4] += [1.5, 0.0]
    result = calibrate_floor(IMAGE, floor)
    assert result.verdict is Verdict.INVALID
    assert result.suspect == 4


def test_four_points_are_never_called_valid() -> None:
    assert calibrate_floor(IMAGE[:4], project(TRUE, IMAGE[:4])).verdict is Verdict.UNCHECKED


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (IMAGE[:3], "at least 4"),
        (np.column_stack([np.arange(6.0), np.arange(6.0)]), "one line"),
        (np.array([[0, 0], [1, 1], [2, 2], [0, 5]], dtype=float), "one line"),
        (np.vstack([IMAGE[:5], [[np.nan, 1.0]]]), "finite"),
    ],
)
def test_impossible_points_are_refused_in_words(image: np.ndarray, message: str) -> None:
    with pytest.raises(CalibrationError, match=message):
        calibrate_floor(image, image * 0.01)


@given(st.lists(st.floats(-0.02, 0.02), min_size=14, max_size=14))
def test_centimetre_noise_stays_centimetres(noise: list[float]) -> None:
    floor = project(TRUE, IMAGE) + np.array(noise).reshape(7, 2)
    result = calibrate_floor(IMAGE, floor)
    assert np.linalg.norm(result.to_floor(IMAGE) - floor, axis=1).max() < 0.15


def write(path: Path, points: list[tuple[list[float], list[float]]]) -> Path:
    body = {"camera": "floor", "operator": "A", "points": [{"image": i, "floor": f} for i, f in points]}
    path.write_text(yaml.safe_dump(body))
    return path


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = list(zip(IMAGE.tolist(), project(TRUE, IMAGE).tolist(), strict=True))
    out = tmp_path / "floor.yaml"
    assert main(["floor", str(write(tmp_path / "p.yaml", pairs)), "--out", str(out)]) == 0
    body = yaml.safe_load(out.read_text())
    assert body["verdict"] == "VALID"
    assert np.allclose(project(np.array(body["homography"]), IMAGE), project(TRUE, IMAGE), atol=1e-3)
    assert "copy `homography`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("points: [", "not YAML"),
        ("camera: a\noperator: b\npoint: []\n", "point"),
        ("camera: a\noperator: b\npoints: []\n", "at least 4"),
    ],
)
def test_bad_files_name_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    assert main(["floor", str(path)]) == 2
    assert message in capsys.readouterr().err


def test_missing_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["floor", "nowhere.yaml"]) == 2
    assert "cannot be read" in capsys.readouterr().err
