"""A batch of site events: each checked by itself, told apart from its duplicates, and brought into the summaries.

First everything that needs no lock (checking, whose it is, sealing), then one transaction.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from central.behaviour import orders, service
from central.behaviour.access import Source
from central.behaviour.reading import MAX_EVENT_BYTES, EventIn, Read, Refused, read, tie
from central.behaviour.schemas import BatchIn, BatchOut, EventProblem
from central.behaviour.summary import Fact
from central.behaviour.tables import SiteEvent, SiteQuarantine, SiteSource
from central.database import insert_missing
from central.effects import Effects
from central.identity import service as identity
from central.identity.rules import Kind
from central.identity.service import Claim, Identifier, Seen
from central.privacy.service import purposes_of_many
from central.privacy.vault import Erased
from central.profiles.tables import Customer
from central.runtime import Runtime

BREATH = 50
"""Events checked before others get their turn."""
ERASED, LONGEST = "userId or anonymousId", 200
_TRAITS: tuple[tuple[str, Kind], ...] = (
    ("email", "email"),
    ("phone", "phone"),
    ("loyalty", "loyalty"),
    ("loyaltyCard", "loyalty"),
    ("loyalty_card", "loyalty"),
)


@dataclass(frozen=True, slots=True)
class _Ready:
    """An event with its owner, sealed."""

    event: Read
    owner: str
    subject: str | None
    sealed: bytes


@dataclass(slots=True)
class _Batch:
    """What becomes of a batch."""

    runtime: Runtime
    source: Source
    now: datetime
    raw: Sequence[Mapping[str, object]]
    people: dict[str, str] = field(default_factory=dict)
    """Customer id to subject."""
    linked: dict[str, str] = field(default_factory=dict)
    """Owner of a visitor's events to the subject they count for."""
    refusers: set[str] = field(default_factory=set)
    ready: dict[str, _Ready] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    aside: list[dict[str, object]] = field(default_factory=list)
    """Quarantine rows."""
    withheld: list[Read] = field(default_factory=list)
    duplicate: int = 0
    _known: dict[tuple[Kind, str], Identifier | None] = field(default_factory=dict)

    def identifier(self, kind: Kind, value: str) -> Identifier | None:
        """Looked up once a batch."""
        key = (kind, value)
        if key not in self._known:
            self._known[key] = identity.identifier(self.runtime.keys, self.source.store, kind, value)
        return self._known[key]

    def owner(self, event: Read) -> str | None:
        """Under whose name it is kept; None for a placeholder instead of an id."""
        user = authenticated(self.source, event.given)
        if user is not None:
            subject = self.people.get(user)
            known = self.identifier("customer", user) if subject is None else None
            return subject or (known.owner if known else None)
        if event.given.anonymousId is not None:
            visitor = self.identifier("visitor", event.given.anonymousId)
        else:  # a user id nobody vouches for: a stream of its own that no link ever reaches
            visitor = self.identifier("visitor", f"claimed {event.given.userId}")
        return visitor.owner if visitor else None


async def take(runtime: Runtime, source: Source, given: BatchIn) -> BatchOut:
    """The whole way of one batch."""
    batch = _Batch(runtime, source, runtime.clock.now(), given.batch)
    readable = await _check(batch, given.sentAt)
    owned = await _attribute(batch, readable)
    await _seal(batch, owned)
    await _quarantine(batch)
    async with runtime.change() as effects:
        fresh = await _insert(effects, batch)
        await identity.claim(effects, [claim for item in fresh for claim in _claims(batch, item)])
        await service.bring_forward(effects, [_news(source, item) for item in fresh])
        messages = {item.event.given.messageId for item in fresh}
        for item in sorted(fresh, key=lambda item: item.event.at):
            await orders.told(effects, source, item.event, item.subject, orders.Kept(item.owner, messages))
        for event in sorted(batch.withheld, key=lambda event: event.at):
            await orders.told(effects, source, event, None)
        effects.rows[SiteQuarantine].extend(batch.aside)
        out = _answer(batch, len(fresh))
        await _count(effects, source, out)
    return out


