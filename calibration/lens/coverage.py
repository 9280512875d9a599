"""Where in the picture the board has been: distortion is only known where it was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.lens.board import Sighting

COLUMNS, ROWS = 6, 4
LEAST_SHARE = 0.75
_ROW_NAMES = ("top", "upper middle", "lower middle", "bottom")
_COLUMN_NAMES = ("left edge", "left", "middle left", "middle right", "right", "right edge")


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """Number of corners seen in each of 4 x 6 parts of the picture."""

    cells: npt.NDArray[np.int64]

    @property
    def share(self) -> float:
        """Of the parts, those with at least one corner."""
        return float((self.cells > 0).mean())

    def missing(self) -> list[str]:
        """Parts without a corner, in words."""
        return [f"{_ROW_NAMES[row]} {_COLUMN_NAMES[column]}" for row, column in np.argwhere(self.cells == 0).tolist()]

    def faults(self) -> list[str]:
        """What keeps it from being enough."""
        if self.share >= LEAST_SHARE:
            return []
        wanted = ", ".join(self.missing()[:6])
        return [f"the board was seen in {self.share:.0%} of the picture, {LEAST_SHARE:.0%} needed; show it: {wanted}"]

    def drawing(self) -> str:
        """The picture as rows of characters: # seen well, + seen, . not yet."""
        marks = np.where(self.cells >= 8, "#", np.where(self.cells > 0, "+", "."))
        return "\n".join(" ".join(row) for row in marks.tolist())


def coverage_of(sightings: Sequence[Sighting], size: tuple[int, int]) -> Coverage:
    """Of all pictures together."""
    cells = np.zeros((ROWS, COLUMNS), np.int64)
    for one in sightings:
        columns = np.clip(one.pixels[:, 0] * COLUMNS // size[0], 0, COLUMNS - 1).astype(int)
        rows = np.clip(one.pixels[:, 1] * ROWS // size[1], 0, ROWS - 1).astype(int)
        np.add.at(cells, (rows, columns), 1)
    return Coverage(cells)
