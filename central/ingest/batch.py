"""One transaction of ingest: decode, drop duplicates, store, apply, move the marks. Receipts come after the commit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import ValidationError

from central.effects import Effects, Origin
from central.ingest.handlers import apply
from central.ingest.ranges import Committed
from central.ingest.tables import Event, Mark, Quarantined
from central.labels import presence
from central.pricing.turns import wait_for_turn
from central.visits import service as visits
from contract.channels import Address, parse_topic
from contract.codec import Envelope, Message, decode
from contract.commands import Receipt
from contract.errors import MessageError, MisaddressedError
from contract.events import (
    EnrolmentCompleted,
    VisitEnded,
    VisitIdentified,
    VisitStarted,
    ZoneDwelled,
    ZoneEntered,
    ZoneLeft,
)
from contract.values import MAX_ACCEPTED_BYTES, Report

ALSO = 256
"""Selective acknowledgements one receipt can carry."""
MAX_OFFSET = timedelta(days=2)
KEPT_BYTES = 2000
MAX_SEQUENCE = 2**62


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message as the broker handed it over."""

    topic: str
    payload: bytes
    received_at: datetime


OutboxKey = tuple[str, str, str]
"""(store, node, session)."""


@dataclass(slots=True)
class _Outbox:
    mark: Mark
    committed: Committed
    seen: list[int] = field(default_factory=list)
    """Numbers of this batch, duplicates too: a resent event means that its receipt was lost."""


@dataclass(slots=True)
class Batch:
    """The state of one transaction."""

    effects: Effects
    outboxes: dict[OutboxKey, _Outbox] = field(default_factory=dict)

    async def take(self, arrived: Arrived, message: Message | MessageError) -> None:
        """Commit one message: its effects, or its place in quarantine."""
        if isinstance(message, MessageError):
            await self.quarantine(arrived, message.reason, message.detail)
            return
        if message.channel.direction != "up" or not isinstance(message.data, Report):
            return
        if not message.channel.durable:
            await apply(self.effects, _origin(message, arrived), message.data)
            return
        session, sequence = message.envelope.session, message.envelope.sequence
        assert session is not None
        assert sequence is not None
        if sequence >= MAX_SEQUENCE:
            await self.quarantine(arrived, "invalid_data", "sequence: more than an outbox can count to")
            return
        address = message.address
        if not await self._new(address, session, sequence):
            return
        origin = _origin(message, arrived)
        self._store(message, session, sequence, origin)
        await apply(self.effects, origin, message.data)

    async def _new(self, address: Address, session: str, sequence: int) -> bool:
        """Count the number in; whether it was not there before."""
        outbox = await self._outbox(address, session)
        if sequence in outbox.committed:
            outbox.mark.duplicates += 1
            outbox.seen.append(sequence)
            return False
        if not outbox.committed.add(sequence):
            return False  # too many holes: left in the outbox, which will offer it again when the holes are filled
        outbox.mark.received += 1
        outbox.seen.append(sequence)
        return True

    async def _outbox(self, address: Address, session: str) -> _Outbox:
        key = (address.store, address.node, session)
        found = self.outboxes.get(key)
        if found is None:
            mark = await self.effects.session.get(Mark, key)
            if mark is None:
                mark = Mark(
                    store=address.store,
                    node=address.node,
                    session=session,
                    high_water=0,
                    above="[]",
                    received=0,
                    duplicates=0,
                    quarantined=0,
                    updated_at=self.effects.now,
                )
                self.effects.session.add(mark)
            found = self.outboxes[key] = _Outbox(mark, Committed.load(mark.high_water, mark.above))
        return found

    def _store(self, message: Message, session: str, sequence: int, origin: Origin) -> None:
        secret = isinstance(message.data, EnrolmentCompleted)
        visit, subject = message.raw.get("visit"), message.raw.get("subject")
        self.effects.rows[Event].append(
            {
                "event_id": message.envelope.id,
                "store": message.address.store,
                "node": message.address.node,
                "session": session,
                "sequence": sequence,
                "kind": message.channel.kind,
                "visit": visit if isinstance(visit, str) else None,
                "subject": subject if isinstance(subject, str) else None,
                "at": origin.true(message.envelope.time),
                "received_at": origin.received_at,
                "data": {"subject": message.raw.get("subject")} if secret else message.raw,
            }
        )

    async def quarantine(self, arrived: Arrived, reason: str, detail: str) -> None:
        """Keep what cannot be used. With a readable number it counts as committed: it must not block the outbox."""
        address, envelope = salvage(arrived)
        if address is not None and envelope is not None:
            assert envelope.session is not None
            assert envelope.sequence is not None
            if not await self._new(address, envelope.session, envelope.sequence):
                return
            outbox = await self._outbox(address, envelope.session)
            outbox.mark.quarantined += 1
        text = arrived.payload[:KEPT_BYTES].decode(errors="replace").replace("\0", "\ufffd")
        self.effects.rows[Quarantined].append(
            {
                "store": address.store if address else None,
                "node": address.node if address else None,
                "topic": arrived.topic[:200].replace("\0", "\ufffd"),
                "reason": reason,
                "detail": detail[:300].replace("\0", "\ufffd"),
                # A template travels only on this kind, and nothing of a template is kept outside its table.
                "payload": "" if arrived.topic.endswith("/enrolment.completed") else text,
                "size": len(arrived.payload),
                "received_at": arrived.received_at,
            }
        )

    def close(self) -> None:
        """Write the marks down."""
        for outbox in self.outboxes.values():
            outbox.mark.high_water = outbox.committed.high_water
            outbox.mark.above = outbox.committed.dump()
            outbox.mark.updated_at = self.effects.now

    def receipts(self) -> list[tuple[str, str, Receipt]]:
        """(store, node, receipt) for every outbox of this batch."""
        ready: list[tuple[str, str, Receipt]] = []
        for (store, node, session), outbox in self.outboxes.items():
            mark = outbox.committed.high_water
            also = sorted({number for number in outbox.seen if number > mark})
            for start in range(0, max(1, len(also)), ALSO):
                receipt = Receipt(session=session, sequence=mark, also=tuple(also[start : start + ALSO]))
                ready.append((store, node, receipt))
        return ready


