"""Templates for the gallery: one vector out of several views of the same photograph.

Enrolment happens once, so it may cost more than recognition: the mirror image evens out the light from one side, and a
copy at door distance pulls the template towards what a small face on a camera will look like.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np

from models.detections import Floats, Frame
from models.faces.alignment import ALIGNED_SIDE, unit_rows

FACE_SHARE = 0.72
"""Width of a detected face box in the aligned crop, as a share of its side (median of 816 photographs)."""

FAR_WIDTH_PX = 20

VIEW_WEIGHTS = (1.0, 1.0, 0.5)
"""Of the three views in a template; the far one at full weight costs near faces what it gives far ones."""


class Embedder(Protocol):
    """The part of `FaceModels` that a template needs."""

    def embed(self, crops: Sequence[Frame]) -> Floats: ...


def enrolment_views(crop: Frame) -> list[Frame]:
    """The aligned crop 112x112x3, its mirror image, and the same face as if it had been 20 pixels wide."""
    side = round(FAR_WIDTH_PX / FACE_SHARE)
    far = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    back = cv2.resize(far, (ALIGNED_SIDE, ALIGNED_SIDE), interpolation=cv2.INTER_LANCZOS4)
    return [crop, np.ascontiguousarray(crop[:, ::-1]), np.asarray(back, np.uint8)]


def enrolment_template(models: Embedder, crop: Frame) -> Floats:
    """Unit vector D of one photograph's aligned crop: the mean over its views. Three embedder runs."""
    return template_of_views(models.embed(enrolment_views(crop)))


def template_of_views(vectors: Floats) -> Floats:
    """One unit vector D out of the unit rows 3xD of `enrolment_views`, in their order."""
    mean = np.average(vectors, axis=0, weights=VIEW_WEIGHTS)
    return np.asarray(unit_rows(mean[None].astype(np.float32))[0], np.float32)
