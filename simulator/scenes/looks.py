"""What the rendered people wear, and their bodies in colour."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from simulator.scenes.body import Build, Part, Shape, draw_body

Colour = tuple[int, int, int]
"""Blue, green, red."""


@dataclass(frozen=True, slots=True)
class Look:
    """Clothes, hair and stature of one person."""

    build: Build
    skin: Colour
    hair: Colour
    shirt: Colour
    trousers: Colour
    shoes: Colour = (35, 32, 30)
    long_sleeves: bool = True
    bare_shins: bool = False
    height: float = 1.75
    """Metres."""

    def palette(self) -> npt.NDArray[np.float32]:
        """Colour of each `Part`, one row each."""
        rows: list[Colour] = [(0, 0, 0)] * len(Part)
        rows[Part.SKIN], rows[Part.HAIR] = self.skin, self.hair
        rows[Part.SHIRT], rows[Part.TROUSERS], rows[Part.SHOES] = self.shirt, self.trousers, self.shoes
        rows[Part.FOREARM] = self.shirt if self.long_sleeves else self.skin
        rows[Part.SHIN] = self.skin if self.bare_shins else self.trousers
        return np.array(rows, np.float32)


_LIGHT, _TAN, _BROWN, _DARK = (165, 190, 230), (125, 160, 205), (85, 115, 160), (55, 75, 105)
_BLACK_HAIR, _BROWN_HAIR, _BLOND, _GREY = (28, 26, 28), (35, 55, 85), (95, 150, 195), (150, 150, 150)

LOOKS: tuple[Look, ...] = (
    Look(Build.PLAIN, _LIGHT, _BROWN_HAIR, (150, 80, 40), (75, 62, 58), height=1.80),
    Look(Build.LONG_HAIR, _LIGHT, _BLOND, (70, 60, 190), (120, 85, 60), height=1.68),
    Look(Build.PLAIN, _BROWN, _BLACK_HAIR, (215, 215, 215), (60, 55, 52), long_sleeves=False, height=1.76),
    Look(Build.COAT, _TAN, _BROWN_HAIR, (75, 95, 120), (50, 48, 50), height=1.78),
    Look(Build.LONG_HAIR, _DARK, _BLACK_HAIR, (60, 165, 215), (70, 60, 60), long_sleeves=False, height=1.66),
    Look(Build.PLAIN, _LIGHT, _GREY, (90, 110, 60), (110, 125, 140), height=1.73),
    Look(Build.COAT, _LIGHT, _BLACK_HAIR, (55, 45, 45), (95, 70, 55), height=1.70),
    Look(Build.LONG_HAIR, _TAN, _BROWN_HAIR, (170, 150, 205), (125, 110, 95), bare_shins=True, height=1.64),
    Look(Build.PLAIN, _TAN, _BLACK_HAIR, (55, 120, 70), (130, 100, 70), long_sleeves=False, height=1.82),
    Look(Build.PLAIN, _DARK, _BLACK_HAIR, (45, 50, 60), (150, 145, 140), height=1.77),
)


OUTFITS: tuple[Look, ...] = (
    Look(Build.PLAIN, _LIGHT, _BROWN_HAIR, (118, 92, 70), (70, 60, 56), height=1.78),
    Look(Build.COAT, _LIGHT, _BROWN_HAIR, (62, 60, 62), (52, 48, 46), height=1.76),
    Look(Build.PLAIN, _LIGHT, _BROWN_HAIR, (172, 168, 160), (96, 74, 58), height=1.74),
    Look(Build.PLAIN, _LIGHT, _BROWN_HAIR, (84, 104, 82), (84, 92, 100), height=1.80),
    Look(Build.COAT, _LIGHT, _BROWN_HAIR, (88, 112, 142), (60, 56, 54), height=1.72),
    Look(Build.PLAIN, _LIGHT, _BROWN_HAIR, (70, 62, 128), (64, 58, 56), height=1.75),
    Look(Build.PLAIN, _LIGHT, _BROWN_HAIR, (150, 128, 92), (58, 54, 52), height=1.73),
)
"""Clothes of people with a photographed head; its skin colour replaces theirs."""


@lru_cache(maxsize=1024)
def dressed(look: int, phase: int, turn: float, elevation: float, pixels_per_metre: float) -> DressedBody:
    """The body of `LOOKS[look]` in colour; arguments as in `draw_body`."""
    drawn = draw_body(LOOKS[look].build, phase, turn, elevation, pixels_per_metre)
    return dress(drawn, LOOKS[look].palette())


@dataclass(frozen=True, slots=True, eq=False)
class DressedBody:
    """A sprite (BGRA, colour premultiplied), its floor point, and the outline (N, 2) of it, in sprite pixels."""

    sprite: npt.NDArray[np.uint8]
    foot: tuple[float, float]
    hull: npt.NDArray[np.float64]
    pixels_per_metre: float


def dress(drawn: Shape, palette: npt.NDArray[np.float32]) -> DressedBody:
    """Colour a drawn body with one row of `palette` (BGR) per `Part`."""
    colours = np.zeros((1, 256, 3), np.uint8)
    colours[0, : len(palette)] = np.clip(palette, 0, 255).round()
    flat = cv2.LUT(cv2.merge([drawn.part, drawn.part, drawn.part]), colours)
    light = cv2.multiply(drawn.shade, drawn.alpha, scale=1 / 255)
    blue, green, red = cv2.split(cv2.multiply(flat, cv2.merge([light, light, light]), scale=1 / 255))
    sprite = np.asarray(cv2.merge([blue, green, red, drawn.alpha]), np.uint8)
    outlines, _ = cv2.findContours((drawn.alpha > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = cv2.convexHull(np.concatenate(outlines)).reshape(-1, 2).astype(np.float64)
    return DressedBody(sprite, drawn.foot, hull, drawn.pixels_per_metre)
