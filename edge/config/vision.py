"""What the node sees with and how it decides: cameras, scanners, policy, recognition."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from contract.values import Point
from edge.config.fields import Duration, ImagePolygon, Matrix, Name, PlanPolygon, Rate, Section
from hardware.cameras.options import CameraOptions
from hardware.scanners.options import ScannerOptions
from tracking.persons import MAX_LOST_S, MIN_SCORE

Mode = Literal["qr_only", "verify", "lane", "open"]
Radius = Annotated[float, Field(gt=0, le=20, allow_inf_nan=False)]


class PolicyConfig(Section):
    """Which region's rules hold and what is asked for; `edge.policy.judge` decides what is granted."""

    region: Name = "default"
    mode: Mode | None = None
    """Left out: the region's own default."""
    document: Path | None = None
    """A site policy signed by the operator (JSON)."""
    profile: Path | None = None
    """The operator's own region profile (YAML, signed with the operator's key); its name is `region`."""


class ModelsConfig(Section):
    """Weights. `pack` points at an insightface model pack to use for faces instead of ours."""

    weights: Path | None = None
    pack: Path | None = None
    accept_noncommercial: bool = False
    person_detector: Literal["auto", "nanodet", "centernet"] = "auto"
    """`auto`: by what the processor can do (docs/models/person-detector-float.md)."""


class RecognitionConfig(Section):
    """Face decisions. Similarities are cosines; see edge/vision/thresholds.py for the default threshold."""

    threshold: float | None = Field(default=None, ge=0.2, le=0.95)
    """Left out: the certificate's, else derived from `target_fpir` and the size of the gallery, rising with it."""
    target_fpir: float = Field(default=5e-5, gt=0, le=0.1)
    """Accepted share of strangers named as somebody, per person (PRIVACY B2: 0.1 a day at 2,000 visitors)."""
    certificate: Path | None = None
    """Written by `python -m calibration thresholds`; without a valid one the conservative default holds."""
    collect_scores: bool = False
    """Note how alike each stranger was to the nearest of the gallery (numbers only), to earn a certificate from."""
    margin: float = Field(default=0.05, ge=0, le=0.5)
    """Least lead over the runner-up subject."""
    clear_lead: float = Field(default=0.08, ge=0, le=0.5)
    """How far above the threshold one shot alone is believed (provisionally)."""
    min_face_px: float = Field(default=30.0, ge=16, le=400)
    min_detector_score: float | None = Field(default=None, ge=0.5, le=0.999)
    """Left out: what the face models in use say of their detector, 0.9 for ours; packs count otherwise."""
    min_quality: float = Field(default=0.25, ge=0, le=1)
    shots: int = Field(default=4, ge=1, le=8)
    """Most embeddings per person."""
    detect_hz: Rate = 6.0
    patience_s: Duration = 2.5
    """A decision is final this long after the first shot even when fewer shots were good enough."""
    verify_s: Duration = 15.0
    """How long after a QR check-in the person may be looked for at the marked spot (mode verify)."""


class FloorConfig(Section):
    """Tracking of people on the floor."""

    min_person_score: float = Field(default=MIN_SCORE, ge=0.05, le=0.95)
    cell_m: float = Field(default=0.25, gt=0.05, le=5)
    max_lost_s: float = Field(default=MAX_LOST_S, gt=0.1, le=10)
    gap_s: float = Field(default=5.0, ge=0.5, le=30)
    """How long somebody no camera sees is kept, to be taken up by the next camera."""
    u_turn_s: Duration = 3.0
    """In over a line and out again within this time was no crossing; an entrance is told this much later."""
    group_gap_s: float = Field(default=4.0, ge=0, le=60)
    """People who come in within this time of one another may belong together: a group is a buying unit."""
    group_walk_s: float = Field(default=6.0, ge=2, le=30)
    """How long they are watched for whether they walk together."""
    share: bool = False
    """Tell the other nodes of this store where people are, and hear it from them (broker with our access list)."""


class CameraConfig(Section):
    """One camera. `entrance` looks for faces, `floor` for people; `read_qr` reads codes in either."""

    id: Name
    role: Literal["entrance", "floor"]
    source: CameraOptions
    analysed_fps: Rate = 10.0
    position: Point | None = None
    """Where a person identified here stands on the plan, metres."""
    radius_m: Radius = 1.5
    lane: ImagePolygon | None = None
    """Mode lane: only faces whose centre is inside are looked at (fractions of the picture)."""
    spot: ImagePolygon | None = None
    """Mode verify: where a person who has checked in shows the face (fractions of the picture)."""
    read_qr: bool = False
    calibration: Path | None = None
    """Written by `python -m calibration floor`: gives homography, lens, what to watch for a moved camera, the lane."""
    audit: Path | None = None
    """Written by `python -m calibration audit`: how wrong this camera's counts and dwell times are."""
    homography: Matrix | None = None
    """Picture pixels to plan metres; instead of `calibration`, when its error is known from elsewhere."""
    lens: Path | None = None
    """Written by `python -m calibration camera`; for a bare `homography` that was made on undistorted points."""
    delay_s: float = Field(default=0.0, ge=0, le=5)
    """How much later than it happened a picture of this camera arrives, where several cameras share a floor."""
    calibrated: bool = True
    """False marks a provisional homography: its events say that they are not calibrated."""


class ScannerConfig(Section):
    """A code scanner and where people stand who use it."""

    id: Name
    source: ScannerOptions
    position: Point | None = None
    radius_m: Radius = 1.0


class ZoneConfig(Section):
    """An area of the plan, metres. In after `enter_s`, out after `grace_s` outside or unseen, dwelled at `dwell_s`.

    `queue`: who stands here for `dwell_s` waits; length and waiting times are told for each minute. `staff`: only
    people of the house are here; who is first seen here, or stays `dwell_s`, is not counted anywhere.
    """

    id: Name
    polygon: PlanPolygon
    kind: Literal["area", "queue", "staff"] = "area"
    service: Point | None = None
    """Of a queue: where people are served. Within `service_m` of it nobody waits any more."""
    service_m: Radius = 0.8
    enter_s: Duration = 0.6
    grace_s: Duration = 1.0
    dwell_s: Duration = 5.0


class LineConfig(Section):
    """An entrance line on the plan. `inside` is a point on the shop's side, or the side seen from `from` to `to`."""

    id: Name
    start: Point = Field(alias="from")
    end: Point = Field(alias="to")
    inside: Point | Literal["left", "right"]
    staff: bool = False
    """Only people of the house use it: who comes in over it is not counted, here or anywhere."""


class VisitsConfig(Section):
    """When a visit ends and how long an identity waits for its floor track."""

    silence_s: Duration = 600.0
    pending_s: Duration = 5.0
    attach_window_s: Duration = 2.0
