"""Which function applies which event: the table of effects, beside contract.channels."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import TypeVar, cast

from central.analytics import recording as analytics
from central.effects import Effects, Origin
from central.fleet import service as fleet
from central.labels import presence
from central.labels import service as labels
from central.privacy import service as privacy
from central.visits import service as visits
from contract import events, quality, state
from contract.values import Report, Wire

Event = TypeVar("Event", bound=Report)
Handler = Callable[[Effects, Origin, Report], Awaitable[None] | None]


def _row(
    model: type[Event], *functions: Callable[[Effects, Origin, Event], Awaitable[None] | None]
) -> tuple[type[Wire], tuple[Handler, ...]]:
    return model, tuple(cast("Handler", function) for function in functions)


def _nothing_yet(effects: Effects, origin: Origin, event: Report) -> None:
    """Kept as an event; what follows from it comes with issue 5."""


HANDLERS: Mapping[type[Wire], tuple[Handler, ...]] = MappingProxyType(
    dict(
        [
            _row(state.Status, fleet.status),
            _row(state.Health, fleet.health),
            _row(events.VisitStarted, visits.started),
            _row(events.VisitIdentified, visits.identified),
            _row(events.VisitEnded, visits.ended),
            _row(events.ZoneEntered, presence.entered),
            _row(events.ZoneDwelled, presence.dwelled),
            _row(events.ZoneLeft, analytics.stayed, presence.left),
            _row(events.LineCrossed, analytics.crossed),
            _row(events.FloorOccupancy, analytics.occupied),
            _row(quality.CameraCalibration, analytics.calibrated),
            _row(events.CounterReported, analytics.counted),
            _row(events.QueueMeasured, analytics.queued),
            _row(events.GroupEntered, analytics.grouped),
            _row(events.ProductScanned, analytics.scanned),
            _row(events.LabelState, labels.reported),
            _row(events.EnrolmentCompleted, privacy.enrolled),
            _row(events.EnrolmentWithdrawn, privacy.withdrawn),
        ]
    )
)


async def apply(effects: Effects, origin: Origin, event: Report) -> None:
    """Apply one event within the open transaction."""
    for function in HANDLERS[type(event)]:
        outcome = function(effects, origin, event)
        if inspect.isawaitable(outcome):
            await outcome
