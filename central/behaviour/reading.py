"""One event as a source sent it: checked, dated on our clock, and told what is wrong with it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from central.behaviour.summary import Fact
from central.behaviour.vocabulary import OTHER, WORDS, Order, Properties
from contract.values import Utc

CLOCK_TRUSTED = timedelta(seconds=60)
"""Slower networks than this are not found; a clock further off is corrected by it."""
MAX_EVENT_BYTES = 32_768
_CONTEXT = ("page", "campaign", "app", "library", "locale")
"""What is kept of the context: no address, no user agent, no traits."""
Id = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]


class EventIn(BaseModel):
    """The common fields of Segment's specification; others are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Literal["track", "identify", "page", "screen"]
    messageId: Id  # noqa: N815 - the names of the specification
    event: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] | None = None
    anonymousId: Id | None = None  # noqa: N815
    userId: Id | None = None  # noqa: N815
    timestamp: Utc | None = None
    sentAt: Utc | None = None  # noqa: N815
    name: Annotated[str, Field(max_length=200)] | None = None
    properties: dict[str, object] = {}
    traits: dict[str, object] = {}
    context: dict[str, object] = {}


@dataclass(frozen=True, slots=True)
class Refused:
    """What is wrong with an event, and with which field."""

    index: int
    message: str | None
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Read:
    """An event in order. `content` is what is kept of it, sealed."""

    index: int
    given: EventIn
    kind: str
    properties: Properties
    at: datetime
    content: dict[str, object]

    def facts(self, tie: str) -> list[Fact]:
        """What it says for the summary."""
        return list(WORDS.get(self.kind, OTHER).facts(self.properties, tie))

    @property
    def order(self) -> Order | None:
        """The order it tells of."""
        return self.properties if isinstance(self.properties, Order) else None


def read(index: int, raw: Mapping[str, object], received_at: datetime, sent_at: datetime | None) -> Read | Refused:
    """Check one event; `sent_at` of the batch counts where the event has none."""
    message = raw.get("messageId")
    known = message[:100] if isinstance(message, str) else None
    try:
        given = EventIn.model_validate(raw)
    except ValidationError as error:
        return Refused(index, known, *_first(error, ""))
    if given.type == "track" and given.event is None:
        return Refused(index, known, "event", "a track event needs its name")
    if given.anonymousId is None and given.userId is None:
        return Refused(index, known, "anonymousId", "needs anonymousId or userId")
    kind = kind_of(given)
    try:
        properties = WORDS.get(kind, OTHER).properties.model_validate(given.properties)
    except ValidationError as error:
        return Refused(index, known, *_first(error, "properties"))
    return Read(index, given, kind, properties, true_time(given, received_at, sent_at), _content(given))


def facts_of(kind: str, properties: object, tie: str) -> list[Fact]:
    """The facts of an event that was kept, for a recomputation."""
    word = WORDS.get(kind, OTHER)
    try:
        return list(word.facts(word.properties.model_validate(properties), tie))
    except ValidationError:
        return []


def order_of(kind: str, properties: object) -> Order | None:
    """The order that an event that was kept tells of."""
    try:
        found = WORDS.get(kind, OTHER).properties.model_validate(properties)
    except ValidationError:
        return None
    return found if isinstance(found, Order) else None


def kind_of(given: EventIn) -> str:
    """The name by which it is counted: names we do not know may say anything, so they are sealed."""
    if given.type != "track":
        return "Identify" if given.type == "identify" else "Page"
    return given.event if given.event is not None and given.event in WORDS else "Other"


def true_time(given: EventIn, received_at: datetime, sent_at: datetime | None) -> datetime:
    """When it happened, on our clock: what the sender's clock is off at sending, it was off before; never later."""
    happened = given.timestamp
    if happened is None:
        return received_at
    sent = given.sentAt or sent_at
    if sent is not None and abs(received_at - sent) > CLOCK_TRUSTED:
        happened = received_at - max(timedelta(0), sent - happened)
    return min(happened, received_at)


def tie(source: str, message: str) -> str:
    """Decides between events of one millisecond; the same for a duplicate."""
    return hashlib.blake2s(f"{source}/{message}".encode(), digest_size=6).hexdigest()


def _content(given: EventIn) -> dict[str, object]:
    content: dict[str, object] = {"properties": given.properties}
    if given.event is not None and given.event not in WORDS:
        content["event"] = given.event
    if given.name:
        content["name"] = given.name
    context = {name: given.context[name] for name in _CONTEXT if name in given.context}
    if context:
        content["context"] = context
    return content


def _first(error: ValidationError, prefix: str) -> tuple[str, str]:
    found = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in found["loc"])
    return ".".join(part for part in (prefix, place) if part)[:120], found["msg"][:200]
