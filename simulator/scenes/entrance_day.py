"""A crowd at the door through the real pipeline, beside the truth of it: for replay tests and longer runs by hand."""

from __future__ import annotations

import math
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
from edge.vision_node import Vision, VisionCounters
from models.evaluation.entrance import Appearance, Sighting, score_entrance
from models.faces.bundle import OnnxFaceModels
from simulator.scenes.crowd import SHUTTER, duration, ground_truth
from simulator.scenes.entrance import EntranceScene, EntranceWalker, FaceTruth
from simulator.scenes.first_usable import FirstUsableClock
from simulator.scenes.footage import Footage
from simulator.scenes.posing import posed

FPS = 15
_START = datetime(2026, 1, 1, tzinfo=UTC)
_FOREVER = 1e9
_SEEN, _ON_THE_FACE = 0.3, 0.6
"""Share of a face that must be seen to be found, and how many widths from its middle its features are."""


@dataclass(frozen=True, slots=True)
class EntranceDay:
    """What a crowd at the door led to."""

    scene: EntranceScene
    walkers: Sequence[EntranceWalker]
    truth: list[Appearance]
    recorder: TrackRecorder
    told: list[Emission]
    counters: VisionCounters

    def report(self) -> dict[str, object]:
        """See models.evaluation.entrance.score_entrance; embedder calls count for whose face was embedded."""
        return score_entrance(self.truth, self.recorder.tracks(), 0.0, whose=self.whose)

    def whose(self, face: Sighting) -> int | None:
        """Whose face the scene drew there, as a place in the truth: the nearest, in widths, that can be seen."""
        width, height = self.scene.camera.size
        faces = self.scene.truth(face.at_s, self.walkers)
        away = {one.identity: _widths(one, face.x * width, face.y * height) for one in faces if one.visible >= _SEEN}
        nearest = min(away, key=away.__getitem__, default=None)
        if nearest is None or away[nearest] > _ON_THE_FACE:
            return None
        there = (n for n, one in enumerate(self.walkers) if one.identity == nearest and one.position(face.at_s))
        return next(there, None)


def _widths(face: FaceTruth, x: float, y: float) -> float:
    """How far a pixel is from the middle of a face, in widths of it."""
    middle = (face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2
    return math.dist(middle, (x, y)) / face.width


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
    truth = ground_truth(scene, walkers, clock.times, known)
    return EntranceDay(scene, walkers, truth, recorder, told, vision.counters())


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
    """Everybody as three poses at the kiosk (simulator.scenes.posing); ValueError names who it takes no picture of."""
    gallery = Gallery()
    for name, own in pictures.items():
        poses = posed(own, faces)
        if not poses:
            raise ValueError(f"{name}: no picture is good enough to enrol from")
        for number, pose in enumerate(poses):
            gallery.put(name, str(number), pose.vector, _FOREVER)
    return gallery


def _limits(settings: RecognitionConfig, sure_score: float) -> _Limits:
    return _Limits(settings.min_face_px, settings.min_detector_score or sure_score, settings.min_quality)
