"""Who may see what on a label: pure rules. A label is personal only for one identified visitor who is alone at it.

Whatever is in doubt becomes public: the wanted content is personal only while every condition holds, and it has a
deadline on the monotonic clock that nobody needs to enforce from outside (invariants 4 and 5).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from contract.commands import LabelContent, LabelShow
from contract.events import VisitEnded, VisitIdentified, ZoneDwelled, ZoneEntered, ZoneLeft
from contract.values import Report
from edge.values import Instant

Variant = Literal["public", "personal"]
Cause = Literal["command", "expiry", "zone", "restart", "report"]


@dataclass(frozen=True, slots=True)
class LabelPolicy:
    """Seconds."""

    reserve_s: float = 30.0
    """A personal price with less life than this left is not pushed: the glass takes that long to change twice."""
    min_refresh_s: float = 3.0
    """Least time between a push and a following personal one: battery and glass wear with every change."""
    longest_s: float = 900.0
    """No personal price lives longer, whatever the command says."""


@dataclass(frozen=True, slots=True)
class Want:
    """What the label should show. `generation` rises with every change; `deadline` is monotonic."""

    variant: Variant
    content: LabelContent | None
    generation: int
    asked_at: float
    command: int = 0
    cause: Cause = "command"
    quote: str | None = None
    visit: str | None = None
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """One label of this node: the public content to go back to, and what it should show now."""

    label: str
    zone: str | None
    want: Want
    public: LabelContent | None = None
    battery_low: bool = False
    pushed_at: float | None = None


class NotAllowed(Exception):  # noqa: N818 - an outcome, not a fault
    """A personal price that is not shown; `cause` goes into the label's state."""

    def __init__(self, why: str, cause: Cause = "command") -> None:
        super().__init__(why)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Occupancy:
    """Who stands in which zone, from this node's own floor tracks. Zones not in `observed` are unknown to us."""

    observed: frozenset[str] = frozenset()
    present: dict[str, dict[str, str | None]] = field(default_factory=dict)
    """Zone to track to visit (None: anonymous)."""

    def step(self, event: Report) -> Occupancy:
        """After a zone event."""
        match event:
            case ZoneEntered() | ZoneDwelled():
                inside = {**self.present.get(event.zone, {}), event.track: event.visit}
            case ZoneLeft():
                inside = {key: visit for key, visit in self.present.get(event.zone, {}).items() if key != event.track}
            case _:
                return self
        return replace(self, present={**self.present, event.zone: inside})

    def alone(self, zone: str | None, visit: str | None) -> bool:
        """Whether `visit`, and nobody else, is in the zone. A zone this node does not watch is central's to judge."""
        if zone is None or zone not in self.observed:
            return True
        inside = self.present.get(zone, {})
        return bool(inside) and all(who == visit for who in inside.values())


def new_shelf(label: str, zone: str | None, public: LabelContent | None, now: float) -> Shelf:
    """A label at the start of the process: it shall show its public content, whatever it shows."""
    return Shelf(label, zone, Want("public", public, 1, now, cause="restart"), public)


def show_public(shelf: Shelf, command: LabelShow, now: float) -> Shelf:
    """A new public price replaces everything, a personal price included."""
    want = Want("public", command.content, shelf.want.generation + 1, now, command.sequence)
    return replace(shelf, public=command.content, want=want)


def show_personal(shelf: Shelf, command: LabelShow, occupancy: Occupancy, now: Instant, policy: LabelPolicy) -> Shelf:
    """A personal price, when everything allows it; NotAllowed otherwise (the label then stays as it is)."""
    public = shelf.public
    if command.expires_at is None or command.quote is None or command.visit is None:
        raise NotAllowed("expires_at, quote, visit: a personal price needs all three")
    if public is None:
        raise NotAllowed("the public price of this label is not known here: nothing to go back to")
    if command.content.price > public.price or (command.content.was is not None and command.content.was > public.price):
        raise NotAllowed("the personal price is above the public one")
    if (command.content.sku, command.content.currency) != (public.sku, public.currency):
        raise NotAllowed("the personal price is for another article")
    left = (command.expires_at - now.wall).total_seconds()
    if left < policy.reserve_s:
        raise NotAllowed("it expires too soon to be shown and taken back", "expiry")
    if shelf.battery_low:
        raise NotAllowed("the label's battery is low: it is kept for the public price", "report")
    if shelf.pushed_at is not None and now.monotonic - shelf.pushed_at < policy.min_refresh_s:
        raise NotAllowed("the label was changed a moment ago")
    if not occupancy.alone(shelf.zone or command.zone, command.visit):
        raise NotAllowed("the visitor is not alone at the label", "zone")
    want = Want(
        "personal", command.content, shelf.want.generation + 1, now.monotonic, command.sequence,
        quote=command.quote, visit=command.visit, deadline=now.monotonic + min(left, policy.longest_s),
    )  # fmt: skip
    return replace(shelf, want=want)


def go_public(shelf: Shelf, cause: Cause, now: float, command: int = 0) -> Shelf:
    """Take a personal price back; a public label is left alone."""
    if shelf.want.variant == "public":
        return shelf
    want = Want("public", shelf.public, shelf.want.generation + 1, now, command, cause)
    return replace(shelf, want=want)


def expire(shelf: Shelf, now: float) -> Shelf:
    """Take a personal price back at its deadline."""
    over = shelf.want.deadline is not None and now >= shelf.want.deadline
    return go_public(shelf, "expiry", now) if over else shelf


def look_round(shelf: Shelf, occupancy: Occupancy, now: float) -> Shelf:
    """Take a personal price back once its visitor left the zone or somebody else came."""
    if shelf.want.variant == "personal" and not occupancy.alone(shelf.zone, shelf.want.visit):
        return go_public(shelf, "zone", now)
    return shelf


def visit_changed(shelf: Shelf, event: Report, now: float) -> Shelf:
    """Take a personal price back when its visit ended or its identity was retracted."""
    match event:
        case VisitEnded(visit=visit):
            gone = visit
        case VisitIdentified(visit=visit, outcome="retracted"):
            gone = visit
        case _:
            return shelf
    return go_public(shelf, "zone", now) if shelf.want.visit == gone else shelf