def _origin(message: Message, arrived: Arrived) -> Origin:
    offset = timedelta(seconds=max(-1e6, min(1e6, message.envelope.clockoffset or 0.0)))
    if abs(offset) > MAX_OFFSET:
        offset = timedelta(0)
    return Origin(message.address.store, message.address.node, arrived.received_at, offset)


def salvage(arrived: Arrived) -> tuple[Address | None, Envelope | None]:
    """Address and numbered envelope of a poison message, as far as they can be read and agree with each other."""
    try:
        address = parse_topic(arrived.topic)
    except MisaddressedError:
        return None, None
    if len(arrived.payload) > MAX_ACCEPTED_BYTES:
        return address, None
    try:
        envelope = Envelope.model_validate(json.loads(arrived.payload))
    except (ValidationError, ValueError, RecursionError):
        return address, None
    numbered = envelope.session is not None and envelope.sequence is not None and envelope.sequence < MAX_SEQUENCE
    return address, envelope if numbered and envelope.source == address.source else None


def read(arrived: Arrived) -> Message | MessageError:
    """The message, or what is wrong with it."""
    try:
        return decode(arrived.topic, arrived.payload)
    except MessageError as error:
        return error


async def run(effects: Effects, messages: Sequence[Arrived]) -> Batch:
    """Apply messages in the order they came; the caller commits."""
    batch = Batch(effects)
    decoded = [read(arrived) for arrived in messages]
    stores = {message.address.store for message in decoded if isinstance(message, Message)}
    await wait_for_turn(effects.session, stores)
    await _warm(effects, [message for message in decoded if isinstance(message, Message)])
    for arrived, message in zip(messages, decoded, strict=True):
        await batch.take(arrived, message)
    batch.close()
    return batch


async def _warm(effects: Effects, messages: Sequence[Message]) -> None:
    """Look up together what the messages are about."""
    named: set[tuple[str, str]] = set()
    placed: set[tuple[str, str, str, str]] = set()
    for message in messages:
        address, data = message.address, message.data
        if isinstance(data, VisitStarted | VisitIdentified | VisitEnded):
            named.add((address.store, data.visit))
        elif isinstance(data, ZoneEntered | ZoneDwelled | ZoneLeft):
            placed.add((address.store, address.node, data.zone, data.track))
    await visits.warm(effects, named)
    await presence.warm(effects, placed)
