"""The empty doorway as the entrance camera sees it from inside: x right, y towards the street, metres."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from simulator.scenes.painting import TEXEL, BoxFaces, Painting, gondola, gradient, plain, tiles, vignette, write
from simulator.scenes.pinhole import Pinhole

Image = npt.NDArray[np.uint8]

DOOR_Y = 7.0
"""How far the doorway is from the camera."""
_HALF_DOOR = 1.25
_DOOR_TOP = 2.35
_HALF_HALL = 3.2
_CEILING = 3.1


def paint_entrance(camera: Pinhole, seed: int) -> Image:
    """A picture of the entrance without people."""
    rng = np.random.default_rng(seed)
    painting = Painting(camera)
    _street(painting, rng)
    _hall(painting, rng)
    _front_wall(painting)
    _doors(painting)
    _furniture(painting, rng)
    return vignette(_daylight(painting.finish(blur=0.9), camera), 0.18)


def _street(painting: Painting, rng: np.random.Generator) -> None:
    """Pavement, road and houses beyond the door, bright and out of focus."""
    houses = gradient((244, 236, 222), (206, 206, 204), (14.0, 6.0))
    x = 0
    while x < houses.shape[1]:
        wide = int(rng.integers(150, 330))
        tall = int(rng.integers(250, 470))
        tone = rng.integers(150, 205)
        tint = (int(tone), int(tone + rng.integers(-8, 12)), int(tone + rng.integers(0, 25)))
        cv2.rectangle(houses, (x, houses.shape[0] - tall), (x + wide, houses.shape[0]), tint, -1)
        for window in range(x + 22, x + wide - 40, 52):
            for level in range(houses.shape[0] - tall + 24, houses.shape[0] - 70, 74):
                cv2.rectangle(houses, (window, level), (window + 28, level + 44), (120, 118, 112), -1)
        x += wide
    for tree in rng.integers(0, houses.shape[1], 4):
        cv2.circle(houses, (int(tree), houses.shape[0] - 190), 95, (105, 165, 125), -1)
    soft = np.asarray(cv2.GaussianBlur(houses, (0, 0), 11), np.uint8)
    painting.surface(soft, [(-7, 16, 5.6), (7, 16, 5.6), (7, 16, -0.4), (-7, 16, -0.4)])
    ground = gradient((205, 207, 208), (182, 186, 190), (6.0, 9.0))
    painting.surface(ground, [(-6, 16, 0), (6, 16, 0), (6, DOOR_Y, 0), (-6, DOOR_Y, 0)])


def _hall(painting: Painting, rng: np.random.Generator) -> None:
    floor = tiles((2 * _HALF_HALL, 6.0), 0.6, (168, 176, 182), rng)
    mat_half, mat_top = round(_HALF_DOOR * TEXEL), 0
    middle = floor.shape[1] // 2
    cv2.rectangle(floor, (middle - mat_half, mat_top), (middle + mat_half, round(1.1 * TEXEL)), (74, 72, 70), -1)
    lane = np.array([(-0.95, 1.5), (0.95, 1.5), (0.95, 5.4), (-0.95, 5.4)]) * TEXEL + (middle, 0)
    tinted = floor.copy()
    cv2.fillPoly(tinted, [lane.astype(np.int32)], (190, 150, 80))
    floor = np.asarray(cv2.addWeighted(tinted, 0.35, floor, 0.65, 0), np.uint8)
    cv2.polylines(floor, [lane.astype(np.int32)], True, (245, 238, 228), 4, cv2.LINE_AA)
    far, near = DOOR_Y, DOOR_Y - 6.0
    painting.surface(
        floor,
        [
            (-_HALF_HALL, far, 0),
            (_HALF_HALL, far, 0),
            (_HALF_HALL, near, 0),
            (-_HALF_HALL, near, 0),
        ],
    )
    side = gradient((164, 172, 176), (138, 146, 151), (6.0, _CEILING))
    for x, first, last in ((-_HALF_HALL, near, far), (_HALF_HALL, far, near)):
        painting.surface(side, [(x, first, _CEILING), (x, last, _CEILING), (x, last, 0), (x, first, 0)])


def _front_wall(painting: Painting) -> None:
    """The wall with the opening: a piece on either side, and one above with the sign."""
    left = gradient((178, 186, 190), (150, 158, 163), (_HALF_HALL - _HALF_DOOR, _CEILING))
    cv2.rectangle(left, (0, left.shape[0] - 16), (left.shape[1], left.shape[0]), (96, 98, 100), -1)
    _poster(left)
    painting.surface(left, _upright(-_HALF_HALL, -_HALF_DOOR, 0, _CEILING))
    right = gradient((178, 186, 190), (150, 158, 163), (_HALF_HALL - _HALF_DOOR, _CEILING))
    cv2.rectangle(right, (0, right.shape[0] - 16), (right.shape[1], right.shape[0]), (96, 98, 100), -1)
    painting.surface(right, _upright(_HALF_DOOR, _HALF_HALL, 0, _CEILING))
    above = gradient((170, 178, 182), (164, 172, 176), (2 * _HALF_DOOR, _CEILING - _DOOR_TOP))
    write(above, "thank you - see you soon", (above.shape[1] // 2, round((_CEILING - 2.52) * TEXEL)), 0.5, (92, 70, 52))
    painting.surface(above, _upright(-_HALF_DOOR, _HALF_DOOR, _DOOR_TOP, _CEILING))


def _poster(wall: Image) -> None:
    x, y, wide, tall = 50, 100, 110, 150
    cv2.rectangle(wall, (x - 4, y - 4), (x + wide + 4, y + tall + 4), (60, 60, 60), -1)
    cv2.rectangle(wall, (x, y), (x + wide, y + tall), (96, 70, 46), -1)
    cv2.circle(wall, (x + 55, y + 62), 34, (86, 150, 214), 12, cv2.LINE_AA)
    write(wall, "SOUND", (x + 55, y + 126), 0.5, (236, 236, 236))


def _doors(painting: Painting) -> None:
    """A dark frame, and two glass leaves that stand open inwards."""
    frame = (66, 62, 60)
    bar = 0.06
    for x in (-_HALF_DOOR, _HALF_DOOR - bar):
        painting.surface(plain(frame), _upright(x, x + bar, 0, _DOOR_TOP))
    painting.surface(plain(frame), _upright(-_HALF_DOOR, _HALF_DOOR, _DOOR_TOP - bar, _DOOR_TOP))
    for side in (-1, 1):
        hinge, edge = side * _HALF_DOOR, side * (_HALF_DOOR + 0.12)
        for y1, y2 in ((DOOR_Y, DOOR_Y - 0.05), (DOOR_Y - 1.1, DOOR_Y - 1.16)):
            x1 = hinge if y1 == DOOR_Y else edge
            painting.surface(plain(frame), [(x1, y1, _DOOR_TOP), (x1, y2, _DOOR_TOP), (x1, y2, 0), (x1, y1, 0)])
        for z1, z2 in ((_DOOR_TOP, _DOOR_TOP - bar), (0.12, 0.0)):
            painting.surface(
                plain(frame),
                [
                    (hinge, DOOR_Y, z1),
                    (edge, DOOR_Y - 1.16, z1),
                    (edge, DOOR_Y - 1.16, z2),
                    (hinge, DOOR_Y, z2),
                ],
            )


def _furniture(painting: Painting, rng: np.random.Generator) -> None:
    front = gondola((2.6, 1.9), "New in", rng)
    painting.box((2.15, 2.9), (3.6, 6.2), (0, 1.9), BoxFaces((88, 94, 100), left=front))
    painting.box((-2.75, -2.1), (4.4, 5.2), (0, 0.95), BoxFaces((104, 126, 150)))
    painting.box((-2.6, -2.25), (4.6, 4.95), (0.95, 1.35), BoxFaces((70, 120, 84)))


def _upright(x1: float, x2: float, z1: float, z2: float) -> list[tuple[float, float, float]]:
    return [(x1, DOOR_Y, z2), (x2, DOOR_Y, z2), (x2, DOOR_Y, z1), (x1, DOOR_Y, z1)]


def _daylight(picture: Image, camera: Pinhole) -> Image:
    """Light that spills from the doorway over the picture, and its glow on the floor."""
    height, width = picture.shape[:2]
    glow = np.zeros((height, width), np.float32)
    spill = (1.7, DOOR_Y - 2.0, 0), (-1.7, DOOR_Y - 2.0, 0)
    opening = camera.project([(-_HALF_DOOR, DOOR_Y, _DOOR_TOP), (_HALF_DOOR, DOOR_Y, _DOOR_TOP), *spill])
    cv2.fillPoly(glow, [opening.round().astype(np.int32)], 1.0)
    glow = np.asarray(cv2.GaussianBlur(glow, (0, 0), 70), np.float32)
    lit = picture.astype(np.float32) * (0.86 + 0.2 * glow[:, :, None]) + 18 * glow[:, :, None]
    return np.asarray(np.clip(lit, 0, 255), np.uint8)
