"""One node, assembled: perception -> outbox -> publisher, commands back, labels beside. Read `Node.run` first."""

from __future__ import annotations

import base64
import fcntl
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from contract import local
from contract.channels import channel_of
from contract.clock import Clock
from contract.errors import MessageError
from contract.events import VisitEnded, VisitIdentified, ZoneDwelled, ZoneEntered, ZoneLeft
from contract.state import Status
from contract.supervisor import Supervisor
from contract.values import Report
from edge.clock_offset import ClockOffset
from edge.commands import CommandGate
from edge.config.connections import BrokerConfig, LabelsConfig, TrustConfig
from edge.config.model import EdgeConfig
from edge.confusable import ConfusablePairs
from edge.counters import CounterDesk
from edge.errors import NodeError
from edge.health import birth, health
from edge.keys import load_or_create
from edge.labels.arbitration import LabelPolicy
from edge.labels.gateway import GatewayPace, LabelCounts, LabelGateway
from edge.labels.records import LabelRecords
from edge.labels.service import LabelService
from edge.memory import Memory
from edge.model_cards import embedder_sha256
from edge.orders import Orders
from edge.outbox.draft import Draft, make_draft
from edge.outbox.names import OUTBOX_FILE
from edge.outbox.store import OutboxStore
from edge.outbox.writer import OutboxWriter
from edge.perception import Perception
from edge.publisher import NodeAddress, Publisher
from edge.pulse import Pulse
from edge.site_policy import SitePolicyKeeper
from edge.values import Instant
from hardware.registry import create_labels

if TYPE_CHECKING:
    from edge.kiosk.server import KioskServer

log = logging.getLogger(__name__)

MEMORY_FILE, LOCK_FILE = "node.db", "run.lock"
_LOCAL_INTEREST = (ZoneEntered, ZoneDwelled, ZoneLeft, VisitEnded, VisitIdentified)
_TURN_S = 0.25
_POLICY_CHECK_S = 60.0


