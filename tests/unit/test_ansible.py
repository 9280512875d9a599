"""What Ansible writes is what the product accepts: rendered here with plain Jinja, Ansible itself is not needed."""

from __future__ import annotations

import importlib.util
import json
import re
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import jinja2
import pytest
import yaml

from central.cli import parser as central_parser
from contract.channels import CHANNELS
from contract.errors import MisaddressedError
from contract.values import MAX_ACCEPTED_BYTES
from edge.config import ConfigError, EdgeConfig, parse_config

ROOT = Path(__file__).parents[2]
ROLES = ROOT / "ansible" / "roles"
KEY = "A" * 43 + "="
AWKWARD = 'it\'s "a" {{ b }}: #c & <d>, é\\n'
NODES = [{"store": "shop", "node": "node-1"}, {"store": "shop", "node": "node-2"}, {"store": "mall", "node": "node-1"}]


def _hosts() -> dict[str, dict[str, Any]]:
    """Variables of each machine of the example, merged over its groups."""
    example = yaml.safe_load((ROOT / "ansible" / "inventory.example.yml").read_text(encoding="utf-8"))["all"]
    merged: dict[str, dict[str, Any]] = {}
    for group in example["children"].values():
        for host, values in group["hosts"].items():
            merged.setdefault(host, dict(example["vars"])).update(values or {})
    return merged


def _groups() -> dict[str, list[str]]:
    example = yaml.safe_load((ROOT / "ansible" / "inventory.example.yml").read_text(encoding="utf-8"))
    return {name: list(group["hosts"]) for name, group in example["all"]["children"].items()}


def _render(role: str, template: str, **more: Any) -> str:
    """As Ansible's template module does: trim_blocks, and what is not defined is an error."""
    host = _groups()[f"vitrina_{role}"][0] if role != "common" else "shop-central"
    values: dict[str, Any] = {"common_release": "/r", "common_venv": "/v", "groups": _groups(), "hostvars": _hosts()}
    for source in ("common", role):
        values |= yaml.safe_load((ROLES / source / "defaults" / "main.yml").read_text(encoding="utf-8"))
    environment = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
    text = (ROLES / role / "templates" / template).read_text(encoding="utf-8")
    return environment.from_string(text).render(values | _hosts()[host] | more)


def _edge_yaml(**more: Any) -> str:
    return _render("edge", "edge.yaml.j2", edge_central_signing_key=KEY, edge_central_sealing_key=KEY, **more)


def _edge(**more: Any) -> EdgeConfig:
    return parse_config(_edge_yaml(**more))


