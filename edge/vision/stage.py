"""The faces of one camera: where to look, detect, track; `edge.vision.identify` decides."""

from __future__ import annotations

import numpy as np

from edge.motion import overview
from edge.values import Box, Claim, Decision, Frame, Instant
from edge.vision.attention import Attention
from edge.vision.identify import FaceCounts, FaceSettings, Identifier, OnStranger, RuleNow
from edge.vision.permits import FacePolicy
from edge.vision.ports import FaceEngine, Templates, TrackWatch
from models.detections import Detections
from tracking.faces import FaceTracker

_EARLY = 0.9
"""Frames rarely fall on the period; one a little early is better than one a whole frame late."""
_SILENT_S = 1.0


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
        self._settings = settings
        self._attention = Attention(policy.area)
        self._tracker = FaceTracker()
        self._next_detection = -np.inf
        self._last_frame = -np.inf
        self.counts = FaceCounts()
        self._identifier = Identifier(
            engine,
            policy,
            templates,
            settings,
            self.counts,
            rule_now=rule_now,
            on_stranger=on_stranger,
            watch=watch,
        )

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
        return tuple(self._identifier.step(frame, tracks, claim))

    def _region(self, frame: Frame) -> Box | None:
        """The part of the picture that deserves the detector."""
        seen = overview(frame.picture)
        if seen is None:
            return None
        expected = self._tracker.expected(frame.captured.monotonic)
        return self._attention.step(seen, frame.size, expected, frame.captured.monotonic)

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
        return tuple(self._identifier.close(now))
