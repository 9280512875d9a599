"""The board held before the camera: a ChArUco board (recommended: it may leave the picture) or a plain checkerboard."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from calibration.errors import CalibrationError
from calibration.printing import Rect, Sheet, marker_squares

Image = npt.NDArray[np.uint8]
Corners = npt.NDArray[np.float32]

_FORM = re.compile(r"^(charuco|checkerboard):(\d+)x(\d+):(\d+(?:\.\d+)?)$")
_MARKER_SHARE = 0.74
_DICTIONARY = cv2.aruco.DICT_5X5_250
_FEWEST = 6
"""Corners of one picture that are worth keeping."""
_MARGIN_MM = 12.0


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """The board in one picture: (N, 3) places on the board in metres and (N, 2) pixels."""

    name: str
    board: Corners
    pixels: Corners


@dataclass(frozen=True, slots=True)
class Board:
    """`columns` x `rows` squares of `square_mm`; of a checkerboard, too, the squares are counted."""

    kind: Literal["charuco", "checkerboard"]
    columns: int
    rows: int
    square_mm: float

    @staticmethod
    def parse(text: str) -> Board:
        """`charuco:8x6:30` or `checkerboard:10x7:25` (squares across, squares down, millimetres)."""
        found = _FORM.match(text.strip().lower())
        if found is None:
            raise CalibrationError(f"--board: {text!r}: write charuco:8x6:30 (squares across x down : millimetres)")
        kind: Literal["charuco", "checkerboard"] = "charuco" if found[1] == "charuco" else "checkerboard"
        columns, rows, square = int(found[2]), int(found[3]), float(found[4])
        if not (4 <= columns <= 20 and 4 <= rows <= 20 and 5 <= square <= 500):
            raise CalibrationError("--board: 4 to 20 squares a side of 5 to 500 mm each")
        return Board(kind, columns, rows, square)

    def __str__(self) -> str:
        return f"{self.kind}:{self.columns}x{self.rows}:{self.square_mm:g}"

    @property
    def corners(self) -> int:
        """Inner corners."""
        return (self.columns - 1) * (self.rows - 1)

    def find(self, picture: Image, name: str = "") -> Sighting | None:
        """The board in a BGR or grey picture; None when it is not seen well enough."""
        grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        return self._charuco(np.asarray(grey, np.uint8), name) if self.kind == "charuco" else self._chess(grey, name)

    def sheet(self) -> Sheet:
        """To print at 100 %."""
        square = self.square_mm
        squares = [
            Rect(_MARGIN_MM + column * square, _MARGIN_MM + row * square, square, square)
            for row in range(self.rows)
            for column in range(row % 2, self.columns, 2)
        ]
        if self.kind == "charuco":
            squares += self._markers()
        width, height = self.columns * square + 2 * _MARGIN_MM, self.rows * square + 2 * _MARGIN_MM + 14
        note = f"Vitrina {self} - print at 100 %, glue to something flat, measure a square: {square:g} mm"
        return Sheet(width, height, tuple(squares), ((_MARGIN_MM, height - 8, note),))

    def _markers(self) -> list[Rect]:
        side = self.square_mm * _MARKER_SHARE
        offset = _MARGIN_MM + (self.square_mm - side) / 2
        found, number = [], 0
        for row in range(self.rows):
            for column in range(self.columns):
                if (row + column) % 2 == 1:
                    left, top = offset + column * self.square_mm, offset + row * self.square_mm
                    found += marker_squares(_DICTIONARY, number, left, top, side)
                    number += 1
        return found

    def _charuco(self, grey: Image, name: str) -> Sighting | None:
        metres = self.square_mm / 1000
        dictionary = cv2.aruco.getPredefinedDictionary(_DICTIONARY)
        board = cv2.aruco.CharucoBoard((self.columns, self.rows), metres, metres * _MARKER_SHARE, dictionary)
        corners, ids, _, _ = cv2.aruco.CharucoDetector(board).detectBoard(grey)
        if ids is None or len(ids) < _FEWEST or board.checkCharucoCornersCollinear(ids):
            return None
        places = np.asarray(board.getChessboardCorners(), np.float32)[np.ravel(ids)]
        return Sighting(name, places.reshape(-1, 3), np.asarray(corners, np.float32).reshape(-1, 2))

    def _chess(self, grey: npt.NDArray[np.generic], name: str) -> Sighting | None:
        across, down = self.columns - 1, self.rows - 1
        seen, corners = cv2.findChessboardCornersSB(np.asarray(grey, np.uint8), (across, down))
        if not seen:
            return None
        places = np.zeros((across * down, 3), np.float32)
        places[:, :2] = np.mgrid[:across, :down].T.reshape(-1, 2) * (self.square_mm / 1000)
        return Sighting(name, places, np.asarray(corners, np.float32).reshape(-1, 2))
