"""Two nodes of one store on a real mosquitto with Ansible's access list: whoever walks from the camera of the one to
that of the other is one person, and nobody outside of the store hears where people are."""

from __future__ import annotations

import itertools
import json
import logging
import math
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from central.broker import free_port
from contract import local
from contract.clock import SystemClock
from contract.codec import Message, decode
from contract.events import FloorOccupancy, LineCrossed, VisitIdentified, ZoneEntered, ZoneLeft
from contract.state import Health
from edge.config import EdgeConfig, parse_config
from edge.engines import Engines
from edge.node import Node
from edge.values import Image
from hardware.cameras.simulated import SimulatedCamera
from models.detections import Detections
from simulator.scenes.pinhole import Pinhole
from simulator.simulated_checkin import Customers
from tests.integration.role_broker import RoleBroker, mosquitto, wait

NODES = [("shop", "node-1"), ("shop", "node-2"), ("shop", "node-3"), ("shop", "listener"), ("mall", "node-1")]
SIZE = (1280, 720)
FPS = 10.0
SPEED = 1.6
VIEWS = {
    name: Pinhole((x, 0.05, 2.9), math.radians(20), 0.586 * SIZE[0], SIZE)
    for name, x in (("node-1", 3.0), ("node-2", 7.0), ("node-3", 7.0))
}
SEES = {"node-1": (0.0, 6.0), "node-2": (4.0, 10.0), "node-3": (4.0, 10.0)}
"""Metres along the shop; from 4 to 6 both nodes of the right time see."""
CLOCK_WRONG_S = 2.0
ANNA_Y = 3.8
Kind = TypeVar("Kind")


def until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


class Brokers(RoleBroker):
    """The store's, as Ansible sets it up, and one above it to which everything on the wire is bridged."""

    def __init__(self, folder: Path, binary: str) -> None:
        self.above = free_port()
        bridge = f"\nconnection above\naddress 127.0.0.1:{self.above}\ntopic vitrina/v1/# out 1\n"
        super().__init__(folder, binary, NODES, bridge)

    def start(self) -> None:
        (self.folder / "above.conf").write_text(f"listener {self.above} 127.0.0.1\nallow_anonymous true\nuser root\n")
        self.run("above.conf", self.above)
        super().start()


class Ear:
    """A connected account that asks for everything and notes what it gets."""

    def __init__(self, brokers: Brokers, user: str, *, above: bool = False) -> None:
        self.got: list[tuple[str, bytes]] = []
        ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, f"ear-{user}")
        if not above:
            self._client.username_pw_set(user, brokers.password(user))
        self._client.on_message = lambda _c, _u, message: self.got.append((message.topic, bytes(message.payload)))
        filters = ["#", "vitrina/v1/+/+/+", f"{local.ROOT}/#", local.topic("shop", "+"), local.topic("shop", "node-1")]
        self._client.on_connect = lambda client, *_: client.subscribe([(topic, 1) for topic in filters])
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.connect("127.0.0.1", brokers.above if above else brokers.port, 30)
        self._client.loop_start()
        assert ready.wait(10)

    def local(self) -> list[bytes]:
        return [payload for topic, payload in list(self.got) if topic.startswith(local.ROOT)]

    def events(self, node: str) -> list[Message]:
        """Of one node, each once."""
        found = {}
        for topic, payload in list(self.got):
            message = decode(topic, payload)
            if message.channel.direction == "up" and topic.split("/")[3] == node:
                found[message.envelope.id] = message
        return list(found.values())

    def of(self, node: str, kind: type[Kind]) -> list[Kind]:
        return [message.data for message in self.events(node) if isinstance(message.data, kind)]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Wire:
    """Between a node and the broker; it can be cut, and mended."""

    def __init__(self, target: int) -> None:
        self._target, self._whole, self._open = target, True, []  # type: ignore[var-annotated]
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._whole = False
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def mend(self) -> None:
        self._whole = True

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self._whole:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            end.close()


@dataclass(frozen=True)
class Walk:
    """Where somebody is: (monotonic second, metres along, metres across), straight and even between; else nowhere."""

    points: tuple[tuple[float, float, float], ...]

    def at(self, t: float) -> tuple[float, float] | None:
        times, xs, ys = zip(*self.points, strict=True)
        if not times[0] <= t <= times[-1]:
            return None
        # Nobody stands like a post, and who does is taken for one.
        return float(np.interp(t, times, xs)), float(np.interp(t, times, ys)) + 0.12 * math.sin(2 * t)


@dataclass
class Eyes:
    """The person detector of one node's camera: the bodies that its strip of the shop holds now, exactly."""

    node: str
    people: list[Walk] = field(default_factory=list)

    def detect(self, frame: Image) -> Detections:
        now, (low, high), boxes = time.monotonic(), SEES[self.node], []
        for walk in list(self.people):
            place = walk.at(now)
            if place is not None and low <= place[0] <= high:
                foot, crown = VIEWS[self.node].project([(*place, 0.0), (*place, 1.75)])
                boxes.append((foot[0] - 45, crown[1], foot[0] + 45, foot[1]))
        if not boxes:
            return Detections.empty()
        return Detections(np.array(boxes, np.float32), np.full(len(boxes), 0.9, np.float32))


