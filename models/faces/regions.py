"""Detection in a part of the frame: the same scale as in the whole frame, a smaller network input, less to compute."""

from __future__ import annotations

import math
from dataclasses import dataclass

from models.detections import Frame
from models.letterbox import Size

_SLACK = 1e-6
"""Of a cell: what a division leaves over is no further cell."""

Region = tuple[float, float, float, float]
"""x1, y1, x2, y2 in frame pixels."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of a frame (whole pixels) and the network input (width, height) it goes into, scaled by `factor`."""

    left: int
    top: int
    right: int
    bottom: int
    size: Size
    factor: float

    def of(self, frame: Frame) -> Frame:
        """The part, as a view."""
        return frame[self.top : self.bottom, self.left : self.right]


def cut(frame: Size, region: Region, full: Size, cell: int) -> Cut | None:
    """The least part of a frame of (width, height) that covers `region`; None when nothing of it is in the frame.

    `full`: the network input the whole frame would fill; `cell`: what its sides are multiples of. The part starts on
    that grid, so that a face is seen by the same anchors wherever the cut lies.
    """
    factor = min(full[0] / frame[0], full[1] / frame[1])
    step = cell / factor
    columns = _span(region[0], region[2], step, frame[0])
    rows = _span(region[1], region[3], step, frame[1])
    if columns is None or rows is None:
        return None
    (first_column, last_column), (first_row, last_row) = columns, rows
    return Cut(
        left=round(first_column * step),
        top=round(first_row * step),
        right=min(frame[0], round(last_column * step)),
        bottom=min(frame[1], round(last_row * step)),
        size=((last_column - first_column) * cell, (last_row - first_row) * cell),
        factor=factor,
    )


def _span(low: float, high: float, step: float, limit: int) -> tuple[int, int] | None:
    """First and last (exclusive) cell of a side."""
    low, high = max(low, 0.0), min(high, float(limit))
    if not low < high:
        return None
    return math.floor(low / step + _SLACK), math.ceil(high / step - _SLACK)
