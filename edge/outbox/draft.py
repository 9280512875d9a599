"""An event that is ready to be sent but for its session and sequence, which the outbox gives it as it commits."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from contract.channels import channel_for
from contract.clock import Clock
from contract.codec import Envelope, encode
from contract.values import Report

# The widest values the slot may take, so that a payload that fits with them fits with any.
_WIDEST_SESSION = "0" * 32
_WIDEST_SEQUENCE = 2**53 - 1
_SLOT = f'"session":"{_WIDEST_SESSION}","sequence":{_WIDEST_SEQUENCE}'.encode()

KEEP = 0
"""Never shed: what people, prices and consent depend on."""

SHED_ORDER: Mapping[str, int] = MappingProxyType(
    {"floor.occupancy": 2, "line.crossed": 1, "zone.entered": 1, "zone.dwelled": 1, "zone.left": 1}
)
"""Telemetry classes; the highest goes first when the disk is full. Kinds not named are kept."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One event: its typed report and its payload on both sides of the slot."""

    kind: str
    report: Report
    urgent: bool
    made_ms: int
    """Wall time, unix milliseconds: only for the age of the backlog."""
    head: bytes
    tail: bytes

    @property
    def shed_class(self) -> int:
        """0 never; otherwise the higher class is shed first."""
        return SHED_ORDER.get(self.kind, KEEP)

    def payload(self, session: str, sequence: int) -> bytes:
        """The finished message."""
        return b'%s"session":"%s","sequence":%d%s' % (self.head, session.encode(), sequence, self.tail)


def make_draft(report: Report, source: str, clock: Clock, offset_s: float | None = None) -> Draft:
    """Wrap a durable report of `source` ("/store/node"); contract.errors.OversizedError when it cannot be sent."""
    channel = channel_for(report)
    if not channel.durable:
        raise ValueError(f"{channel.kind} is not an event: it does not go through the outbox")
    now = clock.now()
    envelope = Envelope(
        id=uuid.uuid4().hex,
        source=source,
        type=channel.event_type,
        time=now,
        session=_WIDEST_SESSION,
        sequence=_WIDEST_SEQUENCE,
        clockoffset=offset_s,
    )
    # The slot's quotes are bare: inside any JSON string they would be escaped, so the first hit is the envelope's.
    head, _, tail = encode(envelope, report).partition(_SLOT)
    return Draft(channel.kind, report, channel.urgent, int(now.timestamp() * 1000), head, tail)
