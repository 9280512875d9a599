"""Fast 8-bit picture arithmetic shared by both scenes: cut-outs laid over a frame, and what a sensor adds."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Affine = npt.NDArray[np.float64]


def lay_over(
    frame: Image, sprite: Image, place: Affine, hidden: Image | None = None, blur: tuple[int, int] = (1, 1)
) -> tuple[int, int, int, int] | None:
    """Draw `sprite` (BGRA, colour premultiplied) into `frame` in place, moved by the 2x3 matrix `place`.

    `hidden` (frame-sized, 255 = something stands before it) masks it; `blur` is a box kernel (motion blur).
    Returns the part of the frame that was touched (x1, y1, x2, y2), None when it lies outside.
    """
    field = _field(sprite, place, frame.shape[1], frame.shape[0], max(blur))
    if field is None:
        return None
    x1, y1, x2, y2 = field
    local = place.copy()
    local[:, 2] -= (x1, y1)
    patch = cv2.warpAffine(sprite, local, (x2 - x1, y2 - y1), flags=cv2.INTER_LINEAR)
    if blur != (1, 1):
        patch = cv2.blur(patch, blur)
    if hidden is not None:
        seen = cv2.bitwise_not(hidden[y1:y2, x1:x2])
        patch = cv2.multiply(patch, cv2.merge([seen, seen, seen, seen]), scale=1 / 255)
    clear = cv2.bitwise_not(cv2.extractChannel(patch, 3))
    target = frame[y1:y2, x1:x2]
    behind = cv2.multiply(target, cv2.merge([clear, clear, clear]), scale=1 / 255)
    cv2.add(behind, cv2.cvtColor(patch, cv2.COLOR_BGRA2BGR), dst=target)
    return field


def darken(frame: Image, mask: Image, place: Affine, hidden: Image | None = None) -> None:
    """Multiply `frame` in place by 1 - `mask`/255, the one-channel `mask` moved by `place`: a shadow."""
    field = _field(mask, place, frame.shape[1], frame.shape[0], 1)
    if field is None:
        return
    x1, y1, x2, y2 = field
    local = place.copy()
    local[:, 2] -= (x1, y1)
    shadow = cv2.warpAffine(mask, local, (x2 - x1, y2 - y1), flags=cv2.INTER_LINEAR)
    if hidden is not None:
        shadow = cv2.multiply(shadow, cv2.bitwise_not(hidden[y1:y2, x1:x2]), scale=1 / 255)
    light = cv2.bitwise_not(shadow)
    target = frame[y1:y2, x1:x2]
    cv2.multiply(target, cv2.merge([light, light, light]), dst=target, scale=1 / 255)


def _field(sprite: Image, place: Affine, width: int, height: int, margin: int) -> tuple[int, int, int, int] | None:
    """The part of a width x height frame that the moved sprite covers."""
    h, w = sprite.shape[:2]
    corners = np.array([[0, 0, 1], [w, 0, 1], [0, h, 1], [w, h, 1]], np.float64) @ place.T
    x1, y1 = np.floor(corners.min(axis=0)).astype(int) - margin
    x2, y2 = np.ceil(corners.max(axis=0)).astype(int) + margin
    x1, y1, x2, y2 = max(0, x1), max(0, y1), min(width, x2), min(height, y2)
    return (int(x1), int(y1), int(x2), int(y2)) if x1 < x2 and y1 < y2 else None


class Sensor:
    """What a camera's sensor adds to a clean picture: read-out noise and a wandering exposure."""

    def __init__(self, size: tuple[int, int], sigma: float, seed: int) -> None:
        """`size` is the frame's width and height, `sigma` the noise in 8-bit steps."""
        rng = np.random.default_rng(seed)
        width, height = size
        # One larger field, read at a random offset each frame: fresh noise without drawing it again.
        noise = rng.normal(0, sigma, (height + _SLACK, width + _SLACK, 3))
        self._up = np.clip(noise, 0, 255).round().astype(np.uint8)
        self._down = np.clip(-noise, 0, 255).round().astype(np.uint8)
        self._seed = seed

    def expose(self, frame: Image, moment: int, gain: float = 1.0) -> None:
        """Add the noise of frame number `moment` in place; the same moment always looks the same."""
        height, width = frame.shape[:2]
        across, down = np.random.default_rng((self._seed, moment)).integers(0, _SLACK, 2)
        field = np.s_[down : down + height, across : across + width]
        if abs(gain - 1) > 0.004:
            cv2.convertScaleAbs(frame, dst=frame, alpha=gain)
        cv2.add(frame, self._up[field], dst=frame)
        cv2.subtract(frame, self._down[field], dst=frame)


_SLACK = 96
