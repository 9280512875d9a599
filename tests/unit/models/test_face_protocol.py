"""The rules of an honest face evaluation: disjoint groups, held-out thresholds, intervals, and what it writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("insightface", reason="the face packages are not installed")

from models.cli import main
from models.errors import MisconfiguredError
from models.evaluation import open_set as open_set_module
from models.evaluation.bootstrap import estimate, identity_weights, weighted_share
from models.evaluation.cards import fill
from models.evaluation.det import det_points
from models.evaluation.held_out import held_out_verification, people_halves
from models.evaluation.open_set import Faces, Split, draw_split, open_set, require_disjoint
from models.evaluation.photos import Album, Photo, Seen
from models.evaluation.sheet import sheet_html, worst_pairs
from models.evaluation.thresholds import held_out_threshold

Floats = npt.NDArray[np.float32]


def crowd(count: int, photos: int, spread: float, seed: int = 0) -> Faces:
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(count), photos)
    vectors = random.normal(size=(count, 24))[labels] + random.normal(scale=spread, size=(len(labels), 24))
    rows = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    everything = np.ones(len(labels), bool)
    return Faces(labels, rows, everything, rows, everything)


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(6, 40), enrolled=st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_no_identity_is_in_two_groups_of_a_split(seed: int, count: int, enrolled: int) -> None:
    split = draw_split(crowd(count, 4, 0.1), enrolled, np.random.default_rng(seed))
    tuning, reporting = split.strangers
    assert not np.intersect1d(tuning, reporting).size
    assert not np.intersect1d(split.enrolled, np.concatenate([tuning, reporting])).size
    assert not np.intersect1d(np.concatenate(split.enrolled_photos), split.probes).size
    assert len(split.enrolled) + len(tuning) + len(reporting) == count
    require_disjoint(split)


def test_scoring_refuses_a_split_whose_threshold_and_report_share_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    def leaky(faces: Faces, enrolled: int, random: np.random.Generator) -> Split:
        fair = draw_split(faces, enrolled, random)
        tuning, reporting = fair.strangers
        return Split(fair.enrolled, (tuning, np.append(reporting, tuning[0])), fair.enrolled_photos, fair.probes)

    monkeypatch.setattr(open_set_module, "draw_split", leaky)
    with pytest.raises(ValueError, match="in two groups of one split"):
        open_set(crowd(12, 4, 0.1), 2, 1)


def test_verification_halves_share_nobody() -> None:
    first, second = people_halves(np.repeat(np.arange(31), 3), np.random.default_rng(4))
    assert not np.intersect1d(first, second).size
    assert len(first) + len(second) == 31


def test_a_held_out_threshold_keeps_its_promise_on_new_scores() -> None:
    random = np.random.default_rng(9)
    realised = [
        (random.normal(size=400) > held_out_threshold(random.normal(size=150).astype(np.float32), 0.05)).mean()
        for _ in range(400)
    ]
    assert 0.035 < np.mean(realised) <= 0.052
    few = np.array([0.1, 0.4, 0.2], np.float32)
    assert held_out_threshold(few, 0.01) == pytest.approx(0.4), "too few to promise: the largest seen"


def test_the_realised_rate_is_measured_on_other_people() -> None:
    """Half of the strangers resemble an enrolled person, half nobody: either half's threshold fails the other."""
    found = open_set(crowd(80, 5, 0.9), 2, 20, fpirs=(0.05, 0.2), resamples=50)
    for rate in (0.05, 0.2):
        assert found.fpir[rate].value == pytest.approx(rate, abs=0.6 * rate)
        assert found.fpir[rate].value > 0
        assert found.fpir[rate].low <= found.fpir[rate].value <= found.fpir[rate].high
        assert found.tpir[rate].low < found.tpir[rate].value < found.tpir[rate].high
    assert found.tpir[0.05].value < found.tpir[0.2].value


def test_far_probes_can_be_judged_by_the_near_threshold() -> None:
    near, far = crowd(40, 5, 0.2), crowd(40, 5, 1.5)
    mixed = Faces(near.labels, far.probes, near.found, near.templates, near.enrollable)
    own, shared = open_set(mixed, 2, 10), open_set(mixed, 2, 10, tune_on=near)
    assert shared.thresholds != own.thresholds
    assert shared.tpir[1e-2].value < open_set(near, 2, 10).tpir[1e-2].value


