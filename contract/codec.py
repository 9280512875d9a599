"""CloudEvents 1.0 structured JSON, both ways. Decoding never raises anything but `MessageError`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contract.channels import ROOT, TYPE_PREFIX, Address, Channel, channel_for, channel_of, parse_topic
from contract.errors import InvalidDataError, MalformedError, MisaddressedError, OversizedError
from contract.values import MAX_ACCEPTED_BYTES, MAX_PAYLOAD_BYTES, Token, Utc, Wire

CENTRAL_SOURCE = "/central"


class Envelope(BaseModel):
    """The CloudEvents attributes of a message (CloudEvents 1.0.2, JSON format 1.0.2)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"] = "1.0"
    id: Annotated[str, Field(min_length=1, max_length=64)]
    source: Annotated[str, Field(min_length=1, max_length=120)]
    type: Annotated[str, Field(min_length=1, max_length=80)]
    time: Utc
    subject: Annotated[str, Field(max_length=120)] | None = None
    datacontenttype: Literal["application/json"] = "application/json"
    session: Token | None = None
    sequence: Annotated[int, Field(ge=1)] | None = None
    clockoffset: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """Seconds the sender believes its wall clock is ahead of true time (invariant 6)."""


@dataclass(frozen=True, slots=True)
class Message:
    """A decoded message: where it came from, its envelope and its typed data."""

    address: Address
    channel: Channel
    envelope: Envelope
    data: Wire
    raw: dict[str, object]
    """The data as sent: what a signature covers, unknown fields of a newer peer included."""


def plain(data: Wire) -> dict[str, object]:
    """The JSON object a model travels as."""
    return data.model_dump(mode="json", exclude_none=True)


def encode(envelope: Envelope, data: Wire) -> bytes:
    """Message to bytes; OversizedError above 4096 bytes, so that an oversized message is found where it is made."""
    if envelope.type != channel_for(data).event_type:
        raise MisaddressedError(f"type {envelope.type!r} does not carry {type(data).__name__}")
    body = envelope.model_dump(mode="json", exclude_none=True)
    body["data"] = plain(data)
    payload = json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise OversizedError(f"{envelope.type} has {len(payload)} bytes, at most {MAX_PAYLOAD_BYTES} may be sent")
    return payload


def decode(topic: str, payload: bytes) -> Message:
    """Bytes to message. Errors: Oversized, Malformed, Misaddressed, UnknownKind, InvalidData (all MessageError)."""
    if len(payload) > MAX_ACCEPTED_BYTES:
        raise OversizedError(f"{len(payload)} bytes, at most {MAX_ACCEPTED_BYTES} are read")
    address = parse_topic(topic)
    channel = channel_of(address.kind)
    body = _parse_object(payload)
    try:
        envelope = Envelope.model_validate(body)
    except ValidationError as error:
        raise MalformedError(describe(error)) from None
    _check_address(address, channel, envelope)
    try:
        raw = body.get("data")
        data = channel.model.model_validate(raw)
    except ValidationError as error:
        raise InvalidDataError(describe(error)) from None
    return Message(
        address=address, channel=channel, envelope=envelope, data=data, raw=raw if isinstance(raw, dict) else {}
    )


def _parse_object(payload: bytes) -> dict[str, object]:
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"not JSON: {error}") from None
    if not isinstance(body, dict):
        raise MalformedError("a CloudEvent is a JSON object")
    return body


def _check_address(address: Address, channel: Channel, envelope: Envelope) -> None:
    if envelope.type != channel.event_type:
        raise MisaddressedError(f"type {envelope.type!r} on topic of {channel.kind!r}")
    expected = address.source if channel.direction == "up" else CENTRAL_SOURCE
    if envelope.source != expected:
        raise MisaddressedError(f"source {envelope.source!r}, the topic says {expected!r}")
    if channel.durable and (envelope.session is None or envelope.sequence is None):
        raise MalformedError("session, sequence: an event must carry both")


def describe(error: ValidationError) -> str:
    """One line for people: each bad field with what is wrong with it (at most five)."""
    problems = [
        f"{'.'.join(str(part) for part in item['loc']) or 'data'}: {item['msg']}" for item in error.errors()[:5]
    ]
    return "; ".join(problems)


__all__ = ["CENTRAL_SOURCE", "ROOT", "TYPE_PREFIX", "Envelope", "Message", "decode", "describe", "encode", "plain"]
