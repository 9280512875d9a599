"""What the privacy tests share: real faces out of installed packages, a central that signs, a node and who listens."""

from __future__ import annotations

import base64
import importlib.util
import json
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import paho.mqtt.client as mqtt
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from numpy.typing import NDArray
from paho.mqtt.enums import CallbackAPIVersion

from central.broker import configuration, free_port
from contract.channels import Address, channel_for
from contract.codec import Envelope, encode, plain
from contract.commands import GalleryDrop, GalleryPut, Signed
from contract.signing import signing_bytes
from contract.values import Command

STORE, NODE = "demo", "node1"
SHARED = Path(__file__).parents[3] / "shared" / "data"
Picture = NDArray[np.uint8]
Vector = NDArray[np.float32]


@pytest.fixture(scope="session")
def shared_faces() -> Path:
    """Folder of published photographs by person; absent on most machines."""
    if not (SHARED / "faces").is_dir():
        pytest.skip("../shared/data/faces is not here: only faces of installed packages are tried")
    return SHARED / "faces"


@pytest.fixture(scope="session")
def models() -> Any:
    """The real face models, loaded once."""
    pytest.importorskip("insightface", reason="the face packages are not installed")
    from models.catalogue import models_for
    from models.faces import load_face_models
    from models.weights import default_weights_dir, fault, read_manifest

    folder = default_weights_dir()
    built = read_manifest(folder)
    if any(fault(row, folder, built) for row in models_for("face-")):
        pytest.skip("the face weights are not built: run `python -m models build`")
    cv2.setNumThreads(1)
    return load_face_models(folder)


@pytest.fixture(scope="session")
def group() -> Picture:
    """Six real people in one photograph that comes with insightface, BGR 886x1280."""
    found = importlib.util.find_spec("insightface")
    if found is None or found.origin is None:
        pytest.skip("insightface is not installed: its photograph is missing")
    photo = cv2.imread(str(Path(found.origin).parent / "data" / "images" / "t1.jpg"))
    assert photo is not None
    return np.asarray(photo, np.uint8)


@pytest.fixture(scope="session")
def portraits(models: Any, group: Picture) -> list[Picture]:
    """Each of the six alone and well in view, left to right, faces about 130 pixels wide."""
    from models.faces.stills import detect_still

    cut = []
    for x1, y1, x2, y2, _ in sorted(detect_still(models.detector, group).tolist()):
        side, middle, level = (x2 - x1) * 0.95, (x1 + x2) / 2, (y1 + y2) / 2
        top, left = int(max(0, level - side)), int(max(0, middle - side))
        face = group[top : int(level + side), left : int(middle + side)]
        cut.append(cv2.resize(face, None, fx=130 / (x2 - x1), fy=130 / (x2 - x1), interpolation=cv2.INTER_CUBIC))
    assert len(cut) == 6
    return [np.asarray(picture, np.uint8) for picture in cut]


@pytest.fixture
def parade(tmp_path: Path, portraits: list[Picture], request: pytest.FixtureRequest) -> Path:
    """A recording: three strangers, one after the other, an empty shop before, between and after.

    Its grain is another one in every test: no vector of one test is a vector of the next. A test writes its vectors out
    in clear to search for them, and what that leaves in this process must not be found by the one that comes after.
    """
    path = tmp_path / "parade.avi"
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 15, (640, 480))
    noise = np.random.default_rng(zlib.crc32(request.node.nodeid.encode()))
    for person in (None, *portraits[:3]):
        for shown in (person, None):
            for number in range(24):
                picture = np.full((480, 640, 3), 96, np.uint8)
                if shown is not None:
                    height, width = shown.shape[:2]
                    x = 150 + 3 * number
                    picture[60 : 60 + height, x : x + width] = shown[: 480 - 60, : 640 - x]
                grain = noise.integers(0, 6, picture.shape, dtype=np.uint8)
                film.write(picture + grain)
    film.release()
    return path


@dataclass
class Watched:
    """The real models; every vector the embedder hands out is remembered, disguised, and counted.

    Only a disguised copy (each byte turned over) is kept, so that a search of this process's memory finds the vector
    itself alone.
    """

    real: Any
    calls: int = 0
    crops: int = 0
    disguised: list[bytes] = field(default_factory=list)
    disguised_raw: list[bytes] = field(default_factory=list)
    """The same before they are brought to unit length, as the network answers them."""
    handed_out: list[Vector] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def embed(self, crops: Sequence[Picture]) -> Vector:
        self.calls += 1
        self.crops += len(crops)
        vectors: Vector = self.real.embed(crops)
        self.disguised += [(~row.view(np.uint8)).tobytes() for row in vectors]  # `row.tobytes()` would be a copy
        self.handed_out.append(vectors)
        return vectors