class Node:
    """Builds everything (NodeError says what is missing), runs until told to stop."""

    def __init__(self, config: EdgeConfig, clock: Clock, supervisor: Supervisor | None = None) -> None:
        self._config = config
        self._clock = clock
        self._supervisor = supervisor or Supervisor(None)
        self._pulse = Pulse(self._supervisor)
        broker, trust = _required(config)
        self._lock = _lock(config.state_dir)
        self._key = load_or_create(config.state_dir)
        self._store, self._memory = _open_state(config.state_dir, clock)
        self._pairs = ConfusablePairs(config.state_dir)
        self._policy = SitePolicyKeeper(config)
        self._address = NodeAddress(config.store, config.node)
        self._writer = OutboxWriter(self._store, clock)
        self._failed = threading.Event()
        self._documents: queue.SimpleQueue[str] = queue.SimpleQueue()
        decision = self._policy.decide(clock.now())
        if decision.reason:
            log.warning("policy: mode %s instead of %s: %s", decision.mode, decision.asked, decision.reason)
        self._labels = self._label_service()
        self._perception = Perception(config, clock, decision, self.emit, self._on_death, self._share)
        self._offset = ClockOffset()
        self._counters = CounterDesk(config.counters, config.state_dir)
        self._orders = self._make_orders(trust)
        self._kiosk = self._make_kiosk()
        self._started = clock.now()
        self._started_at = clock.monotonic()
        self._publisher = Publisher(
            broker,
            self._address,
            self._store,
            clock,
            birth=self._birth,
            handle=self._heard,
            listen=(*((local.topic(config.store, "+"),) if config.floor.share else ()), *self._counters.topics),
        )
        self._writer.listen(lambda _group: self._publisher.wake())

    @property
    def session(self) -> str:
        """The outbox's session."""
        return self._store.session

    @property
    def mode(self) -> str:
        """The granted policy mode."""
        return self._perception.decision.mode

    def run(self, stop: threading.Event, on_ready: Callable[[], None] = lambda: None) -> int:
        """Until `stop` is set (0) or a part died (1): then the supervisor starts the process anew."""
        if self._kiosk is not None:
            self._kiosk.start()
        self._writer.start()
        if self._labels is not None:
            self._labels.start()
        self._publisher.start()
        self._perception.start()
        log.info("node %s/%s: running, mode %s, session %s", self._config.store, self._config.node, self.mode,
                 self.session)  # fmt: skip
        on_ready()
        self._supervisor.ready()
        try:
            self._watch(stop)
        finally:
            self._stop()
        return 1 if self._failed.is_set() else 0

    def emit(self, reports: list[Report]) -> None:
        """Events of this node: to the outbox, and to the label gateway, which they can only make more careful."""
        drafts: list[Draft] = []
        for report in reports:
            try:
                drafts.append(make_draft(report, self._address.source, self._clock, self._offset.seconds))
            except MessageError as error:
                log.error("an event could not be sent and is lost: %s", error)
        self._writer.submit(drafts)
        local: list[Report] = [report for report in reports if isinstance(report, _LOCAL_INTEREST)]
        if local and self._labels is not None:
            self._labels.hear(local)

    def _heard(self, topic: str, payload: bytes) -> None:
        if topic.startswith(local.ROOT):
            self._perception.neighbour(topic, payload)
        elif self._counters.wants(topic):
            self._counters.take(topic, payload, Instant(self._clock.monotonic(), self._clock.now()))
        else:
            self._orders.take(topic, payload)

    def _share(self, tracks: local.FloorTracks) -> None:
        self._publisher.tell(local.topic(self._config.store, self._config.node), local.encode(tracks))

    def _watch(self, stop: threading.Event) -> None:
        period = channel_of("health").period_s or 30.0
        next_health = self._clock.monotonic()
        next_policy = next_health + _POLICY_CHECK_S
        while not stop.wait(_TURN_S) and not self._failed.is_set():
            now = self._clock.monotonic()
            self._pulse.step(now, self._beats())
            if self._labels is not None and self._labels.error is not None:
                self._failed.set()
            self._pairs.step(self._perception.gallery, now)
            counted = self._counters.tick(Instant(now, self._clock.now()))
            if counted:
                self.emit(list(counted))
            if now >= next_health and self._publisher.connected:
                next_health = now + period
                self._say_health()
            if not self._documents.empty() or now >= next_policy:
                next_policy = now + _POLICY_CHECK_S
                self._review_policy()

    def _beats(self) -> dict[str, float]:
        return {"vision": self._perception.beat, "outbox": self._writer.beat, "publisher": self._publisher.beat}

    def _say_health(self) -> None:
        counts = LabelCounts(0, 0, 0) if self._labels is None else self._labels.counts()
        refused, uptime = self._orders.refused(), self._clock.monotonic() - self._started_at
        backlog, shed = self._store.backlog(), self._writer.events_shed
        self._publisher.say(health(self._perception, backlog, counts, refused, self._config.state_dir, uptime, shed))

    def _review_policy(self) -> None:
        """A new document arrived, or the one in force ran out. Nobody is recognised on an expired policy."""
        now = self._clock.now()
        news = False
        while not self._documents.empty():
            news |= self._policy.receive(self._documents.get(), now) is not None
        if not news and not self._perception.decision.expired(now):
            return
        decision = self._policy.decide(now)
        if decision == self._perception.decision:
            return
        self._perception.apply(decision)
        self._publisher.say(self._birth())

    def _birth(self) -> Status:
        return birth(self._config, self._store.session, self._key, self._perception.decision, self._started)

    def _on_death(self, error: BaseException) -> None:
        log.critical("node: the vision thread died (%s); stopping, to be started anew", type(error).__name__)
        self._failed.set()

    def _make_orders(self, trust: TrustConfig) -> Orders:
        signing = base64.b64decode(trust.central_signing_key)
        gate = CommandGate(self._config.store, self._config.node, signing, self._memory)
        return Orders(
            gate, self._store, self._perception, self._labels, self._key, embedder_sha256(self._config), self._clock,
            on_policy=self._documents.put, offset=self._offset,
        )  # fmt: skip

    def _make_kiosk(self) -> KioskServer | None:
        kiosk = self._config.kiosk
        if kiosk is None:
            return None
        from edge.kiosk.desk import Desk
        from edge.kiosk.host import NodeHost
        from edge.kiosk.server import KioskServer

        host = NodeHost(self._perception, self._config.recognition)
        return KioskServer(kiosk, Desk(self._config, kiosk, host, self._clock))

    def _label_service(self) -> LabelService | None:
        labels = self._config.labels
        return None if labels is None else LabelService(lambda: self._make_gateway(labels))

    def _make_gateway(self, labels: LabelsConfig) -> LabelGateway:
        watched = any(camera.role == "floor" and camera.homography is not None for camera in self._config.cameras)
        zones = frozenset(zone.id for zone in self._config.zones) if watched else frozenset()
        return LabelGateway(
            labels.map,
            create_labels(labels.source, self._clock),
            LabelRecords(self._memory),
            self._clock,
            self.emit,
            observed_zones=zones,
            policy=LabelPolicy(labels.reserve_s, labels.min_refresh_s),
            pace=GatewayPace(flash_s=labels.flash_s),
        )

    def _stop(self) -> None:
        log.info("node: stopping")
        self._supervisor.stopping()
        if self._kiosk is not None:
            self._kiosk.stop()
        self._perception.stop()
        self._pairs.forget()
        if self._labels is not None:
            self._labels.stop()
        self._writer.stop()
        self._publisher.stop()
        self._store.close()
        self._memory.close()
        self._lock.close()
        log.info("node: stopped")


def _required(config: EdgeConfig) -> tuple[BrokerConfig, TrustConfig]:
    if config.broker is None:
        raise NodeError("broker: this section is required to run; give it `urls: [mqtt://HOST:PORT]`")
    if config.trust is None:
        raise NodeError("trust: this section is required to run; print it with `python -m central keys`")
    return config.broker, config.trust


def _lock(state_dir: Path) -> IO[str]:
    """One running node to a state directory: two would answer each other's receipts."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        file = (state_dir / LOCK_FILE).open("w", encoding="ascii")
    except OSError as error:
        raise NodeError(
            f"state_dir: {error.filename}: {error.strerror}; choose a directory this user may write to"
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise NodeError(
            f"state_dir: {state_dir} is in use by another running node; stop it or choose another"
        ) from None
    return file


def _open_state(state_dir: Path, clock: Clock) -> tuple[OutboxStore, Memory]:
    try:
        return OutboxStore(state_dir / OUTBOX_FILE, clock), Memory(state_dir / MEMORY_FILE)
    except sqlite3.Error as error:
        raise NodeError(
            f"state_dir: {state_dir}: the databases cannot be opened ({error}); check free space and permissions"
        ) from None
