"""Liveness: the interface only. Nothing here can tell a face from a photograph of one, and nothing depends on it.

It stays off until attack samples (prints, screens, masks) exist to measure a judge with (ISO/IEC 30107-3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from models.detections import Floats, Frame

Verdict = Literal["live", "attack", "unmeasured"]


@dataclass(frozen=True, slots=True)
class Liveness:
    """A judge's word; `score` 0..1 (1: alive) is None when nothing was measured."""

    verdict: Verdict
    score: float | None = None


UNMEASURED = Liveness("unmeasured")


class LivenessJudge(Protocol):
    """Presentation attack detection on one frame. No price, discount or access may hang on its answer."""

    @property
    def name(self) -> str: ...

    def judge(self, frame: Frame, box: Floats) -> Liveness:
        """Judge the face in `box` (x1, y1, x2, y2) of a BGR frame."""
        ...


class NotClaimed:
    """The default: says "unmeasured" whatever it is shown."""

    name = "none"

    def judge(self, frame: Frame, box: Floats) -> Liveness:
        return UNMEASURED
