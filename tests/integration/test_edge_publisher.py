"""The publisher against real brokers and a central that loses receipts: nothing is lost, everything is receipted."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from iotcore import Broker
from paho.mqtt.enums import CallbackAPIVersion

from central.broker import configuration, free_port
from contract.channels import Address
from contract.clock import SystemClock
from contract.codec import Envelope, decode, encode
from contract.commands import Receipt
from contract.events import VisitStarted, ZoneEntered
from contract.state import Status
from edge.config.connections import BrokerConfig
from edge.outbox.draft import make_draft
from edge.outbox.store import OutboxStore
from edge.outbox.writer import OutboxWriter
from edge.publisher import NodeAddress, Publisher, PublisherPolicy
from edge.window import WindowPolicy
from hardware.backoff import BackoffPolicy

NODE = NodeAddress("demo", "node1")
AT = datetime(2026, 1, 1, tzinfo=UTC)
QUICK = PublisherPolicy(
    WindowPolicy(size=100, probe=20, patience=BackoffPolicy(first_s=0.4, factor=1.5, limit_s=2, jitter=0.2)),
    BackoffPolicy(first_s=0.1, factor=1.5, limit_s=0.5, jitter=0.5, stable_s=0.5),
)


def wait_for(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "not within the time allowed"
        time.sleep(0.02)


class Iotcore:
    """The embedded broker, killable."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._file = folder / "broker.toml"
        self._file.write_text(configuration(self.port))
        self.start()

    def start(self) -> None:
        self._broker = Broker(config_path=str(self._file)).start()

    def kill(self) -> None:
        process = self._broker._process
        assert process is not None
        process.kill()
        process.wait()
        self._broker.stop()

    stop = kill


