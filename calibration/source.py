"""Pictures to calibrate from: picture files, a recording, a live camera. Nothing is written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit

import cv2
import numpy as np
import numpy.typing as npt
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calibration.errors import CalibrationError

Image = npt.NDArray[np.uint8]
PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
_SCHEMES = ("rtsp", "rtsps", "http", "https")
_TIMEOUT_MS = 8000


class _Section(BaseModel):
    """The part of a camera's `source` in an edge configuration that says where its pictures come from."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    driver: str
    url: str | None = Field(default=None, repr=False)
    username: str | None = Field(default=None, repr=False)
    password: str | None = Field(default=None, repr=False)
    path: Path | None = None
    device: int | str = 0


class _Camera(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    id: str
    source: _Section


class _Node(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    cameras: Annotated[tuple[_Camera, ...], Field(default=())]


@dataclass(frozen=True, slots=True)
class Source:
    """`address` may hold a password: it is for OpenCV, `name` is for people."""

    address: str | int
    name: str
    live: bool

    @contextmanager
    def open(self) -> Iterator[Stream]:
        """CalibrationError when there is no picture to be had."""
        os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
        capture = _open(self)
        try:
            if not capture.isOpened():
                raise CalibrationError(f"{self.name}: cannot be opened; check address, cable, user name and password")
            yield Stream(capture, self)
        finally:
            capture.release()

    def still(self) -> Image:
        """One picture: the newest of a live camera, the first of a recording."""
        if isinstance(self.address, str) and Path(self.address).suffix.lower() in PICTURES:
            return read_picture(Path(self.address))
        with self.open() as stream:
            picture = None
            for _ in range(8 if self.live else 1):
                picture = stream.read()
            if picture is None:
                raise CalibrationError(f"{self.name}: gives no picture")
            return picture


class Stream:
    """An open source."""

    def __init__(self, capture: cv2.VideoCapture, source: Source) -> None:
        self._capture = capture
        self.source = source

    def read(self) -> Image | None:
        """The next picture, BGR; None at the end of a recording."""
        ok, picture = self._capture.read()
        if not ok:
            if self.source.live:
                raise CalibrationError(f"{self.source.name}: the camera went away")
            return None
        return np.asarray(picture, np.uint8)

    @property
    def seconds(self) -> float:
        """Place in the recording."""
        return float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000

    def seek(self, seconds: float) -> None:
        """Go to a place in a recording."""
        self._capture.set(cv2.CAP_PROP_POS_MSEC, seconds * 1000)

    @property
    def fps(self) -> float:
        """Frames a second as the recording says; 25 when it does not."""
        told = float(self._capture.get(cv2.CAP_PROP_FPS))
        return told if 0.5 < told < 241 else 25.0

    @property
    def duration(self) -> float:
        """Seconds of a recording; 0 for a live camera."""
        frames = float(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        return max(0.0, frames / self.fps) if not self.source.live else 0.0


def source_of(text: str) -> Source:
    """A file, `rtsp://` or `http://` address, or the number of a webcam."""
    if text.isdigit():
        return Source(int(text), f"webcam {text}", live=True)
    if urlsplit(text).scheme in _SCHEMES:
        parts = urlsplit(text)
        return Source(text, f"{parts.scheme}://{parts.hostname or ''}{parts.path}", live=True)
    if text.startswith("/dev/"):
        return Source(text, text, live=True)
    if not Path(text).exists():
        raise CalibrationError(
            f"{text}: there is no such file; give a file, rtsp:// or http:// address, or webcam number"
        )
    return Source(text, Path(text).name, live=False)


def camera_source(config: Path, camera: str) -> Source:
    """The source of a camera of an edge configuration."""
    try:
        node = _Node.model_validate(yaml.safe_load(config.read_text(encoding="utf-8")))
    except OSError as error:
        raise CalibrationError(f"{config}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValidationError):
        raise CalibrationError(
            f"{config}: is no edge configuration; see `python -m edge check-config {config}`"
        ) from None
    found = next((one.source for one in node.cameras if one.id == camera), None)
    if found is None:
        known = ", ".join(one.id for one in node.cameras) or "none"
        raise CalibrationError(f"--camera: there is no camera {camera!r}; cameras of {config.name}: {known}")
    if found.url is not None:
        return Source(_with_credentials(found), f"camera {camera}", live=True)
    if found.path is not None:
        return Source(str(config.resolve().parent / found.path.expanduser()), f"camera {camera}", live=False)
    if found.driver == "webcam":
        return Source(found.device, f"camera {camera}", live=True)
    raise CalibrationError(f"--camera: pictures of driver {found.driver!r} cannot be read here; name one with --source")


def read_picture(path: Path) -> Image:
    """BGR; CalibrationError when it is none."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if picture is None:
        raise CalibrationError(f"{path}: is not a picture that can be read")
    return np.asarray(picture, np.uint8)


def _open(source: Source) -> cv2.VideoCapture:
    if isinstance(source.address, str) and not source.address.startswith("/dev/"):
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, _TIMEOUT_MS]
        return cv2.VideoCapture(source.address, cv2.CAP_FFMPEG, limits if source.live else [])
    return cv2.VideoCapture(source.address)


def _with_credentials(section: _Section) -> str:
    url = section.url or ""
    if section.username is None:
        return url
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{quote(section.username, safe='')}:{quote(section.password or '', safe='')}@{rest}"
