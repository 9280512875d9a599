"""What a camera with a bare `homography` sees of the floor, as far as that can be known without a calibration file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from calibration.errors import CalibrationError
from calibration.lens.file import LensFile
from calibration.view import FloorView
from edge.config.vision import CameraConfig
from hardware.cameras.options import SimulatedCameraOptions, WebcamOptions

_LARGEST = (7680, 4320)
"""No camera here has larger pictures: what lies outside of one so large lies outside of any."""


@dataclass(frozen=True, slots=True, eq=False)
class BareView:
    """`exact` False: the size of its pictures is not known, it sees this area or less."""

    area: BaseGeometry
    exact: bool


def bare_view(camera: CameraConfig, lens: LensFile | None) -> BareView | None:
    """Of a camera whose matrix was written by hand; None where nothing sure can be said."""
    if camera.homography is None or camera.calibration is not None:
        return None
    matrix = np.asarray(camera.homography, np.float64)
    size = lens.image_size if lens is not None else _picture_size(camera)
    if size is None and not _upright(matrix):
        return None
    try:
        area = FloorView(matrix, size or _LARGEST, None if lens is None else lens.lens).area()
    except (CalibrationError, shapely.GEOSException):
        return None
    return None if area.is_empty else BareView(area, size is not None)


def _picture_size(camera: CameraConfig) -> tuple[int, int] | None:
    source = camera.source
    if isinstance(source, SimulatedCameraOptions):
        return source.width, source.height
    if isinstance(source, WebcamOptions) and source.width is not None and source.height is not None:
        return source.width, source.height
    return None


def _upright(matrix: NDArray[np.float64]) -> bool:
    """Whether the whole lower edge is floor: then it is clear which side of the horizon is."""
    width, height = _LARGEST
    left, right = (float(matrix[2] @ (x, height, 1.0)) for x in (0.0, width))
    return left * right > 0
