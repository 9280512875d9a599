"""Which detection belongs to which track: best total overlap (Hungarian method)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tracking.values import Floats

Rows = NDArray[np.intp]


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
