"""The gate: 10,000 forged, old or expired commands, none obeyed; and what it forgets over a restart."""

from __future__ import annotations

import base64
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.channels import Address, channel_for
from contract.codec import Envelope, encode, plain
from contract.commands import (
    GalleryDrop,
    GalleryPut,
    LabelContent,
    LabelRevert,
    LabelShow,
    PolicySet,
    Receipt,
    Signed,
)
from contract.signing import signing_bytes
from contract.values import Command
from edge.commands import CommandGate, Refused
from edge.memory import Memory

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
KEY = Ed25519PrivateKey.generate()
STRANGER = Ed25519PrivateKey.generate()
CONTENT = LabelContent(title="Headphones", sku="S1", price=1000, currency="EUR")


def send(data: Command, *, store: str = "demo", node: str = "node1", key: Ed25519PrivateKey = KEY) -> tuple[str, bytes]:
    """What central would put on the wire, signed when it is a signed command."""
    address = Address(store, node, channel_for(data).kind)
    if isinstance(data, Signed):
        signature = key.sign(signing_bytes(address.kind, store, node, plain(data)))
        data = data.model_copy(update={"signature": base64.b64encode(signature).decode()})
    envelope = Envelope(id="1", source="/central", type=channel_for(data).event_type, time=NOW)
    return address.topic, encode(envelope, data)


def show(sequence: int = 1, label: str = "l1", valid_s: float = 60) -> LabelShow:
    valid = NOW + timedelta(seconds=valid_s)
    return LabelShow(sequence=sequence, valid_until=valid, label=label, variant="public", content=CONTENT)


def put(sequence: int, subject: str = "s1", template: str = "t1") -> GalleryPut:
    return GalleryPut(
        sequence=sequence, valid_until=NOW + timedelta(60), subject=subject, template=template,
        model_sha256="0" * 64, sealed_template="AAAA", sealed_key="AAAA", lease_until=NOW + timedelta(1),
    )  # fmt: skip


def drop(sequence: int, subject: str = "s1") -> GalleryDrop:
    return GalleryDrop(sequence=sequence, valid_until=NOW + timedelta(60), subject=subject, reason="withdrawn")


@pytest.fixture
def gate(tmp_path: Path) -> CommandGate:
    return CommandGate("demo", "node1", KEY.public_key().public_bytes_raw(), Memory(tmp_path / "node.db"))


def reason(gate: CommandGate, message: tuple[str, bytes], now: datetime = NOW) -> str | None:
    try:
        gate.judge(*message, now)
    except Refused as refusal:
        return refusal.reason
    return None


def test_signed_commands_and_receipts_pass(gate: CommandGate) -> None:
    revert = LabelRevert(sequence=2, valid_until=NOW + timedelta(60), label="l1", reason="left")
    policy = PolicySet(sequence=1, valid_until=NOW + timedelta(60), document="{}")
    for data in (show(), revert, put(1), drop(2), policy, Receipt(session="a", sequence=3)):
        assert reason(gate, send(data)) is None


def test_each_reason(gate: CommandGate) -> None:
    topic, payload = send(show())
    assert reason(gate, (topic, b"{")) == "malformed"
    assert reason(gate, (topic, b"x" * 20_000)) == "oversized"
    assert reason(gate, (topic.replace("label.show", "label.burn"), payload)) == "unknown_kind"
    assert reason(gate, send(show(), node="node2")) == "misaddressed"
    # The right signature of another node's command, sent on our topic.
    assert reason(gate, (topic, send(show(), node="node2")[1])) == "forged"
    assert reason(gate, send(show(), key=STRANGER)) == "forged"
    body = json.loads(payload)
    del body["data"]["signature"]
    assert reason(gate, (topic, json.dumps(body).encode())) == "unsigned"
    assert reason(gate, send(show(valid_s=-1))) == "expired"
    assert reason(gate, send(show(5))) is None
    assert reason(gate, send(show(5))) == "old"
    assert reason(gate, send(show(4))) == "old"
    assert reason(gate, send(show(4, label="l2"))) is None


