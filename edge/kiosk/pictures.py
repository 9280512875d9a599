"""A picture from the tablet: bytes to BGR pixels, in memory, within limits."""

from __future__ import annotations

import io

import cv2
import numpy as np
import PIL.Image

from edge.kiosk.errors import KioskError
from edge.values import Image

LIMIT_BYTES = 600_000
_LONGEST_SIDE = 2048


def decode_picture(raw: bytes) -> Image:
    """A JPEG of at most 2048 pixels a side; its size is checked before it is unpacked. KioskError otherwise."""
    if len(raw) > LIMIT_BYTES or not raw.startswith(b"\xff\xd8"):
        raise KioskError("not_a_picture")
    try:
        with PIL.Image.open(io.BytesIO(raw), formats=("JPEG",)) as header:
            size = header.size
    except (OSError, ValueError, PIL.Image.DecompressionBombError):
        raise KioskError("not_a_picture") from None
    if max(size) > _LONGEST_SIDE:
        raise KioskError("not_a_picture")
    picture = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise KioskError("not_a_picture")
    return np.asarray(picture, np.uint8)
