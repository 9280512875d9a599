"""A certificate moves the bar of a running node, and scores are noted of strangers alone, as numbers, when asked."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from calibration.thresholds.certificate import Certificate, Figures, Model, Target
from edge.certificate import DEFAULT_FPIR
from edge.config import EdgeConfig, parse_config
from edge.config.vision import RecognitionConfig
from edge.doctor import examine
from edge.engines import Engines
from edge.gallery import Gallery
from edge.impostor_scores import FILE_NAME, ImpostorScores
from edge.model_cards import embedder
from edge.threshold import ThresholdKeeper
from edge.values import Emission, Frame, Instant
from edge.vision.thresholds import default_threshold
from edge.vision_node import Vision

if TYPE_CHECKING:
    from edge.config.vision import Mode

Vectors = Callable[..., NDArray[np.float32]]
At = Callable[..., Instant]
Picture = Callable[..., Frame]
Store = Callable[[str], EdgeConfig]
INSIDE = (200.0, 60.0, 280.0, 160.0)
ISSUED = datetime.fromisoformat("2026-03-01T00:00:00Z")
FIGURES = Figures(
    decisions=3000, comparisons=300_000, first_at=ISSUED, last_at=ISSUED, level=0.3, exceedances=300, rate=1e-3,
    scale=0.03, shape=-0.1, fit_p=0.5, missed_share=0.0, best_guess=0.5, best_guess_interval=(0.48, 0.54),
    confidence=0.95, fpir_at_threshold=1e-6, fpir_interval=(0.0, 4e-5), reach=8.0, threshold_if_all_were_strangers=0.5,
)  # fmt: skip


def certified(
    config: EdgeConfig, folder: Path, name: str = "fake", threshold: float = 0.40, margin: float = 0.07
) -> EdgeConfig:
    """The configuration with a certificate for 4 templates (holds to 5) that lasts 90 days."""
    path = folder / "certificate.yaml"
    path.write_text(
        Certificate(
            store=config.store, model=embedder(config, name), threshold=threshold, margin=margin, gallery_size=4,
            holds_to_gallery_size=5, issued_at=ISSUED, expires_at=ISSUED + timedelta(days=90),
            target=Target(false_arrivals_per_day=0.1, visitors_per_day=2000, fpir=5e-5), figures=FIGURES,
            method="gpd-max-of-n 1",
        ).sealed().yaml()
    )  # fmt: skip
    return with_recognition(config, certificate=path)


def with_recognition(config: EdgeConfig, **changes: object) -> EdgeConfig:
    return config.model_copy(update={"recognition": config.recognition.model_copy(update=changes)})


def node(config: EdgeConfig, mode: Mode, faces: Any, gallery: Gallery, now: Instant, folder: Path | None) -> Vision:
    numbers = iter(range(10**6))
    scores = None if folder is None else ImpostorScores(folder, "fake", None)
    return Vision(
        config, mode, gallery, Engines(faces=faces), now, run="t", new_id=lambda: f"v{next(numbers)}", scores=scores
    )


def play(vision: Vision, picture: Picture, seconds: float, start: float = 0.0) -> list[Emission]:
    frames = (picture(start + number / 10, number=number) for number in range(round(seconds * 10)))
    return [event for frame in frames for event in vision.frame(frame)]


def gallery_of(vector: Vectors, people: int) -> Gallery:
    gallery = Gallery()
    for number in range(people):
        gallery.put(f"p{number}", "t", vector(100 + number), 1e9)
    return gallery


def test_the_default_target_is_the_one_of_the_privacy_promise() -> None:
    assert RecognitionConfig().target_fpir == DEFAULT_FPIR


def test_a_certificate_changes_who_is_known(
    store: Store, faces: Any, vector: Vectors, at: At, picture: Picture, tmp_path: Path
) -> None:
    """At cosine 0.43 a person is below every default and above what the certificate earned."""
    faces.people = [(INSIDE, vector(5, vector(100), 0.43))]
    plain = store("lane")
    for config, known in ((plain, False), (certified(plain, tmp_path), True)):
        vision = node(config, "lane", faces, gallery_of(vector, 4), at(0), None)
        assert bool(play(vision, picture, 4)) is known
    grown = node(certified(plain, tmp_path), "lane", faces, gallery_of(vector, 6), at(0), None)
    assert play(grown, picture, 4) == []
    assert "holds up to 5" in grown.threshold
    late = node(certified(plain, tmp_path), "lane", faces, gallery_of(vector, 4), at(0, wall_shift=91 * 86400), None)
    assert late.threshold.startswith("conservative default")


def test_the_margin_of_the_certificate_holds(
    store: Store, faces: Any, vector: Vectors, at: At, picture: Picture, tmp_path: Path
) -> None:
    """Two enrolled people alike: ahead of the runner-up by more than the configured margin, by less than the earned."""
    config = certified(store("lane"), tmp_path, margin=0.3)
    gallery = gallery_of(vector, 3)
    probe = vector(5, vector(100), 0.7)
    gallery.put("twin", "t", vector(9, probe, 0.55), 1e9)
    faces.people = [(INSIDE, probe)]
    assert play(node(store("lane"), "lane", faces, gallery, at(0), None), picture, 4)
    assert play(node(config, "lane", faces, gallery, at(0), None), picture, 4) == []


def test_judged_again_when_the_gallery_grows_and_when_time_passes(
    store: Store, at: At, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    config = certified(store("lane"), tmp_path)
    keeper = ThresholdKeeper(config, embedder(config, "fake"))

    def bar(templates: int, seconds: float) -> float:
        now = at(seconds)
        return keeper.step(templates, now.monotonic, now.wall).threshold

    assert [bar(4, 0), bar(4, 1), bar(6, 2), bar(4, 3)] == [0.40, 0.40, default_threshold(6, DEFAULT_FPIR), 0.40]
    assert bar(4, 91 * 86400) == max(0.40, default_threshold(4, DEFAULT_FPIR))
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 4, "once at the start and once a change, not once a step"
    assert "holds up to 5" in said[1]
    assert "expired" in said[3]


def test_a_threshold_by_hand_overrides_and_says_so(store: Store, at: At, tmp_path: Path) -> None:
    config = with_recognition(certified(store("lane"), tmp_path), threshold=0.61)
    now = at(0)
    decision = ThresholdKeeper(config, Model(name="fake")).step(4, now.monotonic, now.wall)
    assert (decision.threshold, decision.certified) == (0.61, False)
    assert "set by hand, not certified" in decision.reason


def test_scores_are_noted_of_strangers_only_and_are_only_numbers(
    store: Store, faces: Any, vector: Vectors, at: At, picture: Picture, tmp_path: Path
) -> None:
    gallery = gallery_of(vector, 4)
    vision = node(store("lane"), "lane", faces, gallery, at(0), tmp_path)
    for number, share in enumerate((0.30, 0.8, 0.22)):
        faces.people = [(INSIDE, vector(50 + number, vector(100), share))]
        play(vision, picture, 4, start=10 * number)
        faces.people = []
        play(vision, picture, 4, start=10 * number + 4)
    vision.shutdown(at(40))
    assert vision.counters().decisions == {"stranger": 2, "known": 1}
    lines = [json.loads(line) for line in (tmp_path / FILE_NAME).read_text().splitlines()]
    assert [line["score"] for line in lines] == [pytest.approx(0.30, abs=0.01), pytest.approx(0.22, abs=0.01)]
    assert all(set(line) == {"at", "score", "gallery", "bar", "model", "sha256"} for line in lines)
    assert {(line["gallery"], line["bar"]) for line in lines} == {(4, round(default_threshold(4, DEFAULT_FPIR), 4))}
    assert not any(name in (tmp_path / FILE_NAME).read_text() for name in ("p0", "p1", "p2", "p3"))


@pytest.mark.parametrize("mode", ["verify", "qr_only"])
def test_no_score_without_a_search(
    mode: Mode, store: Store, faces: Any, vector: Vectors, at: At, picture: Picture, tmp_path: Path
) -> None:
    faces.people = [(INSIDE, vector(50))]
    vision = node(store(mode), mode, faces, gallery_of(vector, 4), at(0), tmp_path)
    play(vision, picture, 4)
    vision.shutdown(at(5))
    assert list(tmp_path.iterdir()) == []
    assert vision.threshold == ""


def test_a_failed_comparison_with_a_check_in_is_no_score(
    store: Store, faces: Any, vector: Vectors, at: At, tmp_path: Path
) -> None:
    """Under verify a stranger at the spot is compared 1:1: nothing is learnt about 1:N (the stage itself refuses)."""
    from edge.values import Claim
    from edge.vision.decide import Rule, decide
    from edge.vision.shots import FaceCase

    case = FaceCase(4, claim=Claim("v", "p0", 1e9), permitted=True, first_usable=at(0))
    case.vectors, case.weights = [vector(50)], [1.0]
    decision = decide(case, gallery_of(vector, 4), Rule(0.5, 5e-5, 0.05, 0.1, 4, 2.5), at(9), ended=True)
    assert decision is not None
    assert (decision.outcome, case.best) == ("stranger", -1.0)


def test_paths_of_the_certificate_are_relative_to_the_file(tmp_path: Path) -> None:
    from edge.config import load_config

    file = tmp_path / "edge.yaml"
    file.write_text("store: s\nnode: n\nstate_dir: v\nrecognition: {certificate: c.yaml, collect_scores: true}\n")
    assert load_config(file).recognition.certificate == tmp_path / "c.yaml"
    assert parse_config("store: s\nnode: n\nstate_dir: v\n").recognition.collect_scores is False


@pytest.mark.parametrize(("how", "level"), [("none", "WARN"), ("valid", "OK"), ("hand", "WARN"), ("soon", "WARN")])
def test_the_doctor_says_how_the_threshold_was_earned(how: str, level: str, store: Store, tmp_path: Path) -> None:
    from contract.clock import ManualClock

    config = store("lane").model_copy(update={"state_dir": tmp_path / "state", "cameras": store("lane").cameras[:1]})
    if how != "none":
        config = certified(config, tmp_path, name="faceplugin-512")
    if how == "hand":
        config = with_recognition(config, threshold=0.6)
    clock = ManualClock(ISSUED + timedelta(days=80 if how == "soon" else 1), 0.0)
    findings = [finding for finding in examine(config, clock) if finding.what == "threshold"]
    assert [finding.level for finding in findings] == [level]
    words = {"none": "no certificate is configured", "valid": "certified for up to 5", "hand": "not certified",
             "soon": "issue a new one soon"}  # fmt: skip
    assert words[how] in findings[0].text
