"""The part of OpenCV's VideoCapture that our drivers share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast

import cv2

from hardware.cameras.base import CameraFrame, Image
from hardware.cameras.jpeg import JpegPicture, is_jpeg

_LOG_ERRORS_ONLY = 2
_RECEIVE_BYTES = 65536


def quieten() -> None:
    """Silence FFmpeg's lines on stderr, several per failed try: our log says it once. The operator's choice wins."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(_LOG_ERRORS_ONLY)


def bound_lag() -> None:
    """Keep little of a stream waiting in this machine's memory: a slow reader must miss pictures, not fall behind.

    The kernel otherwise buffers megabytes: seconds of MJPEG that never drain again. The operator's choice wins.
    """
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", f"rtsp_flags;prefer_tcp|recv_buffer_size;{_RECEIVE_BYTES}")


def open_capture(source: str | int, backend: int, settings: Mapping[int, float]) -> cv2.VideoCapture | None:
    """An opened capture, or None. `settings` are CAP_PROP_* that must be known before opening."""
    quieten()
    parameters = [int(value) for pair in settings.items() for value in pair]
    capture = cv2.VideoCapture()
    try:
        opened = capture.open(source, backend, parameters)
    except cv2.error:
        opened = False
    if opened:
        return capture
    capture.release()
    return None


def grab_image(capture: cv2.VideoCapture) -> Image | None:
    """The next picture (BGR uint8), or None when the stream ended, timed out or broke."""
    try:
        sound, image = capture.read()
    except cv2.error:
        return None
    if not sound or image is None or image.ndim != 3 or image.shape[2] != 3:
        return None
    return cast(Image, image)


def grab_jpeg(capture: cv2.VideoCapture) -> JpegPicture | None:
    """As `grab_image`, of a capture that does not decode."""
    try:
        sound, data = capture.read()
    except cv2.error:
        return None
    if not sound or data is None or not is_jpeg(flat := cast(Image, data).ravel()):
        return None
    return JpegPicture(flat)


def frame_at(image: Image, start: float, started_at: datetime, offset_s: float, sequence: int) -> CameraFrame:
    """A frame `offset_s` after the start of its recording."""
    return CameraFrame(image, start + offset_s, started_at + timedelta(seconds=offset_s), sequence)
