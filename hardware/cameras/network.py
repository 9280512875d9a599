"""Network cameras through OpenCV and FFmpeg: RTSP, and MJPEG over HTTP.

MJPEG is taken as it comes and decoded by whoever looks at a picture: a camera sends more than are analysed, and to see
that nothing moves an eighth of the size is enough.
"""

from __future__ import annotations

import cv2

from contract.clock import Clock
from hardware.cameras.base import CameraFrame, Picture
from hardware.cameras.diagnose import explain
from hardware.cameras.opencv import bound_lag, grab_image, grab_jpeg, open_capture
from hardware.cameras.options import HttpOptions, RtspOptions
from hardware.errors import TransientError
from hardware.redact import redact

_PACKETS = -1
"""CAP_PROP_FORMAT for pictures as they are sent."""
_MJPEG = cv2.VideoWriter.fourcc(*"MJPG")


class NetworkCamera:
    """One connection to a network camera. Frames are stamped when they arrive: cameras' own clocks are not trusted."""

    def __init__(
        self, options: RtspOptions | HttpOptions, address: str, clock: Clock, *, packets: bool = False
    ) -> None:
        """`packets`: leave JPEGs undecoded."""
        self._options = options
        self._packets = packets
        self._address = address
        self._clock = clock
        self._capture: cv2.VideoCapture | None = None
        self._sequence = 0

    @property
    def name(self) -> str:
        return redact(self._options.url)

    def open(self) -> None:
        self._sequence = 0
        bound_lag()
        self._capture = self._connected(undecoded=self._packets)
        if self._capture is not None and self._packets and not _sends_jpeg(self._capture):
            self.close()
            self._packets = False
            self._capture = self._connected(undecoded=False)
        if self._capture is None:
            raise explain(self._options.address(), self._options.open_timeout_s)

    def _connected(self, *, undecoded: bool) -> cv2.VideoCapture | None:
        settings = {
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: self._options.open_timeout_s * 1000,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC: self._options.read_timeout_s * 1000,
            # Frame-parallel decoding would delay every picture by one frame per thread.
            cv2.CAP_PROP_N_THREADS: 1,
        }
        if undecoded:
            settings[cv2.CAP_PROP_FORMAT] = _PACKETS
        return open_capture(self._address, cv2.CAP_FFMPEG, settings)

    def read(self) -> CameraFrame:
        picture = self._next()
        if picture is None:
            raise TransientError(
                f"The camera at {self.name} stopped sending pictures",
                f"It is tried again; each read waits {self._options.read_timeout_s:g} s",
            )
        frame = CameraFrame(picture, self._clock.monotonic(), self._clock.now(), self._sequence)
        self._sequence += 1
        return frame

    def _next(self) -> Picture | None:
        if self._capture is None:
            return None
        return grab_jpeg(self._capture) if self._packets else grab_image(self._capture)

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None


def _sends_jpeg(capture: cv2.VideoCapture) -> bool:
    return int(capture.get(cv2.CAP_PROP_FOURCC)) == _MJPEG


def open_rtsp(options: RtspOptions, clock: Clock) -> NetworkCamera:
    """An RTSP camera, not yet open."""
    # FFmpeg's RTSP client takes the transport from the query and strips it before asking the camera.
    address = options.address()
    separator = "&" if "?" in address else "?"
    return NetworkCamera(options, f"{address}{separator}{options.transport}", clock)


def open_http(options: HttpOptions, clock: Clock) -> NetworkCamera:
    """An MJPEG camera, not yet open."""
    return NetworkCamera(options, options.address(), clock, packets=True)
