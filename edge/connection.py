"""One MQTT connection, from connect to loss. A lost one is thrown away: the outbox remembers what to send, not paho."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from contract import local
from edge.config.connections import BrokerConfig, broker_address

HANDSHAKE_S = 10.0
MAX_WAITING_MESSAGES = 2000


class ConnectError(Exception):
    """The broker could not be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says for us when we vanish."""

    topic: str
    payload: bytes


def _without_delay(_client: mqtt.Client, _userdata: object, opened: object) -> None:
    """Nagle's algorithm would hold an event back until the broker's delayed ACK, up to 40 ms (RFC 896, RFC 1122)."""
    if isinstance(opened, socket.socket):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _tls(broker: BrokerConfig) -> ssl.SSLContext:
    """TLS 1.2 or newer; the broker's name is checked. Read for each connection: a renewed one counts at once."""
    context = ssl.create_default_context(cafile=None if broker.ca is None else str(broker.ca))
    if broker.cert is not None and broker.key is not None:
        context.load_cert_chain(broker.cert, broker.key, password="")  # an encrypted key is refused: nobody is asked
    return context


class Connection:
    """A connected, subscribed client. `wake` is called from paho's thread whenever something happened."""

    def __init__(
        self, broker: BrokerConfig, url: str, client_id: str, will: Will | None, wake: Callable[[], None]
    ) -> None:
        self._host, self._port, tls = broker_address(url)
        self._anonymous = tls and broker.cert is None
        self._keepalive = broker.keepalive_s
        self._wake = wake
        self._connected = threading.Event()
        self._subscribed = threading.Event()
        self._lost = threading.Event()
        self._reason = ""
        self.inbox: queue.Queue[tuple[str, bytes]] = queue.Queue(MAX_WAITING_MESSAGES)
        self.overrun = 0
        """Messages dropped because they came faster than they were handled."""
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id, clean_session=True, reconnect_on_failure=False
        )
        self._client.connect_timeout = HANDSHAKE_S / 2
        if will is not None:
            self._client.will_set(will.topic, will.payload, qos=1, retain=True)
        self._credentials(broker, tls)
        self._client.on_socket_open = _without_delay
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def _credentials(self, broker: BrokerConfig, tls: bool) -> None:
        try:
            if broker.username is not None:
                path = broker.password_file
                password = path.read_text(encoding="utf-8").strip() if path is not None else None
                self._client.username_pw_set(broker.username, password)
            if tls:
                self._client.tls_set_context(_tls(broker))
        except (OSError, ValueError, ssl.SSLError) as error:
            message = f"broker credentials: {error}; check password_file, ca, cert and key in section `broker`"
            raise ConnectError(message) from None

    def open(self, topics: list[str], window: int) -> None:
        """Connect and subscribe; ConnectError otherwise. Returns only once the broker granted the subscriptions."""
        self._client.max_inflight_messages_set(window)
        self._client.max_queued_messages_set(0)
        try:
            self._client.connect(self._host, self._port, self._keepalive)
        except ssl.SSLCertVerificationError as error:
            said = f"{self._host}:{self._port}: the broker's certificate is not trusted: {error.verify_message}"
            raise ConnectError(
                f"{said}; check `ca` and the name in `urls` of section `broker`, and the clock"
            ) from None
        except (OSError, ValueError, ssl.SSLError) as error:
            raise ConnectError(f"{self._host}:{self._port}: {error}") from None
        self._client.loop_start()
        self._await(self._connected, "no answer to CONNECT")
        self._client.subscribe([(topic, local.QOS if topic.startswith(local.ROOT) else 1) for topic in topics])
        self._await(self._subscribed, "no answer to SUBSCRIBE")

    def _await(self, event: threading.Event, otherwise: str) -> None:
        if not event.wait(HANDSHAKE_S) or self._lost.is_set():
            self.close()
            advice = "; it may want this node's `cert` and `key`" if self._anonymous else ""
            raise ConnectError(f"{self._host}:{self._port}: {self._reason or otherwise}{advice}")

    def tell(self, topic: str, payload: bytes) -> None:
        """Publish at most once (QoS 0); lost without harm."""
        self._client.publish(topic, payload, qos=local.QOS)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Hand over a QoS 1 message; False when the connection is gone."""
        info = self._client.publish(topic, payload, qos=1, retain=retain)
        return info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def publish_and_wait(self, topic: str, payload: bytes, timeout_s: float) -> bool:
        """Publish a retained message and wait for the broker's PUBACK, and so for everything sent before it."""
        info = self._client.publish(topic, payload, qos=1, retain=True)
        try:
            info.wait_for_publish(timeout_s)
        except (RuntimeError, ValueError):
            return False
        return info.is_published()

    @property
    def lost(self) -> str | None:
        """Why the connection is gone; None while it lives."""
        return (self._reason or "connection lost") if self._lost.is_set() else None

    def close(self) -> None:
        """Say good-bye and end paho's thread."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self, _c: mqtt.Client, _u: object, _f: mqtt.ConnectFlags, code: ReasonCode, _p: Properties | None
    ) -> None:
        if code.is_failure:
            self._reason = f"the broker refuses this node ({code}); check username, password and its access list"
            self._lost.set()
        self._connected.set()

    def _on_connect_fail(self, _client: mqtt.Client, _userdata: object) -> None:
        self._reason = self._reason or "connection failed"
        self._end()

    def _on_disconnect(
        self, _c: mqtt.Client, _u: object, _f: mqtt.DisconnectFlags, code: ReasonCode, _p: Properties | None
    ) -> None:
        self._reason = self._reason or f"disconnected ({code})"
        self._end()

    def _end(self) -> None:
        self._lost.set()
        self._connected.set()
        self._subscribed.set()
        self._wake()

    def _on_subscribe(
        self, _c: mqtt.Client, _u: object, _mid: int, codes: list[ReasonCode], _p: Properties | None
    ) -> None:
        if any(code.is_failure for code in codes):
            self._reason = "the broker refuses a subscription; check this node's access list"
            self._lost.set()
        self._subscribed.set()

    def _on_message(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        try:
            self.inbox.put_nowait((message.topic, bytes(message.payload)))
        except queue.Full:
            self.overrun += 1
        self._wake()
