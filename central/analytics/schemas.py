"""Aggregates as pages draw them. Past figures stand on k people or more (PRIVACY P10); live ones are what staff see."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from contract.quality import ErrorClass
from contract.values import Utc

Cell = tuple[int, int, float]
"""(column, row, person-seconds)."""
Source = Literal["camera", "uncalibrated", "counter"]
"""Calibrated cameras, cameras whose metres are not to be trusted, other counters: never added together."""
SOURCES: tuple[Source, ...] = ("camera", "uncalibrated", "counter")


class CameraTrust(BaseModel):
    """What is known of one camera at the end of the interval."""

    camera: str
    state: Literal["UNCALIBRATED", "VALID", "INVALID", "unknown"]
    reason: str
    count: ErrorClass
    dwell: ErrorClass


class Accuracy(BaseModel):
    """How far the figures may be off: the worst of the cameras that counted. Null errors: not audited."""

    count: ErrorClass = "unmeasured"
    count_error: float | None = None
    """Share, the far end of the 95 % interval: 0.04 is +-4 %."""
    dwell: ErrorClass = "unmeasured"
    dwell_error_s: float | None = None
    audited_at: Utc | None = None
    """The oldest of the audits."""
    cameras: list[CameraTrust] = []


class Interval(BaseModel):
    """[from, to)."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    start: Utc = Field(alias="from")
    end: Utc = Field(alias="to")


class Figures(Interval):
    """What every answer about the past carries. `from` and `to` are as snapped to the store's hours."""

    source: Source = "camera"
    sources: list[Source] = []
    """What there are figures of; ask for another with `source=`."""
    least_people: int
    """k: no figure stands on fewer."""
    held_back: bool = False
    """Some people of this interval are not in the figures (fewer than k of one kind)."""
    accuracy: Accuracy = Accuracy()


class Heatmap(Figures):
    """Person-seconds per square cell of `cell_m` metres."""

    cell_m: float
    cells: list[Cell]


class Share(BaseModel):
    """Stays that took from `from_s` to `to_s` seconds (null: or longer)."""

    from_s: float
    to_s: float | None
    stays: int


class DwellZone(BaseModel):
    """Stays in one zone. Percentiles are estimated from groups of times (docs/analytics.md says how well)."""

    zone: str
    stays: int
    """People and hours: who comes back within the hour stays longer, not twice."""
    p50_s: float
    p90_s: float
    total_s: float
    distribution: list[Share]


class Dwell(Figures):
    """Dwell per zone."""

    zones: list[DwellZone]


class Bucket(BaseModel):
    """One hour or day. An hour with too few people is merged with the ones before it: `since` is where it begins."""

    at: Utc
    since: Utc
    until: Utc
    entered: int = 0
    left: int = 0


class Footfall(Figures):
    """Counts over the entrance lines."""

    by: Literal["hour", "day"]
    entered: int
    left: int
    groups: int | None
    """Buying units."""
    group_size: float | None
    buckets: list[Bucket]


class FunnelZone(BaseModel):
    """People by how far they went in a zone; null: nobody, or too few to say."""

    zone: str
    passed: int | None
    stopped: int | None
    scanned: int | None
    bought: int | None
    ordered: int | None
    """On the site, within 14 days after the stay: another day's people, not a part of those who stopped."""


class Funnel(Figures):
    """Conversion of zones. Scans and purchases are known only of people who take part."""

    zones: list[FunnelZone]


class QueueHour(BaseModel):
    """One hour (or hours merged) of a queue."""

    at: Utc
    since: Utc
    until: Utc
    served: int
    wait_mean_s: float
    length_mean: float


class QueueZone(BaseModel):
    """A marked queue."""

    zone: str
    served: int
    wait_mean_s: float
    wait_p50_s: float
    wait_p90_s: float
    length_mean: float
    """Mean number of people over the time in which the queue was in use."""
    hours: list[QueueHour]


class Queues(Figures):
    """Waiting."""

    zones: list[QueueZone]


class HourOfDay(BaseModel):
    """People who came in during this local hour, over all days of the interval."""

    hour: int
    entered: int


class SideZone(BaseModel):
    """One zone of a side of a comparison."""

    zone: str
    people: int
    stopped_share: float | None
    p50_s: float


class Side(Figures):
    """One store in one interval."""

    store: str
    days: int
    """Days with figures: those `entered_per_day` and `hours` are about."""
    entered: int
    entered_per_day: float
    groups: int | None
    hours: list[HourOfDay]
    zones: list[SideZone]


class Comparison(BaseModel):
    """Intervals or stores beside each other."""

    sides: list[Side]


class LiveZone(BaseModel):
    """People in a zone now."""

    zone: str
    people: int
    identified: int


class LiveQueue(BaseModel):
    """A queue now."""

    zone: str
    length: int
    at: Utc


class LiveHeat(BaseModel):
    """The last five minutes."""

    cell_m: float
    cells: list[Cell]


class Live(BaseModel):
    """The floor now, as the staff who stand in it see it. `people` counts tracks in zones, not people between them."""

    at: Utc
    zones: list[LiveZone]
    people: int
    visits_open: int
    entered_today: int
    left_today: int
    queues: list[LiveQueue] = []
    heat: LiveHeat