async def _check(batch: _Batch, sent_at: datetime | None) -> list[Read]:
    readable: dict[str, Read] = {}
    keep_days = batch.runtime.settings.event_days
    oldest = batch.now - timedelta(days=keep_days)
    for index, raw in enumerate(batch.raw):
        if index % BREATH == BREATH - 1:
            await asyncio.sleep(0)
        event = read(index, raw, batch.now, sent_at)
        if isinstance(event, Read) and event.at < oldest:
            event = Refused(index, event.given.messageId, "timestamp", f"older than {keep_days:g} days")
        if isinstance(event, Refused):
            batch.refused.append(event)
        elif event.given.messageId in readable:
            batch.duplicate += 1
        else:
            readable[event.given.messageId] = event
    return list(readable.values())


def authenticated(source: Source, event: EventIn) -> str | None:
    """The user id when it can be believed: from a server, of somebody it does not say is signed out."""
    if not source.server or event.context.get("signedIn") is False:
        return None
    return event.userId


async def _attribute(batch: _Batch, events: Sequence[Read]) -> list[tuple[Read, str]]:
    """Whose each event is. Those of people who said no to a profile are not kept."""
    async with batch.runtime.db.read() as session:
        batch.people = await _people(session, batch)
        owned: list[tuple[Read, str]] = []
        for event in events:
            owner = batch.owner(event)
            if owner is None:
                name = "userId" if authenticated(batch.source, event.given) else "anonymousId"
                batch.refused.append(Refused(event.index, event.given.messageId, name, "a placeholder, not an id"))
            else:
                owned.append((event, owner))
        batch.linked = await identity.subjects_of(session, {owner for _, owner in owned})
        purposes = await purposes_of_many(session, {*batch.people.values(), *batch.linked.values()})
    batch.refusers = {subject for subject, given in purposes.items() if not given.get("profile", False)}
    kept = []
    for event, owner in owned:
        if batch.linked.get(owner, owner) in batch.refusers:
            batch.withheld.append(event)
        else:
            kept.append((event, owner))
    return kept


async def _people(session: AsyncSession, batch: _Batch) -> dict[str, str]:
    """Customer id to subject, of customers of the source's own store; of refused events too."""
    given = [user for raw in batch.raw if isinstance(user := raw.get("userId"), str)] if batch.source.server else []
    named = {user.strip() for user in given if "\0" not in user}
    if not named:
        return {}
    store = batch.source.store
    statement = select(Customer.id, Customer.subject).where(Customer.id.in_(named), Customer.store == store)
    return {row.id: row.subject for row in (await session.execute(statement)).all()}


async def _seal(batch: _Batch, owned: Sequence[tuple[Read, str]]) -> None:
    vault = batch.runtime.vault
    await asyncio.to_thread(vault.prepare, {owner for _, owner in owned})  # may wait for the disk
    for place, (event, owner) in enumerate(owned):
        if place % BREATH == BREATH - 1:
            await asyncio.sleep(0)
        message = event.given.messageId
        try:
            sealed = vault.seal(owner, event.content)
        except Erased:
            batch.refused.append(Refused(event.index, message, ERASED, "this person was erased at their wish"))
            continue
        if len(sealed) > MAX_EVENT_BYTES:
            batch.refused.append(Refused(event.index, message, "properties", f"more than {MAX_EVENT_BYTES} bytes"))
            continue
        batch.ready[message] = _Ready(event, owner, None if ":" in owner else owner, sealed)


