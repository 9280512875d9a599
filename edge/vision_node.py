"""All that the node perceives, joined: pipelines of the cameras, scanners, gallery, visits. One thread owns it."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contract.quality import CalibrationState
from edge.attachment import Place
from edge.badges import BadgeVerifier
from edge.calibration_watch import CalibrationWatch
from edge.checkin import Accepted, CheckinVerifier, Refused
from edge.codes import CodeDesk
from edge.config.model import EdgeConfig
from edge.config.vision import CameraConfig, Mode
from edge.engines import Engines, load_engines
from edge.floor.plane import FloorPlane
from edge.floor.stage import FloorStage, FloorView, PersonEngine
from edge.gallery import Gallery
from edge.geometry import distance
from edge.impostor_scores import ImpostorScores
from edge.model_cards import embedder
from edge.pipeline import CameraPipeline, FloorStages
from edge.policy import PolicyDecision
from edge.reader import CodeReader
from edge.store.floor import Share, StoreFloor
from edge.values import Claim, Emission, Frame, Instant
from edge.visits import Visit, VisitBook
from tracking.persons import person_tracking

if TYPE_CHECKING:
    from edge.certificate import ThresholdDecision
    from edge.threshold import ThresholdKeeper
    from edge.vision.ports import FaceEngine, TrackWatch
    from edge.vision.stage import FaceStage

_FORGET_AFTER_S = 0.4
"""Working memory is overwritten this long after the last face: until then the next face may do it, and a tick every
half second keeps it within the second that PRIVACY P2 allows."""


@dataclass(frozen=True, slots=True)
class VisionCounters:
    """Since the start; for health."""

    decisions: Mapping[str, int] = field(default_factory=dict)
    unrecognisable: Mapping[str, int] = field(default_factory=dict)
    """Why: small, edge, hidden, blurred, turned, short."""
    checkins: Mapping[str, int] = field(default_factory=dict)
    codes: Mapping[str, int] = field(default_factory=dict)
    denied: Mapping[str, int] = field(default_factory=dict)
    visits: Mapping[str, int] = field(default_factory=dict)
    crossings: Mapping[str, int] = field(default_factory=dict)
    """Counted in and out, and how many of those nobody saw; crossings dropped (edge.floor.ledger)."""
    embedder_calls: int = 0
    landmark_calls: int = 0
    face_detector_calls: int = 0
    person_detector_calls: int = 0
    face_tracks: int = 0
    broken_frames: int = 0


class Vision:
    """`mode` is the granted one; the engines must be those it allows (edge.engines)."""

    def __init__(
        self,
        config: EdgeConfig,
        mode: Mode,
        gallery: Gallery,
        engines: Engines,
        now: Instant,
        *,
        run: str,
        new_id: Callable[[], str],
        scores: ImpostorScores | None = None,
        watch: TrackWatch | None = None,
        share: Share | None = None,
    ) -> None:
        self._config = config
        self._mode = mode
        self._engine = engines.faces
        self._embedder_calls = 0
        self._embedded_at = now.monotonic
        self._gallery = gallery
        self._places = _places(config)
        self._visits = VisitBook(config.visits, new_id)
        self._desk = CodeDesk(self._visits, _verifier(config, now), self._claim_s, _badges(config, now))
        self._scores = scores
        self._watch = watch
        self._thresholds: ThresholdKeeper | None = None
        self._face_stages: dict[str, FaceStage] = {}
        self._floor_stages: dict[str, FloorStage] = {}
        self._calibration = CalibrationWatch(config.cameras)
        self._store_floor = StoreFloor(config, run, self._visits, share)
        self._pipelines = {camera.id: self._pipeline(camera, engines, run, now) for camera in config.cameras}

    @staticmethod
    def build(
        config: EdgeConfig,
        decision: PolicyDecision,
        gallery: Gallery,
        now: Instant,
        *,
        run: str,
        new_id: Callable[[], str],
        collect_scores: bool = False,
        watch: TrackWatch | None = None,
        share: Share | None = None,
    ) -> Vision:
        """With the real models, only those the granted mode needs. models.errors.MisconfiguredError when missing.

        `collect_scores`: a node at the door may note scores of strangers if configured; a recording must not.
        """
        engines = load_engines(config, decision.mode)
        scores = None
        if collect_scores and config.recognition.collect_scores and engines.faces is not None:
            model = embedder(config, engines.faces.name)
            scores = ImpostorScores(config.state_dir, model.name, model.sha256)
        return Vision(
            config,
            decision.mode,
            gallery,
            engines,
            now,
            run=run,
            new_id=new_id,
            scores=scores,
            watch=watch,
            share=share,
        )

    def frame(self, frame: Frame, now: Instant | None = None) -> list[Emission]:
        """One frame of a configured camera (KeyError otherwise). `now`: when it is looked at (default: its capture)."""
        self._calibration.look(frame)
        emitted = self._pipelines[frame.camera].step(
            frame, now or frame.captured, self._claim(frame.camera, frame.captured)
        )
        embedder_calls = sum(stage.counts.embedder_calls for stage in self._face_stages.values())
        if embedder_calls != self._embedder_calls:
            self._embedder_calls, self._embedded_at = embedder_calls, frame.captured.monotonic
        return self._calibration.mark(emitted)

    def scan(self, device: str, text: str, now: Instant) -> list[Emission]:
        """One text read by a configured scanner or camera."""
        return self._desk.step(text, self._places[device], now)

    def admit(self, text: str, now: Instant) -> Accepted | Refused | None:
        """Who shows this check-in code; no visit follows (edge.codes)."""
        return self._desk.admit(text, now)

    def neighbour(self, camera: str, view: FloorView, at: Instant) -> list[Emission]:
        """What a camera of another node of this store saw (edge.store.neighbours)."""
        return self._store_floor.neighbour(camera, view, at)

    def tick(self, now: Instant) -> list[Emission]:
        """What time alone brings: call it about once a second."""
        emitted = [event for pipeline in self._pipelines.values() for event in pipeline.tick(now)]
        emitted += self._store_floor.tick(now)
        self._gallery.expire(now.monotonic)
        if self._engine is not None and now.monotonic - self._embedded_at >= _FORGET_AFTER_S:
            self._engine.forget_faces()
        return self._calibration.mark(emitted) + self._visits.tick(now) + self._calibration.news(now)

    def withdraw(self, subject: str, now: Instant) -> list[Emission]:
        """Forget a subject: templates at once, and the live visit."""
        self._gallery.drop(subject)
        return self._visits.withdrawn(subject, now)

    def shutdown(self, now: Instant) -> list[Emission]:
        """End stays and visits, wipe the gallery."""
        emitted = [event for pipeline in self._pipelines.values() for event in pipeline.close(now)]
        emitted += self._store_floor.close(now)
        self._gallery.wipe()
        if self._engine is not None:
            self._engine.forget_faces()
        if self._scores is not None:
            self._scores.close()
        return self._calibration.mark(emitted) + self._visits.shutdown(now)

    def calibration(self, camera: str) -> CalibrationState | None:
        """How far a floor camera is trusted now; None of an entrance camera."""
        return self._calibration.state(camera)

    @property
    def threshold(self) -> str:
        """Which match threshold is in force and why, for people; empty where no face is searched for."""
        decision = self.threshold_in_force
        return "" if decision is None else decision.sentence

    @property
    def threshold_in_force(self) -> ThresholdDecision | None:
        """The same for programs; None where no face is searched for."""
        return None if self._thresholds is None else self._thresholds.decision

    def counters(self) -> VisionCounters:
        """A snapshot."""
        faces = [stage.counts for stage in self._face_stages.values()]
        visits = self._visits.counts
        return VisionCounters(
            decisions=_sum(counts.decisions for counts in faces),
            unrecognisable=_sum(counts.unrecognisable for counts in faces),
            checkins=self._desk.checkins(),
            codes=dict(self._desk.counts),
            denied=_sum(counts.denied for counts in faces),
            visits={name: getattr(visits, name) for name in visits.__slots__} | {"carried": len(self._visits.tracks())},
            crossings=self._store_floor.crossings,
            embedder_calls=sum(counts.embedder_calls for counts in faces),
            landmark_calls=sum(counts.landmark_calls for counts in faces),
            face_detector_calls=sum(counts.detector_calls for counts in faces),
            person_detector_calls=sum(stage.detector_calls for stage in self._floor_stages.values()),
            face_tracks=sum(counts.tracks for counts in faces),
            broken_frames=sum(pipeline.broken_frames for pipeline in self._pipelines.values()),
        )

    def _pipeline(self, camera: CameraConfig, engines: Engines, run: str, now: Instant) -> CameraPipeline:
        return CameraPipeline(
            self._places[camera.id],
            self._visits,
            self._desk.step,
            codes=CodeReader(camera.id) if camera.read_qr else None,
            faces=self._faces(camera, engines.faces, now),
            floor=self._floor(camera, engines.persons, run),
        )

    def _faces(self, camera: CameraConfig, engine: FaceEngine | None, now: Instant) -> FaceStage | None:
        if engine is None or camera.role != "entrance" or self._mode == "qr_only":
            return None
        from edge.vision.build import face_stage

        if self._thresholds is None and self._mode in ("lane", "open"):
            self._thresholds = self._keeper(engine, now)
        stage = face_stage(
            engine,
            self._gallery,
            self._config.recognition,
            camera,
            self._mode,
            keeper=self._thresholds,
            on_stranger=None if self._scores is None else self._scores.add,
            watch=self._watch,
        )
        self._face_stages[camera.id] = stage
        return stage

    def _keeper(self, engine: FaceEngine, now: Instant) -> ThresholdKeeper:
        from edge.threshold import ThresholdKeeper

        keeper = ThresholdKeeper(self._config, embedder(self._config, engine.name))
        keeper.step(self._gallery.templates, now.monotonic, now.wall)
        return keeper

    def _floor(self, camera: CameraConfig, detector: PersonEngine | None, run: str) -> FloorStages | None:
        if detector is None or camera.role != "floor" or camera.homography is None:
            return None
        settings = self._config.floor
        tracking = person_tracking(settings.min_person_score, settings.max_lost_s)
        people = FloorStage(
            camera.id, run, detector, FloorPlane(camera.homography, self._calibration.lens(camera.id)), tracking
        )
        self._floor_stages[camera.id] = people
        return FloorStages(people, self._store_floor)

    def _claim_s(self, subject: str, place: Place) -> float | None:
        """How long a face may confirm this check-in: not at all without a spot, a template, or mode verify."""
        if self._mode != "verify" or not self._gallery.holds(subject):
            return None
        seen_by = any(self._watches(camera, place) for camera in self._config.cameras)
        return self._config.recognition.verify_s if seen_by else None

    def _claim(self, camera_id: str, now: Instant) -> Claim | None:
        """The newest check-in that this camera may confirm."""
        if camera_id not in self._face_stages or self._mode != "verify":
            return None
        camera = self._config.camera(camera_id)
        for visit in reversed(self._visits.claims(now)):
            if camera is not None and self._watches(camera, self._places[visit.device]):
                return _as_claim(visit)
        return None

    def _watches(self, camera: CameraConfig, place: Place) -> bool:
        if camera.role != "entrance" or camera.spot is None:
            return False
        if place.device == camera.id or camera.position is None or place.position is None:
            return True
        return distance(camera.position, place.position) <= camera.radius_m + place.radius_m


def _as_claim(visit: Visit) -> Claim | None:
    return None if visit.claim_until is None else Claim(visit.id, visit.subject, visit.claim_until)


def _places(config: EdgeConfig) -> dict[str, Place]:
    cameras = {camera.id: Place(camera.id, camera.position, camera.radius_m) for camera in config.cameras}
    scanners = {scanner.id: Place(scanner.id, scanner.position, scanner.radius_m) for scanner in config.scanners}
    return {**scanners, **cameras}


def _verifier(config: EdgeConfig, now: Instant) -> CheckinVerifier | None:
    if config.trust is None:
        return None
    return CheckinVerifier(base64.b64decode(config.trust.central_signing_key), now)


def _badges(config: EdgeConfig, now: Instant) -> BadgeVerifier | None:
    if config.trust is None:
        return None
    return BadgeVerifier(base64.b64decode(config.trust.central_signing_key), config.store, now)


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in counts:
        total.update(part)
    return dict(total)
