"""The match threshold as it is used: set by hand, earned by a certificate, or the default. Judged as galleries grow."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from calibration.thresholds.certificate import Model
from edge.certificate import LoadedCertificate, ThresholdDecision, judge, read
from edge.impostor_scores import newest_gallery
from edge.model_cards import embedder
from models.catalogue import FACE_BUNDLE

if TYPE_CHECKING:
    from edge.config.model import EdgeConfig
    from edge.config.vision import RecognitionConfig

log = logging.getLogger(__name__)

BY_HAND = "set by hand, not certified"
_REVIEW_S = 3600.0


def threshold_for(
    settings: RecognitionConfig, loaded: LoadedCertificate, now: datetime, store: str, model: Model, templates: int
) -> ThresholdDecision:
    """What holds for a gallery of this many templates. A threshold in the configuration overrides all. Pure."""
    if settings.threshold is not None:
        return ThresholdDecision(settings.threshold, False, f"threshold {settings.threshold:.3f}: {BY_HAND}")
    return judge(loaded, now, store, model, templates, settings.target_fpir)


class ThresholdKeeper:
    """Reads the certificate once; `step` judges it anew when the gallery's size changed, and hourly. One thread."""

    def __init__(self, config: EdgeConfig, model: Model) -> None:
        self._settings = config.recognition
        self._store = config.store
        self._model = model
        self._loaded = read(config.recognition.certificate)
        self._templates = -1
        self._review_at = 0.0
        self._decision: ThresholdDecision | None = None

    @property
    def decision(self) -> ThresholdDecision | None:
        """The one in force; None before the first step."""
        return self._decision

    def step(self, templates: int, monotonic: float, wall: datetime) -> ThresholdDecision:
        """The threshold for a gallery of this many templates at this moment."""
        known = self._decision
        if known is not None and templates == self._templates and monotonic < self._review_at:
            return known
        self._templates, self._review_at = templates, monotonic + _REVIEW_S
        fresh = threshold_for(self._settings, self._loaded, wall, self._store, self._model, templates)
        self._decision = fresh
        if known is None or (known.certified, known.renew_soon) != (fresh.certified, fresh.renew_soon):
            _tell(fresh)
        return fresh


def doctors_view(config: EdgeConfig, now: datetime) -> ThresholdDecision:
    """Beside a running node: for the gallery of its newest recorded score, else the one the certificate was made for.

    models.errors.ModelError: no such pack.
    """
    loaded = read(config.recognition.certificate)
    certified_for = 0 if loaded.certificate is None else loaded.certificate.gallery_size
    templates = newest_gallery(config.state_dir) or certified_for
    model = embedder(config, _bundle_name(config))
    return threshold_for(config.recognition, loaded, now, config.store, model, templates)


def _bundle_name(config: EdgeConfig) -> str:
    if config.models.pack is None:
        return FACE_BUNDLE
    from edge.engines import load_faces

    return load_faces(config).name


def _tell(decision: ThresholdDecision) -> None:
    level = logging.INFO if decision.certified and not decision.renew_soon else logging.WARNING
    log.log(level, "recognition: %s", decision.sentence)