class WrongClock(SystemClock):
    """Ahead of the others'."""

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=CLOCK_WRONG_S)


ZONES = {"node-1": [{"id": "middle", "polygon": [[2, 3], [8, 3], [8, 5.4], [2, 5.4]]}]}
LINES = {
    "node-1": [{"id": "door", "from": [1, 2.5], "to": [1, 6], "inside": [5, 4]}],
    "node-2": [{"id": "back", "from": [9, 2.5], "to": [9, 6], "inside": [5, 4]}],
}


class Store:
    """Three nodes in this process, each on its own connection; node 3's clock is wrong."""

    def __init__(self, brokers: Brokers, folder: Path) -> None:
        self.customers = Customers(["anna"])
        self.people: list[Walk] = []
        self.eyes = {name: Eyes(name, self.people if name != "node-3" else []) for name in VIEWS}
        self.wires = {name: Wire(brokers.port) for name in VIEWS}
        self.scanner, slave = os.openpty()
        scanner = {"id": "desk", "source": {"driver": "serial", "port": os.ttyname(slave)}, "position": [1.6, 3.8]}
        self._stop = threading.Event()
        self.nodes: dict[str, Node] = {}
        self._threads: list[threading.Thread] = []
        for name in VIEWS:
            config = self._config(brokers, folder, name, [{**scanner, "radius_m": 1.0}] if name == "node-1" else [])
            self.nodes[name] = Node(config, WrongClock() if name == "node-3" else SystemClock())
            run = threading.Thread(target=self.nodes[name].run, args=(self._stop,), daemon=True)
            run.start()
            self._threads.append(run)

    def _config(self, brokers: Brokers, folder: Path, name: str, scanners: list[dict[str, object]]) -> EdgeConfig:
        key = self.customers.signing_key
        document = {
            "store": "shop",
            "node": name,
            "state_dir": str(folder / name),
            "broker": {
                "urls": [f"mqtt://127.0.0.1:{self.wires[name].port}"],
                "username": f"shop.{name}",
                "password_file": str(brokers.folder / "passwords" / f"shop.{name}"),
            },
            "trust": {"central_signing_key": key, "central_sealing_key": key},
            "policy": {"mode": "qr_only"},
            "floor": {"share": True},
            "cameras": [
                {
                    "id": "floor",
                    "role": "floor",
                    "source": {"driver": "simulated"},
                    "analysed_fps": FPS,
                    "homography": VIEWS[name].image_to_floor().tolist(),
                }
            ],
            "scanners": scanners,
            "zones": ZONES.get(name, []),
            "lines": LINES.get(name, []),
        }
        return parse_config(json.dumps(document))

    def stop(self) -> None:
        """Every node ends in order: stays and minutes that are open are told."""
        self._stop.set()
        for thread in self._threads:
            thread.join(15)
            assert not thread.is_alive()

    def close(self) -> None:
        self._stop.set()
        for wire in self.wires.values():
            wire.close()
        os.close(self.scanner)


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[Brokers]:
    running = Brokers(tmp_path, mosquitto("a floor that nodes share"))
    yield running
    running.stop()


