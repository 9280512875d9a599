"""Cameras and scanners on one side, the vision worker on the other; the worker is replaced when the policy changes."""

from __future__ import annotations

import logging
import secrets
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contract.clock import Clock
from contract.state import CameraHealth
from edge.config.model import EdgeConfig
from edge.config.vision import CameraConfig, ScannerConfig
from edge.errors import NodeError
from edge.gallery import Gallery
from edge.policy import PolicyDecision
from edge.store.floor import Share
from edge.store.neighbours import Neighbours
from edge.values import Emission, Frame, Instant
from edge.vision_node import Vision, VisionCounters
from edge.worker import Job, VisionWorker
from hardware.cameras.base import CameraFrame
from hardware.cameras.thread import CameraState, CameraThread
from hardware.registry import create_camera, create_scanner
from hardware.scanners.base import Scan
from hardware.scanners.thread import ScannerThread
from models.errors import ModelError

if TYPE_CHECKING:
    from edge.certificate import ThresholdDecision

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Active:
    """What one policy decision stands for."""

    decision: PolicyDecision
    gallery: Gallery
    vision: Vision
    worker: VisionWorker


class Perception:
    """Everything that sees and reads. `on_emissions` is called from the worker's thread, in order."""

    def __init__(
        self,
        config: EdgeConfig,
        clock: Clock,
        decision: PolicyDecision,
        on_emissions: Callable[[list[Emission]], None],
        on_death: Callable[[BaseException], None],
        share: Share | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._on_emissions = on_emissions
        self._on_death = on_death
        self._share = share if config.floor.share else None
        self._neighbours = Neighbours(config.store, config.node)
        self._rates = {camera.id: camera.analysed_fps for camera in config.cameras}
        self._swap = threading.Lock()
        self._active = self._build(decision)
        self._cameras = {camera.id: self._camera(camera) for camera in config.cameras}
        self._scanners = {scanner.id: self._scanner(scanner) for scanner in config.scanners}
        self._fps_at = clock.monotonic()
        self._fps_captured = dict.fromkeys(self._cameras, 0)

    def start(self) -> None:
        """Start seeing."""
        self._active.worker.start()
        for thread in self._devices():
            thread.start()

    def stop(self) -> None:
        """Stop the devices, then finish the work at hand, end visits, wipe the gallery."""
        for thread in self._devices():
            thread.stop()
        self._active.worker.stop()

    def apply(self, decision: PolicyDecision) -> None:
        """Go over to another policy: live visits end, the gallery starts empty and central fills it again."""
        new = self._build(decision)
        with self._swap:
            old, self._active = self._active, new
        old.worker.stop()
        new.worker.start()
        log.info("policy: mode %s (asked %s) %s", decision.mode, decision.asked, decision.reason)

    def _devices(self) -> list[CameraThread | ScannerThread]:
        return [*self._cameras.values(), *self._scanners.values()]

    def submit(self, job: Job) -> None:
        """Run a job on the vision thread."""
        self._active.worker.submit(job)

    def neighbour(self, topic: str, payload: bytes) -> None:
        """What another node of this store tells (contract.local); what is not to be used is counted."""
        now = Instant(self._clock.monotonic(), self._clock.now())
        before = set(self._neighbours.off)
        taken = self._neighbours.take(topic, payload, now)
        for node in before ^ self._neighbours.off.keys():
            self._say_clock(node)
        if taken is not None:
            camera, view, at = taken
            self.submit(lambda vision, _now: vision.neighbour(camera, view, at))

    def neighbours(self) -> dict[str, int]:
        """What became of the messages of other nodes, since the start."""
        return {why: count for why, count in list(self._neighbours.counts.items()) if why != "own"}

    def neighbours_off(self) -> dict[str, float]:
        """Nodes that are not used now: by how many seconds their clocks are behind."""
        return dict(self._neighbours.off)

    def _say_clock(self, node: str) -> None:
        off = self._neighbours.off.get(node)
        if off is None:
            log.info("node %s: its clock agrees with ours again; where its cameras see people is used", node)
        else:
            log.warning(
                "node %s: its clock is %.1f s %s ours (or its messages are late); where its cameras see people is not"
                " used; set the clocks of both by NTP", node, abs(off), "behind" if off > 0 else "ahead of",
            )  # fmt: skip

    @property
    def decision(self) -> PolicyDecision:
        """What holds now."""
        return self._active.decision

    @property
    def gallery(self) -> Gallery:
        """The gallery in use."""
        return self._active.gallery

    def threshold(self) -> str:
        """Which match threshold is in force and why; empty where no face is searched for."""
        return self._active.vision.threshold

    def threshold_in_force(self) -> ThresholdDecision | None:
        """The same for programs; None where no face is searched for."""
        return self._active.vision.threshold_in_force

    @property
    def beat(self) -> float:
        """Monotonic time of the last turn of the vision thread."""
        return self._active.worker.beat

    def counters(self) -> VisionCounters:
        """Of the vision in use."""
        return self._active.vision.counters()

    def camera_health(self) -> tuple[CameraHealth, ...]:
        """Frame accounting, with the rate since the last call."""
        now = self._clock.monotonic()
        span = max(0.001, now - self._fps_at)
        self._fps_at = now
        return tuple(self._one_health(name, thread, span) for name, thread in self._cameras.items())

    def _one_health(self, name: str, thread: CameraThread, span_s: float) -> CameraHealth:
        counts = self._active.worker.counts(name)
        fresh = max(0, thread.counts.captured - self._fps_captured[name])
        self._fps_captured[name] = thread.counts.captured
        state = "running" if thread.state is CameraState.STREAMING else "lost"
        return CameraHealth(
            id=name,
            state="starting" if thread.state is CameraState.CONNECTING else state,
            fps=round(fresh / span_s, 2),
            captured=counts.put,
            processed=counts.taken,
            dropped=counts.dropped,
            reconnects=thread.counts.reconnects,
            calibration=self._active.vision.calibration(name),
        )

    def _build(self, decision: PolicyDecision) -> _Active:
        now = Instant(self._clock.monotonic(), self._clock.now())
        try:
            gallery = Gallery(searchable=decision.mode in ("lane", "open"))
            vision = Vision.build(
                self._config, decision, gallery, now, run=secrets.token_hex(3), new_id=lambda: uuid.uuid4().hex,
                collect_scores=True, share=self._share,
            )  # fmt: skip
        except ModelError as error:
            raise NodeError(str(error)) from None
        except ModuleNotFoundError as error:
            raise NodeError(
                f"mode {decision.mode} needs the face packages, and {error.name} is not installed; "
                "install the edge extra (`pip install '.[edge]'`) or set policy.mode: qr_only"
            ) from None
        worker = VisionWorker(vision, self._rates, self._clock, self._on_emissions, self._on_death)
        return _Active(decision, gallery, vision, worker)

    def _camera(self, camera: CameraConfig) -> CameraThread:
        def on_frame(frame: CameraFrame) -> None:
            captured = Instant(frame.captured_monotonic, frame.captured_at)
            self._active.worker.offer(Frame(camera.id, frame.picture, captured))

        return CameraThread(
            lambda: create_camera(camera.source, self._clock),
            on_frame,
            clock=self._clock,
            name=f"camera {camera.id}",
            stall_after_s=getattr(camera.source, "stall_after_s", 5.0),
            frozen_after_s=getattr(camera.source, "frozen_after_s", None),
            on_change=lambda state: log.info("camera %s: %s", camera.id, state),
        )

    def _scanner(self, scanner: ScannerConfig) -> ScannerThread:
        def on_scan(scan: Scan) -> None:
            # Not the text: it may hold a person's check-in.
            log.debug("scanner %s: read %d characters", scanner.id, len(scan.text))
            self._active.worker.scan(scanner.id, scan.text)

        return ScannerThread(
            lambda: create_scanner(scanner.source, self._clock),
            on_scan,
            clock=self._clock,
            name=f"scanner {scanner.id}",
            on_change=lambda state: log.info("scanner %s: %s", scanner.id, state),
        )
