"""Shared facts of the NanoDet person head: the recipe that builds it and the code that decodes it agree here."""

from __future__ import annotations

INPUT_SIZE = (352, 256)
"""Width and height of the network's input."""

STRIDES = (8, 16, 32)
DISTANCE_BINS = 11
"""A box side is a distribution over 0..10 strides (Generalized Focal Loss, Li et al. 2020)."""

PIXEL_MEAN = (103.53, 116.28, 123.675)
PIXEL_STD = (57.375, 57.12, 58.395)
"""Blue, green, red; ImageNet statistics NanoDet was trained with."""


def scores_name(stride: int) -> str:
    return f"scores_{stride}"


def distances_name(stride: int) -> str:
    return f"distances_{stride}"
