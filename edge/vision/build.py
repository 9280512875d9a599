"""From configuration to a face stage."""

from __future__ import annotations

from edge.config.vision import CameraConfig, Mode, RecognitionConfig
from edge.vision.decide import Rule
from edge.vision.permits import FacePolicy
from edge.vision.ports import FaceEngine, Templates
from edge.vision.stage import FaceSettings, FaceStage


def face_stage(
    engine: FaceEngine, templates: Templates, settings: RecognitionConfig, camera: CameraConfig, mode: Mode
) -> FaceStage:
    """The stage of one entrance camera; ValueError under `qr_only`, which has none."""
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
        min_detector_score=settings.min_detector_score,
        min_quality=settings.min_quality,
    )
    return FaceStage(engine, FacePolicy(mode, camera.lane, camera.spot), templates, chosen)
