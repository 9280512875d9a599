"""Retained state and periodic health of a node. Lost without harm: the next one replaces it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from contract.quality import CalibrationState
from contract.values import Base64, Name, Report, Seconds, Token, Utc

Crossing = Literal["in", "out", "in_unseen", "out_unseen", "ghosts", "turned"]
"""What became of a passage over an entrance line: counted; of those, inferred; dropped as nobody; turned round."""


class ModelCard(Report):
    """A model a node has loaded, so that a licence question can be answered from the office."""

    name: str = Field(max_length=60)
    sha256: str = Field(max_length=64)
    licence: str = Field(max_length=60)


class PolicyState(Report):
    """Who this node may embed, and why it is not more when more was asked for."""

    mode: Literal["qr_only", "verify", "lane", "open"]
    region: str = Field(max_length=40)
    reason: str = Field(default="", max_length=200)


class Status(Report):
    """Birth certificate (retained) and, as `state=offline`, the will."""

    state: Literal["online", "offline"]
    session: Token
    version: str = Field(default="", max_length=40)
    started_at: Utc | None = None
    public_key: Base64 = ""
    """The node's X25519 public key, raw: what central seals templates to."""
    drivers: dict[Name, str] = Field(default_factory=dict, max_length=64)
    models: tuple[ModelCard, ...] = Field(default=(), max_length=12)
    policy: PolicyState | None = None


class CameraHealth(Report):
    """Frame accounting of one camera since start; captured = processed + dropped + waiting (at most one)."""

    id: Name
    state: Literal["running", "lost", "starting"]
    fps: float = Field(ge=0)
    captured: int = Field(ge=0)
    processed: int = Field(ge=0)
    dropped: int = Field(ge=0)
    reconnects: int = Field(default=0, ge=0)
    calibration: CalibrationState | None = None
    """Of a floor camera; the reason is in the last `camera.calibration` event."""


class Health(Report):
    """Every 30 s. Counters run from the start of the process."""

    uptime_s: Seconds
    cameras: tuple[CameraHealth, ...] = Field(default=(), max_length=16)
    outbox_depth: int = Field(ge=0)
    outbox_oldest_s: Seconds = 0.0
    outbox_bytes: int = Field(default=0, ge=0)
    events_shed: int = Field(default=0, ge=0)
    """Telemetry given up because the disk or the outbox was full: never visits, prices, consent (invariant 1)."""
    gallery_subjects: int = Field(default=0, ge=0)
    decisions: dict[Literal["known", "stranger", "unrecognisable", "refused"], int] = Field(default_factory=dict)
    checkins: dict[str, int] = Field(default_factory=dict, max_length=12)
    """Accepted and, by reason, refused QR check-ins."""
    identities: dict[str, int] = Field(default_factory=dict, max_length=12)
    """What became of identities on the floor: attached to a track, ambiguous at check-in, lost, of those doubted."""
    crossings: dict[Crossing, int] = Field(default_factory=dict)
    """Counted in and out; of those, inferred though nobody saw it; dropped as nobody, or turned round at the door."""
    neighbours: dict[str, int] = Field(default_factory=dict, max_length=12)
    """What became of the positions that other nodes of the store shared: used, or why not."""
    neighbours_off: dict[Name, float] = Field(default_factory=dict, max_length=64)
    """Nodes whose positions are not used now, and how many seconds their clocks are behind ours."""
    embedder_calls: int = Field(default=0, ge=0)
    threshold: str = Field(default="", max_length=200)
    """Which face match threshold is in force and why (certified, default, by hand); empty where none is used."""
    commands_refused: dict[str, int] = Field(default_factory=dict, max_length=12)
    labels_personal: int = Field(default=0, ge=0)
    labels_pending: int = Field(default=0, ge=0)
    labels_unreachable: int = Field(default=0, ge=0)
    disk_free_mb: int = Field(default=0, ge=0)
    rss_mb: int = Field(default=0, ge=0)
    load: float = Field(default=0.0, ge=0)
    temperature_c: float | None = None
