"""The access list Ansible installs, enforced by a real mosquitto: no node reads or writes what is another's."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import jinja2
import paho.mqtt.client as mqtt
import pytest
import yaml
from paho.mqtt.enums import CallbackAPIVersion

from central.broker import free_port
from contract.channels import CHANNELS, Address, kinds

BROKER = Path(__file__).parents[2] / "ansible" / "roles" / "broker"
NODES = [("shop", "node-1"), ("shop", "node-2"), ("mall", "node-1")]
USERS = ["central", *(f"{store}.{node}" for store, node in NODES)]
OTHERS = ["vitrina/v1/shop/node-1/unknown.kind", "vitrina/v1/shop/node-1", "other/topic", "$SYS/broker/fake"]
EVERY_TOPIC = [Address(store, node, kind).topic for store, node in NODES for kind in CHANNELS] + OTHERS


def _program(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"ansible_{name}", BROKER / "files" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _wait(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not within the time allowed"
        time.sleep(0.02)


class Mosquitto:
    """Debian's broker on a free loopback port, with the role's own configuration."""

    def __init__(self, folder: Path, program: str) -> None:
        self.port = free_port()
        self._folder = folder
        values = yaml.safe_load((BROKER / "defaults" / "main.yml").read_text()) | {"broker_port": self.port}
        text = jinja2.Template((BROKER / "templates" / "mosquitto.conf.j2").read_text()).render(values)
        # Started as root it would become `mosquitto`, who may not read a test's folder.
        config = text.replace("/etc/mosquitto", str(folder)) + "\nuser root\n"
        (folder / "mosquitto.conf").write_text(config)
        nodes = [{"store": store, "node": node} for store, node in NODES]
        (folder / "vitrina.acl").write_text(_program("acl").access_list(nodes))
        self.accounts(USERS)
        self._process = subprocess.Popen([program, "-c", str(folder / "mosquitto.conf")], stderr=subprocess.DEVNULL)
        _wait(lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0)

    def accounts(self, users: list[str]) -> None:
        _program("accounts").write(users, self._folder / "passwords", self._folder / "vitrina.passwd")

    def reload(self) -> None:
        self._process.send_signal(signal.SIGHUP)

    def password(self, user: str) -> str:
        return (self._folder / "passwords" / user).read_text().strip()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


class Client:
    """One account, subscribed to all it can name; notes the topics that reach it."""

    def __init__(self, broker: Mosquitto, user: str, password: str | None = None, will: str | None = None) -> None:
        self.user = user
        self.got: list[tuple[str, bytes]] = []
        self.refused: bool | None = None
        self.lost = threading.Event()
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, f"test-{user}", reconnect_on_failure=False)
        self._client.max_inflight_messages_set(200)
        if user:
            self._client.username_pw_set(user, broker.password(user) if password is None else password)
        if will is not None:
            self._client.will_set(will, b"will", qos=1)
        self._client.on_message = lambda _c, _u, message: self.got.append((message.topic, bytes(message.payload)))
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_disconnect = lambda *_: (self.lost.set(), self._ready.set())
        self._client.connect("127.0.0.1", broker.port, 30)
        self._client.loop_start()
        assert self._ready.wait(10)

    def _on_connect(self, client: mqtt.Client, _userdata: object, _flags: object, code: object, _p: object) -> None:
        self.refused = bool(getattr(code, "is_failure", True))
        filters = ["#", "vitrina/v1/#", "vitrina/v1/+/+/+", *EVERY_TOPIC[: -len(OTHERS)]]
        client.subscribe([(topic, 1) for topic in filters])

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish; returns with the broker's acknowledgement (which a refused message gets as well)."""
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def topics(self, payload: bytes) -> set[str]:
        return {topic for topic, body in self.got if body == payload}

    def vanish(self) -> None:
        """The connection breaks, as with a power cut: the broker speaks the will."""
        connection = self._client.socket()
        assert connection is not None
        connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if program is None:
        pytest.skip("mosquitto is not installed (apt-get install mosquitto): the access list is not tried out")
    running = Mosquitto(tmp_path, program)
    yield running
    running.stop()


