"""Network cameras through OpenCV and FFmpeg: RTSP, and MJPEG over HTTP."""

from __future__ import annotations

import cv2

from contract.clock import Clock
from hardware.cameras.base import CameraFrame
from hardware.cameras.diagnose import explain
from hardware.cameras.opencv import bound_lag, grab_image, open_capture
from hardware.cameras.options import HttpOptions, RtspOptions
from hardware.errors import TransientError
from hardware.redact import redact


class NetworkCamera:
    """One connection to a network camera. Frames are stamped when they arrive: cameras' own clocks are not trusted."""

    def __init__(self, options: RtspOptions | HttpOptions, address: str, clock: Clock) -> None:
        self._options = options
        self._address = address
        self._clock = clock
        self._capture: cv2.VideoCapture | None = None
        self._sequence = 0

    @property
    def name(self) -> str:
        return redact(self._options.url)

    def open(self) -> None:
        settings = {
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: self._options.open_timeout_s * 1000,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC: self._options.read_timeout_s * 1000,
            # Frame-parallel decoding would delay every picture by one frame per thread.
            cv2.CAP_PROP_N_THREADS: 1,
        }
        self._sequence = 0
        bound_lag()
        self._capture = open_capture(self._address, cv2.CAP_FFMPEG, settings)
        if self._capture is None:
            raise explain(self._options.address(), self._options.open_timeout_s)

    def read(self) -> CameraFrame:
        image = grab_image(self._capture) if self._capture is not None else None
        if image is None:
            raise TransientError(
                f"The camera at {self.name} stopped sending pictures",
                f"It is tried again; each read waits {self._options.read_timeout_s:g} s",
            )
        frame = CameraFrame(image, self._clock.monotonic(), self._clock.now(), self._sequence)
        self._sequence += 1
        return frame

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None


def open_rtsp(options: RtspOptions, clock: Clock) -> NetworkCamera:
    """An RTSP camera, not yet open."""
    # FFmpeg's RTSP client takes the transport from the query and strips it before asking the camera.
    address = options.address()
    separator = "&" if "?" in address else "?"
    return NetworkCamera(options, f"{address}{separator}{options.transport}", clock)


def open_http(options: HttpOptions, clock: Clock) -> NetworkCamera:
    """An MJPEG camera, not yet open."""
    return NetworkCamera(options, options.address(), clock)
