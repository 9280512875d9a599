"""Metrics on data whose answers are known."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from contract.clock import ManualClock
from models.cli import main
from models.detections import Detections
from models.errors import MisconfiguredError
from models.evaluation.average_precision import average_precision
from models.evaluation.bootstrap import Estimate
from models.evaluation.mot import TrackedBoxes, nobody, read_ground_truth, score_tracking
from models.evaluation.open_set import Faces, open_set
from models.evaluation.persons import StoreTracker
from models.evaluation.verification import equal_error_rate, threshold_at, verification

Floats = npt.NDArray[np.float32]


def people(count: int, photos: int, spread: float, seed: int = 0) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Unit vectors: `count` orthogonal identities with noise of the given spread."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(count), photos)
    vectors = np.eye(count, 64)[labels] + random.normal(scale=spread, size=(len(labels), 64))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels


def faces(vectors: Floats, labels: npt.NDArray[np.int64], found: npt.NDArray[np.bool_] | None = None) -> Faces:
    everything = np.ones(len(labels), bool)
    return Faces(labels, vectors, everything if found is None else found, vectors, everything)


def test_perfect_embeddings_score_perfectly() -> None:
    vectors, labels = people(12, 4, 0.0)
    pairs = verification(vectors, labels)
    assert (pairs.eer, pairs.tar) == (0.0, {1e-2: 1.0, 1e-3: 1.0})
    assert (pairs.genuine_pairs, pairs.impostor_pairs) == (12 * 6, 48 * 47 // 2 - 72)
    found = open_set(faces(vectors, labels), 2, 5, resamples=20)
    assert found.rank1 == found.tpir[1e-2] == Estimate(1.0, 1.0, 1.0)
    assert (found.gallery, found.enrolled_photos) == (6, 2)


def test_random_embeddings_score_as_chance() -> None:
    random = np.random.default_rng(1).normal(size=(240, 32)).astype(np.float32)
    vectors = random / np.linalg.norm(random, axis=1, keepdims=True)
    labels = np.repeat(np.arange(40), 6)
    assert verification(vectors, labels).eer == pytest.approx(0.5, abs=0.05)
    found = open_set(faces(vectors, labels), 2, 10)
    assert found.rank1.value == pytest.approx(1 / 20, abs=0.04)
    assert found.tpir[1e-2].value < 0.05


def test_one_identity_photographed_as_another_costs_its_share() -> None:
    vectors, labels = people(10, 4, 0.0)
    vectors[labels == 3] = vectors[labels == 7][0]
    assert verification(vectors, labels).tar[1e-3] == 0.0, "impostors as near as the genuine leave no threshold"
    assert open_set(faces(vectors, labels), 1, 40).rank1.value < 1.0


def test_noise_lowers_the_score_step_by_step() -> None:
    scores = [open_set(faces(*people(20, 5, spread)), 2, 10).tpir[1e-2].value for spread in (0.02, 0.15, 0.4)]
    assert scores[0] > scores[1] > scores[2]


def test_undetected_probes_count_as_missed() -> None:
    """Of six photos two are enrolled and one has no face: three of four probes can be right."""
    vectors, labels = people(10, 6, 0.0)
    last = np.arange(60) % 6 == 5
    photos = Faces(labels, vectors, ~last, vectors, ~last)
    found = open_set(photos, 2, 5)
    assert found.rank1.value == found.tpir[1e-2].value == pytest.approx(3 / 4)


def test_known_rates() -> None:
    impostor = np.arange(100, dtype=np.float32) / 100
    assert threshold_at(impostor, 0.01) == pytest.approx(0.98)
    assert (impostor > threshold_at(impostor, 0.01)).mean() == pytest.approx(0.01)
    genuine, wrong = np.array([0.4, 0.6, 0.8, 0.9], np.float32), np.array([0.1, 0.2, 0.3, 0.5], np.float32)
    assert equal_error_rate(genuine, wrong) == pytest.approx(0.25)


def test_too_little_data_is_a_clear_message() -> None:
    vectors, labels = people(1, 4, 0.0)
    with pytest.raises(MisconfiguredError, match="needs two identities"):
        verification(vectors, labels)
    with pytest.raises(MisconfiguredError, match="3 photos or more"):
        open_set(faces(*people(6, 2, 0.0)), 2, 1)


def walk(ids: list[int], frames: int = 10) -> list[TrackedBoxes]:
    boxes = np.array([[100 * k, 0, 100 * k + 50, 100] for k in range(len(ids))], np.float32)
    return [TrackedBoxes(boxes, np.array(ids, np.int64)) for _ in range(frames)]


def test_perfect_tracking_and_a_swap() -> None:
    pytest.importorskip("trackeval", reason="trackeval is a development package")
    truth = walk([4, 9])
    perfect = score_tracking(truth, walk([31, 7]))
    assert (perfect.hota, perfect.mota, perfect.idf1, perfect.id_switches) == (1.0, 1.0, 1.0, 0)
    swapped = score_tracking(truth, walk([1, 2], 5) + walk([2, 1], 5))
    assert swapped.id_switches == 2
    assert swapped.idf1 == pytest.approx(0.5)
    assert score_tracking(truth, [nobody()] * 10).mota == 0.0


def test_ground_truth_lines(tmp_path: Path) -> None:
    file = tmp_path / "gt.txt"
    file.write_text("1,7,10,20,30,40,1,-1,-1,-1\n\n1,8,0,0,5,5,0,-1,-1,-1\n3,7,1,2,3,4,1\n")
    truth = read_ground_truth(file)
    assert sorted(truth) == [1, 3]
    np.testing.assert_array_equal(truth[1].boxes, [[10, 20, 40, 60]])
    for text, message in (("1,2,x,4,5,6,1", "line 1: not numbers"), ("1,2,3", "line 1: expected"), ("", "no ground")):
        file.write_text(text)
        with pytest.raises(MisconfiguredError, match=message):
            read_ground_truth(file)


def test_average_precision_of_known_lists() -> None:
    truth = [np.array([[0, 0, 10, 10], [20, 0, 30, 10]], np.float32)]

    def found(*entries: tuple[int, float]) -> list[Detections]:
        boxes = np.array([(x, 0, x + 10, 10) for x, _ in entries], np.float32)
        return [Detections(boxes, np.array([score for _, score in entries], np.float32))]

    assert average_precision(found((0, 0.9), (20, 0.8)), truth) == 1.0
    assert average_precision(found((0, 0.9), (60, 0.8), (20, 0.7)), truth) == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert average_precision(found((0, 0.9), (1, 0.8)), truth) == 0.5, "a second box on one person is false"
    assert average_precision([Detections.empty()], truth) == 0.0


def test_the_evaluation_tracks_as_a_store_does() -> None:
    """The product's tracker: nobody before the third sight, one identity through a weak sight and a short gap."""
    tracker = StoreTracker()

    def at(x: float, now: float, score: float = 0.9) -> list[int]:
        box = np.array([[x, 0, x + 50, 100]], np.float32)
        people: list[int] = tracker.step(Detections(box, np.array([score], np.float32)), now).ids.tolist()
        return people

    assert [at(0, 0.0), at(2, 0.1), at(4, 0.2)] == [[], [], [1]]
    assert at(6, 0.3, 0.25) == [1], "a faint box continues a person"
    assert at(300, 0.4, 0.25) == [], "but never starts one, and who is not seen is not told"
    assert at(10, 0.9) == [1]


