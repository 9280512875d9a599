from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.build.archive import read_members
from models.catalogue import Member
from models.errors import PermanentError

DATA = b"the one file that is wanted" * 40


def member(path: str = "model/a.onnx", data: bytes = DATA) -> Member:
    return Member(path, hashlib.sha256(data).hexdigest())


def tarball(folder: Path, entries: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    path = folder / "p.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for info, data in entries:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def test_reads_only_what_is_asked_and_writes_nothing(tmp_path: Path) -> None:
    evil = tarfile.TarInfo("../../escaped")
    path = tarball(tmp_path, [(evil, b"x"), (tarfile.TarInfo("package/model/a.onnx"), DATA)])
    assert read_members(path, [member()]) == {"model/a.onnx": DATA}
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["p.tgz"]


def test_altered_member_is_refused(tmp_path: Path) -> None:
    path = tarball(tmp_path, [(tarfile.TarInfo("package/model/a.onnx"), DATA[:-1] + b"!")])
    with pytest.raises(PermanentError, match=r"model/a\.onnx has sha256"):
        read_members(path, [member()])


def test_absent_member_is_named(tmp_path: Path) -> None:
    path = tarball(tmp_path, [(tarfile.TarInfo("package/other"), DATA)])
    with pytest.raises(PermanentError, match=r"does not hold model/a\.onnx"):
        read_members(path, [member()])


def test_link_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    link = tarfile.TarInfo("package/model/a.onnx")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with pytest.raises(PermanentError, match="not a plain file"):
        read_members(tarball(tmp_path, [(link, b"")]), [member()])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.floats(0, 0.95))
def test_truncated_tarball_never_yields_a_file(tmp_path: Path, cut: float) -> None:
    noise = hashlib.shake_256(b"noise").digest(4096)
    whole = tarball(tmp_path, [(tarfile.TarInfo("package/model/a.onnx"), noise)]).read_bytes()
    (tmp_path / "cut.tgz").write_bytes(whole[: int(len(whole) * cut)])
    with pytest.raises(PermanentError):
        read_members(tmp_path / "cut.tgz", [member(data=noise)])


def test_garbage_is_refused(tmp_path: Path) -> None:
    (tmp_path / "g.tgz").write_bytes(b"<html>captive portal</html>")
    with pytest.raises(PermanentError, match="not a readable package tarball"):
        read_members(tmp_path / "g.tgz", [member()])
