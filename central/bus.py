"""The MQTT connection: a paho thread on one side, an asyncio queue on the other, with back-pressure between them.

When the queue is full the thread stops reading its socket: the broker holds back, and whatever it drops meanwhile the
edges send again, for they forget nothing without a receipt.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import secrets
import ssl
import sys
import threading
from collections.abc import Callable

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from central.ingest.batch import Arrived
from central.settings import BrokerAddress
from contract.channels import kinds, subscription
from contract.clock import Clock

log = logging.getLogger(__name__)
CAPACITY = 5000
KEEPALIVE_S = 30
_DOWN = frozenset(row.kind for row in kinds("down"))


class Bus:
    """`start`, then `take` batches and `send` commands. `connected` may be asked from anywhere."""

    def __init__(self, address: BrokerAddress, clock: Clock, tls: ssl.SSLContext | None = None) -> None:
        self._address = address
        self._tls = tls
        self._clock = clock
        self._inbox: queue.Queue[Arrived] = queue.Queue(CAPACITY)
        self._closing = threading.Event()
        self._something = asyncio.Event()
        self._first = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lost = False
        self.connected = False
        self.dropped_sends = 0
        self.fault = "nothing answers"
        """Why there is no connection yet."""
        self._client = self._make_client()

    def _make_client(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"central-{secrets.token_hex(6)}", clean_session=True
        )
        if self._address.username is not None:
            client.username_pw_set(self._address.username, self._address.password)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        client.reconnect_delay_set(1, 3)
        client.max_inflight_messages_set(200)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_connect_fail = self._on_connect_fail
        client.on_message = self._on_message
        return client

    @property
    def url(self) -> str:
        """Where the broker is, without a password."""
        return self._address.public

    @property
    def depth(self) -> int:
        """Messages waiting for the worker."""
        return self._inbox.qsize()

    def start(self) -> None:
        """Connect in the background; a broker that is not there yet is tried for ever, with backoff."""
        self._loop = asyncio.get_running_loop()
        self._client.connect_async(self._address.host, self._address.port, KEEPALIVE_S)
        self._client.loop_start()

    async def wait_connected(self, seconds: float) -> bool:
        """Whether the first connection was made in time."""
        try:
            await asyncio.wait_for(self._first.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """Leave the broker; what is still in the queue is not lost, it was not receipted."""
        self._closing.set()
        await asyncio.to_thread(self._leave)

    def _leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    async def take(self, limit: int) -> list[Arrived]:
        """What arrived, in order; waits for the first message."""
        while True:
            self._something.clear()
            taken = self._drain(limit)
            if taken:
                return taken
            await self._something.wait()

    def _drain(self, limit: int) -> list[Arrived]:
        taken: list[Arrived] = []
        try:
            while len(taken) < limit:
                taken.append(self._inbox.get_nowait())
        except queue.Empty:
            pass
        return taken

    def send(self, topic: str, payload: bytes) -> bool:
        """Publish with QoS 1; False (and counted) while there is no connection: durable commands come again."""
        if not self.connected:
            self.dropped_sends += 1
            return False
        return self._client.publish(topic, payload, qos=1).rc == mqtt.MQTT_ERR_SUCCESS

    def _tell(self, action: Callable[[], None]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(action)

    def _on_connect(
        self,
        client: mqtt.Client,
        userdata: object,
        flags: mqtt.ConnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if code.is_failure:
            self.fault = f"it refuses us: {code}"
            self._note_loss(str(code))
            return
        # Every kind, the unknown ones of a newer edge too: they are quarantined and receipted, not left to block it.
        client.subscribe(subscription("+"), qos=1)
        self.connected = True
        if self._lost:
            log.warning("broker %s: connected again", self._address.public)
        self._lost = False
        self._tell(self._first.set)

    def _on_disconnect(
        self,
        client: mqtt.Client,
        userdata: object,
        flags: mqtt.DisconnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self.connected = False
        if not self._closing.is_set():
            self.fault = f"it ended the connection: {code}"
            self._note_loss(str(code))

    def _on_connect_fail(self, client: mqtt.Client, userdata: object) -> None:
        self.fault = _fault(sys.exception())  # paho calls this while it handles what went wrong
        self._note_loss(self.fault)

    def _note_loss(self, why: str) -> None:
        if not self._lost:
            log.error("broker %s: not connected (%s); check that it runs; trying again", self._address.public, why)
        self._lost = True

    def _on_message(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        if message.topic.rpartition("/")[2] in _DOWN:
            return
        arrived = Arrived(message.topic, bytes(message.payload), self._clock.now())
        while not self._closing.is_set():
            try:
                self._inbox.put(arrived, timeout=0.5)
            except queue.Full:
                continue
            self._tell(self._something.set)
            return


def _fault(error: BaseException | None) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    return "nothing answers"
