"""`python -m calibration thresholds`: files in, certificate and report out; bad input in words."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from calibration.__main__ import main
from calibration.thresholds.certificate import read_certificate
from calibration.thresholds.errors import ThresholdError
from calibration.thresholds.pairs import Pair, confusable, read_pairs
from calibration.thresholds.records import ImpostorScore, read_scores

Strangers = Callable[..., list[ImpostorScore]]


@pytest.fixture(scope="module")
def scores(strangers: Strangers, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scores") / "impostor-scores.jsonl"
    path.write_text("".join(record.line() for record in strangers("faces", 3200, 7)))
    return path


def command(scores: Path, out: Path, *more: str) -> list[str]:
    fixed = ["--gallery-size", "100", "--store", "s-1", "--model", "faceplugin-512", "--out", str(out)]
    return ["thresholds", "--scores", str(scores), *fixed, *more]


def test_report_certificate_and_picture(scores: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, plot, pairs = tmp_path / "certificate.yaml", tmp_path / "tail.svg", tmp_path / "pairs.csv"
    pairs.write_text("subject,other,score\naaaa,bbbb,0.93\ncccc,dddd,0.11\n")
    assert main(command(scores, out, "--plot", str(plot), "--pairs", str(pairs))) == 0
    text = capsys.readouterr().out
    for part in ("held with 95% confidence", "generalised Pareto", "reach:", "confusable pairs: 1", "aaaa"):
        assert part in text
    assert "cccc" not in text
    certificate = read_certificate(out)
    assert f"threshold {certificate.threshold:.4f}" in text
    assert (certificate.expires_at - certificate.issued_at).days == 90
    assert certificate.model.sha256 == "ab" * 32
    assert certificate.holds_to_gallery_size == 125
    assert certificate.figures.confusable_pairs == 1
    assert "aaaa" not in out.read_text(), "no pseudonym outlives its owner in this file"
    assert ET.fromstring(plot.read_text()).tag.endswith("svg")
    assert all(len(line) <= 120 for line in text.splitlines())


def test_an_altered_certificate_is_noticed(scores: Path, tmp_path: Path) -> None:
    out = tmp_path / "certificate.yaml"
    assert main(command(scores, out)) == 0
    body = yaml.safe_load(out.read_text())
    body["threshold"] = 0.3
    out.write_text(yaml.safe_dump(body))
    with pytest.raises(ThresholdError, match="altered"):
        read_certificate(out)


def test_too_few_is_exit_code_one_and_no_file(scores: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few, out = tmp_path / "few.jsonl", tmp_path / "certificate.yaml"
    few.write_text("".join(line + "\n" for line in scores.read_text().splitlines()[:450]))
    assert main(command(few, out)) == 1
    assert "50 more" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--model", "other"), "holds faceplugin-512"),
        (("--model-sha256", "cd" * 32), "no record of this embedder"),
        (("--pairs", "nowhere.csv"), "cannot be read"),
        (("--target-per-day", "500"), "--target-per-day"),
    ],
)
def test_bad_input_is_exit_code_two(
    scores: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], message: str
) -> None:
    assert main(command(scores, tmp_path / "c.yaml", *more)) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("more", [("--gallery-size", "0"), ("--visitors", "nan"), ("--days", "x"), ("--missed", "2")])
def test_options_out_of_range(scores: Path, tmp_path: Path, more: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(command(scores, tmp_path / "c.yaml", *more))
    assert stopped.value.code == 2


def test_a_torn_line_is_skipped_a_foreign_file_is_not_swallowed(scores: Path, tmp_path: Path) -> None:
    torn, foreign = tmp_path / "torn.jsonl", tmp_path / "foreign.jsonl"
    torn.write_bytes(scores.read_bytes() + b'{"at":"2026-11-0')
    assert read_scores([torn]).broken == 1
    assert len(read_scores([torn]).scores) == len(read_scores([scores]).scores)
    foreign.write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(ThresholdError, match="line 1"):
        read_scores([foreign])


def test_weights_that_changed_in_between_are_refused(
    scores: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mixed = tmp_path / "mixed.jsonl"
    mixed.write_text(scores.read_text() + scores.read_text().replace("ab" * 32, "cd" * 32))
    assert main(command(mixed, tmp_path / "c.yaml")) == 2
    assert "different weights" in capsys.readouterr().err
    assert main(command(mixed, tmp_path / "c.yaml", "--model-sha256", "cd" * 32)) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [("a,b\n", "line 1"), ("subject,other,score\nx,y\n", "line 2"), ("subject,other,score\nx,x,0.5\n", "line 2"),
     ("subject,other,score\nx,y,nan\n", "line 2")],
)  # fmt: skip
def test_bad_pairs_name_the_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(text)
    with pytest.raises(ThresholdError, match=message):
        read_pairs(path)


def test_confusable_pairs_come_worst_first() -> None:
    pairs = [Pair("a", "b", 0.58), Pair("a", "c", 0.7), Pair("b", "c", 0.2)]
    assert [pair.score for pair in confusable(pairs, 0.6, 0.05)] == [0.7, 0.58]
