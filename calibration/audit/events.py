"""What the node said: CloudEvents, one a line, from `python -m edge replay` or a broker's client."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from calibration.audit.compare import Crossing, Stay
from calibration.errors import CalibrationError
from contract.channels import TYPE_PREFIX
from contract.events import LineCrossed, ZoneLeft

_LARGEST = 200_000_000


@dataclass(slots=True)
class NodeEvents:
    """By line and by zone; seconds of the footage."""

    crossings: dict[str, list[Crossing]] = field(default_factory=dict)
    stays: dict[str, list[Stay]] = field(default_factory=dict)
    uncalibrated: int = 0
    unreadable: int = 0


def read_events(path: Path, start: datetime) -> NodeEvents:
    """`start`: wall time of the footage's first picture. Other kinds are passed over, broken lines counted."""
    found = NodeEvents()
    try:
        if path.stat().st_size > _LARGEST:
            raise CalibrationError(f"{path}: larger than {_LARGEST // 10**6} MB; cut the stretch out of it")
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.strip():
                    _read(line, start, found)
    except OSError as error:
        raise CalibrationError(f"--events: {path}: cannot be read: {error.strerror}", "no_events") from None
    except UnicodeDecodeError:
        raise CalibrationError(f"--events: {path}: is not text", "no_events") from None
    return found


def _read(line: str, start: datetime, found: NodeEvents) -> None:
    try:
        message = json.loads(line)
        kind, data = message["type"], message["data"]
        if kind == TYPE_PREFIX + "line.crossed":
            crossed = LineCrossed.model_validate(data)
            at = (crossed.at - start).total_seconds()
            found.crossings.setdefault(crossed.line, []).append(Crossing(at, crossed.direction))
            found.uncalibrated += not crossed.calibrated
        elif kind == TYPE_PREFIX + "zone.left":
            left = ZoneLeft.model_validate(data)
            end = (left.at - start).total_seconds()
            found.stays.setdefault(left.zone, []).append(Stay(end - left.dwell_s, end))
            found.uncalibrated += not left.calibrated
    except (ValueError, KeyError, TypeError, ValidationError):
        found.unreadable += 1
