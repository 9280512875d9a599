"""Which match threshold holds: the one a certificate earned, or the conservative default and why.

The default is never lower than what a certificate that has run out asked for: losing a certificate must not make
recognition more daring.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from calibration.thresholds.certificate import Certificate, Model, read_certificate
from calibration.thresholds.errors import ThresholdError
from edge.vision.thresholds import default_threshold

DEFAULT_FPIR = 5e-5
"""PRIVACY B2: 0.1 false arrivals a day at 2,000 visitors; the default of `recognition.target_fpir` too (tested)."""
DUPLICATE_FPIR = 0.01
"""One in a hundred honest customers may be sent to a human; as strict as at the door, most duplicates would pass."""
_CLOCK_SLACK = timedelta(days=1)
_SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class ThresholdDecision:
    """The threshold in force. `margin` is None where the configured one holds."""

    threshold: float
    certified: bool
    reason: str
    """For status, health and doctor: a sentence without a full stop."""
    margin: float | None = None
    expires_at: datetime | None = None
    renew_soon: bool = False
    duplicate_bar: float | None = None
    """Certified: where this store's own strangers reach `DUPLICATE_FPIR`; for the kiosk's search for duplicates."""

    @property
    def sentence(self) -> str:
        """The reason, and what to do."""
        return f"{self.reason}; issue a new one soon" if self.renew_soon else self.reason


@dataclass(frozen=True, slots=True)
class LoadedCertificate:
    """A certificate, or the sentence that says why there is none. Read once, judged often."""

    certificate: Certificate | None
    problem: str = ""


def read(path: Path | None) -> LoadedCertificate:
    """Never raises: without a readable certificate the node runs on at the default."""
    if path is None:
        return LoadedCertificate(None, "no certificate is configured")
    try:
        return LoadedCertificate(read_certificate(path))
    except ThresholdError as error:
        return LoadedCertificate(None, str(error))


def judge(
    loaded: LoadedCertificate,
    now: datetime,
    store: str,
    model: Model,
    gallery_size: int,
    target_fpir: float = DEFAULT_FPIR,
) -> ThresholdDecision:
    """The threshold for a gallery of this many templates at wall time `now`. Pure."""
    default = default_threshold(gallery_size, target_fpir)
    certificate = loaded.certificate
    if certificate is None:
        return _fallback(default, loaded.problem)
    if certificate.store != store:
        return _fallback(default, f"the certificate is for store {certificate.store}, this is {store}")
    other = _other_model(certificate.model, model)
    if other:
        return _fallback(default, other)
    lapsed = _lapsed(certificate, now, gallery_size)
    if lapsed:
        return _fallback(max(default, certificate.threshold), lapsed)
    left = certificate.expires_at - now
    crowded = gallery_size > (certificate.gallery_size + certificate.holds_to_gallery_size) / 2
    reason = (
        f"certified for up to {certificate.holds_to_gallery_size} templates until {certificate.expires_at:%Y-%m-%d}"
    )
    return ThresholdDecision(
        certificate.threshold,
        True,
        reason,
        certificate.margin,
        certificate.expires_at,
        left < _SOON or crowded,
        certificate.score_at(DUPLICATE_FPIR, max(gallery_size, 1)),
    )


def load_certificate(
    path: Path | None,
    now: datetime,
    store: str,
    model: Model,
    gallery_size: int,
    target_fpir: float = DEFAULT_FPIR,
) -> ThresholdDecision:
    """Read and judge at once, for `doctor` and the start; a running node reads once and judges as the gallery grows."""
    return judge(read(path), now, store, model, gallery_size, target_fpir)


def _fallback(threshold: float, why: str) -> ThresholdDecision:
    return ThresholdDecision(threshold, False, f"conservative default {threshold:.3f}: {why}")


def _other_model(certified: Model, running: Model) -> str:
    if certified.name != running.name:
        return f"the certificate is for embedder {certified.name}, {running.name} runs here"
    if certified.sha256 is None:
        return "" if running.sha256 is None else "the certificate does not say which weights its scores came from"
    if running.sha256 != certified.sha256:
        return f"the weights of {running.name} changed since the certificate was issued"
    return ""


def _lapsed(certificate: Certificate, now: datetime, gallery_size: int) -> str:
    if now >= certificate.expires_at:
        return f"the certificate expired on {certificate.expires_at:%Y-%m-%d}; issue a new one"
    if now < certificate.issued_at - _CLOCK_SLACK:
        return f"the certificate was issued on {certificate.issued_at:%Y-%m-%d}, which is to come; check the clock"
    if gallery_size > certificate.holds_to_gallery_size:
        return (
            f"the gallery has {gallery_size} templates, the certificate holds up to "
            f"{certificate.holds_to_gallery_size}; issue a new one"
        )
    return ""
