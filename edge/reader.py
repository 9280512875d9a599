"""Reads QR codes in camera frames a few times a second."""

from __future__ import annotations

import math

from edge.values import Image, Instant
from hardware.scanners.camera_qr import QrStage
from hardware.scanners.options import CameraQrOptions

_PERIOD_S = 0.2
_SMALL_PX = 800
"""Frames up to this width are also read enlarged; in larger ones that costs more than it finds."""


class CodeReader:
    """The camera-QR stage of the hardware layer, rationed."""

    def __init__(self, camera: str) -> None:
        self._small = QrStage(camera, CameraQrOptions())
        self._large = QrStage(camera, CameraQrOptions(retry_scale=1.0))
        self._next = -math.inf

    def step(self, image: Image, now: Instant) -> tuple[str, ...]:
        """Texts that came into view."""
        if now.monotonic < self._next:
            return ()
        self._next = now.monotonic + _PERIOD_S
        if image.shape[1] <= _SMALL_PX:
            self._small, scans = self._small.step(image, now.monotonic)
        else:
            self._large, scans = self._large.step(image, now.monotonic)
        return tuple(scan.text for scan in scans)
