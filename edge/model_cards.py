"""Which models this node runs: for its status, and so that templates of different embedders never meet."""

from __future__ import annotations

import hashlib
from pathlib import Path

from calibration.thresholds.certificate import Model
from contract.state import ModelCard
from edge.config.model import EdgeConfig
from edge.config.vision import Mode
from models.catalogue import FACE_DETECTOR, FACE_EMBEDDER, FACE_LANDMARKS, model
from models.processor import person_detector_key
from models.weights import default_weights_dir, read_manifest, sha256_file

FACE_MODELS = (FACE_DETECTOR, FACE_LANDMARKS, FACE_EMBEDDER)


def weights_dir(config: EdgeConfig) -> Path:
    """The configured folder or the one of the package."""
    return config.models.weights or default_weights_dir()


def needed_models(config: EdgeConfig, mode: Mode) -> tuple[str, ...]:
    """Catalogue keys of what a granted mode loads."""
    faces = mode != "qr_only" and any(camera.role == "entrance" for camera in config.cameras)
    persons = any(camera.role == "floor" and camera.homography is not None for camera in config.cameras)
    ours = FACE_MODELS if faces else ()
    return (*ours, person_detector_key(config.models.person_detector)) if persons else ours


def model_cards(config: EdgeConfig, mode: Mode) -> tuple[ModelCard, ...]:
    """Name, hash and licence of every loaded model."""
    built = read_manifest(weights_dir(config))
    cards = [
        ModelCard(name=key, sha256=built[key].sha256, licence=model(key).upstream_licence[:60])
        for key in needed_models(config, mode)
        if key in built
    ]
    if config.models.pack is not None and mode != "qr_only":
        pack = config.models.pack
        cards.append(ModelCard(name=pack.name[:60], sha256=_pack_sha256(pack), licence=_pack_terms(pack)[:60]))
    return tuple(cards)


def embedder_sha256(config: EdgeConfig) -> str | None:
    """Names the embedder that makes and reads this node's templates; None when it is not built."""
    if config.models.pack is not None:
        return _pack_sha256(config.models.pack)
    entry = read_manifest(weights_dir(config)).get(FACE_EMBEDDER)
    return None if entry is None else entry.sha256


def embedder(config: EdgeConfig, name: str) -> Model:
    """The embedder as a threshold certificate names it; `name` is `FaceModels.name`."""
    return Model(name=name[:80], sha256=embedder_sha256(config))


def _pack_terms(pack: Path) -> str:
    from models.faces.packs import pack_licence  # under qr_only no face module is imported (PRIVACY P9)

    return pack_licence(pack).terms


def _pack_sha256(pack: Path) -> str:
    files = sorted(pack.glob("*.onnx")) if pack.is_dir() else [pack]
    total = hashlib.sha256("".join(f"{path.name}={sha256_file(path)}\n" for path in files if path.is_file()).encode())
    return total.hexdigest()