async def _quarantine(batch: _Batch) -> None:
    """Keep what was refused; sealed for whom it names, or else without its content."""
    owners = [None if item.field == ERASED else _named(batch, batch.raw[item.index]) for item in batch.refused]
    await asyncio.to_thread(batch.runtime.vault.prepare, {owner for owner in owners if owner is not None})
    for refused, named in zip(batch.refused, owners, strict=True):
        raw, owner = batch.raw[refused.index], named
        text = json.dumps(raw)
        sealed = None
        if owner is not None:
            try:
                sealed = batch.runtime.vault.seal(owner, raw if len(text) <= MAX_EVENT_BYTES else None)
            except Erased:
                owner = None
        batch.aside.append(
            {
                "source": batch.source.id,
                "store": batch.source.store,
                "field": refused.field,
                "reason": refused.reason,
                "size": len(text),
                "received_at": batch.now,
                "owner": owner,
                "sealed": sealed,
            }
        )


def _named(batch: _Batch, raw: Mapping[str, object]) -> str | None:
    user, visitor = raw.get("userId"), raw.get("anonymousId")
    if batch.source.server and isinstance(user, str):
        subject = batch.people.get(user.strip())
        if subject is not None:
            return subject
        known = batch.identifier("customer", user)
    else:
        known = batch.identifier("visitor", visitor) if isinstance(visitor, str) else None
    return known.owner if known else None


async def _insert(effects: Effects, batch: _Batch) -> list[_Ready]:
    """Those that were not there before, in the order they were sent."""
    rows = [
        {
            "source": batch.source.id,
            "message": message,
            "store": batch.source.store,
            "owner": item.owner,
            "kind": item.event.kind,
            "at": item.event.at,
            "received_at": batch.now,
            "sealed": item.sealed,
        }
        # In one order always, so that two requests with the same events cannot wait for each other.
        for message, item in sorted(batch.ready.items())
    ]
    fresh = await insert_missing(effects.session, SiteEvent, rows, SiteEvent.message)
    return [item for message, item in batch.ready.items() if message in fresh]


def _claims(batch: _Batch, item: _Ready) -> Iterator[Claim]:
    """What a signed-in event says about who uses what."""
    given = item.event.given
    if authenticated(batch.source, given) is None:
        return
    what = "identify" if given.type == "identify" else "signed-in event"
    seen = Seen(what, item.event.at, batch.source.name, f"site:{batch.source.name}", given.messageId)
    for kind, value in _identifiers(given):
        known = batch.identifier(kind, value)
        if known is not None:
            yield Claim(known, item.owner, seen)


def _identifiers(given: EventIn) -> Iterator[tuple[Kind, str]]:
    if given.anonymousId is not None:
        yield "visitor", given.anonymousId
    device = given.context.get("device")
    if isinstance(device, Mapping) and isinstance(device.get("id"), str):
        yield "device", device["id"][:LONGEST]
    for trait, kind in _TRAITS:
        value = given.traits.get(trait)
        if isinstance(value, str):
            yield kind, value[:LONGEST]


def _news(source: Source, item: _Ready) -> tuple[str, int, str, list[Fact]]:
    mark = tie(source.id, item.event.given.messageId)
    return item.owner, service.milliseconds(item.event.at), mark, item.event.facts(mark)


def _answer(batch: _Batch, accepted: int) -> BatchOut:
    return BatchOut(
        accepted=accepted,
        duplicate=batch.duplicate + len(batch.ready) - accepted,
        rejected=len(batch.refused),
        withheld=len(batch.withheld),
        errors=[
            EventProblem(index=item.index, message_id=item.message, field=item.field, reason=item.reason)
            for item in sorted(batch.refused, key=lambda item: item.index)
        ],
    )


async def _count(effects: Effects, source: Source, out: BatchOut) -> None:
    row = {"source": source.id, "store": source.store, "last_at": effects.now}
    numbers = out.model_dump(include={"accepted", "duplicate", "rejected", "withheld"})
    await insert_missing(effects.session, SiteSource, [{**row, **dict.fromkeys(numbers, 0)}])
    columns = SiteSource.__table__.columns
    more = {name: columns[name] + number for name, number in numbers.items()}
    await effects.session.execute(
        update(SiteSource).where(SiteSource.source == source.id).values(last_at=effects.now, **more)
    )
