"""What happens on the floor, written down as it is told: the raw rows that are counted once and then let go."""

from __future__ import annotations

from datetime import timedelta

from central.analytics.tables import (
    CalibrationRecord,
    CounterMark,
    Crossing,
    GroupEntry,
    OccupancyMinute,
    QueueMinute,
    Scan,
    Stay,
)
from central.effects import Effects, Origin
from contract.events import (
    CounterReported,
    FloorOccupancy,
    GroupEntered,
    LineCrossed,
    ProductScanned,
    QueueMeasured,
    ZoneLeft,
)
from contract.quality import CameraCalibration

STOP_S = 5.0
"""A stay this long is a stop where the node did not say so."""
_SAME_RESET = timedelta(seconds=2)


def camera_of(track: str) -> str | None:
    """A track is called `camera-run-number`."""
    return track.rsplit("-", 2)[0] or None if track.count("-") >= 2 else None


def source_of(calibrated: bool) -> str:
    """Where a count comes from, as far as trust goes."""
    return "camera" if calibrated else "uncalibrated"


def occupied(effects: Effects, origin: Origin, event: FloorOccupancy) -> None:
    """A minute of heat."""
    people = event.people or (None,) * len(event.cells)
    cells = [[ix, iy, seconds, number] for (ix, iy, seconds), number in zip(event.cells, people, strict=True)]
    effects.rows[OccupancyMinute].append(
        {
            "store": origin.store,
            "camera": event.camera,
            "minute": origin.true(event.minute),
            "cell_m": event.cell_m,
            "cells": {"cells": cells},
            "calibrated": event.calibrated,
        }
    )


def stayed(effects: Effects, origin: Origin, event: ZoneLeft) -> None:
    """A finished stay. To be told before the track's presence is closed: that knows whether it stopped."""
    presence = effects.presence_rows.get((origin.store, origin.node, event.zone, event.track))
    effects.rows[Stay].append(
        {
            "store": origin.store,
            "zone": event.zone,
            "visit": event.visit,
            "track": event.track,
            "dwell_s": event.dwell_s,
            "stopped": bool(presence and presence.dwelled) or event.dwell_s >= STOP_S,
            "left_at": origin.true(event.at),
            "calibrated": event.calibrated,
        }
    )


def crossed(effects: Effects, origin: Origin, event: LineCrossed) -> None:
    """Somebody came or went."""
    effects.rows[Crossing].append(
        {
            "store": origin.store,
            "line": event.line,
            "direction": event.direction,
            "at": origin.true(event.at),
            "people": 1,
            "source": source_of(event.calibrated),
            "camera": camera_of(event.track),
        }
    )


def queued(effects: Effects, origin: Origin, event: QueueMeasured) -> None:
    """A minute of a queue."""
    effects.rows[QueueMinute].append(
        {
            "store": origin.store,
            "zone": event.zone,
            "minute": origin.true(event.minute),
            "length_mean": event.length_mean,
            "length_max": event.length_max,
            "length": event.length,
            "waits": {"s": list(event.waits)},
            "calibrated": event.calibrated,
        }
    )


def grouped(effects: Effects, origin: Origin, event: GroupEntered) -> None:
    """A buying unit."""
    effects.rows[GroupEntry].append(
        {
            "store": origin.store,
            "at": origin.true(event.at),
            "size": event.size,
            "calibrated": event.calibrated,
        }
    )


def scanned(effects: Effects, origin: Origin, event: ProductScanned) -> None:
    """Somebody who takes part scanned a product. Scans of nobody in particular could be one person's: left out."""
    if event.visit is not None:
        row = {"store": origin.store, "sku": event.sku, "visit": event.visit, "at": origin.true(event.at)}
        effects.rows[Scan].append(row)


async def counted(effects: Effects, origin: Origin, event: CounterReported) -> None:
    """The difference to the counter's last totals, as crossings. The very first totals are of nobody knows when."""
    key = (origin.store, origin.node, event.device, event.line)
    mark = await effects.session.get(CounterMark, key)
    at, since = origin.true(event.at), origin.true(event.since)
    if mark is None:
        names = dict(zip(("store", "node", "device", "line"), key, strict=True))
        first = {"entered": event.entered or 0, "left": event.left or 0}
        effects.session.add(CounterMark(**names, **first, since=since, at=at))
        return
    if at <= mark.at:
        return
    if since > mark.since + _SAME_RESET:
        mark.since, mark.entered, mark.left = since, 0, 0
    for direction, total, before in (("in", event.entered, mark.entered), ("out", event.left, mark.left)):
        if total is not None and total > before:
            row = {"store": origin.store, "line": event.line, "direction": direction, "at": at, "source": "counter"}
            effects.rows[Crossing].append({**row, "people": total - before, "camera": event.device})
    mark.entered, mark.left = max(mark.entered, event.entered or 0), max(mark.left, event.left or 0)
    mark.at = at


async def calibrated(effects: Effects, origin: Origin, event: CameraCalibration) -> None:
    """How far a camera can be trusted from now on."""
    key = (origin.store, origin.node, event.camera, origin.true(event.at))
    if await effects.session.get(CalibrationRecord, key) is None:
        names = dict(zip(("store", "node", "camera", "at"), key, strict=True))
        said = event.model_dump(mode="json")
        effects.session.add(CalibrationRecord(**names, state=event.state, said=said))
        await effects.session.flush()