def _program(name: str) -> ModuleType:
    path = ROLES / "broker" / "files" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"ansible_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_store_passes_check_config(tmp_path: Path) -> None:
    file = tmp_path / "edge.yaml"
    file.write_text(_edge_yaml(), encoding="utf-8")
    words = [sys.executable, "-m", "edge", "check-config", str(file)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "node shop/node-1, 2 cameras, 1 scanners, 1 labels" in done.stdout


def test_every_variable_of_the_example_reaches_the_configuration() -> None:
    config, said = _edge(), _hosts()["shop-node-1"]
    assert [camera.id for camera in config.cameras] == [camera["id"] for camera in said["edge_cameras"]]
    assert config.policy.mode == said["edge_policy"]["mode"]
    assert config.broker is not None
    assert list(config.broker.urls) == said["edge_broker_urls"]
    assert config.broker.username == "shop.node-1"
    assert config.labels is not None
    assert config.labels.map[0].zone == config.zones[0].id == "audio"


def test_a_node_without_devices_is_a_configuration_too() -> None:
    empty = {f"edge_{name}": [] for name in ("cameras", "scanners", "zones", "lines")}
    config = _edge(**empty, edge_labels={}, edge_policy={"mode": "qr_only"}, edge_operator_key=KEY)
    assert (config.cameras, config.labels) == ((), None)
    assert config.trust is not None
    assert config.trust.operator_key == KEY


def test_awkward_text_arrives_as_it_was() -> None:
    source = {"driver": "rtsp", "url": "rtsp://10.0.0.1/a?b=1&c='2'", "username": "vitrina", "password": AWKWARD}
    config = _edge(edge_cameras=[{"id": "door", "role": "entrance", "source": source}], edge_policy={"mode": "qr_only"})
    rtsp: Any = config.cameras[0].source
    assert rtsp.password.get_secret_value() == AWKWARD
    assert rtsp.url == source["url"]


def test_sections_of_their_own_are_written_and_judged() -> None:
    assert _edge(edge_sections={"visits": {"silence_s": 300}}).visits.silence_s == 300
    with pytest.raises(ConfigError, match=r"visits\.silense_s"):
        _edge(edge_sections={"visits": {"silense_s": 300}})


def test_the_line_of_a_mistake_is_the_device() -> None:
    cameras = [{"id": f"c{n}", "role": "entrance", "source": {"driver": "simulated"}} for n in range(3)]
    wrong: dict[str, Any] = {**cameras[1], "colour": "red"}
    text = _edge_yaml(edge_cameras=[cameras[0], wrong, cameras[2]])
    with pytest.raises(ConfigError) as caught:
        parse_config(text)
    (problem,) = [problem for problem in caught.value.problems if problem.path[-1] == "colour"]
    assert '"c1"' in text.splitlines()[problem.line - 1]


@pytest.mark.parametrize("database", ["", "postgresql://u:p%40ss@10.0.0.5:5432/vitrina"])
@pytest.mark.parametrize("secure", [False, True])
def test_central_understands_its_options(database: str, secure: bool) -> None:
    text = _render(
        "central", "options.json.j2", central_broker_password="p-w_1", central_database=database,
        central_secure_cookies=secure,
        central_options=["--public-url", "https://me.shop.example", "--mail-from", "a b"],
    )  # fmt: skip
    options = central_parser().parse_args(["run", *json.loads(text)])
    assert options.broker == "mqtt://central:p-w_1@192.0.2.10:1883"
    assert (options.database or "", options.secure_cookies) == (database, secure)
    assert str(options.data) == "/var/lib/vitrina/central"
    assert (options.public_url, options.mail_from) == ("https://me.shop.example", "a b")


def test_with_tls_everybody_is_told_and_shows_a_certificate() -> None:
    """One variable of the broker's machine; `tests/integration/test_broker_tls.py` tries the rest out."""
    secure = {name: values | {"broker_tls": True} for name, values in _hosts().items()}
    with pytest.raises(ConfigError, match="nothing is encrypted"):
        _edge(hostvars=secure)
    config = _edge(hostvars=secure, edge_broker_urls=["mqtts://192.0.2.10:8883"]).broker
    assert config is not None
    assert [str(path) for path in (config.ca, config.cert, config.key)] == [
        f"/etc/vitrina/edge-broker-{name}.pem" for name in ("ca", "cert", "key")
    ]
    options = json.loads(_render("central", "options.json.j2", central_broker_password="p", hostvars=secure))
    run = central_parser().parse_args(["run", *options])
    assert run.broker.startswith("mqtts://central:p@")
    assert [str(path) for path in (run.broker_ca, run.broker_cert, run.broker_key)] == [
        f"/etc/vitrina/central-broker-{name}.pem" for name in ("ca", "cert", "key")
    ]
    settings = _render("broker", "mosquitto.conf.j2", broker_tls=True).splitlines()
    assert "require_certificate true" in settings
    assert "allow_anonymous false" in settings


@pytest.mark.parametrize("role", ["central", "edge"])
def test_units_are_confined_and_hold_no_secret(role: str) -> None:
    unit = _render(role, f"vitrina-{role}.service.j2", central_broker_password="s3cret", central_database="s3cret")
    lines = unit.splitlines()
    for needed in ("NoNewPrivileges=yes", "ProtectSystem=strict", "LimitCORE=0", "Restart=always", "UMask=0077",
                   "CapabilityBoundingSet=", "MemoryDenyWriteExecute=yes", "User=vitrina",
                   "Type=notify", "WatchdogSec=60", "StartLimitIntervalSec=0"):  # fmt: skip
        assert needed in lines
    assert "s3cret" not in unit
    assert "mqtt://" not in unit


def test_the_access_list_is_the_channel_table() -> None:
    """Every row for its node, in its direction, and no line more."""
    blocks = _program("acl").access_list(NODES).strip().split("\n\n")
    found = {block.splitlines()[0]: set(block.splitlines()[1:]) for block in blocks}
    verb = {"up": "write", "down": "read"}
    for item in NODES:
        topics = {
            f"topic {verb[row.direction]} vitrina/v1/{item['store']}/{item['node']}/{kind}"
            for kind, row in CHANNELS.items()
        }
        store, node = item["store"], item["node"]
        topics |= {
            f"topic write vitrina-local/v1/{store}/{node}/floor.tracks",
            f"topic read vitrina-local/v1/{store}/+/floor.tracks",
        }
        assert found.pop(f"user {item['store']}.{item['node']}") == topics
    down = {f"topic write vitrina/v1/+/+/{kind}" for kind, row in CHANNELS.items() if row.direction == "down"}
    assert found == {"user central": {"topic read vitrina/v1/+/+/+", *down}}


def test_a_mistake_of_a_person_is_not_tried_again_every_few_seconds() -> None:
    """Exit code 2 (configuration or usage) of both products; anything else is started anew at once."""
    for role in ("central", "edge"):
        unit = _render(role, f"vitrina-{role}.service.j2", central_broker_password="p")
        (line,) = [line for line in unit.splitlines() if line.startswith("ExecStopPost=/bin/sh -c ")]
        program = line.partition(" -c ")[2].strip("'").replace("$$", "$").replace("sleep 15", "echo waits")
        said = {
            code: subprocess.run(["/bin/sh", "-c", program], env={"EXIT_STATUS": code}, capture_output=True, text=True)
            for code in ("2", "0", "1", "ABRT")
        }
        assert {code: done.stdout for code, done in said.items()} == {"2": "waits\n", "0": "", "1": "", "ABRT": ""}
        assert {done.returncode for done in said.values()} == {0}


def test_the_broker_is_tried_until_its_address_is_there() -> None:
    """Debian's unit gives up after five tries within a second; seen when the address came 15 s after the start."""
    lines = _render("broker", "mosquitto.service.conf.j2").splitlines()
    assert {"StartLimitIntervalSec=0", "Restart=always", "RestartSec=2", "After=network-online.target"} <= set(lines)


def test_the_check_of_the_inventory_knows_every_variable_that_is_read() -> None:
    """What a role reads and no task makes is in its defaults, or is one of the two that only an inventory can say."""
    roles = ("broker", "central", "common", "edge")
    known = {"edge_store", "edge_node"}
    read: set[str] = set()
    for role in roles:
        folder = ROLES / role
        known |= set(yaml.safe_load((folder / "defaults" / "main.yml").read_text(encoding="utf-8")))
        for path in [*(folder / "tasks").iterdir(), *(folder / "templates").iterdir()]:
            text = path.read_text(encoding="utf-8")
            known |= set(re.findall(r"register: (\w+)", text)) | set(re.findall(r"^ +(\w+): ", text, re.MULTILINE))
            read |= set(re.findall(rf"\b(?:{'|'.join(roles)})_[a-z_]+", " ".join(re.findall(r"{[{%].*?[}%]}", text))))
    assert read - known == set()
    said = {name for host in _hosts().values() for name in host if name.partition("_")[0] in roles}
    assert said <= known


@pytest.mark.parametrize("name", ["+", "#", "a/b", "node-1\nuser central", "", "A"])
@pytest.mark.parametrize("field", ["store", "node"])
def test_a_name_can_not_widen_the_access_list(field: str, name: str) -> None:
    with pytest.raises(MisaddressedError):
        _program("acl").access_list([{"store": "shop", "node": "node-1", field: name}])


def test_the_broker_is_told_every_node_of_the_inventory() -> None:
    assert json.loads(_render("broker", "nodes.json.j2")) == [{"store": "shop", "node": "node-1"}]


def test_the_broker_refuses_strangers_and_packets_nobody_would_read() -> None:
    settings = dict(
        line.split(maxsplit=1) for line in _render("broker", "mosquitto.conf.j2").splitlines() if line[0] != "#"
    )
    assert settings["allow_anonymous"] == "false"
    assert settings["listener"] == "1883 192.0.2.10"
    assert 0 <= int(settings["max_packet_size"]) - MAX_ACCEPTED_BYTES <= 1024


def test_passwords_are_made_once_and_forgotten_with_their_node(tmp_path: Path) -> None:
    accounts, folder, passwd = _program("accounts"), tmp_path / "passwords", tmp_path / "passwd"
    assert accounts.write(["central", "shop.node-1", "shop.node-2"], folder, passwd)
    first = passwd.read_text().splitlines()
    assert not accounts.write(["central", "shop.node-1", "shop.node-2"], folder, passwd)
    assert len({path.read_text() for path in folder.iterdir()}) == 3
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in [passwd, *folder.iterdir()])

    (folder / "shop.node-1").unlink()
    assert accounts.write(["central", "shop.node-1"], folder, passwd)
    second = passwd.read_text().splitlines()
    assert second[0] == first[0]
    assert second[1].startswith("shop.node-1:")
    assert second[1] != first[1]
    assert len(second) == 2
    assert sorted(path.name for path in folder.iterdir()) == ["central", "shop.node-1"]


def test_no_password_is_readable_in_the_password_file(tmp_path: Path) -> None:
    accounts, folder, passwd = _program("accounts"), tmp_path / "passwords", tmp_path / "passwd"
    accounts.write(["central"], folder, passwd)
    assert (folder / "central").read_text().strip() not in passwd.read_text()
    assert not accounts.fits(passwd.read_text().strip(), "central", "another")
    assert not accounts.fits("central:$6$old", "central", "another")
