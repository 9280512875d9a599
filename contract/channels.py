"""The one table of the wire (invariant 7). Publishers, subscribers, health, AsyncAPI and tests all read it.

Topic of a row: `vitrina/v1/{store}/{node}/{kind}`, dots in the kind kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from contract import commands, events, quality, state
from contract.errors import MisaddressedError, UnknownKindError
from contract.values import NAME_PATTERN, Wire

ROOT = "vitrina/v1"
TYPE_PREFIX = "com.vitrina.v1."


@dataclass(frozen=True, slots=True)
class Channel:
    """One message kind. `durable`: through the outbox, with session and sequence, until central's receipt."""

    kind: str
    direction: Literal["up", "down"]
    model: type[Wire]
    qos: Literal[0, 1]
    retain: bool
    durable: bool
    urgent: bool
    """Committed and sent at once rather than with the next group."""
    period_s: float | None
    summary: str

    @property
    def event_type(self) -> str:
        """CloudEvents `type`."""
        return TYPE_PREFIX + self.kind


def _state(kind: str, model: type[Wire], summary: str, *, retain: bool, period_s: float | None = None) -> Channel:
    return Channel(kind, "up", model, 1, retain, False, True, period_s, summary)


def _event(kind: str, model: type[Wire], summary: str, *, urgent: bool = False) -> Channel:
    return Channel(kind, "up", model, 1, False, True, urgent, None, summary)


def _command(kind: str, model: type[Wire], summary: str) -> Channel:
    return Channel(kind, "down", model, 1, False, False, True, None, summary)


_ROWS = (
    _state(
        "status",
        state.Status,
        "Birth with versions, drivers, models, policy; the will says offline",
        retain=True,
    ),
    _state("health", state.Health, "Frame, outbox, gallery and machine counters", retain=False, period_s=30.0),
    _event("visit.started", events.VisitStarted, "A participating person was noticed", urgent=True),
    _event("visit.identified", events.VisitIdentified, "Who the visit belongs to", urgent=True),
    _event("visit.ended", events.VisitEnded, "The visit is over", urgent=True),
    _event("zone.entered", events.ZoneEntered, "A track is inside a zone", urgent=True),
    _event("zone.dwelled", events.ZoneDwelled, "A track reached the zone's dwell threshold", urgent=True),
    _event("zone.left", events.ZoneLeft, "A stay in a zone ended", urgent=True),
    _event("line.crossed", events.LineCrossed, "A track crossed an entrance line"),
    _event("floor.occupancy", events.FloorOccupancy, "Person-seconds per cell and minute"),
    _event("camera.calibration", quality.CameraCalibration, "How far a camera's metres and counts can be trusted"),
    _event("counter.reported", events.CounterReported, "Totals of another counter at a line"),
    _event("queue.measured", events.QueueMeasured, "Length and waiting times of a queue in a minute"),
    _event("group.entered", events.GroupEntered, "A buying unit came in"),
    _event("product.scanned", events.ProductScanned, "A product code was read", urgent=True),
    _event("label.state", events.LabelState, "A label is pending, shown, failed", urgent=True),
    _event("enrolment.completed", events.EnrolmentCompleted, "Consent and one sealed template", urgent=True),
    _event("enrolment.withdrawn", events.EnrolmentWithdrawn, "Consent taken back at the store", urgent=True),
    _command("receipt", commands.Receipt, "Cumulative acknowledgement of committed events"),
    _command("label.show", commands.LabelShow, "Show a public or a personal price"),
    _command("label.revert", commands.LabelRevert, "Back to the public price"),
    _command("gallery.put", commands.GalleryPut, "Hold one sealed template until the lease ends"),
    _command("gallery.drop", commands.GalleryDrop, "Forget a subject"),
    _command("policy.set", commands.PolicySet, "A signed site policy"),
)

CHANNELS: Mapping[str, Channel] = MappingProxyType({row.kind: row for row in _ROWS})
_BY_MODEL: Mapping[type[Wire], Channel] = MappingProxyType({row.model: row for row in _ROWS})


@dataclass(frozen=True, slots=True)
class Address:
    """Where a message belongs."""

    store: str
    node: str
    kind: str

    def __post_init__(self) -> None:
        for field, value in (("store", self.store), ("node", self.node)):
            if not re.fullmatch(NAME_PATTERN, value):
                raise MisaddressedError(f"{field} {value!r} must match {NAME_PATTERN}")

    @property
    def topic(self) -> str:
        """MQTT topic."""
        return f"{ROOT}/{self.store}/{self.node}/{self.kind}"

    @property
    def source(self) -> str:
        """CloudEvents `source` of what the node says."""
        return f"/{self.store}/{self.node}"


def channel_of(kind: str) -> Channel:
    """The row of a kind; UnknownKindError otherwise."""
    row = CHANNELS.get(kind)
    if row is None:
        raise UnknownKindError(f"no channel {kind!r} in this version of the contract")
    return row


def channel_for(data: Wire) -> Channel:
    """The row a model instance travels on."""
    return _BY_MODEL[type(data)]


def parse_topic(topic: str) -> Address:
    """Topic to address; MisaddressedError when it is not one of ours."""
    parts = topic.split("/")
    if len(parts) != 5 or "/".join(parts[:2]) != ROOT:
        raise MisaddressedError(f"topic {topic[:120]!r} is not {ROOT}/store/node/kind")
    return Address(*parts[2:])


def kinds(direction: Literal["up", "down"]) -> tuple[Channel, ...]:
    """Rows of one direction, in table order."""
    return tuple(row for row in _ROWS if row.direction == direction)


def subscription(kind: str, store: str = "+", node: str = "+") -> str:
    """MQTT topic filter for a kind."""
    return f"{ROOT}/{store}/{node}/{kind}"
