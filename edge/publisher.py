"""The thread that brings the outbox to the broker and the broker's commands to the node."""

from __future__ import annotations

import logging
import queue
import random
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from contract.channels import Address, channel_for, kinds, subscription
from contract.clock import Clock
from contract.codec import Envelope, encode
from contract.state import Health, Status
from contract.values import Report
from edge.config.connections import BrokerConfig
from edge.connection import ConnectError, Connection, Will
from edge.outbox.store import OutboxReplacedError, OutboxStore
from edge.window import Window, WindowPolicy
from hardware.backoff import Backoff, BackoffPolicy

log = logging.getLogger(__name__)

Handler = Callable[[str, bytes], None]
_MOST_WORDS = 50
POLL_S = 0.5
"""How often another process's appends are looked for."""


@dataclass(frozen=True, slots=True)
class PublisherPolicy:
    """Pace of sending and of reconnecting."""

    window: WindowPolicy = field(default_factory=WindowPolicy)
    reconnect: BackoffPolicy = field(default_factory=BackoffPolicy)


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """Who we are on the wire."""

    store: str
    node: str

    def topic(self, kind: str) -> str:
        """MQTT topic of a kind of this node."""
        return Address(self.store, self.node, kind).topic

    @property
    def source(self) -> str:
        """CloudEvents source of this node."""
        return f"/{self.store}/{self.node}"


def state_message(report: Report, address: NodeAddress, clock: Clock) -> tuple[str, bytes]:
    """Topic and payload of a state report (status, health): no session, no sequence, nothing stored."""
    channel = channel_for(report)
    envelope = Envelope(id=uuid.uuid4().hex, source=address.source, type=channel.event_type, time=clock.now())
    return address.topic(channel.kind), encode(envelope, report)


class Publisher:
    """Connects, publishes what has no receipt, hands messages to `handle` (which must not raise), reconnects.

    `birth` gives the status to announce on every connection. Events leave the outbox only through its receipts.
    """

    def __init__(
        self,
        broker: BrokerConfig,
        address: NodeAddress,
        store: OutboxStore,
        clock: Clock,
        *,
        birth: Callable[[], Status],
        handle: Handler,
        policy: PublisherPolicy = PublisherPolicy(),
        listen: tuple[str, ...] = (),
    ) -> None:
        self._broker = broker
        self._address = address
        self._store = store
        self._clock = clock
        self._birth = birth
        self._handle = handle
        self._policy = policy
        self._listen = listen
        self._words: queue.Queue[tuple[str, bytes]] = queue.Queue(_MOST_WORDS)
        self._window = Window(policy.window)
        self._session = store.session
        self._states: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._flush_until: float | None = None
        self._backoff = Backoff(policy.reconnect, clock)
        self._server = 0
        self._was_connected: bool | None = None
        self.connected = False
        self.connections = 0
        self.beat = clock.monotonic()
        """Monotonic time of the last turn of this thread; connecting may take a minute."""
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        """Start connecting."""
        self._thread.start()

    def wake(self) -> None:
        """Something was committed: look now. Any thread."""
        self._wake.set()

    def say(self, report: Status | Health) -> None:
        """Publish a state report; dropped while there is no broker (the next birth or period replaces it)."""
        if self.connected:
            self._states.put(report)
            self._wake.set()

    def tell(self, topic: str, payload: bytes) -> None:
        """Say something that is out of date in a moment (contract.local); dropped while there is no broker."""
        if self.connected:
            with suppress(queue.Full):
                self._words.put_nowait((topic, payload))
            self._wake.set()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Publish what is left and the offline status, wait for the broker to take it, at most `timeout_s`."""
        self._flush_until = self._clock.monotonic() + timeout_s
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout_s + 2.0)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._turn()
            connection = self._connect()
            if connection is None:
                self._pause()
                continue
            self._serve(connection)
            connection.close()
            self.connected = False

    def _turn(self) -> None:
        self.beat = self._clock.monotonic()

    def _pause(self) -> None:
        self._turn()
        self._stopping.wait(self._backoff.failed())

    def _connect(self) -> Connection | None:
        url = self._broker.urls[self._server % len(self._broker.urls)]
        self._server += 1
        client_id = f"vitrina-{self._address.store}-{self._address.node}"
        will = Will(*state_message(Status(state="offline", session=self._store.session), self._address, self._clock))
        topics = [subscription(row.kind, self._address.store, self._address.node) for row in kinds("down")]
        topics += self._listen
        try:
            connection = Connection(self._broker, url, client_id, will, self._wake.set)
            connection.open(topics, self._policy.window.size)
        except ConnectError as error:
            self._note_lost(str(error))
            return None
        self._backoff.connected()
        self._note_connected(url)
        return connection

    def _serve(self, connection: Connection) -> None:
        self._announce(connection)
        while (reason := connection.lost) is None:
            self._turn()
            self._wake.clear()
            self._receive(connection)
            self._send_states(connection)
            self._send_events(connection)
            if self._stopping.is_set() and self._finish(connection):
                return
            self._wake.wait(self._pause_length())
        self._receive(connection)
        self._note_lost(reason)
        self._pause()

    def _announce(self, connection: Connection) -> None:
        self._session = self._store.session
        self._window = self._window.reconnected(self._store.watermark)
        topic, payload = state_message(self._birth(), self._address, self._clock)
        connection.publish(topic, payload, retain=True)
        self.connected = True

    def _receive(self, connection: Connection) -> None:
        while True:
            try:
                topic, payload = connection.inbox.get_nowait()
            except queue.Empty:
                return
            self._handle(topic, payload)

    def _send_states(self, connection: Connection) -> None:
        while not self._words.empty():
            connection.tell(*self._words.get())
        while not self._states.empty():
            report = self._states.get()
            topic, payload = state_message(report, self._address, self._clock)
            connection.publish(topic, payload, retain=channel_for(report).retain)

    def _send_events(self, connection: Connection) -> None:
        if self._store.session != self._session:
            self._announce(connection)
        now = self._clock.monotonic()
        window = self._window.receipted(self._store.watermark, now, random.random()).tick(now)
        try:
            rows = self._store.read(window.cursor, window.room()) if window.room() else []
        except OutboxReplacedError:
            rows = []
            self._wake.set()
        for row in rows:
            if not connection.publish(self._address.topic(row.kind), row.payload):
                break
            window = window.sent(row.sequence, now, random.random())
        self._window = window
        if rows and window.room():
            self._wake.set()

    def _pause_length(self) -> float:
        if self._window.resend_at is None:
            return POLL_S
        return min(POLL_S, max(0.01, self._window.resend_at - self._clock.monotonic()))

    def _finish(self, connection: Connection) -> bool:
        """On stop: once everything was published (or time is up) say offline, so that the will is not needed."""
        left = max(0.1, (self._flush_until or 0.0) - self._clock.monotonic())
        if self._store.read(self._window.cursor, 1) and self._window.room() and left > 0.1:
            return False
        offline = Status(state="offline", session=self._store.session)
        connection.publish_and_wait(*state_message(offline, self._address, self._clock), timeout_s=left)
        return True

    def _note_connected(self, url: str) -> None:
        self.connections += 1
        if self._was_connected is not True:
            log.info("broker %s: connected", url)
        self._was_connected = True

    def _note_lost(self, reason: str) -> None:
        self.connected = False
        if self._was_connected is not False:
            log.warning("broker lost: %s; events wait in the outbox, trying again", reason)
        self._was_connected = False
