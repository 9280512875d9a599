"""The threshold in force: certified, or the default with the reason in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from calibration.thresholds.certificate import Certificate, Figures, Model, Target
from edge.certificate import DEFAULT_FPIR, ThresholdDecision, judge, load_certificate, read
from edge.kiosk.host import duplicate_bar
from edge.vision.thresholds import default_threshold

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
EMBEDDER = Model(name="faceplugin-512", sha256="ab" * 32)
FIGURES = Figures(
    decisions=3000, comparisons=300_000, first_at=NOW, last_at=NOW, level=0.3, exceedances=300, rate=1e-3, scale=0.03,
    shape=-0.1, fit_p=0.5, missed_share=0.0, best_guess=0.5, best_guess_interval=(0.48, 0.54), confidence=0.95,
    fpir_at_threshold=1e-6, fpir_interval=(0.0, 4e-5), reach=8.0, threshold_if_all_were_strangers=0.5,
)  # fmt: skip


def certificate(threshold: float = 0.55, model: Model = EMBEDDER) -> Certificate:
    return Certificate(
        store="s-1",
        model=model,
        threshold=threshold,
        margin=0.07,
        gallery_size=100,
        holds_to_gallery_size=125,
        issued_at=NOW,
        expires_at=NOW + timedelta(days=90),
        target=Target(false_arrivals_per_day=0.1, visitors_per_day=2000, fpir=5e-5),
        figures=FIGURES,
        method="gpd-max-of-n 1",
    ).sealed()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "certificate.yaml"
    file.write_text(certificate().yaml())
    return file


def test_a_valid_one_gives_its_threshold_and_margin(path: Path) -> None:
    decision = load_certificate(path, NOW, "s-1", EMBEDDER, 100)
    assert decision.certified
    assert (decision.threshold, decision.margin) == (0.55, 0.07)
    assert "until 2027-02-20" in decision.reason
    assert not decision.renew_soon


def test_renewal_is_announced_before_it_is_needed(path: Path) -> None:
    loaded = read(path)
    assert judge(loaded, NOW + timedelta(days=80), "s-1", EMBEDDER, 100).renew_soon
    assert judge(loaded, NOW, "s-1", EMBEDDER, 120).renew_soon


@pytest.mark.parametrize(
    ("days", "store", "model", "gallery", "reason"),
    [
        (90, "s-1", EMBEDDER, 100, "expired on 2027-02-20"),
        (-2, "s-1", EMBEDDER, 100, "check the clock"),
        (1, "s-2", EMBEDDER, 100, "for store s-1, this is s-2"),
        (1, "s-1", Model(name="other"), 100, "for embedder faceplugin-512, other runs here"),
        (1, "s-1", Model(name="faceplugin-512", sha256="cd" * 32), 100, "weights of faceplugin-512 changed"),
        (1, "s-1", Model(name="faceplugin-512"), 100, "weights of faceplugin-512 changed"),
        (1, "s-1", EMBEDDER, 126, "126 templates, the certificate holds up to 125"),
    ],
)
def test_anything_else_is_the_default_with_the_reason(
    path: Path, days: int, store: str, model: Model, gallery: int, reason: str
) -> None:
    decision = load_certificate(path, NOW + timedelta(days=days), store, model, gallery)
    assert not decision.certified
    assert decision.threshold >= default_threshold(gallery, DEFAULT_FPIR)
    assert decision.margin is None
    assert reason in decision.reason
    assert decision.reason.startswith("conservative default")


def test_an_expired_one_never_makes_recognition_more_daring(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(certificate(threshold=0.8).yaml())
    assert load_certificate(file, NOW + timedelta(days=200), "s-1", EMBEDDER, 100).threshold == 0.8


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no such certificate"),
        (b"", "valid"),
        (b"\xff\xfe\x00", "not YAML"),
        (b"[" * 5000, "not YAML"),
        (b"x" * 100_000, "too large"),
        (b"threshold: 0.3\n", "Field required"),
    ],
)
def test_damage_is_said_and_survived(tmp_path: Path, content: bytes | None, reason: str) -> None:
    file = tmp_path / "c.yaml"
    if content is not None:
        file.write_bytes(content)
    decision = load_certificate(file, NOW, "s-1", EMBEDDER, 100)
    assert not decision.certified
    assert reason in decision.reason


def test_a_lowered_threshold_is_noticed(path: Path) -> None:
    path.write_text(path.read_text().replace("threshold: 0.55", "threshold: 0.31"))
    decision = load_certificate(path, NOW, "s-1", EMBEDDER, 100)
    assert "altered" in decision.reason
    assert decision.threshold == default_threshold(100, DEFAULT_FPIR)


def test_every_cut_of_the_file_is_the_default(path: Path) -> None:
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 37):
        path.write_bytes(whole[:length])
        assert not load_certificate(path, NOW, "s-1", EMBEDDER, 100).certified


def test_no_certificate_configured() -> None:
    assert "no certificate is configured" in load_certificate(None, NOW, "s-1", EMBEDDER, 100).reason


def test_what_a_person_reads_says_what_to_do(path: Path) -> None:
    loaded = read(path)
    assert judge(loaded, NOW, "s-1", EMBEDDER, 100).sentence.endswith("until 2027-02-20")
    assert judge(loaded, NOW, "s-1", EMBEDDER, 120).sentence.endswith("; issue a new one soon")
    assert "holds up to 125; issue a new one" in judge(loaded, NOW, "s-1", EMBEDDER, 126).sentence


def test_the_stores_own_tail_says_where_duplicates_begin(path: Path) -> None:
    """FAR(x) = rate (1 + shape (x - level) / scale)^(-1 / shape), solved for the rate of one in a hundred newcomers."""
    bar = judge(read(path), NOW, "s-1", EMBEDDER, 100).duplicate_bar
    assert bar is not None
    far = 1e-3 * (1 - 0.1 * (bar - 0.3) / 0.03) ** (1 / 0.1)
    assert 1 - (1 - far) ** 100 == pytest.approx(0.01, rel=1e-6)
    small = judge(read(path), NOW, "s-1", EMBEDDER, 1).duplicate_bar
    assert small == 0.3


@pytest.mark.parametrize(
    ("by_hand", "in_force", "expected"),
    [
        (None, None, default_threshold(100, 0.01)),
        (0.42, None, 0.42),
        (None, ThresholdDecision(0.6, True, "", duplicate_bar=0.38), 0.38),
        (None, ThresholdDecision(0.37, True, "", duplicate_bar=0.39), 0.37),
        (0.5, ThresholdDecision(0.5, False, "by hand", duplicate_bar=0.3), min(0.5, default_threshold(100, 0.01))),
    ],
)
def test_the_kiosk_follows_the_threshold_in_force(
    by_hand: float | None, in_force: ThresholdDecision | None, expected: float
) -> None:
    assert duplicate_bar(100, by_hand, in_force) == pytest.approx(expected)
