"""What a camera sees when nobody is there, cell by cell, and which boxes show nothing else: those are no people.

A post, a mannequin or a poster that a detector takes for a person looks as it always does; a person covers what is
behind. Learned where no believed person stands and nothing moves; what differs from what is well known is learned far
more slowly, so that somebody whom the detector overlooks for half a minute does not become part of the shop. Where too
little is known, as after the start, nobody is judged. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from edge.motion import COLUMNS, ROWS, Cells, Overview
from edge.values import Box, Floats

_LEVEL = 8.0
"""Grey levels by which a cell differs from the backdrop: noise of a cell's mean is about one."""
_KNOWN_S = 8.0
"""A cell is known when it was seen for so long without anybody before it."""
_AGREES_S, _DIFFERS_S = 20.0, 300.0
"""Time constants of what is known already: light wanders, furniture is moved."""
_MOVED_S = 3.0
_LONGEST_STEP_S = 2.0
_BORDER = 0.15
"""Of its sides, round a person's box: shadow and limbs."""
_LEAST_KNOWN = 0.7


class Backdrop:
    """Of one camera."""

    def __init__(self) -> None:
        self._mean: Floats = np.zeros((ROWS, COLUMNS))
        self._age: Floats = np.zeros((ROWS, COLUMNS))
        self._moved: Floats = np.full((ROWS, COLUMNS), -np.inf)
        self._last: float | None = None

    def differing(self, view: Overview) -> Cells:
        """Cells that are known and do not look as they do when nobody is there."""
        return np.asarray((np.abs(self._change(view)) > _LEVEL) & self._known(), np.bool_)

    def shares(self, boxes: NDArray[np.floating], differing: Cells, size: tuple[int, int]) -> Floats:
        """Of each box (N x 4), the share of cells that differ; NaN where too little is known to judge."""
        known = self._known()
        shares = np.full(len(boxes), np.nan)
        for row, box in enumerate(boxes.tolist()):
            field = cells_of(box, size)
            if known[field].size and known[field].mean() >= _LEAST_KNOWN:
                shares[row] = differing[field].mean()
        return shares

    def learn(
        self, view: Overview, people: Iterable[Box], moved: Cells | None, size: tuple[int, int], now: float
    ) -> None:
        """From a picture: `people` are boxes of those who are believed, `moved` the cells in which anything moves."""
        passed = 0.0 if self._last is None else min(max(now - self._last, 0.0), _LONGEST_STEP_S)
        self._last = now
        if moved is not None:
            self._moved[moved] = now
        free = now - self._moved > _MOVED_S
        for left, top, right, bottom in people:
            across, down = _BORDER * (right - left), _BORDER * (bottom - top)
            free[cells_of((left - across, top - down, right + across, bottom + down), size)] = False
        change = self._change(view)
        slow = np.where((np.abs(change) > _LEVEL) & self._known(), _DIFFERS_S, _AGREES_S)
        # A plain mean while little is known, a running one afterwards.
        share = np.maximum(1.0 - np.exp(-passed / slow), passed / (self._age + passed + 1e-9) * (self._age < _KNOWN_S))
        share[self._age == 0.0] = 1.0
        self._mean += np.where(free, share * change, 0.0)
        self._age += np.where(free, max(passed, 1e-3), 0.0)

    def _known(self) -> Cells:
        return np.asarray(self._age >= _KNOWN_S, np.bool_)

    def _change(self, view: Overview) -> Floats:
        """Against the backdrop, a common change (lamps, exposure) taken out."""
        change = view - self._mean
        known = self._known()
        return np.asarray(change - np.median(change[known]) if known.any() else change, np.float64)


def cells_of(box: Iterable[float], size: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of the overview that a box in a picture of `size` touches."""
    left, top, right, bottom = box
    across, down = COLUMNS / size[0], ROWS / size[1]
    columns = slice(min(max(int(left * across), 0), COLUMNS), max(int(np.ceil(right * across)), 0))
    return slice(min(max(int(top * down), 0), ROWS), max(int(np.ceil(bottom * down)), 0)), columns
