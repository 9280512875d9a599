"""Heads for the entrance out of a folder of photographs of people: one picture walks in, the others enrol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from models.detections import Detections
from simulator.scenes.catalogue import Outline
from simulator.scenes.footage import Footage
from simulator.scenes.heads import cut_loop

Image = npt.NDArray[np.uint8]


class FaceFinder(Protocol):
    """Finds faces, the best first."""

    def detect(self, image: Image) -> Detections: ...


def photographed(people: Mapping[str, Sequence[Image]], finder: FaceFinder) -> Footage:
    """The last picture of each walks in, the others enrol. ValueError names whose last picture shows no face.

    Of several faces in a picture the one nearest to its middle is meant.
    """
    heads, enrolment = {}, {}
    for name, pictures in people.items():
        live = pictures[-1]
        boxes = finder.detect(live).boxes
        if not len(boxes):
            raise ValueError(f"{name}: the picture that should walk in shows no face")
        middle = np.array([live.shape[1], live.shape[0]]) / 2
        away = np.abs((boxes[:, :2] + boxes[:, 2:]) / 2 - middle).sum(axis=1)
        x1, y1, x2, y2 = (round(float(side)) for side in boxes[int(away.argmin())])
        heads[name] = cut_loop([live], [(x1, y1, x2, y2)], fps=1.0, outline=Outline())
        enrolment[name] = list(pictures[:-1])
    return Footage(heads, enrolment)
