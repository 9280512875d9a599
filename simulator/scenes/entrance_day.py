"""A crowd at the door through the real pipeline, beside the truth of it: for replay tests and longer runs by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

from edge.config import EdgeConfig, parse_config
from edge.config.vision import RecognitionConfig
from edge.engines import load_engines
from edge.evaluation.record import TrackRecorder
from edge.gallery import Gallery
from edge.schedule import FairSchedule
from edge.values import Emission, Frame, Image, Instant
from edge.vision.enrolment import Enrolled, assess
from edge.vision_node import Vision, VisionCounters
from models.evaluation.entrance import Appearance, score_entrance
from models.faces.bundle import OnnxFaceModels
from simulator.scenes.crowd import SHUTTER, duration, ground_truth
from simulator.scenes.entrance import EntranceScene, EntranceWalker
from simulator.scenes.first_usable import FirstUsableClock
from simulator.scenes.footage import Footage

FPS = 15
_START = datetime(2026, 1, 1, tzinfo=UTC)
_FOREVER = 1e9


@dataclass(frozen=True, slots=True)
class EntranceDay:
    """What a crowd at the door led to."""

    truth: list[Appearance]
    recorder: TrackRecorder
    told: list[Emission]
    counters: VisionCounters

    def report(self) -> dict[str, object]:
        """See models.evaluation.entrance.score_entrance."""
        return score_entrance(self.truth, self.recorder.tracks(), 0.0)


@dataclass(frozen=True, slots=True)
class _Limits:
    """What the configuration says of a usable face."""

    min_face_px: float
    min_detector_score: float
    min_quality: float


def config_text(scene: EntranceScene) -> str:
    """A node with this door."""
    lane = [list(point) for point in scene.lane]
    return (
        "store: s\nnode: n\nstate_dir: v\npolicy: {mode: lane}\ncameras:\n"
        f"  - {{id: door, role: entrance, source: {{driver: simulated}}, lane: {lane}}}\n"
    )


def play(footage: Footage, walkers: Sequence[EntranceWalker], seed: int, known: Sequence[str]) -> EntranceDay:
    """Everybody walks in; `known`: who of them is enrolled, from the footage's enrolment pictures."""
    scene = EntranceScene(footage, seed, shutter=SHUTTER)
    config = parse_config(config_text(scene))
    engines = load_engines(config, "lane")
    faces = engines.faces
    if not isinstance(faces, OnnxFaceModels):
        raise TypeError("mode lane needs the face models")
    gallery = enrolled({name: footage.enrolment(name) for name in known}, faces)
    ids, recorder = count(), TrackRecorder()
    vision = Vision(
        config, "lane", gallery, engines, Instant(0, _START), run="r", new_id=lambda: f"v{next(ids)}", watch=recorder
    )
    clock = FirstUsableClock(scene, faces, _limits(config.recognition, faces.sure_score))
    told = _run(scene, walkers, vision, clock, config)
    return EntranceDay(ground_truth(scene, walkers, clock.times, known), recorder, told, vision.counters())


def _run(
    scene: EntranceScene, walkers: Sequence[EntranceWalker], vision: Vision, clock: FirstUsableClock, config: EdgeConfig
) -> list[Emission]:
    schedule = FairSchedule({"door": config.cameras[0].analysed_fps})
    told: list[Emission] = []
    for number in range(round(duration(walkers) * FPS)):
        now = Instant(number / FPS, _START + timedelta(seconds=number / FPS))
        image = scene.render(now.monotonic, walkers)
        clock.look(now.monotonic, image, walkers)
        if schedule.pick(("door",), now.monotonic) is not None:
            told += vision.frame(Frame("door", image, now))
        if number % (FPS // 2) == 0:
            told += vision.tick(now)
    return told


def enrolled(pictures: dict[str, list[Image]], faces: OnnxFaceModels) -> Gallery:
    """Everybody's pictures that are good enough to enrol from; ValueError names who has none."""
    gallery = Gallery()
    for name, own in pictures.items():
        answers = [assess(picture, faces) for picture in own]
        vectors = [answer.vector for answer in answers if isinstance(answer, Enrolled)]
        if not vectors:
            raise ValueError(f"{name}: no picture is good enough to enrol from")
        for number, vector in enumerate(vectors):
            gallery.put(name, str(number), vector, _FOREVER)
    return gallery


def _limits(settings: RecognitionConfig, sure_score: float) -> _Limits:
    return _Limits(settings.min_face_px, settings.min_detector_score or sure_score, settings.min_quality)
