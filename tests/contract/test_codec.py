"""Encoding, decoding and everything a hostile or newer peer can send."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.channels import CHANNELS, Address
from contract.codec import Envelope, decode, encode, plain
from contract.errors import (
    InvalidDataError,
    MalformedError,
    MessageError,
    MisaddressedError,
    OversizedError,
    UnknownKindError,
)
from contract.events import FloorOccupancy, ProductScanned
from contract.signing import signing_bytes
from contract.values import MAX_ACCEPTED_BYTES, MAX_PAYLOAD_BYTES

RECORDED = sorted((Path(__file__).parent / "payloads").glob("v*/*.json"))
AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def load(path: Path) -> tuple[str, dict[str, object]]:
    record = json.loads(path.read_text(encoding="utf-8"))
    return record["topic"], record["payload"]


def recorded(kind: str) -> tuple[str, dict[str, object]]:
    return load(Path(__file__).parent / "payloads" / "v1" / f"{kind}.json")


def dumps(payload: object) -> bytes:
    return json.dumps(payload).encode()


def holds(now: object, then: object) -> bool:
    """Whether everything recorded `then` is still in `now`; fields added since are allowed."""
    if isinstance(then, dict) and isinstance(now, dict):
        return all(key in now and holds(now[key], value) for key, value in then.items())
    if isinstance(then, list) and isinstance(now, list):
        return len(now) == len(then) and all(holds(a, b) for a, b in zip(now, then, strict=True))
    return now == then


def test_every_kind_has_a_recorded_payload() -> None:
    assert {path.stem for path in RECORDED} >= set(CHANNELS)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_recorded_payloads_decode_for_ever(path: Path) -> None:
    topic, payload = load(path)
    message = decode(topic, dumps(payload))
    assert message.channel.kind == path.stem
    assert encode(message.envelope, message.data) == encode(message.envelope, decode(topic, dumps(payload)).data)
    assert holds(plain(message.data), payload["data"]), "what was recorded is read whole, field by field"


def test_times_become_utc_and_naive_ones_are_refused() -> None:
    moscow = ProductScanned(sku="A", device="s", at=AT.astimezone(timezone(timedelta(hours=3))))
    assert plain(moscow)["at"] == "2026-11-22T09:30:00.000Z"
    topic, payload = recorded("product.scanned")
    payload["data"]["at"] = "2026-11-22T09:30:00"
    with pytest.raises(InvalidDataError, match="at: "):
        decode(topic, dumps(payload))


def test_unknown_fields_of_a_newer_peer_are_ignored_but_stay_signed() -> None:
    topic, payload = recorded("label.show")
    payload["data"]["hologram"] = True
    payload["future"] = 1
    message = decode(topic, dumps(payload))
    assert not hasattr(message.data, "hologram")
    assert b"hologram" in signing_bytes("label.show", "demo", "door-1", message.raw)


def test_signature_covers_the_address_and_every_field_but_itself() -> None:
    data = {"a": 1, "signature": "x"}
    base = signing_bytes("label.show", "demo", "door-1", data)
    assert base == signing_bytes("label.show", "demo", "door-1", {"signature": "y", "a": 1})
    others = [
        signing_bytes("label.revert", "demo", "door-1", data),
        signing_bytes("label.show", "other", "door-1", data),
        signing_bytes("label.show", "demo", "door-2", data),
        signing_bytes("label.show", "demo", "door-1", {"a": 2}),
    ]
    assert base not in others
    assert len(set(others)) == len(others)


def test_own_oversized_message_is_found_where_it_is_made() -> None:
    cells = tuple((i, i, 1234567.123456789) for i in range(200))
    event = FloorOccupancy(camera="floor", minute=AT, cells=cells)
    envelope = Envelope(id="1", source="/demo/n", type=CHANNELS["floor.occupancy"].event_type, time=AT)
    with pytest.raises(OversizedError, match=str(MAX_PAYLOAD_BYTES)):
        encode(envelope, event)


def test_oversized_payload_is_refused_unread() -> None:
    with pytest.raises(OversizedError):
        decode("not even a topic", b"{" * (MAX_ACCEPTED_BYTES + 1))


@pytest.mark.parametrize(
    "raw", [b"", b"\xff\xfe", b"[]", b"null", b"{", b'{"a":NaN', b"[" * 9000, b'{"specversion":"0.3"}']
)
def test_malformed_payloads(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        decode("vitrina/v1/demo/door-1/status", raw)


def test_unknown_kind() -> None:
    with pytest.raises(UnknownKindError):
        decode("vitrina/v1/demo/door-1/teleport", b"{}")


def test_forged_node_id_is_found() -> None:
    topic, payload = recorded("visit.started")
    with pytest.raises(MisaddressedError, match="door-1"):
        decode(topic.replace("door-1", "door-2"), dumps(payload))
    with pytest.raises(MisaddressedError):
        decode(topic.replace("visit.started", "visit.ended"), dumps(payload))


def test_events_without_session_or_sequence_are_refused() -> None:
    topic, payload = recorded("visit.started")
    del payload["sequence"]
    with pytest.raises(MalformedError, match="sequence"):
        decode(topic, dumps(payload))


def test_the_error_names_the_field_and_never_echoes_data() -> None:
    topic, payload = recorded("zone.dwelled")
    payload["data"]["dwell_s"] = -1
    with pytest.raises(InvalidDataError, match=r"dwell_s"):
        decode(topic, dumps(payload))


@pytest.mark.parametrize(
    ("field", "value"),
    [("expires_at", None), ("quote", None), ("visit", None)],
)
def test_a_personal_price_cannot_be_encoded_without_its_bounds(field: str, value: object) -> None:
    topic, payload = recorded("label.show")
    payload["data"][field] = value
    with pytest.raises(InvalidDataError):
        decode(topic, dumps(payload))


def test_a_personal_price_above_public_or_without_disclosure_is_refused() -> None:
    topic, payload = recorded("label.show")
    payload["data"]["content"]["price"] = payload["data"]["content"]["was"] + 1
    with pytest.raises(InvalidDataError, match="above the public price"):
        decode(topic, dumps(payload))
    topic, payload = recorded("label.show")
    payload["data"]["content"]["disclosure"] = ""
    with pytest.raises(InvalidDataError, match="disclosure"):
        decode(topic, dumps(payload))


def test_a_template_without_consent_to_identify_is_refused() -> None:
    topic, payload = recorded("enrolment.completed")
    payload["data"]["consent"]["purposes"]["identify"] = False
    with pytest.raises(InvalidDataError, match="identify"):
        decode(topic, dumps(payload))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(kind=st.sampled_from(sorted(CHANNELS)), position=st.integers(0, 200), value=json_values)
def test_no_mutation_of_a_payload_raises_anything_but_a_message_error(kind: str, position: int, value: object) -> None:
    topic, payload = recorded(kind)
    data = payload["data"]
    keys = [*payload, *data]
    target = keys[position % len(keys)]
    (payload if target in payload else data)[target] = value
    try:
        decode(topic, json.dumps(payload).encode())
    except MessageError:
        return


@given(topic=st.text(max_size=60), raw=st.binary(max_size=400))
def test_noise_raises_nothing_but_a_message_error(topic: str, raw: bytes) -> None:
    with pytest.raises(MessageError):
        decode(topic, raw)


def test_address_is_part_of_a_message() -> None:
    topic, payload = recorded("status")
    assert decode(topic, dumps(payload)).address == Address("demo", "door-1", "status")
