"""A camera plugged into this machine (V4L2)."""

from __future__ import annotations

from pathlib import Path

import cv2

from contract.clock import Clock
from hardware.cameras.base import CameraFrame
from hardware.cameras.opencv import grab_image, open_capture
from hardware.cameras.options import WebcamOptions
from hardware.errors import PermanentError, TransientError


class WebcamCamera:
    """One open device. A hung USB device is noticed by CameraThread, not here: V4L2 offers OpenCV no read time-out."""

    def __init__(self, options: WebcamOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._capture: cv2.VideoCapture | None = None
        self._sequence = 0

    @property
    def name(self) -> str:
        device = self._options.device
        return f"/dev/video{device}" if isinstance(device, int) else device

    def open(self) -> None:
        if not Path(self.name).exists():
            raise TransientError(f"There is no camera {self.name}", "Plug it in, or set `device`: ls /dev/video*")
        wanted = {
            cv2.CAP_PROP_FRAME_WIDTH: self._options.width,
            cv2.CAP_PROP_FRAME_HEIGHT: self._options.height,
            cv2.CAP_PROP_FPS: self._options.fps,
        }
        settings = {key: float(value) for key, value in wanted.items() if value is not None}
        self._sequence = 0
        self._capture = open_capture(self._options.device, cv2.CAP_V4L2, settings)
        if self._capture is None:
            raise PermanentError(
                f"{self.name} does not open as a camera",
                "Check that no other program holds it and that this user is in the group video",
            )

    def read(self) -> CameraFrame:
        image = grab_image(self._capture) if self._capture is not None else None
        if image is None:
            raise TransientError(f"The camera {self.name} gives no picture", "Check its plug")
        frame = CameraFrame(image, self._clock.monotonic(), self._clock.now(), self._sequence)
        self._sequence += 1
        return frame

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None
