"""The weights folder: which files were built, from what, and whether they are still what was written."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from models.catalogue import Model, model
from models.errors import MisconfiguredError

MANIFEST = "manifest.json"
MANIFEST_FORMAT = 1
BUILD_COMMAND = "python -m models build"


@dataclass(frozen=True, slots=True)
class BuiltWeight:
    """What the manifest remembers of one built file."""

    file: str
    sha256: str
    source: str
    bytes: int
    note: str = ""


def default_weights_dir() -> Path:
    """The folder inside the package that git ignores."""
    return Path(__file__).parent / "weights"


def sha256_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(weights_dir: Path) -> dict[str, BuiltWeight]:
    """Built weights by model key; an absent or unreadable manifest counts as nothing built."""
    try:
        raw = json.loads((weights_dir / MANIFEST).read_text(encoding="utf-8"))
        if raw["format"] != MANIFEST_FORMAT:
            return {}
        return {key: BuiltWeight(**entry) for key, entry in raw["weights"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def manifest_text(built: dict[str, BuiltWeight]) -> str:
    entries = {key: asdict(built[key]) for key in sorted(built)}
    return json.dumps({"format": MANIFEST_FORMAT, "weights": entries}, indent=2) + "\n"


def fault(row: Model, weights_dir: Path, built: dict[str, BuiltWeight]) -> str | None:
    """Why the weight of `row` must not be used, in words; None when it is sound."""
    path = weights_dir / row.output
    entry = built.get(row.key)
    if not path.is_file():
        return "is missing"
    if entry is None or entry.file != row.output:
        return "is not in the manifest (an unfinished build?)"
    if entry.source != row.source_fingerprint:
        return "was built from another version of its source"
    if path.stat().st_size != entry.bytes or sha256_file(path) != entry.sha256:
        return "is corrupt: its contents are not what was built"
    return None


def weight_path(key: str, weights_dir: Path) -> Path:
    """Path of a sound weight. MisconfiguredError names the file and the command that mends it."""
    row = model(key)
    reason = fault(row, weights_dir, read_manifest(weights_dir))
    if reason is not None:
        raise MisconfiguredError(f"weight {weights_dir / row.output} {reason}; run `{BUILD_COMMAND}`")
    return weights_dir / row.output
