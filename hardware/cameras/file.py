"""A recording as a camera: paced as recorded or as fast as it decodes, stamped with the recording's times."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime

import cv2

from contract.clock import Clock
from hardware.cameras.base import CameraFrame, Image
from hardware.cameras.opencv import frame_at, grab_image, open_capture
from hardware.cameras.options import FileOptions
from hardware.errors import EndOfRecording, PermanentError

_LONGEST_PAUSE_S = 1.0
_ASSUMED_FPS = 25.0
# FFmpeg draws any .txt as a terminal would and calls it a video.
_TEXT_ART = cv2.VideoWriter.fourcc(*"ansi")


class FileCamera:
    """Plays one file. `captured_at` is `recorded_at` plus the position; monotonic times keep the same distances."""

    def __init__(self, options: FileOptions, clock: Clock, pause: Callable[[float], None] = time.sleep) -> None:
        self._options = options
        self._clock = clock
        self._pause = pause
        self._capture: cv2.VideoCapture | None = None
        self._start = 0.0
        self._started_at = datetime.min.replace(tzinfo=UTC)
        self._interval_s = 1.0 / _ASSUMED_FPS
        self._sequence = 0
        self._round_from_s = 0.0
        self._position_s = 0.0

    @property
    def name(self) -> str:
        return str(self._options.path)

    def open(self) -> None:
        self._capture = self._opened()
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self._interval_s = 1.0 / fps if 0.1 <= fps <= 1000 else 1.0 / _ASSUMED_FPS
        self._start = self._clock.monotonic()
        self._started_at = (self._options.recorded_at or self._clock.now()).astimezone(UTC)
        self._sequence = 0
        self._round_from_s = 0.0
        self._position_s = -self._interval_s

    def read(self) -> CameraFrame:
        image = self._next_image()
        if self._options.pace == "realtime":
            ahead_s = self._start + self._position_s - self._clock.monotonic()
            if ahead_s > 0:
                self._pause(min(ahead_s, _LONGEST_PAUSE_S))
        frame = frame_at(image, self._start, self._started_at, self._position_s, self._sequence)
        self._sequence += 1
        return frame

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _opened(self) -> cv2.VideoCapture:
        path = self._options.path
        if not path.exists():
            raise PermanentError(f"There is no file {path}", "Check `path`")
        if not path.is_file():
            raise PermanentError(f"{path} is not a file", "Write the path of one video file in `path`")
        if not os.access(path, os.R_OK):
            raise PermanentError(f"This user may not read {path}", "Give the service's user the right to read it")
        # An absolute path can not be taken for a URL by FFmpeg.
        capture = open_capture(str(path.resolve()), cv2.CAP_FFMPEG, {cv2.CAP_PROP_N_THREADS: 1})
        if capture is None or int(capture.get(cv2.CAP_PROP_FOURCC)) == _TEXT_ART:
            raise PermanentError(
                f"{path} is not a video that can be decoded here", "Use MP4, MKV, AVI or MOV with H.264 or MJPEG"
            )
        return capture

    def _next_image(self) -> Image:
        image = self._grab()
        if image is None and self._options.loop and self._sequence > 0:
            self._rewind()
            image = self._grab()
        if image is not None:
            return image
        if self._sequence == 0:
            raise PermanentError(f"{self.name} holds no picture that can be decoded", "Check the file in a player")
        raise EndOfRecording(f"{self.name} is over after {self._sequence} frames")

    def _grab(self) -> Image | None:
        if self._capture is None:
            return None
        image = grab_image(self._capture)
        if image is not None:
            told_s = self._round_from_s + self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
            # Some containers carry no times (raw streams tell 0 for ever): then frames are one interval apart.
            steady_s = self._position_s + self._interval_s
            self._position_s = told_s if told_s > self._position_s else steady_s
        return image

    def _rewind(self) -> None:
        self.close()
        self._capture = self._opened()
        self._round_from_s = self._position_s + self._interval_s
