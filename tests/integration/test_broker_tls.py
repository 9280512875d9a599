"""TLS to the broker: edge and central against a real mosquitto with the role's own configuration and certificates."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from central.broker_tls import broker_tls
from central.bus import Bus
from central.errors import MisconfiguredError
from central.settings import Settings, broker_address
from contract.channels import Address
from contract.clock import ManualClock, SystemClock
from edge.config import ConfigError, parse_config
from edge.config.connections import BrokerConfig
from edge.connection import ConnectError, Connection
from edge.doctor import examine
from tests.integration.role_broker import ROLE, RoleBroker, mosquitto, program, wait

ROOT = Path(__file__).parents[2]
USERS = ["central", "shop.node-1", "shop.node-2"]
NODES = [("shop", "node-1"), ("shop", "node-2")]
STATUS = Address("shop", "node-1", "status").topic


class TlsBroker(RoleBroker):
    """With `broker_tls: true`. `foreign`: an authority of somebody else."""

    def __init__(self, folder: Path, binary: str) -> None:
        self.foreign = folder / "foreign"
        certificates, now = program("certificates"), datetime.now(UTC)
        for authority in (folder / "vitrina-tls", self.foreign):
            certificates.write(USERS, ["127.0.0.1"], authority, now)
        super().__init__(folder, binary, NODES, broker_tls=True)

    def node(self, name: str = "node-1", host: str = "127.0.0.1", **other: Path | None) -> BrokerConfig:
        """A node's section `broker`."""
        files: dict[str, Path | None] = {
            "ca": self.folder / "vitrina-tls" / "ca.pem",
            "cert": self.folder / "vitrina-tls" / f"shop.{name}.pem",
            "key": self.folder / "vitrina-tls" / f"shop.{name}.key",
            "password_file": self.folder / "passwords" / f"shop.{name}",
        }
        return BrokerConfig(urls=(f"mqtts://{host}:{self.port}",), username=f"shop.{name}", **(files | other))

    def central(self, **other: Path | None) -> Bus:
        """Central's connection, not started."""
        folder = self.folder / "vitrina-tls"
        files = {"ca": folder / "ca.pem", "cert": folder / "central.pem", "key": folder / "central.key"} | other
        settings = Settings(self.folder, **{f"broker_{name}": path for name, path in files.items()})  # type: ignore[arg-type]
        address = broker_address(f"mqtts://central:{self.password('central')}@127.0.0.1:{self.port}")
        return Bus(address, SystemClock(), broker_tls(settings, address))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[TlsBroker]:
    running = TlsBroker(tmp_path, mosquitto("TLS"))
    yield running
    running.stop()


def opened(config: BrokerConfig) -> Connection:
    connection = Connection(config, config.urls[0], "vitrina-shop-x", None, lambda: None)
    connection.open([Address("shop", "node-1", "receipt").topic], 10)
    return connection


async def test_node_and_central_meet_over_tls(broker: TlsBroker) -> None:
    bus = broker.central()
    bus.start()
    assert await bus.wait_connected(20), bus.fault
    connection = opened(broker.node())
    assert connection.publish(STATUS, b"here")
    (arrived,) = await bus.take(10)
    assert (arrived.topic, arrived.payload) == (STATUS, b"here")
    assert bus.send(Address("shop", "node-1", "receipt").topic, b"read")
    wait(lambda: not connection.inbox.empty())
    assert connection.inbox.get()[1] == b"read"
    connection.close()
    await bus.stop()


