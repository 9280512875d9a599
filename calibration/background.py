"""What stays the same in a camera's view: binary descriptors of fixed details (ORB, Rublee 2011). No picture is kept.

A reference is made from several pictures: only details that are in the same place in all of them count, so that
people who walk through leave nothing in it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

Image = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]

LOOK_WIDTH = 640
"""Pictures are looked at in this width."""
MOST = 300
FEWEST = 25
"""With fewer fixed details nothing can be watched."""
_CANDIDATES = 900
_STAYS_PX = 1.5
_NEAR_BITS = 64
_WORDS = 32
"""Bytes of one descriptor."""


class Background(BaseModel):
    """As kept in the calibration file: places (uint16 pairs, little endian) and descriptors, base64."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Annotated[str, Field(pattern="^orb-1$")] = "orb-1"
    look: tuple[Annotated[int, Field(ge=16)], Annotated[int, Field(ge=16)]]
    """Width and height the pictures were looked at in."""
    details: int = Field(ge=FEWEST, le=MOST)
    places: str = Field(max_length=4 * MOST * 2)
    descriptors: str = Field(max_length=_WORDS * MOST * 2)

    @model_validator(mode="after")
    def _lengths(self) -> Background:
        for name, text, each in (("places", self.places, 4), ("descriptors", self.descriptors, _WORDS)):
            try:
                length = len(base64.b64decode(text, validate=True))
            except (binascii.Error, ValueError):
                raise ValueError(f"{name}: is not base64") from None
            if length != each * self.details:
                raise ValueError(f"{name}: {length} bytes do not make {self.details} details")
        return self

    def decoded(self) -> Details:
        """To compare with."""
        places = np.frombuffer(base64.b64decode(self.places), "<u2").reshape(-1, 2).astype(np.float64) / _FINE
        return Details(places, np.frombuffer(base64.b64decode(self.descriptors), np.uint8).reshape(-1, _WORDS))


_FINE = 16.0
"""Places are kept in sixteenths of a pixel of the look."""


@dataclass(frozen=True, slots=True, eq=False)
class Details:
    """(N, 2) places in pixels of the look, (N, 32) descriptors."""

    places: Points
    descriptors: Image


@dataclass(frozen=True, slots=True, eq=False)
class Shift:
    """How the view has moved: `warp` (3, 3) takes a pixel of the reference look to one of today's."""

    warp: Points
    agreed: int
    spread: float
    """Share of the look that the details that agree span."""


def details_of(picture: Image, look: tuple[int, int] | None = None, mask: Image | None = None) -> Details:
    """Of one BGR picture."""
    size = look or look_of(picture)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY) if small.ndim == 3 else small
    points, descriptors = cv2.ORB.create(nfeatures=_CANDIDATES, fastThreshold=12).detectAndCompute(grey, mask)
    if descriptors is None or not len(points):
        return Details(np.empty((0, 2)), np.empty((0, _WORDS), np.uint8))
    return Details(np.array([point.pt for point in points], np.float64), np.asarray(descriptors, np.uint8))


def look_of(picture: Image) -> tuple[int, int]:
    """Size a picture is looked at in."""
    height, width = picture.shape[:2]
    wide = min(LOOK_WIDTH, width)
    return wide, max(16, round(height * wide / width))


def reference(pictures: Sequence[Image]) -> Background | None:
    """Details common to all pictures (several, taken seconds apart, are best); None when there are too few of them."""
    look = look_of(pictures[0])
    first = details_of(pictures[0], look)
    fixed = np.ones(len(first.places), bool)
    for picture in pictures[1:]:
        fixed &= _still_there(first, details_of(picture, look))
    chosen = _spread_out(first.places, np.flatnonzero(fixed), look)
    if len(chosen) < FEWEST:
        return None
    places = np.round(first.places[chosen] * _FINE).astype("<u2").tobytes()
    return Background(
        look=look,
        details=len(chosen),
        places=base64.b64encode(places).decode(),
        descriptors=base64.b64encode(first.descriptors[chosen].tobytes()).decode(),
    )


def compare(then: Details, now: Details, look: tuple[int, int]) -> Shift | None:
    """The movement most details agree on; None when too few do."""
    if len(now.places) < 2:
        return None
    pairs = _matches(then.descriptors, now.descriptors)
    if len(pairs) < 8:
        return None
    old, new = then.places[pairs[:, 0]], now.places[pairs[:, 1]]
    matrix, agreed = cv2.estimateAffinePartial2D(old, new, method=cv2.RANSAC, ransacReprojThreshold=3.0, maxIters=2000)
    if matrix is None or not np.all(np.isfinite(matrix)):
        return None
    warp = np.vstack([np.asarray(matrix, np.float64), [0.0, 0.0, 1.0]])
    inside = np.ravel(agreed).astype(bool)
    spread = _spread(old[inside], look)
    if inside.sum() >= 40 and spread > 0.25:
        full, again = cv2.findHomography(old, new, cv2.RANSAC, 2.0)
        if full is not None and int(np.ravel(again).sum()) >= inside.sum():
            return Shift(np.asarray(full, np.float64), int(np.ravel(again).sum()), spread)
    return Shift(warp, int(inside.sum()), spread)


def _matches(then: Image, now: Image) -> npt.NDArray[np.int64]:
    """Mutual nearest neighbours that are near enough."""
    found = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(then, now)
    good = [(match.queryIdx, match.trainIdx) for match in found if match.distance < _NEAR_BITS]
    return np.array(good, np.int64).reshape(-1, 2)


def _still_there(first: Details, other: Details) -> npt.NDArray[np.bool_]:
    there = np.zeros(len(first.places), bool)
    if not len(other.places):
        return there
    pairs = _matches(first.descriptors, other.descriptors)
    moved = np.linalg.norm(first.places[pairs[:, 0]] - other.places[pairs[:, 1]], axis=1)
    there[pairs[moved < _STAYS_PX, 0]] = True
    return there


def _spread_out(places: Points, chosen: npt.NDArray[np.int64], look: tuple[int, int]) -> npt.NDArray[np.int64]:
    """At most MOST, taken in turn from the parts of the look, strongest first (ORB's order)."""
    cells: dict[tuple[int, int], list[int]] = {}
    for index in chosen.tolist():
        cell = int(places[index, 0] * 8 // look[0]), int(places[index, 1] * 6 // look[1])
        cells.setdefault(cell, []).append(index)
    order = sorted((rank, index) for members in cells.values() for rank, index in enumerate(members))
    return np.array([index for _, index in order[:MOST]], np.int64)


def _spread(places: Points, look: tuple[int, int]) -> float:
    if len(places) < 3:
        return 0.0
    hull = cv2.convexHull(places.astype(np.float32))
    return float(cv2.contourArea(hull)) / (look[0] * look[1])