@pytest.fixture
def watched(models: Any, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """Whatever loads the face models gets these."""
    engine = Watched(models)
    run = models.recognizer.get_feat

    def raw(crops: Any) -> Vector:
        found: Vector = run(crops)
        engine.disguised_raw += [(~row.view(np.uint8)).tobytes() for row in found]
        return found

    monkeypatch.setattr(models.recognizer, "get_feat", raw)
    monkeypatch.setattr("edge.engines.load_faces", lambda _config: engine)
    return engine


class Office:
    """Central, as far as a node can tell: its keys sign and seal."""

    def __init__(self) -> None:
        self.signing, self.sealing = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
        self._sequence = 0

    def trust(self) -> dict[str, str]:
        """The node's `trust` section."""
        pairs = {"central_signing_key": self.signing, "central_sealing_key": self.sealing}
        return {name: base64.b64encode(key.public_key().public_bytes_raw()).decode() for name, key in pairs.items()}

    def say(self, data: Command) -> tuple[str, bytes]:
        """Topic and payload of a command."""
        channel = channel_for(data)
        if isinstance(data, Signed):
            self._sequence += 1
            data = data.model_copy(update={"sequence": self._sequence})
            signature = self.signing.sign(signing_bytes(channel.kind, STORE, NODE, plain(data)))
            data = data.model_copy(update={"signature": base64.b64encode(signature).decode()})
        envelope = Envelope(id="c", source="/central", type=channel.event_type, time=datetime.now(UTC))
        return Address(STORE, NODE, channel.kind).topic, encode(envelope, data)

    def put(
        self, subject: str, template: str, vector: Vector, embedder: str, node_key: str, lease_s: float = 3600
    ) -> tuple[str, bytes]:
        """A template for a node's gallery, under a new key of its subject."""
        from edge.sealing import new_subject_key, seal_key, seal_template

        key = new_subject_key()
        return self.say(GalleryPut(
            sequence=1, valid_until=_soon(300), subject=subject, template=template, model_sha256=embedder,
            sealed_template=seal_template(vector, key, subject, template), sealed_key=seal_key(key, node_key),
            lease_until=_soon(lease_s),
        ))  # fmt: skip

    def drop(self, subject: str) -> tuple[str, bytes]:
        """Forget a subject."""
        return self.say(GalleryDrop(sequence=1, valid_until=_soon(300), subject=subject, reason="withdrawn"))


@pytest.fixture
def office() -> Office:
    return Office()


def _soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def _wait(condition: Callable[[], object], timeout_s: float = 40.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "not within the time allowed"
        time.sleep(0.01)


class Bus:
    """A real broker, and a listener that keeps every message on it as it came."""

    wait = staticmethod(_wait)

    def __init__(self, folder: Path) -> None:
        from iotcore import Broker

        self.port = free_port()
        (folder / "broker.toml").write_text(configuration(self.port))
        self.broker = Broker(config_path=str(folder / "broker.toml")).start()
        self.heard: list[tuple[str, bytes]] = []
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, "listener", clean_session=True)
        ready = threading.Event()
        self.client.on_subscribe = lambda *_: ready.set()
        self.client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self.client.on_message = lambda _c, _u, raw: self.heard.append((raw.topic, bytes(raw.payload)))
        self.client.connect("127.0.0.1", self.port)
        self.client.loop_start()
        assert ready.wait(10)

    def from_node(self) -> list[tuple[str, bytes]]:
        """What the node said."""
        down = ("receipt", "label.show", "label.revert", "gallery.put", "gallery.drop", "policy.set")
        return [(topic, payload) for topic, payload in list(self.heard) if topic.rpartition("/")[2] not in down]

    def said(self, kind: str) -> list[dict[str, Any]]:
        """Data of the messages of a kind."""
        return [json.loads(payload)["data"] for topic, payload in list(self.heard) if topic.endswith(f"/{kind}")]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
        self.broker.stop()


@pytest.fixture
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    made = Bus(tmp_path_factory.mktemp("broker"))
    yield made
    made.close()


class Running:
    """A real node (`edge.node.Node`) in this process, so that its memory and its files can be looked into."""

    def __init__(self, folder: Path, bus: Bus, office: Office, **sections: Any) -> None:
        from contract.clock import SystemClock
        from edge.config import load_config
        from edge.node import Node

        self.state = folder / "state"
        path = folder / "node.yaml"
        broker = {"urls": [f"mqtt://127.0.0.1:{bus.port}"]}
        known = {"store": STORE, "node": NODE, "state_dir": "state", "broker": broker, "trust": office.trust()}
        path.write_text(yaml.safe_dump({**known, **sections}))
        self.config = load_config(path)
        self.node = Node(self.config, SystemClock())
        self._bus, self._stop = bus, threading.Event()
        self._thread = threading.Thread(target=self.node.run, args=(self._stop,), daemon=True)
        self._thread.start()
        _wait(lambda: bus.said("status"))
        self.key = str(bus.said("status")[-1]["public_key"])

    @property
    def gallery(self) -> Any:
        return self.node._perception.gallery

    @property
    def counters(self) -> Any:
        return self.node._perception.counters()

    @property
    def undecided(self) -> int:
        """People in view of all cameras, as the vision thread remembers them; each ends with a decision."""
        stages = self.node._perception._active.vision._face_stages.values()
        return sum(len(stage._identifier._bonds) for stage in stages)

    def unplug(self, camera: str) -> None:
        """No further picture of this camera comes in."""
        self.node._perception._cameras[camera].stop()

    def tell(self, topic: str, payload: bytes) -> None:
        self._bus.client.publish(topic, payload, qos=1)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.fixture
def start(tmp_path: Path, bus: Bus, office: Office) -> Iterator[Callable[..., Running]]:
    """start(cameras=..., ...) -> a running node with that configuration."""
    made: list[Running] = []

    def begin(**sections: Any) -> Running:
        made.append(Running(tmp_path, bus, office, **sections))
        return made[-1]

    yield begin
    for node in made:
        if not node._stop.is_set():
            node.stop()


EMBEDDER = "e" * 64


class Listening:
    """The part of a node that takes commands: gate, orders, vision thread, gallery. No cameras, no broker."""

    def __init__(self, folder: Path, office: Office, mode: str, **sections: Any) -> None:
        from contract.clock import SystemClock
        from edge.clock_offset import ClockOffset
        from edge.commands import CommandGate
        from edge.config import parse_config
        from edge.keys import load_or_create
        from edge.memory import Memory
        from edge.orders import Orders
        from edge.outbox.store import OutboxStore
        from edge.perception import Perception
        from edge.policy import PolicyDecision

        known = {"store": STORE, "node": NODE, "state_dir": str(folder), "trust": office.trust()}
        config, clock = parse_config(yaml.safe_dump({**known, **sections})), SystemClock()
        self.key = load_or_create(folder)
        self.memory = Memory(folder / "node.db")
        self.store = OutboxStore(folder / "outbox.db", clock)
        granted: Any = mode
        decision = PolicyDecision(granted, "default", granted)
        self.perception = Perception(config, clock, decision, lambda _told: None, lambda _error: None)
        signing = base64.b64decode(office.trust()["central_signing_key"])
        gate = CommandGate(STORE, NODE, signing, self.memory)
        self.orders = Orders(
            gate, self.store, self.perception, None, self.key, EMBEDDER, clock, lambda _document: None, ClockOffset()
        )
        self.perception.start()

    @property
    def gallery(self) -> Any:
        return self.perception.gallery

    def take(self, message: tuple[str, bytes]) -> None:
        """One message of central, on this thread."""
        self.orders.take(*message)

    def settle(self) -> None:
        """Wait until the vision thread has done everything so far."""
        done = threading.Event()
        self.perception.submit(lambda _vision, _now: (done.set(), [])[1])
        assert done.wait(60)

    def stop(self) -> None:
        self.perception.stop()
        self.store.close()
        self.memory.close()


@pytest.fixture
def listening(tmp_path: Path, office: Office) -> Iterator[Callable[..., Listening]]:
    """listening(mode) -> that part of a node under a granted mode."""
    made: list[Listening] = []

    def begin(mode: str, **sections: Any) -> Listening:
        folder = tmp_path / f"node-{len(made)}"
        folder.mkdir()
        made.append(Listening(folder, office, mode, **sections))
        return made[-1]

    yield begin
    for one in made:
        one.stop()
