"""A picture that came as JPEG and is decoded when somebody looks at it: most pictures of a camera nobody does."""

from __future__ import annotations

import struct
import zlib
from functools import cached_property
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from hardware.cameras.base import Image

_START = b"\xff\xd8\xff"
_HEADER = struct.Struct(">BBHBHH")
_MARK = 0xFF
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_AS_SENT = cv2.IMREAD_IGNORE_ORIENTATION


def is_jpeg(data: NDArray[np.uint8]) -> bool:
    """Whether this begins as a JPEG does."""
    return data[: len(_START)].tobytes() == _START


class JpegPicture:
    """Decodes once each way. Belongs to the thread that looks at it."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self._data = data

    @cached_property
    def grey(self) -> NDArray[np.uint8]:
        """Brightness at an eighth of the size, for half the time of the whole; empty when it can not be decoded."""
        if not all(self.size):
            return np.zeros((0, 0), np.uint8)
        return _decoded(self._data, cv2.IMREAD_REDUCED_GRAYSCALE_8 | _AS_SENT, 2)

    @cached_property
    def image(self) -> Image:
        """BGR; black where only `grey` can be decoded, empty when nothing can."""
        found = _decoded(self._data, cv2.IMREAD_COLOR | _AS_SENT, 3)
        if found.size or not self.grey.size:
            return found
        width, height = self.size
        return np.zeros((height, width, 3), np.uint8)

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole picture, from its header; (0, 0) when there is none."""
        return _size(self._data.tobytes())

    def checksum(self) -> int:
        """CRC-32 of what was sent."""
        return zlib.crc32(self._data.data)


def _size(data: bytes) -> tuple[int, int]:
    """Of the first frame header (ITU-T T.81, B.2.2): marker, length, precision, height, width."""
    at = 2
    while at + _HEADER.size <= len(data):
        mark, kind, length, _, height, width = _HEADER.unpack_from(data, at)
        if mark != _MARK:
            break
        if kind in _FRAME_HEADERS:
            return width, height
        at += 2 + length
    return 0, 0


def _decoded(data: NDArray[np.uint8], flags: int, dimensions: int) -> NDArray[np.uint8]:
    try:
        found = cast("NDArray[np.uint8] | None", cv2.imdecode(data, flags))
    except cv2.error:
        found = None
    return np.zeros((0, 0, 3)[:dimensions], np.uint8) if found is None else found
