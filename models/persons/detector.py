"""What the floor pipeline asks of a person detector, and the two we ship."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from models.catalogue import PERSON_DETECTOR
from models.detections import Detections, Frame
from models.persons.centernet import CenterNetPerson
from models.persons.nanodet import NanoDetPerson
from models.processor import PersonNetwork, person_detector_key
from models.sessions import CPU, open_session
from models.weights import weight_path

MIN_SCORE = 0.2
"""Floor scores below .2 are noise to any tracker."""


class PersonDetector(Protocol):
    """Finds people; implementations may reuse buffers and belong to one thread."""

    def detect(self, frame: Frame) -> Detections:
        """People in one BGR frame HxWx3, boxes in its pixels, best score first."""
        ...


def load_person_detector(
    weights_dir: Path,
    min_score: float = MIN_SCORE,
    providers: Sequence[str] = (CPU,),
    network: PersonNetwork = "auto",
) -> PersonDetector:
    """A person detector of the catalogue. MisconfiguredError if its weight is missing or corrupt."""
    key = person_detector_key(network)
    session = open_session(weight_path(key, weights_dir), providers)
    return NanoDetPerson(session, min_score) if key == PERSON_DETECTOR else CenterNetPerson(session, min_score)
