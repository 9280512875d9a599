"""The configuration refuses what can not work, and says where and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config import ConfigError, load_config, parse_config
from edge.config.load import examine_config

GOOD = """\
store: shop
node: n1
state_dir: var
cameras:
  - id: door
    role: entrance
    source: {driver: http, url: "http://127.0.0.1:1/x"}
zones:
  - {id: a, polygon: [[0, 0], [1, 0], [1, 1]]}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "store.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_a_good_file_loads_with_paths_beside_it(tmp_path: Path) -> None:
    (tmp_path / "store.yaml").write_text(GOOD)
    config = load_config(tmp_path / "store.yaml")
    assert config.state_dir == tmp_path / "var"
    assert config.cameras[0].source.driver == "http"


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("    source:", "    sorce:"), 7, "cameras[0].sorce: unknown key, did you mean 'source'?"),
        (("url:", "ulr:"), 7, "cameras[0].source.ulr: unknown key, did you mean 'url'?"),
        (("driver: http", "driver: htp"), 7, "driver 'htp' is unknown"),
        (("role: entrance", "role: exit"), 6, "cameras[0].role"),
        (("http://127.0.0.1:1/x", "ftp://x"), 7, "must look like http://"),
        (("[1, 1]]", "[1, 1], [0, 1], [1, 0.5]]"), 9, "crosses or touches itself"),
        (("[1, 1]]", "[0.01, 0.01]]"), 9, "too small"),
        (("[1, 1]]", "[1, .nan]]"), 9, "zones[0].polygon[2][1]"),
        (("node: n1", "node: N 1"), 2, "node"),
        (("node: n1\n", ""), 1, "node: this key is required"),
        (("store: shop", "store: shop\nstore: two"), 2, "given twice"),
        (("id: door", "id: [door"), 0, "not YAML"),
        (
            (
                "zones:",
                "labels: {source: {driver: openepaperlink, url: http://a},"
                " map: [{id: l1, address: AA, zone: b}]}\nzones:",
            ),
            8,
            "there is no zone 'b'; zones of this file: a",
        ),
        (("zones:", "policy: {mode: lane}\nzones:"), 8, "mode lane needs a `lane` polygon"),
        (("zones:", "policy: {mode: open}\nzones:"), 8, "mode open needs a site policy"),
        (("zones:", "recognition: {threshold: 1.5}\nzones:"), 8, "recognition.threshold"),
        (("zones:", "lines: [{id: l, from: [0, 0], to: [0, 0], inside: left}]\nzones:"), 8, "no length"),
        (("zones:", "lines: [{id: l, from: [0, 0], to: [4, 0], inside: [9, 0]}]\nzones:"), 8, "on the line itself"),
        (("zones:", "scanners: [{id: door, source: {driver: simulated}}]\nzones:"), 8, "is a camera's id"),
        (("zones:", "broker: {urls: ['mqtt://u:p@h:1']}\nzones:"), 8, "must not carry credentials"),
        (("zones:", "trust: {central_signing_key: QUJD, central_sealing_key: QUJD}\nzones:"), 8, "must be 32 bytes"),
    ],
)
def test_a_mistake_is_named_with_its_line(change: tuple[str, str], line: int, words: str) -> None:
    found = problems(GOOD.replace(*change))
    assert any(words in text for text in found), found
    if line:
        assert any(text.startswith(f"store.yaml:{line}:") for text in found), found


def test_all_mistakes_are_told_at_once_in_order() -> None:
    found = problems(GOOD.replace("role: entrance", "role: exit").replace("[1, 1]]", "[1]]").replace("n1", "N"))
    assert [int(text.split(":")[1]) for text in found] == sorted(int(text.split(":")[1]) for text in found)
    assert len(found) >= 3


def test_a_homography_must_be_three_by_three_and_invertible() -> None:
    floor = GOOD.replace("role: entrance", "role: floor")
    short = floor.replace("    role", "    homography: [[1, 0, 0], [0, 1, 0]]\n    role")
    assert any("homography" in text for text in problems(short))
    flat = floor.replace("    role", "    homography: [[1, 0, 0], [2, 0, 0], [0, 0, 1]]\n    role")
    assert any("singular" in text for text in problems(flat))


def test_duplicate_ids_name_the_first() -> None:
    twice = GOOD + "  - {id: a, polygon: [[0, 0], [1, 0], [1, 1]]}\n"
    assert any("'a' is already the id of zones[0]" in text for text in problems(twice))