def run_cli(*arguments: str | Path) -> int:
    return main([str(argument) for argument in arguments])


def test_evaluation_without_data_or_weights_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("insightface", reason="the face packages are not installed")
    report = tmp_path / "r.json"
    assert run_cli("evaluate", "faces", tmp_path, "--json", report, "--weights", tmp_path / "none") == 1
    assert "python -m models build" in capsys.readouterr().err
    assert run_cli("evaluate", "faces", tmp_path, "--json", report, "--enrolled", "0") == 1
    assert "--enrolled must be 1 or more" in capsys.readouterr().err
    assert run_cli("evaluate", "persons", "--video", tmp_path / "v.mp4", "--gt", tmp_path / "g", "--json", report) == 1
    assert "v.mp4 is not a file" in capsys.readouterr().err
    assert not report.exists()


def test_photo_folder_and_report(tmp_path: Path) -> None:
    """The whole evaluation with a bundle that reads identities from the picture's brightness."""
    pytest.importorskip("insightface", reason="the face packages are not installed")
    from models.build.progress import Progress
    from models.evaluation.cards import fill
    from models.evaluation.faces import Plan, evaluate_faces
    from models.evaluation.photos import labelled_photos
    from models.evaluation.sheet import sheet_html

    for person in range(8):
        (tmp_path / f"p{person}").mkdir()
        for number in range(4):
            picture = np.full((60, 50, 3), 20 + 30 * person, np.uint8)
            cv2.imwrite(str(tmp_path / f"p{person}" / f"{number}.png"), picture)
    (tmp_path / "p0" / "9.jpg").write_bytes(b"not a picture")
    (tmp_path / "p5" / "faceless.png").write_bytes(cv2.imencode(".png", np.zeros((60, 50, 3), np.uint8))[1].tobytes())
    (tmp_path / "README.txt").write_text("ignored")
    assert len(labelled_photos(tmp_path)) == 8
    clock = ManualClock()
    plan = Plan(enrolled=2, splits=4, counts=(1, 3, 5), widths=(3, 20, 60), resamples=10)
    written, album = evaluate_faces(tmp_path, BrightnessFaces(clock), plan, clock, Progress(clock, quiet=True))  # type: ignore[arg-type]
    report = json.loads(json.dumps(written))
    assert (report["identities"], report["images"], report["detected"]) == (8, 34, 32)
    assert report["ms"] == {"detect": 2.0, "landmarks": 3.0, "embed": 5.0}
    assert 0.85 < report["open_set"]["tpir_at_fpir"]["1e-2"] < 1, "two photos without a face are misses"
    assert set(report["verification"]["tar_at_far"]) == {"1e-2", "1e-3"}
    assert [row["enrolled_photos"] for row in report["enrolment_counts"]] == [1, 3, 5]
    assert "6 photos or more" in report["enrolment_counts"][2]["left_out"]
    lost, *widths = report["face_widths"]
    assert lost["found"] == 0
    assert "no face of half of the strangers" in lost["left_out"]
    assert [row["found"] for row in widths] == [32, 32]
    assert [row["median_width_px"] for row in widths] == [20, 40], "photos are never enlarged"
    card = fill("<!-- measured:embedder -->\n<!-- /measured -->\n", [report])
    assert card is not None
    assert "| 5 | not enough photos |" in card
    assert "| 3 | 0 | not enough photos |" in card
    page = sheet_html(album, 0.5)
    assert page.count("<img") == 2 * 24, "no errors: only the nearest pairs are shown"
    with pytest.raises(MisconfiguredError, match="no photos"):
        labelled_photos(tmp_path / "p0")


