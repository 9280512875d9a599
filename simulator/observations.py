"""What was true and what was seen, as plain values: the two inputs of the report. Times: seconds of the script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ExpectedArrival:
    """A participating person comes in: one card of that person must reach the page between `begin` and `end`."""

    person: str
    begin: float
    end: float
    usable_at: float | None = None
    """Ground truth: when the face first was large enough, or the code was presented."""


@dataclass(frozen=True, slots=True)
class ExpectedStay:
    """Somebody is in a zone from `begin` to `end`; `person` when the system can know who."""

    zone: str
    begin: float
    end: float
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything the script knows. `personal`: stays at whose label a personal price must appear; `alone`: windows in
    which exactly one person is in a zone (`person` when that one may have a personal price)."""

    seconds: float
    seed: int
    shoppers: int
    arrivals: tuple[ExpectedArrival, ...] = ()
    stays: tuple[ExpectedStay, ...] = ()
    personal: tuple[ExpectedStay, ...] = ()
    alone: tuple[ExpectedStay, ...] = ()


@dataclass(frozen=True, slots=True)
class ArrivalSeen:
    """An `arrival` on the event stream. `repeated`: its number had been seen before (a resumed stream)."""

    person: str
    visit: str
    method: str
    at: float
    latency_ms: float
    """From the event's own `first_usable_at` to here."""
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class StaySeen:
    """A finished stay as reported; `person` when it carried an identified visit."""

    zone: str
    end: float
    dwell_s: float
    person: str | None = None


@dataclass(frozen=True, slots=True)
class LabelSeen:
    """One personal spell of one label, by the glass itself; `confirmed`: central heard of it as shown."""

    label: str
    zone: str
    personal_at: float | None
    reverted_at: float | None
    confirmed: bool
    confirm_ms: float | None = None
    person: str | None = None
    """Whose price it was."""
    deadline: float | None = None
    """By when it must be public again: the quote's expiry and the time the glass takes."""


@dataclass(frozen=True, slots=True)
class ChargeSeen:
    """What the till took, beside the public price and the lowest price that was on the glass for this visit."""

    sku: str
    charged: int
    public: int
    shown: int | None
    redeemed: bool


@dataclass(frozen=True, slots=True)
class EventCounts:
    """One outbox session: what the edge committed, what central committed of it."""

    session: str
    emitted: int
    received: int
    doubled: int = 0
    """Committed more than once at central."""
    repeats: int = 0
    """Came again and were dropped, as they should be."""
    quarantined: int = 0


@dataclass(frozen=True, slots=True)
class FrameCounts:
    """Frames of all cameras over all lives of the edge process."""

    captured: int = 0
    processed: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Observations:
    """Everything that was seen from outside."""

    arrivals: tuple[ArrivalSeen, ...] = ()
    stays: tuple[StaySeen, ...] = ()
    labels: tuple[LabelSeen, ...] = ()
    charges: tuple[ChargeSeen, ...] = ()
    quotes: int = 0
    events: tuple[EventCounts, ...] = ()
    doubled_effects: int = 0
    """Cards or charges that exist twice for one cause."""
    frames: FrameCounts = FrameCounts()
    restarts: int = 0
    ended: Mapping[str, int] = field(default_factory=dict)
    """How often each process ended before the end: killed, or by itself."""
