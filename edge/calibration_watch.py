"""How far each floor camera can be trusted: its state from start, a watch for a moved camera, the mark on its events.

Wrong metres are worse than none: while a camera is not VALID its events say `calibrated: false`, central is told why,
and the log says it once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace

from calibration.audit.file import read_audit
from calibration.drift import Drift, DriftWatch
from calibration.errors import CalibrationError
from calibration.floor_file import FloorFile, read_floor
from calibration.lens.file import read_lens
from calibration.lens.model import Lens
from contract.events import FloorOccupancy
from contract.quality import Audit, CalibrationReason, CalibrationState, CameraCalibration
from edge.config.vision import CameraConfig
from edge.values import Emission, Frame, Instant

log = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0
LOOK_AGAIN_S = 15.0
"""While a movement is suspected but not yet believed."""
_DRIFTED: dict[str, tuple[CalibrationReason, str]] = {
    "moved": ("moved", "the camera was moved: the floor is about {metres:.2f} m off; calibrate it again"),
    "view_changed": ("view_changed", "nothing known is in view any more: moved or covered; look, and calibrate again"),
    "resolution": ("resolution", "its pictures have another size than when it was calibrated; set it back"),
}


@dataclass(frozen=True, slots=True)
class Trust:
    """What holds for one camera."""

    state: CalibrationState
    reason: CalibrationReason = ""
    detail: str = ""
    drift_m: float | None = None


@dataclass(slots=True, eq=False)
class Ground:
    """One floor camera: what its calibration promised, what is believed now."""

    camera: str
    start: Trust
    now: Trust
    file: FloorFile | None = None
    lens: Lens | None = None
    audit: Audit | None = None
    watch: DriftWatch | None = None
    next_look: float = float("-inf")
    told: Trust | None = None


class CalibrationWatch:
    """All floor cameras of a node. One thread calls it."""

    def __init__(self, cameras: Iterable[CameraConfig]) -> None:
        self._grounds = {camera.id: _ground(camera) for camera in cameras if camera.role == "floor"}

    def lens(self, camera: str) -> Lens | None:
        """Whose distortion its foot points lose; None for a camera without."""
        ground = self._grounds.get(camera)
        return None if ground is None else ground.lens

    def trusted(self, camera: str) -> bool:
        """Whether metres of this camera mean what they say. An entrance camera places nobody."""
        ground = self._grounds.get(camera)
        return ground is None or ground.now.state == "VALID"

    def state(self, camera: str) -> CalibrationState | None:
        """Of a floor camera."""
        ground = self._grounds.get(camera)
        return None if ground is None else ground.now.state

    def look(self, frame: Frame) -> None:
        """Compare this frame with the calibration: its size always, the view about once a minute."""
        ground = self._grounds.get(frame.camera)
        if ground is None or ground.watch is None:
            return
        width, height = frame.size
        now = frame.captured.monotonic
        fits = ground.watch.fits(width, height)
        if now < ground.next_look and fits == (ground.now.reason != "resolution"):
            return
        drift = ground.watch.step(frame.image)
        suspected = drift.state == "steady" and ground.watch.suspicious
        ground.next_look = now + (LOOK_AGAIN_S if suspected else LOOK_EVERY_S)
        ground.now = _judged(ground.start, drift)

    def news(self, now: Instant) -> list[Emission]:
        """What central has not been told yet: once at the start, then at every change."""
        told: list[Emission] = []
        for ground in self._grounds.values():
            before, ground.told = ground.told, ground.now
            if before is None or (before.state, before.reason) != (ground.now.state, ground.now.reason):
                _log(ground.camera, before, ground.now)
                told.append(_report(ground, now))
        return told

    def mark(self, events: list[Emission]) -> list[Emission]:
        """Those that stand on metres say so when the metres are not to be trusted.

        Tracks are of the store, not of a camera: one camera that lost its calibration casts doubt on them all.
        """
        if not events or all(self._sound(ground) for ground in self._grounds.values()):
            return events
        return [self._marked(event) for event in events]

    def _marked(self, event: Emission) -> Emission:
        if not getattr(event, "calibrated", False):
            return event
        if isinstance(event, FloorOccupancy) and self.trusted(event.camera):
            return event
        return event.model_copy(update={"calibrated": False})

    @staticmethod
    def _sound(ground: Ground) -> bool:
        """A camera without any calibration places nobody, so it cannot be wrong about anybody."""
        return ground.now.state == "VALID" or ground.now.reason == "no_calibration"


def _ground(camera: CameraConfig) -> Ground:
    audit = _audit(camera)
    if camera.calibration is not None:
        try:
            file = read_floor(camera.calibration)
        except CalibrationError as error:
            trust = Trust("INVALID", "other", str(error)[:200])
            return Ground(camera.id, trust, trust, audit=audit)
        return _calibrated(camera, file, audit)
    lens = None
    if camera.homography is None:
        trust = Trust("UNCALIBRATED", "no_calibration", "run `python -m calibration floor` for this camera")
    elif not camera.calibrated:
        trust = Trust("UNCALIBRATED", "provisional", "the configuration calls its homography provisional")
    else:
        trust = Trust("VALID", "by_hand", "a homography by hand: its error is not known")
        try:
            lens = None if camera.lens is None else read_lens(camera.lens).lens
        except CalibrationError as error:
            trust = Trust("INVALID", "other", str(error)[:200])
    return Ground(camera.id, trust, trust, lens=lens, audit=audit)


def _calibrated(camera: CameraConfig, file: FloorFile, audit: Audit | None) -> Ground:
    why = "; ".join(file.reasons)[:200]
    trust = Trust("VALID")
    if file.verdict == "INVALID":
        trust = Trust("INVALID", "residual", why)
    elif file.verdict == "UNCHECKED":
        trust = Trust("UNCALIBRATED", "unchecked", why)
    elif not camera.calibrated:
        trust = Trust("UNCALIBRATED", "provisional", "the configuration calls its calibration provisional")
    view = file.view()
    watch = None if view is None else DriftWatch(file.background, view, file.pixels)
    lens = None if file.lens is None else file.lens.lens
    return Ground(camera.id, trust, trust, file, lens, audit, watch)


def _audit(camera: CameraConfig) -> Audit | None:
    if camera.audit is None:
        return None
    try:
        return read_audit(camera.audit).audit
    except CalibrationError as error:
        log.error("camera %s: audit: %s", camera.id, error)
        return None


def _judged(start: Trust, drift: Drift) -> Trust:
    if drift.state == "steady":
        return replace(start, drift_m=drift.metres)
    reason, words = _DRIFTED[drift.state]
    return Trust("INVALID", reason, words.format(metres=drift.metres or 0.0), drift.metres)


def _report(ground: Ground, now: Instant) -> CameraCalibration:
    trust, file = ground.now, ground.file
    return CameraCalibration(
        camera=ground.camera,
        state=trust.state,
        reason=trust.reason,
        detail=trust.detail,
        residual_m=None if file is None else file.residual_m,
        drift_m=None if trust.drift_m is None else round(trust.drift_m, 3),
        calibrated_at=None if file is None else file.calibrated_at,
        audit=ground.audit,
        at=now.wall,
    )


def _log(camera: str, before: Trust | None, now: Trust) -> None:
    if now.state != "VALID":
        log.warning("camera %s: %s: %s; its events are marked as not calibrated", camera, now.state, now.detail)
    elif before is not None:
        log.warning("camera %s: VALID again", camera)
