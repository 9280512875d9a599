"""Which detection belongs to which track: best total overlap, or nearest place (Hungarian method)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tracking.values import Floats

Rows = NDArray[np.intp]

_USUAL_STEP = 0.5
"""Between a prediction and its detection, in sides of the box."""
_USUAL_GROWTH = 0.15
"""Logarithm of how much a box differs in size from its prediction."""


def overlap(first: Floats, second: Floats) -> Floats:
    """Intersection over union of N and M boxes, NxM."""
    top_left = np.maximum(first[:, None, :2], second[None, :, :2])
    bottom_right = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.clip(bottom_right - top_left, 0, None)
    shared = sides[..., 0] * sides[..., 1]
    area_first = (first[:, 2] - first[:, 0]) * (first[:, 3] - first[:, 1])
    area_second = (second[:, 2] - second[:, 0]) * (second[:, 3] - second[:, 1])
    joined: Floats = area_first[:, None] + area_second[None, :] - shared
    return np.asarray(shared / np.maximum(joined, 1e-9))


def grown(boxes: Floats, share: float) -> Floats:
    """Boxes enlarged by `share` of their sides on every side: small fast boxes still overlap (C-BIoU, 2022)."""
    if share == 0:
        return boxes
    border = (boxes[:, 2:] - boxes[:, :2]) * share
    return np.concatenate([boxes[:, :2] - border, boxes[:, 2:] + border], axis=1)


def similarity(first: Floats, second: Floats) -> Floats:
    """How alike in size: the smaller side over the larger (geometric mean of width and height), NxM in 0..1."""
    sizes = [np.sqrt(np.maximum((one[:, 2] - one[:, 0]) * (one[:, 3] - one[:, 1]), 1e-9)) for one in (first, second)]
    return np.asarray(
        np.minimum(sizes[0][:, None], sizes[1][None, :]) / np.maximum(sizes[0][:, None], sizes[1][None, :])
    )


def associate(tracks: Floats, detections: Floats, least: float, likeness: float = 0.0) -> tuple[Rows, Rows]:
    """Matched rows of both, pairwise; pairs that overlap less than `least` are not matched.

    `likeness`: power of the similarity in size that weighs an overlap; people who pass each other at a distance
    differ in size, so that it keeps their tracks apart.
    """
    if len(tracks) == 0 or len(detections) == 0:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    shared = overlap(tracks, detections)
    weight = shared * similarity(tracks, detections) ** likeness if likeness else shared
    rows, columns = linear_sum_assignment(weight, maximize=True)
    good = shared[rows, columns] >= least
    return rows[good], columns[good]


def associate_near(tracks: Floats, detections: Floats, reach: float, alike: float) -> tuple[Rows, Rows]:
    """Matched rows of both, pairwise, by place and size instead of overlap.

    A pair is possible when its centres are at most `reach` sides apart and its sizes at least `alike`; anything else is
    left alone rather than guessed, for a track that goes over to somebody else takes an identity along.
    """
    if len(tracks) == 0 or len(detections) == 0:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    if len(tracks) == 1 and len(detections) == 1:  # somebody alone, which is most of the day
        hit = np.zeros(int(_near(tracks[0].tolist(), detections[0].tolist(), reach, alike)), np.intp)
        return hit, hit
    apart, growth = separation(tracks, detections), _growth(tracks, detections)
    possible = (apart <= reach) & (growth <= -np.log(alike))
    weight = np.exp(-((apart / _USUAL_STEP) ** 2) - (growth / _USUAL_GROWTH) ** 2) * possible
    rows, columns = linear_sum_assignment(weight, maximize=True)
    good = possible[rows, columns]
    return rows[good], columns[good]


def _near(first: Sequence[float], second: Sequence[float], reach: float, alike: float) -> bool:
    """Whether one pair is possible, by the same rule in plain numbers."""
    sides = [max((box[2] - box[0]) * (box[3] - box[1]), 1e-9) for box in (first, second)]
    widths = max(first[2] - first[0], 1.0) + max(second[2] - second[0], 1.0)
    apart = math.hypot(*(first[i] + first[i + 2] - second[i] - second[i + 2] for i in (0, 1)))
    return apart <= reach * widths and min(sides) >= alike * alike * max(sides)


def _growth(first: Floats, second: Floats) -> Floats:
    """Logarithm of the larger side over the smaller (geometric means of width and height), NxM."""
    logs = []
    for one in (first, second):
        sides = one[:, 2:] - one[:, :2]
        logs.append(np.log(np.maximum(sides[:, 0] * sides[:, 1], 1e-9)) / 2)
    return np.asarray(np.abs(logs[0][:, None] - logs[1]))


def separation(first: Floats, second: Floats) -> Floats:
    """Distance of the centres in sides of a box (mean of both widths), NxM."""
    # twice the offset over the sum of widths: the halves cancel
    offset = (first[:, :2] + first[:, 2:])[:, None] - (second[:, :2] + second[:, 2:])
    widths = np.maximum(first[:, 2] - first[:, 0], 1.0)[:, None] + np.maximum(second[:, 2] - second[:, 0], 1.0)
    return np.asarray(np.hypot(offset[..., 0], offset[..., 1]) / widths)
