"""Notices that a camera was moved: the calibration's own residual, measured again against fixed details of the view.

A pure step. Each look compares today's details with the reference; where the same floor would now be placed, minus
where it was, is the drift in metres. One look convinces nobody: several in a row must agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from calibration.background import Background, Details, Image, Shift, compare, details_of
from calibration.view import FloorView

Points = npt.NDArray[np.float64]
State = Literal["steady", "moved", "view_changed", "resolution"]

LIMIT_M = 0.3
"""Beyond this the drift itself costs more than a good calibration's whole error."""
_AGREE = 12
"""Details that must agree before a movement is believed."""
_RICH = 120
"""A picture with this many details is neither dark nor hidden by one person."""
_SPREAD = 0.03
_LOOKS_TO_MOVE = 3
_LOOKS_TO_RETURN = 3
_LOOKS_WITHOUT = 10


@dataclass(frozen=True, slots=True)
class Drift:
    """What the watch believes. `metres` is the last drift measured, None while none could be."""

    state: State = "steady"
    metres: float | None = None
    agreed: int = 0


class DriftWatch:
    """Watches one camera. `view` is the calibrated floor, `points` the (N, 2) picture pixels it was calibrated at."""

    def __init__(self, background: Background | None, view: FloorView, points: Points) -> None:
        self._look = background.look if background is not None else None
        self._then = background.decoded() if background is not None else None
        self._view = view
        self._points = points
        self._there = view.to_plan(points)
        self._bad = self._good = self._lost = 0
        self.now = Drift()

    def fits(self, width: int, height: int) -> bool:
        """Whether pictures still have the size that was calibrated; cheap enough for every frame."""
        return (width, height) == self._view.size

    @property
    def suspicious(self) -> bool:
        """Whether the last look spoke against what is believed."""
        return (self._bad > 0) != (self.now.state == "moved")

    def step(self, picture: Image) -> Drift:
        """One look, about once a minute."""
        height, width = picture.shape[:2]
        if not self.fits(width, height):
            self.now = Drift("resolution", self.now.metres)
            return self.now
        if self.now.state == "resolution":
            self.now = Drift()
        if self._then is None or self._look is None:
            return self.now
        details = details_of(picture, self._look)
        shift = compare(self._then, details, self._look)
        if shift is None or shift.agreed < _AGREE or shift.spread < _SPREAD:
            self._without(details)
        else:
            self._measured(self._metres(shift), shift.agreed)
        return self.now

    def _measured(self, metres: float, agreed: int) -> None:
        self._lost = 0
        if metres > LIMIT_M:
            self._bad, self._good = self._bad + 1, 0
        else:
            self._bad, self._good = 0, self._good + 1
        state = self.now.state
        if self._bad >= _LOOKS_TO_MOVE:
            state = "moved"
        elif self._good >= _LOOKS_TO_RETURN:
            state = "steady"
        self.now = Drift(state, metres, agreed)

    def _without(self, details: Details) -> None:
        """A dark or hidden view says nothing; a rich one without a known detail is another view."""
        self._good = 0
        if len(details.places) < _RICH:
            return
        self._lost += 1
        if self._lost >= _LOOKS_WITHOUT:
            self.now = Drift("view_changed", None, 0)

    def _metres(self, shift: Shift) -> float:
        """Median over the calibration's points of how far the same place has moved on the plan."""
        assert self._look is not None
        scale = np.array([self._look[0] / self._view.size[0], self._look[1] / self._view.size[1]])
        looked = np.column_stack([self._points * scale, np.ones(len(self._points))]) @ shift.warp.T
        today = self._view.to_plan(looked[:, :2] / looked[:, 2:] / scale)
        moved = np.linalg.norm(today - self._there, axis=1)
        moved = np.where(np.isfinite(moved), moved, 10.0)  # over the horizon now: plainly moved
        return float(min(np.median(moved), 999.0))