class BrightnessFaces:
    """Stands in for the networks; each step takes a known time on the manual clock."""

    name = "brightness"
    licence = "none"

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.detector = self

    def detect_boxes(self, photo: npt.NDArray[np.uint8], *_: object) -> Floats:
        self.clock.advance(0.002)
        scale = photo.shape[1] / 50
        boxes = [[5, 5, 45, 55, 0.9], [0, 0, 8, 8, 0.95]] if photo.max() and photo.shape[1] > 8 else []
        return np.array(boxes, np.float32).reshape(-1, 5) * np.array([scale] * 4 + [1], np.float32)

    def landmarks(self, photo: npt.NDArray[np.uint8], box: Floats):  # type: ignore[no-untyped-def]
        assert box[2] > photo.shape[1] / 2, "the largest, most central face is the subject"
        self.clock.advance(0.003)
        return type("Landmarks", (), {"five": None})

    def align(self, photo: npt.NDArray[np.uint8], _five: None) -> npt.NDArray[np.uint8]:
        return np.full((112, 112, 3), photo.mean().round(), np.uint8)

    def embed(self, crops: list[npt.NDArray[np.uint8]]) -> Floats:
        self.clock.advance(0.005)
        return np.stack([np.eye(8, dtype=np.float32)[int(crop.mean()) // 30] for crop in crops])
