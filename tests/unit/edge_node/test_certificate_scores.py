"""The record of impostor scores: numbers only, bounded, and it survives what happens to disks."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from calibration.thresholds.records import read_scores
from edge.impostor_scores import FILE_NAME, ImpostorScores, newest_gallery

NOW = datetime(2026, 11, 22, 12, 34, 56, tzinfo=UTC)


def test_a_line_holds_numbers_hour_and_model_only(tmp_path: Path) -> None:
    scores = ImpostorScores(tmp_path, "faceplugin-512", None)
    scores.add(0.31234567, 120, 0.6, NOW)
    scores.close()
    body = json.loads((tmp_path / FILE_NAME).read_text())
    assert body == {
        "at": "2026-11-22T12:00:00Z", "score": 0.3123, "gallery": 120, "bar": 0.6, "model": "faceplugin-512",
        "sha256": "",
    }  # fmt: skip
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o077 == 0


def test_it_stays_within_two_files(tmp_path: Path) -> None:
    scores = ImpostorScores(tmp_path, "m", None, most_bytes=5000)
    for index in range(1000):
        scores.add(index / 1000, 10, 0.6, NOW)
    scores.close()
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == [FILE_NAME, f"{FILE_NAME}.1"]
    assert all(path.stat().st_size <= 5000 for path in tmp_path.iterdir())
    kept = read_scores([tmp_path / f"{FILE_NAME}.1", tmp_path / FILE_NAME]).scores
    assert [round(record.score * 1000) for record in kept] == list(range(1000 - len(kept), 1000)), "newest, no gaps"


def test_a_torn_line_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    first = ImpostorScores(tmp_path, "m", None)
    first.add(0.1, 10, 0.6, NOW)
    first.add(0.2, 10, 0.6, NOW)
    first.close()
    whole = path.read_bytes()
    for cut in range(len(whole) // 2 + 1, len(whole)):
        path.write_bytes(whole[:cut])
        again = ImpostorScores(tmp_path, "m", None)
        again.add(0.3, 10, 0.6, NOW)
        again.close()
        read = [record.score for record in read_scores([path]).scores]
        assert read in ([0.1, 0.3], [0.1, 0.2, 0.3])


def test_nonsense_and_empty_galleries_are_not_recorded(tmp_path: Path) -> None:
    scores = ImpostorScores(tmp_path, "m", None)
    scores.add(float("nan"), 10, 0.6, NOW)
    scores.add(0.2, 0, 0.6, NOW)
    assert (scores.written, scores.lost) == (0, 1)
    assert not (tmp_path / FILE_NAME).exists()


def test_a_full_disk_is_said_once_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scores = ImpostorScores(tmp_path, "m", None)
    scores.add(0.1, 10, 0.6, NOW)

    def full(_file: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        for _ in range(5):
            scores.add(0.2, 10, 0.6, NOW)
    scores.add(0.3, 10, 0.6, NOW)
    scores.close()
    assert (scores.written, scores.lost) == (2, 5)
    assert sum("cannot be written" in line for line in caplog.messages) == 1
    assert [record.score for record in read_scores([tmp_path / FILE_NAME]).scores] == [0.1, 0.3]


def test_the_newest_record_tells_how_large_the_gallery_was(tmp_path: Path) -> None:
    assert newest_gallery(tmp_path) is None
    scores = ImpostorScores(tmp_path, "m", None)
    for gallery in range(1, 120):
        scores.add(0.2, gallery, 0.5, datetime(2026, 11, 22, tzinfo=UTC))
    scores.close()
    with (tmp_path / FILE_NAME).open("ab") as file:
        file.write(b'{"at": "torn')
    assert newest_gallery(tmp_path) == 119
