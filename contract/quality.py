"""How far a camera's metres and counts can be trusted: the calibration state and what an audit by a person found.

The class is taken from the far end of the 95 % interval, never from the estimate: ten people counted without a
mistake do not make a class A.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from contract.values import Name, Report, Seconds, Utc

CalibrationState = Literal["UNCALIBRATED", "VALID", "INVALID"]
CalibrationReason = Literal[
    "",
    "no_calibration",
    "provisional",
    "unchecked",
    "residual",
    "by_hand",
    "moved",
    "view_changed",
    "resolution",
    "other",
]
"""`unchecked`: four points only, nothing says how good they are; `by_hand`: a bare homography, its error unknown."""
ErrorClass = Literal["A", "B", "C", "D", "unmeasured"]

_COUNT_LIMITS: tuple[tuple[ErrorClass, float], ...] = (("A", 0.02), ("B", 0.05), ("C", 0.10))
_DWELL_LIMITS: tuple[tuple[ErrorClass, float], ...] = (("A", 0.5), ("B", 1.0), ("C", 2.0))
_MOST_STAYS_APART = 0.25
_Share = Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]


class CountError(Report):
    """Crossings counted by a person and by the node. Shares are of the person's count; positive: too many."""

    counted: int = Field(ge=1)
    missed: int = Field(ge=0)
    extra: int = Field(ge=0)
    share: _Share
    low: _Share
    high: _Share
    """95 % interval of `share`."""

    @model_validator(mode="after")
    def _ordered(self) -> CountError:
        if not self.low <= self.share <= self.high:
            raise ValueError("low, share, high: must rise")
        return self


class DwellError(Report):
    """Stays timed by a person and by the node; mean absolute difference in seconds, 95 % interval."""

    timed: int = Field(ge=1)
    missed: int = Field(ge=0)
    extra: int = Field(ge=0)
    mean_abs_s: Seconds
    high_s: Seconds
    """Upper end of the interval."""
    bias_s: float = Field(allow_inf_nan=False)
    """Mean difference; positive: the node says longer."""


class Audit(Report):
    """One stretch of this camera's video, counted by a person."""

    at: Utc
    until: Utc
    """After this it says nothing any more: the set-up may have changed."""
    seconds: Seconds
    count: CountError | None = None
    dwell: DwellError | None = None


class CameraCalibration(Report):
    """How far this camera's metres and counts can be trusted from `at` on. Told at start and at every change."""

    camera: Name
    state: CalibrationState
    reason: CalibrationReason = ""
    detail: str = Field(default="", max_length=200)
    """In words, for a log or a page."""
    residual_m: Seconds | None = None
    """Worst error of a calibration point predicted without it, metres; None when nothing is known."""
    drift_m: Seconds | None = None
    """How far the floor seems to have moved since then, metres."""
    calibrated_at: Utc | None = None
    audit: Audit | None = None
    at: Utc


def count_class(audit: Audit | None, now: Utc) -> ErrorClass:
    """Error class of counts: A within 2 %, B 5 %, C 10 %, D worse; unmeasured without an audit in force."""
    if audit is None or audit.count is None or now >= audit.until:
        return "unmeasured"
    worst = max(abs(audit.count.low), abs(audit.count.high))
    return next((name for name, limit in _COUNT_LIMITS if worst <= limit), "D")


def dwell_class(audit: Audit | None, now: Utc) -> ErrorClass:
    """Error class of dwell times: A within 0.5 s, B 1 s, C 2 s, D worse - or when a quarter of the stays disagree."""
    if audit is None or audit.dwell is None or now >= audit.until:
        return "unmeasured"
    dwell = audit.dwell
    if dwell.missed + dwell.extra > _MOST_STAYS_APART * dwell.timed:
        return "D"
    return next((name for name, limit in _DWELL_LIMITS if dwell.high_s <= limit), "D")


__all__ = [
    "Audit",
    "CalibrationReason",
    "CalibrationState",
    "CameraCalibration",
    "CountError",
    "DwellError",
    "ErrorClass",
    "count_class",
    "dwell_class",
]