def test_bootstrap_of_a_known_share() -> None:
    """Of 100 people 30 are hits: the interval of a binomial share is about 0.21 to 0.39."""
    weights = identity_weights(100, 2000)
    assert weights.shape == (2001, 100)
    assert (weights[0] == 1).all()
    assert (weights.sum(axis=1) == 100).all()
    share = estimate(weighted_share(np.arange(100) < 30, weights))
    assert share.value == pytest.approx(0.3)
    assert share.low == pytest.approx(0.21, abs=0.02)
    assert share.high == pytest.approx(0.39, abs=0.02)
    photos = np.repeat(np.arange(100), 20)
    clustered = estimate(weighted_share(photos < 30, weights[:, photos]))
    assert clustered.high - clustered.low > 0.15, "twenty photos of one person are one person"
    alone = estimate(np.array([0.4]))
    assert (alone.low, alone.high) == (0.4, 0.4)


def test_held_out_verification_of_separable_people() -> None:
    near = crowd(30, 4, 0.01)
    found = held_out_verification(near.probes, near.labels, 5, 30, fars=(1e-2,))
    assert found.tar[1e-2].value == found.tar[1e-2].low == 1.0
    assert 0 < found.far[1e-2] < 0.03
    with pytest.raises(MisconfiguredError, match="four identities"):
        held_out_verification(near.probes[:4], near.labels[:4], 1, 0)


def test_det_points_of_known_scores_fall_and_stop_where_data_end() -> None:
    impostor = np.linspace(0, 1, 1000, dtype=np.float32)
    genuine = np.linspace(0.5, 1.5, 1000, dtype=np.float32)
    points = det_points(genuine, impostor, positive="fpir", negative="fnir")
    assert [point["fpir"] for point in points] == sorted((point["fpir"] for point in points), reverse=True)
    at_tenth = next(point for point in points if point["fpir"] == pytest.approx(0.1, abs=1e-3))
    assert at_tenth["fnir"] == pytest.approx(0.4, abs=2e-3)
    assert min(point["fpir"] for point in points) >= 0.009


def portrait(label: int, name: str, vector: list[float]) -> Photo:
    row = np.array(vector, np.float32) / np.float32(np.linalg.norm(vector))
    return Photo(label, Path(name), Seen(row, 50.0, np.full((112, 112, 3), 99, np.uint8)), row, {})


def test_the_sheet_shows_the_errors_and_escapes_names() -> None:
    photos = [
        portrait(0, "a.jpg", [1, 0, 0]),
        portrait(0, "b.jpg", [0, 1, 0]),
        portrait(1, '"><script>alert(1).jpg', [1, 0.05, 0]),
        Photo(1, Path("faceless.jpg"), None, None, {}),
    ]
    album = Album(["<b>Eve</b>", "Mallory & Co"], photos)
    pairs = worst_pairs(album, 0.5)
    assert [(pair.first.label, pair.second.label) for pair in pairs.false_matches] == [(0, 1)]
    assert [pair.cosine for pair in pairs.misses] == pytest.approx([0.0])
    assert len(pairs.nearest) == 3
    page = sheet_html(album, 0.5)
    assert "<script" not in page
    assert "<b>Eve" not in page
    assert "&lt;b&gt;Eve&lt;/b&gt;/a.jpg" in page
    assert "Mallory &amp; Co/&quot;&gt;&lt;script&gt;" in page
    assert 'src="data:image/jpeg;base64,' in page
    assert "http" not in page, "nothing is loaded from elsewhere"


CARD = "# Card\nkept\n<!-- measured:speed -->\nold\n<!-- /measured -->\nkept too\n"
SPEED = {"rounds": 3, "ms": {"face_embed": 3.1}}


def test_cards_are_filled_between_the_markers_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = fill(CARD, [SPEED])
    assert text is not None
    assert "| face_embed | 3.1 |" in text
    assert "old" not in text
    assert text.startswith("# Card\nkept\n")
    assert text.endswith("kept too\n")
    assert fill(text, [SPEED]) == text, "filling twice changes nothing"
    assert fill(CARD, [{"hota": 1}]) is None
    with pytest.raises(MisconfiguredError, match="unknown block measured:luck"):
        fill(CARD.replace("speed", "luck"), [SPEED])
    with pytest.raises(MisconfiguredError, match="not one of this version's"):
        fill(CARD, [{"rounds": 3}])
    (tmp_path / "a.md").write_text(CARD)
    (tmp_path / "r.json").write_text('{"rounds": 3, "ms": {"face_embed": 2.5}}')
    assert main(["cards", "--from", str(tmp_path / "r.json"), "--docs", str(tmp_path)]) == 0
    assert "| face_embed | 2.5 |" in (tmp_path / "a.md").read_text()
    (tmp_path / "r.json").write_text("not json")
    assert main(["cards", "--from", str(tmp_path / "r.json"), "--docs", str(tmp_path)]) == 1
    assert "is not JSON" in capsys.readouterr().err


def test_lists_of_numbers_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "faces", "x", "--json", "y", "--widths", "20,x"])
    assert "is not a list of whole numbers" in capsys.readouterr().err