def test_a_password_never_reaches_the_message() -> None:
    text = GOOD.replace("source: {driver: http", "source: {driver: http, password: [hunter2]")
    assert "hunter2" not in "\n".join(problems(text))


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name an existing YAML file"):
        load_config(tmp_path / "none.yaml")


@pytest.mark.parametrize("text", ["", "- a\n", "a: &a [*a]\n", "a: !!python/object:os.system x\n", "\x00", "{" * 500])
def test_garbage_is_a_config_error_and_nothing_else(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_config(text)


BARE = """\
store: shop
node: n1
state_dir: var
cameras:
  - id: hall
    role: floor
    source: {source}
    homography: {homography}
zones:
  - {{id: near, polygon: [[1, 1], [2, 1], [2, 2]]}}
  - {{id: far, polygon: {polygon}}}
lines:
  - {{id: door, from: {start}, to: [1, 2], inside: left}}
"""
HTTP = '{driver: http, url: "http://127.0.0.1:1/x"}'
FLAT = "[[0.01, 0, 0], [0, 0.01, 0], [0, 0, 1]]"
"""A centimetre a pixel, seen from right above; the plan's corner in the picture's."""
SLANTED = "[[-0.01, 0, 3.2], [0, 0, -2], [0, -0.005, 1]]"
"""The horizon 200 pixels down; given with its sign turned over, as some tools do."""


def surveyed(tmp_path: Path, **values: str) -> tuple[list[str], list[str]]:
    """Faults and notes of a camera with a matrix and no calibration file."""
    path = tmp_path / "store.yaml"
    plain = {"source": HTTP, "homography": FLAT, "polygon": "[[2, 2], [3, 2], [3, 3]]", "start": "[1, 1]"}
    path.write_text(BARE.format(**plain | values))
    try:
        return [], [str(note) for note in examine_config(path)[1]]
    except ConfigError as error:
        return [str(problem) for problem in error.problems], []


def test_zones_and_lines_in_view_of_a_bare_homography_are_in_order(tmp_path: Path) -> None:
    assert surveyed(tmp_path) == ([], [])
    assert surveyed(tmp_path, source="{driver: simulated}") == ([], [])


@pytest.mark.parametrize("source", ["{driver: simulated}", "{driver: webcam, device: 0, width: 640, height: 360}"])
def test_where_the_size_of_the_picture_is_known_what_is_outside_is_refused(tmp_path: Path, source: str) -> None:
    faults, _ = surveyed(tmp_path, source=source, polygon="[[7, 1], [8, 1], [8, 2]]", start="[9, 2]")
    assert [fault.partition(": ")[0] for fault in faults] == ["store.yaml:11"], "most of the line is in view"
    assert "no calibrated camera sees this zone" in faults[0]
    faults, notes = surveyed(tmp_path, source=source, polygon="[[6, 1], [7, 1], [7, 2], [6, 2]]")
    assert faults == []
    assert "only 39 % of this zone" in notes[0]


def test_where_it_is_not_known_what_no_picture_could_show_is_said(tmp_path: Path) -> None:
    _, notes = surveyed(tmp_path, polygon="[[-3, 1], [-2, 1], [-2, 2]]")
    assert ["store.yaml:11" in note for note in notes] == [True]
    assert surveyed(tmp_path, polygon="[[7, 1], [8, 1], [8, 2]]") == ([], []), "a larger picture may show it"


def test_what_is_behind_the_camera_is_not_in_view(tmp_path: Path) -> None:
    """The slanted camera sees floor where the plan's y is above 0; below is what the matrix makes of the ceiling."""
    faults, notes = surveyed(tmp_path, homography=SLANTED, polygon="[[1, -5], [2, -5], [2, -4]]")
    assert faults == []
    assert any("store.yaml:11" in note and "sees this zone" in note for note in notes)


def test_a_matrix_that_is_no_view_is_not_guessed_at(tmp_path: Path) -> None:
    faults, _ = surveyed(tmp_path, homography="[[1, 0, 0], [0, 0, 0], [0, 0, 1]]")
    assert ["singular" in fault for fault in faults] == [True]
    sideways = "[[0.01, 0, 0], [0, 0.01, 0], [0.001, 0, -1]]"
    assert surveyed(tmp_path, homography=sideways, polygon="[[-3, 1], [-2, 1], [-2, 2]]") == ([], [])


def test_what_needs_no_camera_is_refused_beside_a_bare_homography(tmp_path: Path) -> None:
    faults, _ = surveyed(tmp_path, polygon="[[2, 2], [3, 3], [3, 2], [2, 3]]")
    assert ["crosses or touches itself" in fault for fault in faults] == [True]