def test_what_is_said_can_not_be_read_on_the_wire(broker: TlsBroker) -> None:
    heard = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def carry(source: socket.socket, sink: socket.socket) -> None:
            with suppress(ConnectionError):  # either side may end first
                while data := source.recv(65536):
                    heard.extend(data)
                    sink.sendall(data)

        def relay() -> None:
            near, _ = listener.accept()
            far = socket.create_connection(("127.0.0.1", broker.port))
            threading.Thread(target=carry, args=(far, near), daemon=True).start()
            carry(near, far)

        threading.Thread(target=relay, daemon=True).start()
        config = broker.node().model_copy(update={"urls": (f"mqtts://127.0.0.1:{port}",)})
        connection = opened(config)
        assert connection.publish_and_wait(STATUS, b"a word that is easily found", 20)
        connection.close()
    password = (broker.folder / "passwords" / "shop.node-1").read_bytes().strip()
    assert len(heard) > 1000
    assert b"easily found" not in heard
    assert password not in heard
    assert b"vitrina/v1" not in heard


def test_a_broker_of_another_authority_is_refused_by_the_node(broker: TlsBroker) -> None:
    with pytest.raises(ConnectError, match=r"certificate is not trusted: .*check `ca`"):
        opened(broker.node(ca=broker.foreign / "ca.pem"))


def test_without_ca_only_public_authorities_are_trusted(broker: TlsBroker) -> None:
    with pytest.raises(ConnectError, match="certificate is not trusted"):
        opened(broker.node(ca=None))


def test_a_broker_under_another_name_is_refused(broker: TlsBroker) -> None:
    with pytest.raises(ConnectError, match=r"[Hh]ostname mismatch.*name in `urls`"):
        opened(broker.node(host="localhost"))


async def test_a_broker_of_another_authority_is_refused_by_central(broker: TlsBroker) -> None:
    bus = broker.central(ca=broker.foreign / "ca.pem")
    bus.start()
    wait(lambda: "certificate is not trusted" in bus.fault)
    assert not bus.connected
    await bus.stop()


@pytest.mark.parametrize("authority", ["none", "foreign", "the broker's own"])
def test_who_has_no_certificate_of_this_store_is_refused_by_the_broker(broker: TlsBroker, authority: str) -> None:
    """The password is the right one."""
    files: dict[str, dict[str, Path | None]] = {
        "none": {"cert": None, "key": None},
        "foreign": {name: broker.foreign / f"shop.node-1.{end}" for name, end in (("cert", "pem"), ("key", "key"))},
        "the broker's own": {
            name: broker.folder / "vitrina-tls" / f"broker.{end}" for name, end in (("cert", "pem"), ("key", "key"))
        },
    }
    with pytest.raises(ConnectError) as refused:
        opened(broker.node(**files[authority]))
    assert ("`cert` and `key`" in str(refused.value)) == (authority == "none")


def test_a_certificate_is_no_password(broker: TlsBroker) -> None:
    wrong = broker.node(password_file=broker.folder / "passwords" / "shop.node-2")
    with pytest.raises(ConnectError, match="refuses this node"):
        opened(wrong)


def test_a_stranger_without_tls_gets_nowhere(broker: TlsBroker) -> None:
    plain = BrokerConfig(urls=(f"mqtt://127.0.0.1:{broker.port}",), username="shop.node-1")
    with pytest.raises(ConnectError):
        opened(plain)