def test_admit_counts_what_it_refuses(gate: CommandGate) -> None:
    assert gate.admit(*send(show(3)), NOW) is not None
    for _ in range(3):
        assert gate.admit(*send(show(2)), NOW) is None
    assert gate.refused == {"old": 3}


def test_a_command_sent_again_is_neither_obeyed_nor_complained_about(
    gate: CommandGate, caplog: pytest.LogCaptureFixture
) -> None:
    assert gate.admit(*send(drop(3)), NOW) is not None
    assert gate.admit(*send(drop(3)), NOW) is None
    assert not gate.refused
    assert not caplog.records


def test_a_changed_byte_anywhere_is_found(gate: CommandGate) -> None:
    topic, payload = send(show())
    body = json.loads(payload)
    for field, value in {"label": "l2", "sequence": 2, "valid_until": "2027-01-01T00:00:00Z", "extra": 1}.items():
        changed = {**body, "data": {**body["data"], field: value}}
        assert reason(gate, (topic, json.dumps(changed).encode())) == "forged"
    cheaper = {**body, "data": {**body["data"], "content": {**body["data"]["content"], "price": 1}}}
    assert reason(gate, (topic, json.dumps(cheaper).encode())) == "forged"


def test_fields_of_a_newer_central_are_covered_and_pass(gate: CommandGate) -> None:
    data = {**plain(show()), "animation": "blink"}
    data["signature"] = base64.b64encode(KEY.sign(signing_bytes("label.show", "demo", "node1", data))).decode()
    body = json.loads(send(show())[1])
    body["data"] = data
    assert reason(gate, ("vitrina/v1/demo/node1/label.show", json.dumps(body).encode())) is None


def test_ten_thousand_forged_old_or_expired_commands_none_obeyed(gate: CommandGate) -> None:
    assert reason(gate, send(show(1000))) is None
    chance = random.Random(11)
    genuine_topic, genuine = send(show(2000))
    old = [send(show(sequence)) for sequence in chance.sample(range(1, 1000), 100)]
    expired = [send(show(2000 + n, valid_s=-n - 0.001)) for n in range(100)]
    stranger = [send(show(3000 + n), key=STRANGER) for n in range(100)]
    accepted = 0
    for turn in range(10_000):
        match turn % 4:
            case 0:
                place = genuine.index(b'"signature":"') + 13 + chance.randrange(80)
                # Any other base64 digit that changes the decoded bytes.
                digit = chance.choice([c for c in b"ABCDEFGHIJKLMNOP" if c != genuine[place]])
                message = genuine_topic, genuine[:place] + bytes([digit]) + genuine[place + 1 :]
            case 1:
                message = chance.choice(old)
            case 2:
                message = chance.choice(expired)
            case _:
                message = chance.choice(stranger)
        accepted += gate.admit(*message, NOW) is not None
    assert accepted == 0
    assert sum(gate.refused.values()) == 10_000
    assert set(gate.refused) == {"forged", "old", "expired"}


def test_order_survives_a_restart_where_it_matters(tmp_path: Path) -> None:
    public = KEY.public_key().public_bytes_raw()
    first = CommandGate("demo", "node1", public, Memory(tmp_path / "node.db"))
    for data in (show(7), put(8), drop(9)):
        assert reason(first, send(data)) is None
    second = CommandGate("demo", "node1", public, Memory(tmp_path / "node.db"))
    assert reason(second, send(show(7))) == "old"
    assert reason(second, send(put(8))) == "old"  # it must not bring a withdrawn person back
    assert reason(second, send(put(10))) is None
    assert reason(second, send(put(10, template="t2"))) is None


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode) | st.just(b'{"a":' * 3000))
def test_garbage_is_refused_and_never_raises(gate: CommandGate, payload: bytes) -> None:
    assert gate.admit("vitrina/v1/demo/node1/label.show", payload, NOW) is None


@pytest.mark.parametrize("extra", ["NaN", '"\\ud800"', "1e999"])
def test_values_json_cannot_sign_are_refused(gate: CommandGate, extra: str) -> None:
    topic, payload = send(show())
    broken = payload.replace(b'"label":', b'"x":' + extra.encode() + b',"label":')
    assert gate.admit(topic, broken, NOW) is None
