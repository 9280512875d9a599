from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from models.catalogue import CATALOGUE, FACE_EMBEDDER, model, models_for
from models.cli import main

ROOT = Path(__file__).parents[3]
HEX64 = re.compile(r"[0-9a-f]{64}")


def test_every_row_pins_its_source_and_names_its_licence() -> None:
    assert len({row.key for row in CATALOGUE}) == len({row.output for row in CATALOGUE}) == len(CATALOGUE)
    for row in CATALOGUE:
        assert HEX64.fullmatch(row.package.tarball_sha256)
        assert row.package.integrity.startswith("sha512-")
        assert row.members
        assert all(HEX64.fullmatch(member.sha256) for member in row.members)
        assert row.package.licence == "MIT"
        assert row.upstream_licence
        assert row.training_data


def test_every_row_has_a_model_card_that_states_source_licence_and_limits() -> None:
    for row in CATALOGUE:
        card = (ROOT / row.card).read_text(encoding="utf-8")
        for wanted in (row.package.spec, row.package.licence, "Training data", "Limits", "Not for", "measured"):
            assert wanted in card, f"{row.card} does not mention {wanted!r}"


def test_a_new_recipe_or_source_changes_the_fingerprint() -> None:
    row = model(FACE_EMBEDDER)
    newer = dataclasses.replace(row, recipe_version=row.recipe_version + 1)
    other = dataclasses.replace(row, members=(dataclasses.replace(row.members[0], sha256="0" * 64),))
    assert len({row.source_fingerprint, newer.source_fingerprint, other.source_fingerprint}) == 3


def test_lookup_by_key_and_prefix() -> None:
    assert [row.key for row in models_for("face-")] == ["face-detector", "face-landmarks", "face-embedder"]
    with pytest.raises(KeyError):
        model("age-and-gender")


def test_no_host_name_in_the_package() -> None:
    for file in (ROOT / "models").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert "://" not in text, file
        assert "registry." not in text, file


def test_list_prints_a_table_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    table = capsys.readouterr().out
    assert all(row.key in table and row.package.spec in table for row in CATALOGUE)
    assert "training data undisclosed" in table
    assert main(["list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["key"] for row in rows] == [row.key for row in CATALOGUE]
    assert rows[0]["members"][0]["sha256"] == CATALOGUE[0].members[0].sha256
