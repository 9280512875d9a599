"""From configuration to a face stage."""

from __future__ import annotations

from dataclasses import replace

from edge.config.vision import CameraConfig, Mode, RecognitionConfig
from edge.threshold import ThresholdKeeper
from edge.values import Instant
from edge.vision.decide import Rule
from edge.vision.identify import FaceSettings, OnStranger, RuleNow
from edge.vision.permits import FacePolicy
from edge.vision.ports import FaceEngine, Templates, TrackWatch
from edge.vision.stage import FaceStage


def face_stage(
    engine: FaceEngine,
    templates: Templates,
    settings: RecognitionConfig,
    camera: CameraConfig,
    mode: Mode,
    *,
    keeper: ThresholdKeeper | None = None,
    on_stranger: OnStranger | None = None,
    watch: TrackWatch | None = None,
) -> FaceStage:
    """The stage of one entrance camera; ValueError under `qr_only`, which has none.

    Without a `keeper` the configured or the default threshold holds.
    """
    if mode == "qr_only":
        raise ValueError("no face is looked at under qr_only")
    rule = Rule(
        threshold=settings.threshold,
        target_fpir=settings.target_fpir,
        margin=settings.margin,
        clear_lead=settings.clear_lead,
        shots=settings.shots,
        patience_s=settings.patience_s,
    )
    chosen = FaceSettings(
        rule=rule,
        detect_hz=settings.detect_hz,
        min_face_px=settings.min_face_px,
        min_detector_score=engine.sure_score if settings.min_detector_score is None else settings.min_detector_score,
        min_quality=settings.min_quality,
    )
    policy = FacePolicy(mode, camera.lane, camera.spot)
    rule_now = None if keeper is None else _rule_now(keeper)
    note = on_stranger if mode in ("lane", "open") else None
    return FaceStage(engine, policy, templates, chosen, rule_now, note, watch)


def _rule_now(keeper: ThresholdKeeper) -> RuleNow:
    def rule_now(rule: Rule, templates: int, now: Instant) -> Rule:
        earned = keeper.step(templates, now.monotonic, now.wall)
        margin = rule.margin if earned.margin is None else earned.margin
        return replace(rule, threshold=earned.threshold, margin=margin)

    return rule_now
