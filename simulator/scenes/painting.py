"""Paints still backgrounds: textured flat surfaces in perspective, drawn twice as large and then averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from simulator.scenes.pinhole import Pinhole

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Colour = tuple[int, int, int]
Corner = tuple[float, float, float]

TEXEL = 110
"""Pixels of texture per metre."""


class Painting:
    """A picture that a pinhole camera takes of surfaces, painted from far to near."""

    def __init__(self, camera: Pinhole) -> None:
        width, height = camera.size
        self._camera = replace(camera, focal=camera.focal * 2, size=(width * 2, height * 2))
        self._canvas = np.zeros((height * 2, width * 2, 3), np.uint8)

    def surface(self, texture: Image, corners: Sequence[Corner]) -> None:
        """Paint `texture` onto the flat parallelogram `corners` (top left, top right, bottom right, bottom left).

        What of it lies behind the camera is not seen, though the same projection has a place for it in the picture.
        """
        lift = self._lift(texture, corners)
        size = (self._canvas.shape[1], self._canvas.shape[0])
        before = self._before(lift)
        painted = self._canvas if before is None else self._canvas.copy()
        cv2.warpPerspective(texture, lift, size, dst=painted, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT)
        if before is not None:
            self._canvas[before] = painted[before]

    def _lift(self, texture: Image, corners: Sequence[Corner]) -> Floats:
        """Homography from pixels of the texture to the picture, its last row the depth in metres."""
        origin, right, _, down = np.asarray(corners, np.float64)
        height, width = texture.shape[:2]
        plane = np.column_stack([(right - origin) / width, (down - origin) / height, origin - self._camera.position])
        focal, (across, tall) = self._camera.focal, self._camera.size
        lens = np.array([[focal, 0, across / 2], [0, focal, tall / 2], [0, 0, 1.0]])
        return np.asarray(lens @ self._camera.axes() @ plane, np.float64)

    def _before(self, lift: Floats) -> npt.NDArray[np.bool_] | None:
        """Pixels at which the plane is before the camera; None when that is so everywhere."""
        height, width = self._canvas.shape[:2]
        across, down, constant = np.linalg.inv(lift)[2]
        nearness = across * np.arange(width)[None, :] + down * np.arange(height)[:, None] + constant
        before = np.asarray(nearness > 0, np.bool_)
        return None if before.all() else before

    def box(self, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], faces: BoxFaces) -> None:
        """Paint an upright box; only the sides the camera can see."""
        (x1, x2), (y1, y2), (z1, z2) = x, y, z
        eye_x, eye_y, eye_z = self._camera.position
        if eye_z > z2:
            self.surface(faces.top, [(x1, y2, z2), (x2, y2, z2), (x2, y1, z2), (x1, y1, z2)])
        if eye_x < x1:
            self.surface(faces.left, [(x1, y2, z2), (x1, y1, z2), (x1, y1, z1), (x1, y2, z1)])
        if eye_x > x2:
            self.surface(faces.right, [(x2, y1, z2), (x2, y2, z2), (x2, y2, z1), (x2, y1, z1)])
        if eye_y < y1:
            self.surface(faces.front, [(x1, y1, z2), (x2, y1, z2), (x2, y1, z1), (x1, y1, z1)])
        if eye_y > y2:
            self.surface(faces.back, [(x2, y2, z2), (x1, y2, z2), (x1, y2, z1), (x2, y2, z1)])

    def finish(self, blur: float = 0.6) -> Image:
        """The finished picture at the camera's own size."""
        size = (self._canvas.shape[1] // 2, self._canvas.shape[0] // 2)
        small = cv2.resize(self._canvas, size, interpolation=cv2.INTER_AREA)
        return np.asarray(vignette(np.asarray(cv2.GaussianBlur(small, (0, 0), blur), np.uint8)), np.uint8)


class BoxFaces:
    """Textures of the visible sides of a box; those not given are plain and shaded."""

    def __init__(self, colour: Colour, front: Image | None = None, left: Image | None = None) -> None:
        self.front = front if front is not None else plain(colour)
        self.left = left if left is not None else plain(_shaded(colour, 0.78))
        self.right = plain(_shaded(colour, 0.68))
        self.back = plain(_shaded(colour, 0.85))
        self.top = plain(_shaded(colour, 1.15))


def plain(colour: Colour, metres: tuple[float, float] = (0.5, 0.5)) -> Image:
    """A flat texture of that size."""
    return np.full((max(2, round(metres[1] * TEXEL)), max(2, round(metres[0] * TEXEL)), 3), colour, np.uint8)


def gradient(top: Colour, bottom: Colour, metres: tuple[float, float]) -> Image:
    """A texture running from one colour to another downwards."""
    rows = np.linspace(0, 1, round(metres[1] * TEXEL))[:, None, None]
    column = (1 - rows) * np.array(top) + rows * np.array(bottom)
    return np.asarray(np.repeat(column, round(metres[0] * TEXEL), axis=1), np.uint8)


def planks(metres: tuple[float, float], base: Colour, rng: np.random.Generator) -> Image:
    """A wooden floor: boards of 1.3 x 0.18 m, every one a little different, with dark joints."""
    width, height = (round(m * TEXEL) for m in metres)
    texture = np.empty((height, width, 3), np.float32)
    board, length = round(0.18 * TEXEL), round(1.3 * TEXEL)
    for row in range(0, height, board):
        for start in range(-int(rng.integers(0, length)), width, length):
            tint = np.array(base) * rng.uniform(0.90, 1.07)
            texture[row : row + board, max(0, start) : start + length] = tint
            if start > 0:
                texture[row : row + board, start : start + 1] *= 0.8
        texture[row : row + 1] *= 0.82
    grain = cv2.GaussianBlur(rng.normal(0, 14, (height, width, 1)).astype(np.float32), (0, 0), 9, sigmaY=0.8)
    return np.asarray(np.clip(texture + grain.reshape(height, width, 1), 0, 255), np.uint8)


def tiles(metres: tuple[float, float], side: float, base: Colour, rng: np.random.Generator) -> Image:
    """A floor of square tiles with pale joints."""
    width, height = (round(m * TEXEL) for m in metres)
    step = round(side * TEXEL)
    texture = np.empty((height, width, 3), np.float32)
    for row in range(0, height, step):
        for column in range(0, width, step):
            texture[row : row + step, column : column + step] = np.array(base) * rng.uniform(0.95, 1.04)
        texture[row : row + 2] *= 0.86
    for column in range(0, width, step):
        texture[:, column : column + 2] *= 0.86
    return np.asarray(np.clip(texture, 0, 255), np.uint8)


def gondola(metres: tuple[float, float], title: str, rng: np.random.Generator) -> Image:
    """The front of a shelf: a header with its name, boards with goods, and a price label under each board."""
    width, height = (round(m * TEXEL) for m in metres)
    texture = np.full((height, width, 3), (62, 66, 70), np.uint8)
    header = round(min(0.26, 0.3 * metres[1]) * TEXEL)
    accent = _accent(rng)
    cv2.rectangle(texture, (0, 0), (width, header), accent, -1)
    write(texture, title, (width // 2, header // 2), header / 46, (250, 250, 250))
    levels = max(1, round((metres[1] - 0.3) / 0.42))
    tops = np.linspace(header, height - round(0.1 * TEXEL), levels + 1)
    for upper, lower in pairwise(tops):
        _goods(texture, int(upper) + 3, int(lower) - 9, rng)
        cv2.rectangle(texture, (0, int(lower) - 9), (width, int(lower)), (205, 208, 210), -1)
        for x in range(round(0.18 * TEXEL), width - 20, round(0.42 * TEXEL)):
            cv2.rectangle(texture, (x, int(lower) - 8), (x + 15, int(lower) - 1), (250, 250, 250), -1)
            cv2.rectangle(texture, (x + 2, int(lower) - 6), (x + 9, int(lower) - 3), (70, 60, 60), -1)
    cv2.rectangle(texture, (0, 0), (width - 1, height - 1), (45, 47, 50), 4)
    return texture


def _goods(texture: Image, top: int, bottom: int, rng: np.random.Generator) -> None:
    width = texture.shape[1]
    texture[top:bottom] = np.linspace(0.45, 0.75, bottom - top)[:, None, None] * np.array((120, 125, 130))
    x = 6 + int(rng.integers(0, 8))
    while x < width - 18:
        wide, tall = int(rng.integers(12, 34)), round((bottom - top) * rng.uniform(0.45, 0.92))
        colour = np.array(_accent(rng) if rng.random() < 0.5 else (rng.integers(60, 190),) * 3, np.float64)
        right, upper = min(width - 6, x + wide), bottom - tall
        shade = np.linspace(1.12, 0.8, right - x)[None, :, None]
        texture[upper:bottom, x:right] = np.clip(colour * shade, 0, 255)
        band = upper + tall // 3
        cv2.rectangle(texture, (x + 3, band), (right - 4, band + tall // 5), (205, 205, 202), -1)
        x = right + int(rng.integers(2, 9))


def _accent(rng: np.random.Generator) -> Colour:
    hue = np.array([[[rng.integers(0, 180), rng.integers(40, 110), rng.integers(90, 170)]]], np.uint8)
    blue, green, red = cv2.cvtColor(hue, cv2.COLOR_HSV2BGR)[0, 0]
    return (int(blue), int(green), int(red))


def write(texture: Image, text: str, centre: tuple[int, int], scale: float, colour: Colour) -> None:
    """Write Latin text round `centre`."""
    thickness = max(1, round(scale * 2))
    (wide, tall), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    origin = (centre[0] - wide // 2, centre[1] + tall // 2)
    cv2.putText(texture, text, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thickness, cv2.LINE_AA)


def vignette(picture: Image, strength: float = 0.22) -> Image:
    """Darken towards the corners as a lens does."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    fall = 1 - strength * np.clip((x**2 + y**2) / 2, 0, 1) ** 1.2
    return np.asarray(picture * fall[:, :, None], np.uint8)


def _shaded(colour: Colour, factor: float) -> Colour:
    blue, green, red = (min(255, round(channel * factor)) for channel in colour)
    return (blue, green, red)
