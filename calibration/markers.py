"""ArUco markers laid on the floor: printed, put at known places of the plan, found in the camera's picture."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from calibration.printing import Rect, Sheet, marker_squares

Image = npt.NDArray[np.uint8]
DICTIONARY = cv2.aruco.DICT_4X4_50
MOST = 50
_MARGIN_MM = 15.0


def marker_sheets(count: int, side_mm: float) -> list[Sheet]:
    """One marker a sheet, numbers from 0; the small cross lines show where its centre is."""
    width = side_mm + 2 * _MARGIN_MM
    return [_sheet(number, side_mm, width) for number in range(count)]


def _sheet(number: int, side: float, width: float) -> Sheet:
    squares = marker_squares(DICTIONARY, number, _MARGIN_MM, _MARGIN_MM, side)
    middle, tick = width / 2, 8.0
    ticks = [
        Rect(middle - 0.2, 1, 0.4, tick - 2),
        Rect(middle - 0.2, width - tick + 1, 0.4, tick - 2),
        Rect(1, middle - 0.2, tick - 2, 0.4),
        Rect(width - tick + 1, middle - 0.2, tick - 2, 0.4),
    ]
    note = f"Vitrina marker {number} - flat on the floor, its centre is the point"
    return Sheet(width, width + 8, (*squares, *ticks), ((_MARGIN_MM, width + 4, note),))


def find_markers(picture: Image) -> dict[int, tuple[float, float]]:
    """Centre of every marker seen, pixels: where its diagonals meet, which perspective does not move."""
    parameters = cv2.aruco.DetectorParameters()
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(DICTIONARY), parameters)
    corners, ids, _ = detector.detectMarkers(picture)
    if not len(corners):
        return {}
    return {
        int(number): _centre(np.asarray(quad, np.float64).reshape(4, 2))
        for number, quad in zip(np.ravel(ids), corners, strict=True)
    }


def _centre(quad: npt.NDArray[np.float64]) -> tuple[float, float]:
    first, second = quad[2] - quad[0], quad[3] - quad[1]
    along = np.linalg.solve(np.column_stack([first, -second]), quad[1] - quad[0])[0]
    x, y = quad[0] + along * first
    return float(x), float(y)
