"""The models a granted mode needs, and no others: under `qr_only` no face module is imported at all (PRIVACY P9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.config.model import EdgeConfig
from edge.config.vision import Mode
from edge.floor.stage import PersonEngine

if TYPE_CHECKING:
    from edge.vision.ports import FaceEngine


@dataclass(frozen=True, slots=True)
class Engines:
    """None: not needed."""

    faces: FaceEngine | None = None
    persons: PersonEngine | None = None


def load_engines(config: EdgeConfig, mode: Mode) -> Engines:
    """Load weights from the configured folder. models.errors.MisconfiguredError when one is missing or corrupt."""
    entrances = any(camera.role == "entrance" for camera in config.cameras)
    floors = any(camera.role == "floor" and camera.homography is not None for camera in config.cameras)
    faces = load_faces(config) if entrances and mode != "qr_only" else None
    return Engines(faces, _persons(config) if floors else None)


def load_faces(config: EdgeConfig) -> FaceEngine:
    """Our face models, or the configured pack."""
    from models.faces import load_face_models
    from models.weights import default_weights_dir

    return load_face_models(
        config.models.weights or default_weights_dir(),
        config.models.pack,
        accept_noncommercial=config.models.accept_noncommercial,
    )


def _persons(config: EdgeConfig) -> PersonEngine:
    from models.persons import load_person_detector
    from models.weights import default_weights_dir

    return load_person_detector(config.models.weights or default_weights_dir(), network=config.models.person_detector)
