"""Options of the camera drivers (pydantic only: loading them loads no OpenCV)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit

from pydantic import AwareDatetime, Field, PositiveFloat, SecretStr, field_validator

from hardware.options import DriverOptions


class LiveOptions(DriverOptions):
    """What CameraThread watches for; see there."""

    stall_after_s: PositiveFloat = 5.0
    frozen_after_s: PositiveFloat | None = None


class _NetworkOptions(LiveOptions):
    url: str = Field(repr=False)
    username: str | None = Field(default=None, repr=False)
    password: SecretStr | None = None
    open_timeout_s: PositiveFloat = 5.0
    read_timeout_s: PositiveFloat = 5.0

    def address(self) -> str:
        """The URL with credentials put in, escaped. Secret: pass to the driver, never to a message."""
        if self.username is None:
            return self.url
        secret = self.password.get_secret_value() if self.password else ""
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{quote(self.username, safe='')}:{quote(secret, safe='')}@{rest}"


def _checked(url: str, schemes: tuple[str, ...]) -> str:
    try:
        parts = urlsplit(url)
        port_is_sound = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError("is not a URL: a password with special characters goes into `password`") from None
    if parts.scheme not in schemes or not parts.hostname or not port_is_sound:
        raise ValueError(f"must look like {schemes[0]}://HOST:PORT/PATH")
    return url


class RtspOptions(_NetworkOptions):
    """A network camera over RTSP (RFC 2326)."""

    driver: Literal["rtsp"] = "rtsp"
    transport: Literal["tcp", "udp"] = "tcp"

    @field_validator("url")
    @classmethod
    def _url(cls, url: str) -> str:
        return _checked(url, ("rtsp", "rtsps"))


class HttpOptions(_NetworkOptions):
    """A network camera over HTTP (MJPEG: multipart/x-mixed-replace)."""

    driver: Literal["http"] = "http"

    @field_validator("url")
    @classmethod
    def _url(cls, url: str) -> str:
        return _checked(url, ("http", "https"))


class FileOptions(DriverOptions):
    """A recording. `recorded_at` is the wall time of its first frame (default: when it is opened)."""

    driver: Literal["file"] = "file"
    path: Path
    pace: Literal["realtime", "fast"] = "realtime"
    loop: bool = False
    recorded_at: AwareDatetime | None = None


class WebcamOptions(LiveOptions):
    """A camera on this machine: number, or device path such as /dev/v4l/by-id/..."""

    driver: Literal["webcam"] = "webcam"
    device: int | str = 0
    width: int | None = Field(default=None, gt=0)
    height: int | None = Field(default=None, gt=0)
    fps: PositiveFloat | None = None


class SimulatedCameraOptions(DriverOptions):
    """A moving test card, for trying a node without a camera."""

    driver: Literal["simulated"] = "simulated"
    width: int = Field(default=640, ge=16, le=7680)
    height: int = Field(default=360, ge=16, le=4320)
    fps: float = Field(default=15.0, gt=0, le=240)


CameraOptions = Annotated[
    RtspOptions | HttpOptions | FileOptions | WebcamOptions | SimulatedCameraOptions,
    Field(discriminator="driver"),
]
"""Any camera, chosen by its `driver` key."""
