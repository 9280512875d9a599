"""The access list Ansible installs, enforced by a real mosquitto: no node reads or writes what is another's."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from contract.channels import CHANNELS, Address, kinds
from tests.integration.role_broker import RoleBroker, mosquitto, wait

BROKER = Path(__file__).parents[2] / "ansible" / "roles" / "broker"
NODES = [("shop", "node-1"), ("shop", "node-2"), ("mall", "node-1")]
USERS = ["central", *(f"{store}.{node}" for store, node in NODES)]
OTHERS = ["vitrina/v1/shop/node-1/unknown.kind", "vitrina/v1/shop/node-1", "other/topic", "$SYS/broker/fake"]
EVERY_TOPIC = [Address(store, node, kind).topic for store, node in NODES for kind in CHANNELS] + OTHERS


class Client:
    """One account, subscribed to all it can name; notes the topics that reach it."""

    def __init__(self, broker: RoleBroker, user: str, password: str | None = None, will: str | None = None) -> None:
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
def broker(tmp_path: Path) -> Iterator[RoleBroker]:
    running = RoleBroker(tmp_path, mosquitto("the access list"), NODES)
    yield running
    running.stop()


@pytest.fixture
def clients(broker: RoleBroker) -> Iterator[dict[str, Client]]:
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
        wait(lambda last=last: last in central.got)  # type: ignore[misc]
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
        wait(lambda user=user, last=last: last in clients[user].got)  # type: ignore[misc]
        assert clients[user].topics(b"central") == _own(user, "down")
    everything = {Address(store, node, row.kind).topic for store, node in NODES for row in kinds("down")}
    assert central.topics(b"central") == everything, "central may say down kinds only"


def test_retained_words_of_another_node_stay_unheard(broker: RoleBroker, clients: dict[str, Client]) -> None:
    status = Address("shop", "node-1", "status").topic
    clients["shop.node-1"].say(status, b"retained", retain=True)
    wait(lambda: (status, b"retained") in clients["central"].got)
    late = Client(broker, "shop.node-2")
    command = max(_own("shop.node-2", "down"))
    clients["central"].say(command, b"after")
    wait(lambda: (command, b"after") in late.got)
    assert {topic for topic, _ in late.got} == {command}
    late.close()


def test_a_will_can_not_speak_for_another_node(broker: RoleBroker, clients: dict[str, Client]) -> None:
    central = clients["central"]
    for topic in (Address("shop", "node-2", "status").topic, Address("shop", "node-1", "status").topic):
        liar = Client(broker, "shop.node-1", will=topic)
        if not liar.lost.is_set():
            liar.vanish()
        liar.close()
    wait(lambda: (Address("shop", "node-1", "status").topic, b"will") in central.got)
    assert central.topics(b"will") == {Address("shop", "node-1", "status").topic}


def test_strangers_and_wrong_passwords_are_refused(broker: RoleBroker) -> None:
    tries = {"": "", "shop.node-1": broker.password("shop.node-2"), "central": "", "shop.node-9": "x"}
    for user, password in tries.items():
        client = Client(broker, user, password)
        assert client.refused, f"{user!r} was let in"
        client.close()


def test_a_node_taken_from_the_list_is_cut_off(broker: RoleBroker, clients: dict[str, Client]) -> None:
    broker.accounts([user for user in USERS if user != "shop.node-2"])
    broker.reload()
    wait(clients["shop.node-2"].lost.is_set)
    assert not clients["shop.node-1"].lost.is_set()
    again = Client(broker, "shop.node-2", "the old password")
    assert again.refused
    again.close()
