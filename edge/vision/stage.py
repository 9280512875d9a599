"""The faces of one camera: gate, detect, track, keep the best shots, embed those that policy allows, decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from edge.motion import overview
from edge.tracking.tracker import Tracker, TrackerSettings
from edge.values import Box, Claim, Decision, Frame, Instant, Track
from edge.vision.attention import Attention
from edge.vision.decide import Rule, decide
from edge.vision.permits import Denied, FacePolicy, Permit
from edge.vision.ports import FaceEngine, Templates, TrackWatch
from edge.vision.quality import before_landmarks, pose, rate
from edge.vision.shots import FaceCase, Shot
from models.detections import Detections

_TRACKING = TrackerSettings(
    high=0.7,
    low=0.5,
    new=0.7,
    overlap_high=0.1,
    overlap_low=0.3,
    overlap_new=0.1,
    grow=0.5,
    likeness=2.0,
    min_hits=2,
    max_lost_s=0.8,
    agility=0.5,
)
_EARLY = 0.9
"""Frames rarely fall on the period; one a little early is better than one a whole frame late."""
_SILENT_S = 1.0


@dataclass(frozen=True, slots=True)
class FaceSettings:
    """See edge.config.RecognitionConfig."""

    rule: Rule
    detect_hz: float
    min_face_px: float
    min_detector_score: float
    min_quality: float


@dataclass(slots=True)
class FaceCounts:
    """Since the start. `decisions` by outcome; `denied` frames by reason."""

    tracks: int = 0
    detector_calls: int = 0
    landmark_calls: int = 0
    embedder_calls: int = 0
    decisions: dict[str, int] = field(default_factory=dict)
    denied: dict[str, int] = field(default_factory=dict)


RuleNow = Callable[[Rule, int, Instant], Rule]
"""The rule for a gallery of this many templates at this moment: a certificate may change threshold and margin."""
OnStranger = Callable[[float, int, float, datetime], None]
"""Highest similarity, templates searched, threshold, wall time of one person whom a 1:N search did not name."""


class FaceStage:
    """`step` answers the decisions that this frame allowed, at most one final for each track."""

    def __init__(
        self,
        engine: FaceEngine,
        policy: FacePolicy,
        templates: Templates,
        settings: FaceSettings,
        rule_now: RuleNow | None = None,
        on_stranger: OnStranger | None = None,
        watch: TrackWatch | None = None,
    ) -> None:
        self._engine = engine
        self._policy = policy
        self._templates = templates
        self._settings = settings
        self._rule_now = rule_now
        self._on_stranger = on_stranger
        self._watch = watch
        self._attention = Attention(policy.area)
        self._tracker = Tracker(_TRACKING)
        self._cases: dict[int, FaceCase] = {}
        self._next_detection = -np.inf
        self._last_frame = -np.inf
        self._claim_taken = False
        self.counts = FaceCounts()

    def step(self, frame: Frame, claim: Claim | None = None) -> tuple[Decision, ...]:
        """Look at one frame. `claim`: the check-in that waits at this camera (mode verify)."""
        now = frame.captured
        self._last_frame = now.monotonic
        if now.monotonic < self._next_detection:
            return ()
        region = self._region(frame)
        if region is None and not self._tracker.busy:
            return ()
        self._next_detection = now.monotonic + _EARLY / self._settings.detect_hz
        found = self._detect(frame, region)
        tracks = self._tracker.step(found.boxes, found.scores, now.monotonic)
        self._claim_taken = False
        nearest_first = sorted((track for track in tracks.tracks if track.seen), key=lambda track: -track.width)
        decided = [self._watched_look(track, frame, claim) for track in nearest_first]
        decided += [self._conclude(track, now) for track in tracks.ended]
        return tuple(decision for decision in decided if decision is not None)

    def _region(self, frame: Frame) -> Box | None:
        """The part of the picture that deserves the detector."""
        seen = overview(frame.image)
        if seen is None:
            return None
        height, width = frame.image.shape[:2]
        expected = self._tracker.expected(frame.captured.monotonic)
        return self._attention.step(seen, (width, height), expected, frame.captured.monotonic)

    def _detect(self, frame: Frame, region: Box | None) -> Detections:
        if region is None:
            return Detections.empty()
        self.counts.detector_calls += 1
        return self._engine.detect(frame.image, region)

    def tick(self, now: Instant) -> tuple[Decision, ...]:
        """Conclude the tracks of a camera that has gone silent, so that no vector outlives its person."""
        if now.monotonic - self._last_frame < _SILENT_S:
            return ()
        return self.close(now)

    def close(self, now: Instant) -> tuple[Decision, ...]:
        """Conclude everybody in view and forget them."""
        decided = [self._conclude(track, now) for track in list(self._cases)]
        return tuple(decision for decision in decided if decision is not None)

    def _watched_look(self, track: Track, frame: Frame, claim: Claim | None) -> Decision | None:
        before = self.counts.embedder_calls
        decision = self._look(track, frame, claim)
        if self._watch is not None:
            height, width = frame.image.shape[:2]
            self._watch.looked(track, (width, height), self.counts.embedder_calls - before, frame.captured)
        return decision

    def _look(self, track: Track, frame: Frame, claim: Claim | None) -> Decision | None:
        case = self._cases.get(track.id)
        if case is None:
            case = self._cases[track.id] = FaceCase(self._settings.rule.shots)
            self.counts.tracks += 1
        if case.closed:
            if claim is None or case.claim == claim:
                return None
            case = self._cases[track.id] = FaceCase(self._settings.rule.shots)
        if self._allowed(case, track, frame, claim):
            self._photograph(case, track, frame)
            self._embed_due(case, frame.captured)
        return self._judge(case, track.id, frame.captured, ended=False)

    def _allowed(self, case: FaceCase, track: Track, frame: Frame, claim: Claim | None) -> bool:
        """Whether anything may be computed from this face; nothing is before this says so."""
        height, width = frame.image.shape[:2]
        answer = self._policy.step(track, (width, height), claim, frame.captured)
        if not isinstance(answer, Denied):
            answer = self._second_look(answer)
        if isinstance(answer, Denied):
            case.denial = answer.reason
            self.counts.denied[answer.reason] = self.counts.denied.get(answer.reason, 0) + 1
            return False
        case.permitted = True
        case.claim = answer.claim
        return True

    def _second_look(self, permit: Permit) -> Permit | Denied:
        if self._templates.templates == 0:
            return Denied("empty_gallery")
        if permit.claim is not None:
            if self._claim_taken:
                return Denied("not_nearest")
            self._claim_taken = True
        return permit

    def _photograph(self, case: FaceCase, track: Track, frame: Frame) -> None:
        if track.score < self._settings.min_detector_score:
            return
        flaw, sharp = before_landmarks(frame.image, track.box, self._settings.min_face_px)
        if flaw:
            case.flawed(flaw)
            return
        self.counts.landmark_calls += 1
        five = self._engine.landmarks(frame.image, np.asarray(track.box, np.float32)).five
        quality = rate(track.width, sharp, pose(five))
        if quality.flaw or quality.score < self._settings.min_quality:
            case.flawed(quality.flaw or "blurred")
            return
        case.offer(Shot(self._engine.align(frame.image, five), quality.score, frame.captured))

    def _embed_due(self, case: FaceCase, now: Instant) -> None:
        shot = case.due(now)
        if shot is None:
            return
        self.counts.embedder_calls += 1
        case.embedded(shot, self._engine.embed([shot.crop])[0], now)
        shot.crop.fill(0)

    def _judge(self, case: FaceCase, track: int, now: Instant, *, ended: bool) -> Decision | None:
        rule = self._settings.rule
        if self._rule_now is not None:
            rule = self._rule_now(rule, self._templates.templates, now)
        decision = decide(case, self._templates, rule, now, ended=ended)
        if decision is None:
            return None
        if decision.stage == "provisional":
            if case.provisional == decision.subject:
                return None
            case.provisional = decision.subject
        else:
            self._note_stranger(case, decision, rule, now)
            case.forget()
            self.counts.decisions[decision.outcome] = self.counts.decisions.get(decision.outcome, 0) + 1
        decision = replace(decision, track=track)
        if self._watch is not None:
            self._watch.decided(decision, now)
        return decision

    def _note_stranger(self, case: FaceCase, decision: Decision, rule: Rule, now: Instant) -> None:
        """A 1:N search that named nobody says how alike strangers are; a 1:1 comparison does not."""
        searched = decision.outcome == "stranger" and case.claim is None and case.best > -1.0
        if searched and self._on_stranger is not None:
            templates = self._templates.templates
            self._on_stranger(case.best, templates, rule.bar(templates), now.wall)

    def _conclude(self, track: int, now: Instant) -> Decision | None:
        case = self._cases.pop(track, None)
        if case is None or case.closed:
            return None
        waiting, before = case.waiting, self.counts.embedder_calls
        if waiting is not None and not case.vectors and self._templates.templates > 0:
            # The only usable picture still waited for a better one when the person went out of view.
            self.counts.embedder_calls += 1
            case.embedded(waiting, self._engine.embed([waiting.crop])[0], now)
        if self._watch is not None:
            self._watch.concluded(track, self.counts.embedder_calls - before)
        return self._judge(case, track, now, ended=True)