class Mosquitto:
    """Debian's broker, killable."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
        if program is None:
            pytest.skip("mosquitto is not installed (apt-get install mosquitto): its half of the test is left out")
        self.port = free_port()
        self._command = [program, "-c", str(folder / "mosquitto.conf")]
        (folder / "mosquitto.conf").write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0, 10)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    stop = kill


@pytest.fixture(params=[Iotcore, Mosquitto], ids=["iotcore", "mosquitto"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Iotcore | Mosquitto]:
    running = request.param(tmp_path)
    yield running
    running.stop()


class FakeCentral:
    """Takes events, keeps a mark and a set above it, and is unreliable: ignores events and loses receipts at times."""

    def __init__(self, port: int, *, ignore_every: int = 0) -> None:
        self._port = port
        self._ignore_every = ignore_every
        self._arrivals = 0
        self.seen: Counter[int] = Counter()
        self.visits: set[str] = set()
        self.births: list[Status] = []
        self.offline = 0
        self._lock = threading.Lock()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "central", clean_session=True)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("vitrina/v1/+/+/#", 1)
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _on_message(self, _client: mqtt.Client, _userdata: object, raw: mqtt.MQTTMessage) -> None:
        if raw.topic.endswith("/receipt"):
            return
        message = decode(raw.topic, bytes(raw.payload))
        if isinstance(message.data, Status):
            self.births.append(message.data)
            self.offline += message.data.state == "offline"
            self.receipt(message.data.session)
            return
        self._arrivals += 1
        if self._ignore_every and self._arrivals % self._ignore_every == 0:
            return
        assert message.envelope.sequence is not None
        assert message.envelope.session is not None
        with self._lock:
            self.seen[message.envelope.sequence] += 1
        if isinstance(message.data, VisitStarted):
            self.visits.add(message.data.visit)
        if self._arrivals % 7 == 0:
            self.receipt(message.envelope.session)

    def mark(self) -> int:
        high = 0
        while high + 1 in self.seen:
            high += 1
        return high

    def receipt(self, session: str) -> None:
        high = self.mark()
        also = tuple(sorted(n for n in self.seen if n > high))[:256]
        data = Receipt(session=session, sequence=high, also=also)
        envelope = Envelope(id="r", source="/central", type="com.vitrina.v1.receipt", time=datetime.now(UTC))
        self._client.publish(Address("demo", "node1", "receipt").topic, encode(envelope, data), qos=1)

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Node:
    """Outbox, writer and publisher, as the node assembles them."""

    def __init__(self, folder: Path, urls: list[str]) -> None:
        clock = SystemClock()
        self.store = OutboxStore(folder / "outbox.db", clock)
        self.writer = OutboxWriter(self.store, clock)
        self.commands: list[tuple[str, bytes]] = []
        self.publisher = Publisher(
            BrokerConfig(urls=tuple(urls)), NODE, self.store, clock,
            birth=lambda: Status(state="online", session=self.store.session),
            handle=self._handle, policy=QUICK,
        )  # fmt: skip
        self.writer.listen(lambda _group: self.publisher.wake())
        self.writer.start()
        self.publisher.start()

    def _handle(self, topic: str, payload: bytes) -> None:
        message = decode(topic, payload)
        if isinstance(message.data, Receipt):
            self.store.acknowledge(message.data.session, message.data.sequence, message.data.also)
        else:
            self.commands.append((topic, payload))

    def emit(self, name: str) -> None:
        report = VisitStarted(visit=name, method="qr", device="door", at=AT)
        self.writer.submit([make_draft(report, NODE.source, SystemClock())])

    def stop(self) -> None:
        self.writer.stop()
        self.publisher.stop()
        self.store.close()


def test_a_broker_killed_again_and_again_loses_nothing(broker: Iotcore | Mosquitto, tmp_path: Path) -> None:
    central = FakeCentral(broker.port, ignore_every=11)
    node = Node(tmp_path, [f"mqtt://127.0.0.1:{broker.port}"])
    total = 0
    for _ in range(3):
        for _ in range(120):
            total += 1
            node.emit(f"v{total}")
            time.sleep(0.001)
        broker.kill()
        for _ in range(40):
            total += 1
            node.emit(f"v{total}")
        broker.start()
    wait_for(lambda: node.store.backlog().depth == 0, 40)
    assert central.visits == {f"v{n}" for n in range(1, total + 1)}
    assert central.mark() == total
    assert max(central.seen.values()) > 1  # the test did provoke resends
    node.stop()
    central.stop()


def test_birth_will_and_a_clean_end(broker: Iotcore | Mosquitto, tmp_path: Path) -> None:
    central = FakeCentral(broker.port)
    node = Node(tmp_path, [f"mqtt://127.0.0.1:{broker.port}"])
    wait_for(lambda: bool(central.births))
    assert central.births[0].state == "online"
    assert central.births[0].session == node.store.session
    for n in range(30):
        node.emit(f"v{n}")
    node.stop()
    wait_for(lambda: central.births[-1].state == "offline")
    assert len(central.visits) == 30  # what was committed left before the good-bye
    central.stop()


def test_a_node_kicked_off_by_its_own_name_comes_back(broker: Iotcore | Mosquitto, tmp_path: Path) -> None:
    central = FakeCentral(broker.port)
    node = Node(tmp_path, [f"mqtt://127.0.0.1:{broker.port}"])
    wait_for(lambda: node.publisher.connected and bool(central.births))
    taken_over = mqtt.Client(CallbackAPIVersion.VERSION2, "vitrina-demo-node1", reconnect_on_failure=False)
    taken_over.connect("127.0.0.1", broker.port)  # the same client id kicks the node
    taken_over.loop_start()
    wait_for(lambda: node.publisher.connections >= 2)
    node.emit("after")
    wait_for(lambda: "after" in central.visits)
    taken_over.loop_stop()
    node.stop()
    central.stop()


def test_it_turns_to_the_next_server_and_logs_the_loss_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "edge.publisher")
    dead = free_port()
    running = Iotcore(tmp_path)
    node = Node(tmp_path, [f"mqtt://127.0.0.1:{dead}", f"mqtt://127.0.0.1:{running.port}"])
    wait_for(lambda: node.publisher.connected)
    running.kill()
    wait_for(lambda: not node.publisher.connected)
    time.sleep(1.5)
    running.start()
    wait_for(lambda: node.publisher.connected)
    node.stop()
    running.stop()
    lines = [record.message for record in caplog.records]
    assert sum("broker lost" in line for line in lines) == 2  # the dead one at first, then the killed one
    assert sum("connected" in line and "lost" not in line for line in lines) == 2


def test_another_process_appends_and_the_running_node_sends_it(tmp_path: Path) -> None:
    running = Iotcore(tmp_path)
    central = FakeCentral(running.port)
    node = Node(tmp_path, [f"mqtt://127.0.0.1:{running.port}"])
    wait_for(lambda: node.publisher.connected)
    other = OutboxStore(tmp_path / "outbox.db", SystemClock())
    other.append([make_draft(ZoneEntered(track="t", zone="z", at=AT), NODE.source, SystemClock())])
    other.close()
    wait_for(lambda: central.seen[1] > 0)
    node.stop()
    central.stop()
    running.stop()