@pytest.fixture
def clients(broker: Mosquitto) -> Iterator[dict[str, Client]]:
    everybody = {user: Client(broker, user) for user in USERS}
    yield everybody
    for client in everybody.values():
        client.close()


def _own(user: str, direction: str) -> set[str]:
    store, _, node = user.partition(".")
    return {Address(store, node, row.kind).topic for row in CHANNELS.values() if row.direction == direction}


def test_each_node_says_only_its_own_up_kinds(clients: dict[str, Client]) -> None:
    central = clients["central"]
    for user in USERS[1:]:
        mine = user.encode()
        for topic in EVERY_TOPIC:
            clients[user].say(topic, mine, retain=True)
        last = (min(_own(user, "up")), b"last " + mine)
        clients[user].say(*last)
        _wait(lambda last=last: last in central.got)  # type: ignore[misc]
        assert central.topics(mine) == _own(user, "up")
    # Nor did any node hear another; down kinds said by a node reach nobody, not even the node itself.
    assert {user: clients[user].got for user in USERS[1:]} == {user: [] for user in USERS[1:]}


def test_each_node_hears_only_its_own_down_kinds(clients: dict[str, Client]) -> None:
    central = clients["central"]
    for topic in EVERY_TOPIC:
        central.say(topic, b"central", retain=True)
    for user in USERS[1:]:
        last = (max(_own(user, "down")), b"last")
        central.say(*last)
        _wait(lambda user=user, last=last: last in clients[user].got)  # type: ignore[misc]
        assert clients[user].topics(b"central") == _own(user, "down")
    everything = {Address(store, node, row.kind).topic for store, node in NODES for row in kinds("down")}
    assert central.topics(b"central") == everything, "central may say down kinds only"


def test_retained_words_of_another_node_stay_unheard(broker: Mosquitto, clients: dict[str, Client]) -> None:
    status = Address("shop", "node-1", "status").topic
    clients["shop.node-1"].say(status, b"retained", retain=True)
    _wait(lambda: (status, b"retained") in clients["central"].got)
    late = Client(broker, "shop.node-2")
    command = max(_own("shop.node-2", "down"))
    clients["central"].say(command, b"after")
    _wait(lambda: (command, b"after") in late.got)
    assert {topic for topic, _ in late.got} == {command}
    late.close()


def test_a_will_can_not_speak_for_another_node(broker: Mosquitto, clients: dict[str, Client]) -> None:
    central = clients["central"]
    for topic in (Address("shop", "node-2", "status").topic, Address("shop", "node-1", "status").topic):
        liar = Client(broker, "shop.node-1", will=topic)
        if not liar.lost.is_set():
            liar.vanish()
        liar.close()
    _wait(lambda: (Address("shop", "node-1", "status").topic, b"will") in central.got)
    assert central.topics(b"will") == {Address("shop", "node-1", "status").topic}


def test_strangers_and_wrong_passwords_are_refused(broker: Mosquitto) -> None:
    tries = {"": "", "shop.node-1": broker.password("shop.node-2"), "central": "", "shop.node-9": "x"}
    for user, password in tries.items():
        client = Client(broker, user, password)
        assert client.refused, f"{user!r} was let in"
        client.close()


def test_a_node_taken_from_the_list_is_cut_off(broker: Mosquitto, clients: dict[str, Client]) -> None:
    broker.accounts([user for user in USERS if user != "shop.node-2"])
    broker.reload()
    _wait(clients["shop.node-2"].lost.is_set)
    assert not clients["shop.node-1"].lost.is_set()
    again = Client(broker, "shop.node-2", "the old password")
    assert again.refused
    again.close()
