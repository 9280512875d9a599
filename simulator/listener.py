"""A second subscriber of the store's bus: what the node said, deduplicated as central does, for the report."""

from __future__ import annotations

import logging
import secrets
import threading
from dataclasses import dataclass

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from contract.channels import subscription
from contract.codec import Message, decode
from contract.errors import MessageError
from contract.events import LabelState, VisitIdentified, ZoneLeft
from contract.state import Health
from simulator.observations import FrameCounts

log = logging.getLogger(__name__)
_HEARD = ("zone.left", "label.state", "health", "visit.identified")


@dataclass(frozen=True, slots=True)
class Shown:
    """A label reported a personal price on the glass."""

    label: str
    quote: str
    price: int | None
    after_s: float


class BusListener:
    """Runs on paho's thread; read the results when it is stopped, or copy them."""

    def __init__(self, host: str, port: int, store: str) -> None:
        self._address = (host, port)
        self._store = store
        self._lock = threading.Lock()
        self._known: set[tuple[str | None, int | None]] = set()
        self._frames = [FrameCounts()]
        self._uptime = 0.0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"simulator-{secrets.token_hex(4)}")
        self._client.reconnect_delay_set(1, 2)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self.stays: list[ZoneLeft] = []
        self.shown: list[Shown] = []
        self.identified: list[VisitIdentified] = []
        self.unreadable = 0

    def start(self) -> None:
        self._client.connect_async(*self._address, keepalive=10)
        self._client.loop_start()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def frames(self) -> FrameCounts:
        """Frames over all lives of the edge, as of the last health report of each."""
        return FrameCounts(
            sum(life.captured for life in self._frames),
            sum(life.processed for life in self._frames),
            sum(life.dropped for life in self._frames),
        )

    def _on_connect(
        self,
        client: mqtt.Client,
        userdata: object,
        flags: mqtt.ConnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if not code.is_failure:
            client.subscribe([(subscription(kind, self._store), 1) for kind in _HEARD])

    def _on_message(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        try:
            heard = decode(message.topic, bytes(message.payload))
        except MessageError as error:
            self.unreadable += 1
            log.warning("bus: %s", error)
            return
        with self._lock:
            self.hear(heard)

    def hear(self, heard: Message) -> None:
        """Take one message; a repeated event changes nothing."""
        envelope, data = heard.envelope, heard.data
        if heard.channel.durable:
            key = (envelope.session, envelope.sequence)
            if key in self._known:
                return
            self._known.add(key)
        if isinstance(data, ZoneLeft):
            self.stays.append(data)
        elif isinstance(data, VisitIdentified):
            self.identified.append(data)
        elif isinstance(data, LabelState):
            if data.state == "shown" and data.variant == "personal" and data.quote is not None:
                self.shown.append(Shown(data.label, data.quote, data.price, data.after_s))
        elif isinstance(data, Health):
            self._count(data)

    def _count(self, health: Health) -> None:
        if health.uptime_s < self._uptime:
            self._frames.append(FrameCounts())
        self._uptime = health.uptime_s
        self._frames[-1] = FrameCounts(
            sum(camera.captured for camera in health.cameras),
            sum(camera.processed for camera in health.cameras),
            sum(camera.dropped for camera in health.cameras),
        )