def test_central_says_at_its_start_what_is_wrong_with_the_certificate(broker: TlsBroker) -> None:
    words = [
        "run",
        "--data",
        str(broker.folder / "data"),
        "--port",
        "0",
        "--broker",
        f"mqtts://127.0.0.1:{broker.port}",
    ]
    words += ["--broker-ca", str(broker.foreign / "ca.pem")]
    done = subprocess.run(
        [sys.executable, "-m", "central", *words], cwd=ROOT, capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 2
    assert "its certificate is not trusted" in done.stderr
    assert "--broker-ca" in done.stderr
    assert "Traceback" not in done.stderr


def test_files_that_do_not_fit_are_named(broker: TlsBroker) -> None:
    tls, plain = broker_address("mqtts://b"), broker_address("mqtt://b")
    there = broker.folder / "vitrina-tls"
    with pytest.raises(MisconfiguredError, match="mqtts://"):
        broker_tls(Settings(there, broker_ca=there / "ca.pem"), plain)
    with pytest.raises(MisconfiguredError, match="both or neither"):
        broker_tls(Settings(there, broker_cert=there / "central.pem"), tls)
    with pytest.raises(MisconfiguredError, match=r"nothing\.pem"):
        broker_tls(Settings(there, broker_ca=there / "nothing.pem"), tls)
    with pytest.raises(MisconfiguredError, match=r"central\.pem"):
        broker_tls(Settings(there, broker_cert=there / "central.pem", broker_key=there / "broker.key"), tls)
    with pytest.raises(ConnectError, match="check password_file, ca, cert and key"):
        opened(broker.node(key=there / "broker.key"))


@pytest.mark.parametrize(
    ("urls", "more", "said"),
    [
        (["mqtts://a", "mqtt://b"], {}, "all mqtt or all mqtts"),
        (["mqtt://a"], {"ca": "ca.pem"}, "nothing is encrypted"),
        (["mqtts://a"], {"cert": "c.pem"}, "both or neither"),
    ],
)
def test_a_configuration_that_only_looks_secure_is_refused(urls: list[str], more: dict[str, str], said: str) -> None:
    text = yaml.safe_dump({"store": "s", "node": "n", "state_dir": "x", "broker": {"urls": urls, **more}})
    with pytest.raises(ConfigError, match=said):
        parse_config(text)


def test_doctor_warns_of_a_certificate_that_ends_soon(broker: TlsBroker) -> None:
    config = parse_config(
        yaml.safe_dump({"store": "shop", "node": "node-1", "state_dir": str(broker.folder / "state")})
    )
    config = config.model_copy(update={"broker": broker.node()})
    now = datetime.now(UTC)
    said = {
        days: [str(one) for one in examine(config, ManualClock(now + timedelta(days=days))) if one.what == "broker"]
        for days in (0, 800)
    }
    assert [line[:4] for line in said[0]] == ["OK  "]
    assert [line[:4] for line in said[800]] == ["OK  ", "WARN"]
    assert "run the playbook" in said[800][1]


def test_certificates_are_renewed_in_time_and_forgotten_with_their_account(tmp_path: Path) -> None:
    certificates, now = program("certificates"), datetime(2026, 11, 22, tzinfo=UTC)
    assert certificates.write(USERS, ["10.0.0.1", "broker"], tmp_path, now)
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(first) == sorted(f"{name}.{end}" for name in ["ca", "broker", *USERS] for end in ("pem", "key"))
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert not certificates.write(USERS, ["broker", "10.0.0.1", "broker"], tmp_path, now + timedelta(days=400))

    assert certificates.write(USERS, ["10.0.0.2"], tmp_path, now)
    changed = {path.name for path in tmp_path.iterdir() if path.read_bytes() != first[path.name]}
    assert changed == {"broker.pem", "broker.key"}, "another name of the broker costs its certificate alone"

    assert certificates.write(USERS[:2], ["10.0.0.2"], tmp_path, now + timedelta(days=500))
    later = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert "shop.node-2.key" not in later
    assert [name for name in ("ca.pem", "shop.node-1.pem") if later[name] != first[name]] == ["shop.node-1.pem"]

    (tmp_path / "ca.key").unlink()
    assert certificates.write(USERS[:2], ["10.0.0.2"], tmp_path, now + timedelta(days=500))
    assert (tmp_path / "shop.node-1.pem").read_bytes() != later["shop.node-1.pem"], "what a lost authority signed"


def test_the_program_says_whether_it_changed_anything(tmp_path: Path) -> None:
    (tmp_path / "nodes.json").write_text(json.dumps([{"store": store, "node": node} for store, node in NODES]))
    words = [
        sys.executable,
        str(ROLE / "files" / "certificates.py"),
        str(tmp_path / "nodes.json"),
        str(tmp_path / "tls"),
    ]
    said = [subprocess.check_output([*words, "10.0.0.1"], text=True).strip() for _ in range(2)]
    assert said == ["changed", "unchanged"]
    assert (tmp_path / "tls" / "shop.node-2.key").is_file()
