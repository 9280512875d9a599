from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.clock import SystemClock
from models.build.npm import NpmClient, npm_error
from models.build.progress import Progress
from models.catalogue import Package
from models.errors import MisconfiguredError, ModelError, PermanentError, TransientError

FakeNpm = Callable[[str], str]


def client(command: str, quiet: Progress, timeout_s: float = 30.0) -> NpmClient:
    return NpmClient(SystemClock(), quiet, command=command, timeout_s=timeout_s)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def test_a_verified_tarball_is_returned(
    fake_npm: FakeNpm, quiet: Progress, package: Package, tarball: Path, inbox: Path
) -> None:
    npm = fake_npm(f"assert sys.argv[1:3] == ['pack', 'pkg@1.0.0']; shutil.copy({str(tarball)!r}, '.')")
    assert client(npm, quiet).fetch(package, inbox).read_bytes() == tarball.read_bytes()


def test_wrong_bytes_are_refused(fake_npm: FakeNpm, quiet: Progress, package: Package, inbox: Path) -> None:
    npm = fake_npm("open('pkg-1.0.0.tgz', 'wb').write(b'not what was published')")
    with pytest.raises(PermanentError, match=package.tarball_sha256):
        client(npm, quiet).fetch(package, inbox)


def test_one_flipped_bit_is_refused(
    fake_npm: FakeNpm, quiet: Progress, package: Package, tarball: Path, inbox: Path
) -> None:
    altered = bytearray(tarball.read_bytes())
    altered[len(altered) // 2] ^= 1
    tarball.write_bytes(bytes(altered))
    npm = fake_npm(f"shutil.copy({str(tarball)!r}, '.')")
    with pytest.raises(PermanentError, match="nothing was built"):
        client(npm, quiet).fetch(package, inbox)


def test_success_without_a_tarball_is_refused(
    fake_npm: FakeNpm, quiet: Progress, package: Package, inbox: Path
) -> None:
    with pytest.raises(PermanentError, match="0 tarballs"):
        client(fake_npm("sys.exit(0)"), quiet).fetch(package, inbox)


def test_missing_npm_says_what_to_install(quiet: Progress, package: Package, inbox: Path) -> None:
    with pytest.raises(MisconfiguredError, match=r"install Node\.js"):
        client("no-such-npm-command", quiet).fetch(package, inbox)


def test_a_hanging_npm_is_ended_with_its_children(
    fake_npm: FakeNpm, quiet: Progress, package: Package, inbox: Path
) -> None:
    npm = fake_npm(
        "child = subprocess.Popen(['sleep', '60'])\n"
        "open('pids.tmp', 'w').write(f'{os.getpid()} {child.pid}')\n"
        "os.rename('pids.tmp', 'pids')\n"
        "time.sleep(60)"
    )
    with pytest.raises(TransientError, match="did not deliver"):
        client(npm, quiet, timeout_s=1.5).fetch(package, inbox)
    pids = [int(pid) for pid in (inbox / "pids").read_text().split()]
    for _ in range(100):
        if not any(alive(pid) for pid in pids):
            return
        time.sleep(0.05)
    pytest.fail("npm or its child is still running")


def alive(pid: int) -> bool:
    """A killed grandchild may stay a zombie until init collects it; that counts as dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z" and os.getpgid(pid) > 0
    except (OSError, ProcessLookupError):
        return False


@pytest.mark.parametrize(
    ("log", "kind", "advice"),
    [
        ("npm error code ENOTFOUND\nnpm error network request failed", TransientError, "network"),
        ("npm error code ETIMEDOUT", TransientError, "network"),
        ("npm error code E503", TransientError, "network"),
        ("npm error code E404\nnpm error 404 Not Found", PermanentError, "has no pkg@1.0.0"),
        ("npm error code EINTEGRITY\nsha512 mismatch", PermanentError, "do not match"),
        ("npm error code ENOSPC\nno space left on device", MisconfiguredError, "free 400 MB"),
        ("something nobody has seen", TransientError, "something nobody has seen"),
        ("", TransientError, "no output"),
    ],
)
def test_npm_failures_are_classed(
    fake_npm: FakeNpm,
    quiet: Progress,
    package: Package,
    inbox: Path,
    log: str,
    kind: type[ModelError],
    advice: str,
) -> None:
    npm = fake_npm(f"sys.stderr.write({log!r}); sys.exit(1)")
    with pytest.raises(kind, match=advice):
        client(npm, quiet).fetch(package, inbox)


def test_error_text_names_the_package(package: Package) -> None:
    named = dataclasses.replace(package, name="@scope/thing")
    assert "@scope/thing@1.0.0" in str(npm_error(named, 1, "npm error code ECONNREFUSED"))


def test_only_npms_first_error_lines_are_shown(package: Package) -> None:
    lines = ["npm warn old", "npm error code ECONNREFUSED", "npm error syscall connect", "npm error errno X"]
    log = "\n".join([*lines, "npm error log at /x"])
    assert str(npm_error(package, 1, log)).endswith("(code ECONNREFUSED | syscall connect | errno X)")