@pytest.fixture
def store(brokers: Brokers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    noise = np.random.default_rng(1).integers(0, 255, (2, SIZE[1], SIZE[0], 3), dtype=np.uint8)
    pictures = lambda: itertools.cycle([noise[0], noise[1]])  # noqa: E731 - something always moves
    monkeypatch.setattr("edge.perception.create_camera", lambda _, clock: SimulatedCamera(pictures, clock, FPS))
    shop: dict[str, Store] = {}
    monkeypatch.setattr("edge.vision_node.load_engines", lambda config, _: Engines(persons=Lazy(shop, config.node)))
    running = Store(brokers, tmp_path)
    shop["it"] = running
    yield running
    running.close()


@dataclass
class Lazy:
    """The detector of a node of the store that is being made."""

    shop: dict[str, Store]
    node: str

    def detect(self, frame: Image) -> Detections:
        return self.shop["it"].eyes[self.node].detect(frame) if self.shop else Detections.empty()


def across(start: float, begin: float, end: float, y: float) -> tuple[tuple[float, float, float], ...]:
    """From one place along the shop to another at walking pace."""
    return (start, begin, y), (start + abs(end - begin) / SPEED, end, y)


def seconds_of(central: Ear, node: str, low: float, high: float) -> float:
    """Person-seconds that a node told of a strip across the shop."""
    cells = [(cell, told.cell_m) for told in central.of(node, FloorOccupancy) for cell in told.cells]
    return sum(cell[2] for cell, size in cells if low <= (cell[1] + 0.5) * size < high)


def crossed(central: Ear, node: str) -> list[tuple[str, str]]:
    return [(event.line, event.direction) for event in central.of(node, LineCrossed)]


@pytest.mark.timeout(120)
def test_one_person_of_two_nodes(store: Store, brokers: Brokers, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "edge")
    central, listener, mall = (Ear(brokers, user) for user in ("central", "shop.listener", "mall.node-1"))
    above = Ear(brokers, "above", above=True)
    one, two = store.nodes["node-1"], store.nodes["node-2"]
    wait(lambda: all(node._publisher.connected for node in store.nodes.values()), 30)

    # Somebody only the node with the wrong clock sees, in the zone that node 1 tells of.
    now = time.monotonic() + 0.3
    store.eyes["node-3"].people.append(Walk(((now, 5.0, 3.3), (now + 90, 5.0, 3.3))))
    # Anna comes in past node 1's camera, checks in, walks through the zone and leaves past node 2's camera.
    way = across(now + 2.1, 1.6, 9.9, ANNA_Y)
    store.people.append(Walk(((now, 0.3, ANNA_Y), (now + 0.8, 1.6, ANNA_Y), (now + 2.0, 1.6, ANNA_Y), *way)))
    until(now + 1.4)
    os.write(store.scanner, store.customers.code("anna", SystemClock().now()).encode() + b"\r\n")
    until(way[-1][0])

    # Somebody stands where both see; node 2 is cut off, somebody else comes in past it, and it joins again.
    stood = time.monotonic() + 0.2
    store.people[:] = [Walk(((stood, 5.0, 4.8), (stood + 90, 5.0, 4.8)))]
    until(stood + 1.0)
    store.wires["node-2"].cut()
    wait(lambda: not two._publisher.connected)
    store.people.append(Walk(across(time.monotonic() + 0.1, 9.9, 7.0, 3.3)))
    time.sleep(0.3)
    used = one._perception.neighbours()["used"]
    until(store.people[1].points[-1][0])
    assert one._perception.neighbours()["used"] == used, "node 2 is cut off"
    store.wires["node-2"].mend()
    wait(lambda: one._perception.neighbours()["used"] >= used + 5)
    walks_on = across(time.monotonic() + 0.1, 5.0, 9.9, 4.8)
    store.people[0] = Walk(((stood, 5.0, 4.8), *walks_on))
    until(walks_on[-1][0] + 0.3)
    one._say_health()
    wait(lambda: central.of("node-1", Health))
    store.stop()
    wait(lambda: len(central.of("node-1", ZoneLeft)) >= 2 and len(crossed(central, "node-2")) >= 3)

    # One stay each, to its end, though the second half of both was seen by node 2 alone; the name stays as well.
    identified = central.of("node-1", VisitIdentified)[-1]
    first, second = central.of("node-1", ZoneLeft)
    assert (first.visit, second.visit) == (identified.visit, None)
    assert first.dwell_s == pytest.approx(6.0 / SPEED, abs=0.9)
    assert second.dwell_s == pytest.approx(walks_on[0][0] - stood + 3.0 / SPEED, abs=0.9)
    assert [event.track for event in central.of("node-1", ZoneEntered)] == [first.track, second.track]
    # Each line was crossed once by each, and told when its node was there again.
    assert crossed(central, "node-1") == [("door", "in")]
    assert sorted(crossed(central, "node-2")) == [("back", "in"), ("back", "out"), ("back", "out")]
    assert len({event.track for event in central.of("node-2", LineCrossed)}) == 3
    # The seconds where both saw Anna count once.
    told = sum(seconds_of(central, node, 3.5, 4.25) for node in ("node-1", "node-2"))
    assert told == pytest.approx(way[-1][0] - now, abs=1.2)

    nobody_is_named(listener, identified)
    assert not central.local() + mall.local() + above.local()
    assert {topic.split("/")[3] for topic, _ in above.got} >= {"node-1", "node-2"}, "the bridge carries what it should"

    # The clock that is wrong: nothing of it was used (its standing person would be a third stay), said once.
    health = central.of("node-1", Health)[-1]
    assert health.neighbours_off == {"node-3": pytest.approx(-CLOCK_WRONG_S, abs=0.5)}
    assert health.neighbours["clock"] > 20
    assert "used" not in store.nodes["node-3"]._perception.neighbours()
    said = [record.getMessage().split(" its clock is")[0] for record in caplog.records if "its clock" in record.msg]
    assert sorted(said) == ["node node-1:", "node node-2:", "node node-3:", "node node-3:"]
    for ear in (central, listener, mall, above):
        ear.close()


def nobody_is_named(listener: Ear, anna: VisitIdentified) -> None:
    """What goes between the nodes is places and numbers of a camera's own."""
    heard = listener.local()
    assert len(heard) > 50
    for payload in heard:
        body = json.loads(payload)
        assert set(body) == {"camera", "at", "sights", "ended"}
        assert all(set(sight) == {"track", "x", "y", "spread", "clear", "edge"} for sight in body["sights"])
        assert anna.visit.encode() not in payload
        assert anna.subject.encode() not in payload
