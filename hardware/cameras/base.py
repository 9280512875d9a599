"""What every camera offers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""uint8, height x width x 3, BGR."""


class Encoded(Protocol):
    """A picture that is decoded when it is looked at (hardware.cameras.jpeg)."""

    @property
    def grey(self) -> Image:
        """Brightness HxW, reduced in size, at less cost than `image`; empty when it can not be decoded."""
        ...

    @property
    def image(self) -> Image:
        """BGR; empty when it can not be decoded."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of `image`, without decoding it."""
        ...

    def checksum(self) -> int:
        """Equal for a picture that was repeated."""
        ...


Picture = Image | Encoded


def image_of(picture: Picture) -> Image:
    """BGR, decoded if need be."""
    return picture if isinstance(picture, np.ndarray) else picture.image


@dataclass(frozen=True, slots=True, eq=False)
class CameraFrame:
    """One picture. `sequence` counts from 0 within a connection; a gap means frames the driver lost."""

    picture: Picture
    captured_monotonic: float
    captured_at: datetime
    sequence: int

    @property
    def image(self) -> Image:
        """The picture, decoded."""
        return image_of(self.picture)


class Camera(Protocol):
    """A source of frames, used by one thread: open, read until it raises, close."""

    @property
    def name(self) -> str:
        """For messages; holds no credentials."""
        ...

    def open(self) -> None:
        """Connect. Raises TransientError, PermanentError or MisconfiguredError."""
        ...

    def read(self) -> CameraFrame:
        """The next frame; waits for it. Raises TransientError when the source is lost, EndOfRecording at its end."""
        ...

    def close(self) -> None:
        """Let go of the device; harmless when it is not open."""
        ...
