"""What nodes of one store tell each other, on the store's broker only. Anonymous, best effort, never for central.

The root differs from that of the wire (contract.channels): a bridge of `vitrina/v1/#` does not carry it, central's
subscription does not match it, and the access list lets only nodes of the store hear it. QoS 0, not retained, not in
any outbox: a lost one is replaced by the next, a tenth of a second later.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, ValidationError

from contract.errors import InvalidDataError, MisaddressedError
from contract.values import MAX_ACCEPTED_BYTES, MAX_PAYLOAD_BYTES, NAME_PATTERN, Name, Token, Utc, Wire

ROOT = "vitrina-local/v1"
KIND = "floor.tracks"
QOS = 0

Plan = Annotated[float, Field(ge=-900, le=900, allow_inf_nan=False)]
Variance = Annotated[float, Field(ge=-1e4, le=1e4, allow_inf_nan=False)]


class Sight(Wire):
    """One camera track: place on the plan in metres and its variances (xx, xy, yy)."""

    track: Token
    x: Plan
    y: Plan
    spread: tuple[Variance, Variance, Variance]
    clear: bool = True
    edge: bool = False


class FloorTracks(Wire):
    """What one camera saw at a moment. Ids live for minutes and are those of that camera alone."""

    camera: Name
    at: Utc
    sights: tuple[Sight, ...] = Field(default=(), max_length=40)
    ended: tuple[Token, ...] = Field(default=(), max_length=40)


def topic(store: str, node: str) -> str:
    """MQTT topic of one node's tracks."""
    for field, value in (("store", store), ("node", node)):
        if value != "+" and not re.fullmatch(NAME_PATTERN, value):
            raise MisaddressedError(f"{field} {value!r} must match {NAME_PATTERN}")
    return f"{ROOT}/{store}/{node}/{KIND}"


def speaker(name: str) -> tuple[str, str] | None:
    """Store and node of a topic; None when it is not one of these."""
    parts = name.split("/")
    if len(parts) != 5 or "/".join(parts[:2]) != ROOT or parts[4] != KIND:
        return None
    good = all(re.fullmatch(NAME_PATTERN, part) for part in parts[2:4])
    return (parts[2], parts[3]) if good else None


def encode(tracks: FloorTracks) -> bytes:
    """JSON; as many sights as fit into a message of the usual size."""
    while True:
        payload = tracks.model_dump_json().encode()
        if len(payload) <= MAX_PAYLOAD_BYTES:
            return payload
        tracks = tracks.model_copy(update={"sights": tracks.sights[:-1], "ended": tracks.ended[:-1]})


def decode(payload: bytes) -> FloorTracks:
    """InvalidDataError when it is not one."""
    if len(payload) > MAX_ACCEPTED_BYTES:
        raise InvalidDataError(f"floor tracks of {len(payload)} bytes: at most {MAX_ACCEPTED_BYTES}")
    try:
        return FloorTracks.model_validate_json(payload)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidDataError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
