"""Events a node reports. Each is committed to the outbox first and delivered exactly once in effect (invariants 1, 2).

Events about one visit may arrive in any order; every one carries enough to be applied by itself.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from contract.values import Base64, Fraction, Minor, Name, Point, Report, Seconds, Sha256, Token, Utc

Method = Literal["qr", "face", "staff", "loyalty"]
Purpose = Literal["identify", "profile", "personal_price", "consultant_alert", "analytics"]
PURPOSES: tuple[Purpose, ...] = ("identify", "profile", "personal_price", "consultant_alert", "analytics")


class VisitStarted(Report):
    """A person who takes part was noticed: a check-in, or a track in a consent lane that was recognised."""

    visit: Token
    method: Method
    device: Name
    at: Utc
    position: Point | None = None


class VisitIdentified(Report):
    """Who the visit belongs to. A provisional one may be followed by a final one, or be retracted by it."""

    visit: Token
    subject: Token
    method: Method
    device: Name
    stage: Literal["provisional", "final"]
    outcome: Literal["known", "retracted"] = "known"
    confidence: Fraction
    margin: float = Field(default=0.0, ge=0, le=2)
    first_usable_at: Utc
    """When the first usable face (or the scan) was captured: alert latency is measured from here."""
    at: Utc


class VisitEnded(Report):
    """The visit is over: seen leaving, or not seen for the silence period."""

    visit: Token
    reason: Literal["exit", "silence", "shutdown", "withdrawn"]
    duration_s: Seconds
    at: Utc


class Who(Report):
    """A person on the floor: a visit once identified, otherwise an anonymous track id that lives minutes."""

    visit: Token | None = None
    track: Token
    """Scoped to one run of one node; never linked across cameras by appearance."""


class ZoneEntered(Who):
    """A track stayed inside the zone longer than its entry hysteresis; `at` is when it stepped in."""

    zone: Name
    at: Utc
    calibrated: bool = True


class ZoneDwelled(Who):
    """The track reached the zone's dwell threshold. Sent once a stay."""

    zone: Name
    dwell_s: Seconds
    at: Utc
    calibrated: bool = True


class ZoneLeft(Who):
    """The stay is over; `dwell_s` is monotonic time from entering to last being seen inside."""

    zone: Name
    dwell_s: Seconds
    at: Utc
    calibrated: bool = True


class LineCrossed(Who):
    """A track crossed an entrance line."""

    line: Name
    direction: Literal["in", "out"]
    at: Utc
    calibrated: bool = True


Cell = tuple[Annotated[int, Field(ge=-4000, le=4000)], Annotated[int, Field(ge=-4000, le=4000)], Seconds]


class FloorOccupancy(Report):
    """Person-seconds per cell of the plan in one minute of one camera: no ids, nothing to link."""

    camera: Name
    minute: Utc
    cell_m: float = Field(default=0.25, gt=0, le=5)
    cells: tuple[Cell, ...] = Field(max_length=200)
    """(column, row, person-seconds); column = floor(x / cell_m)."""
    part: int = Field(default=0, ge=0)
    """A crowded minute is split so that no message grows over the limit; parts add up."""
    people: tuple[Annotated[int, Field(ge=0, le=1000)], ...] = Field(default=(), max_length=200)
    """For each cell, in the same order: tracks that came into it for the first time in their life in this minute, so
    that sums over minutes count a track once a cell. Empty: not told (an older node); central then assumes the least.
    """
    calibrated: bool = True

    @model_validator(mode="after")
    def _people_belong_to_cells(self) -> FloorOccupancy:
        if self.people and len(self.people) != len(self.cells):
            raise ValueError("people: one number for each cell, or none at all")
        return self


class CounterReported(Report):
    """What another counter says of a line: totals since its last reset (ONVIF Profile M, CountAggregation/Counter).

    Totals, not steps: a report that overtakes another changes nothing. Who they were is not known.
    """

    line: Name
    entered: int | None = Field(default=None, ge=0, le=10**9)
    left: int | None = Field(default=None, ge=0, le=10**9)
    """None: this counter does not count that direction."""
    since: Utc
    """The counter's last reset, or when the node first heard it. A new `since` begins at nought."""
    source: Literal["onvif", "other"] = "onvif"
    device: Name
    at: Utc


class QueueMeasured(Report):
    """A marked queue in one minute. Sent for minutes in which somebody stood in it or left it."""

    zone: Name
    minute: Utc
    length_mean: float = Field(ge=0, le=1000, allow_inf_nan=False)
    """People in the queue, mean over the minute."""
    length_max: int = Field(ge=0, le=1000)
    length: int = Field(default=0, ge=0, le=1000)
    """At the end of the minute."""
    waits: tuple[Seconds, ...] = Field(default=(), max_length=100)
    """How long each person waited who left the queue in this minute; no ids."""
    calibrated: bool = True


class GroupEntered(Report):
    """A buying unit came in: people who entered within a gap and walked together; one alone is a group of one."""

    size: int = Field(ge=1, le=50)
    line: Name
    at: Utc
    calibrated: bool = True


class ProductScanned(Report):
    """A product's code was read (GTIN of a GS1 Digital Link, or a plain SKU)."""

    sku: str = Field(min_length=1, max_length=64)
    device: Name
    visit: Token | None = None
    at: Utc


class LabelState(Report):
    """What a label does with what it was given. `shown` means the glass reported it, not that it was sent."""

    label: Name
    state: Literal["pending", "shown", "failed", "unreachable", "battery_low"]
    variant: Literal["public", "personal"]
    quote: Token | None = None
    command: int = Field(default=0, ge=0)
    """Sequence of the command that asked for this content; 0 when the gateway acted by itself."""
    price: Minor | None = None
    cause: Literal["command", "expiry", "zone", "restart", "report"] = "command"
    after_s: Seconds = 0.0
    """From acceptance of the command to this state."""
    battery_mv: int | None = Field(default=None, ge=0, le=65535)
    at: Utc


class ConsentGiven(Report):
    """What the person agreed to, word for word (by hash), purpose by purpose (PRIVACY P4)."""

    text_version: str = Field(max_length=40)
    text_sha256: Sha256
    purposes: dict[Purpose, bool]
    channel: Literal["kiosk", "command_line", "page", "import"]
    at: Utc


class EnrolmentCompleted(Report):
    """One sealed template and the consent it stands on. Photographs are never sent or kept.

    `sealed_template` is fp16[512] under AES-256-GCM with a key of this subject alone; `sealed_key` is that key
    under HPKE to central. Destroying the key erases the template everywhere (PRIVACY P6).
    """

    subject: Token
    template: Token
    model_sha256: Sha256
    sealed_template: Base64
    sealed_key: Base64
    consent: ConsentGiven
    at: Utc

    @model_validator(mode="after")
    def _identification_needs_consent(self) -> EnrolmentCompleted:
        if not self.consent.purposes.get("identify", False):
            raise ValueError("consent.purposes.identify: a template needs consent to identify")
        return self


class EnrolmentWithdrawn(Report):
    """The person took consent back at the store; central drops the templates everywhere."""

    subject: Token
    purposes: tuple[Purpose, ...] = PURPOSES
    at: Utc
