"""Cuts heads out of photographs and footage: one canonical size, premultiplied alpha, soft edges.

Hair, face and neck are separated from their background with GrabCut (Rother et al., SIGGRAPH 2004), seeded by
the known face box. Close-ups that leave no background are cut along an ellipse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from simulator.scenes.catalogue import Box, Outline

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.float32]

FACE_WIDTH = 112
"""Width in pixels of the face (detector's box) in a head sprite of full size."""
HEAD_SIZE = (260, 312)
"""Width and height of a head sprite."""
FACE_CENTRE = (130.0, 156.0)
"""Where the middle of the face box lies in a head sprite."""

_GRABCUT_SCALE = 0.5
_SATURATION = 0.85
_AVERAGE_SKIN = (120, 148, 190)
_CUT_OFF_TOP = 0.05
"""A photograph that ends less than this many face widths above the face box has no outline of the hair."""


@dataclass(frozen=True, slots=True)
class HeadLoop:
    """A head as a loop of sprites (BGRA, colour premultiplied), played to and fro at `fps`."""

    frames: tuple[Image, ...]
    halves: tuple[Image, ...]
    """The same at half size, for distant walkers."""
    face_heights: tuple[float, ...]
    """Height of the face box of each frame, in sprite pixels."""
    skin: tuple[int, int, int]
    """Colour of the skin (BGR), for the neck."""
    fps: float

    def index(self, seconds: float) -> int:
        """Which frame shows at `seconds`; the loop runs forwards, then backwards, so that it never jumps."""
        last = len(self.frames) - 1
        if last == 0:
            return 0
        step = int(seconds * self.fps) % (2 * last)
        return step if step <= last else 2 * last - step


def cut_loop(frames: Sequence[Image], boxes: Sequence[Box], fps: float, outline: Outline) -> HeadLoop:
    """Cut one head out of every frame; `boxes` are its faces."""
    sprites, heights = [], []
    for frame, box in zip(frames, boxes, strict=True):
        sprites.append(_cut(frame, box, outline))
        heights.append((box[3] - box[1]) * FACE_WIDTH / (box[2] - box[0]))
    halves = [cv2.resize(s, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for s in sprites]
    return HeadLoop(
        tuple(sprites),
        tuple(np.asarray(half, np.uint8) for half in halves),
        tuple(heights),
        _skin(sprites[0]),
        fps,
    )


def _cut(frame: Image, box: Box, outline: Outline) -> Image:
    scale = FACE_WIDTH / (box[2] - box[0])
    centre = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    place = np.array(
        [[scale, 0, FACE_CENTRE[0] - scale * centre[0]], [0, scale, FACE_CENTRE[1] - scale * centre[1]]], np.float64
    )
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    inside = np.asarray(cv2.warpAffine(np.full(frame.shape[:2], 255, np.uint8), place, HEAD_SIZE), np.uint8)
    if scale < 0.6:  # warpAffine does not average when it shrinks
        frame = np.asarray(cv2.GaussianBlur(frame, (0, 0), 0.35 / scale), np.uint8)
    crop = cv2.warpAffine(frame, place, HEAD_SIZE, flags=interpolation, borderMode=cv2.BORDER_REPLICATE)
    face_height = (box[3] - box[1]) * scale
    cut_off = box[1] < _CUT_OFF_TOP * (box[2] - box[0])
    if cut_off:  # the hair goes on upwards as the picture's last row, and a skull's outline bounds it
        inside[: round(FACE_CENTRE[1])] = 255
    mask = _grabcut(np.asarray(crop, np.uint8), inside, face_height, outline.above)
    mask = mask * _ellipse(face_height, outline.aside, outline.above + 0.3, 1.0)
    if cut_off:
        mask = mask * _ellipse(face_height, 0.60, 0.12)
    return _premultiply(np.asarray(crop, np.uint8), _feather(mask, face_height))


def _ellipse(face_height: float, half_width: float, above: float, below: float = 0.12) -> Mask:
    """A filled ellipse over the face: half width, reach above and reach below the face box, in face widths."""
    top = FACE_CENTRE[1] - face_height / 2 - above * FACE_WIDTH
    bottom = FACE_CENTRE[1] + face_height / 2 + below * FACE_WIDTH
    canvas = np.zeros((HEAD_SIZE[1], HEAD_SIZE[0]), np.uint8)
    centre = (round(FACE_CENTRE[0]), round((top + bottom) / 2))
    axes = (round(half_width * FACE_WIDTH), round((bottom - top) / 2))
    cv2.ellipse(canvas, centre, axes, 0, 0, 360, 255, -1, cv2.LINE_AA)
    return canvas.astype(np.float32) / np.float32(255)


def _grabcut(crop: Image, inside: npt.NDArray[np.uint8], face_height: float, hair: float) -> Mask:
    seeds = np.full(crop.shape[:2], cv2.GC_BGD, np.uint8)
    seeds[_ellipse(face_height, 0.98, hair + 0.35, 0.5) > 0.5] = cv2.GC_PR_BGD
    seeds[_ellipse(face_height, 0.66, hair + 0.08) > 0.5] = cv2.GC_PR_FGD
    seeds[_neck(face_height) > 0] = cv2.GC_PR_FGD
    seeds[_ellipse(face_height, 0.42, hair - 0.06, -0.06) > 0.5] = cv2.GC_FGD
    seeds[inside < 128] = cv2.GC_BGD
    small = cv2.resize(crop, None, fx=_GRABCUT_SCALE, fy=_GRABCUT_SCALE, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(seeds, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_NEAREST)
    cv2.setRNGSeed(1)  # GrabCut starts from k-means: without it two runs differ
    whole = (0, 0, small.shape[1], small.shape[0])
    cv2.grabCut(small, mask, whole, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    found = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    opened = cv2.morphologyEx(found, cv2.MORPH_OPEN, disc)
    closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    patch = _largest(np.asarray(closed, np.uint8))
    return np.asarray(cv2.resize(patch, HEAD_SIZE, interpolation=cv2.INTER_LINEAR), np.float32)


def _neck(face_height: float) -> npt.NDArray[np.uint8]:
    mask = np.zeros((HEAD_SIZE[1], HEAD_SIZE[0]), np.uint8)
    x, y = FACE_CENTRE
    top, half = round(y + 0.3 * face_height), round(0.34 * FACE_WIDTH)
    cv2.rectangle(mask, (round(x) - half, top), (round(x) + half, HEAD_SIZE[1]), 255, -1)
    return mask


def _largest(mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The biggest connected patch alone, its holes kept."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count <= 2:
        return mask
    biggest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return np.asarray(labels == biggest, np.uint8)


def _feather(mask: Mask, face_height: float) -> Mask:
    """Soften the edge, and let the neck run out where the drawn collar begins."""
    soft = cv2.GaussianBlur(cv2.erode(mask, np.ones((3, 3), np.uint8)), (0, 0), 2.2)
    rows = np.arange(HEAD_SIZE[1], dtype=np.float32)
    chin = FACE_CENTRE[1] + 0.50 * face_height
    fade = np.clip(1 - (rows - chin - 4) / (0.16 * face_height), 0, 1)
    columns = np.abs(np.arange(HEAD_SIZE[0], dtype=np.float32) - FACE_CENTRE[0]) / FACE_WIDTH
    # Below the jaw only the neck stays: shoulders and long hair would float beside the drawn body.
    width = np.clip((0.52 - columns) / 0.10, 0, 1)[None, :]
    below = np.clip((rows - chin + 0.10 * face_height) / (0.12 * face_height), 0, 1)[:, None]
    return np.asarray(soft * fade[:, None] * (1 - below * (1 - width)), np.float32)


def _premultiply(crop: Image, alpha: Mask) -> Image:
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY).astype(np.float32)[:, :, None]
    # Film and press pictures are more colourful than a shop camera.
    colour = (_SATURATION * crop.astype(np.float32) + (1 - _SATURATION) * grey) * alpha[:, :, None]
    return np.asarray(np.dstack([colour, alpha * 255]).round(), np.uint8)


def _skin(sprite: Image) -> tuple[int, int, int]:
    """Median colour of the cheeks, half way to an average skin: hands are paler than a face in evening light."""
    x, y = round(FACE_CENTRE[0]), round(FACE_CENTRE[1] + 0.12 * FACE_WIDTH)
    patch = sprite[y : y + 14, x - 30 : x + 30, :3].reshape(-1, 3)
    blue, green, red = 0.5 * np.median(patch, axis=0) + 0.5 * np.array(_AVERAGE_SKIN)
    return (int(blue), int(green), int(red))
