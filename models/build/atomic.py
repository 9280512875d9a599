"""Files that are either the old or the new whole, never a half, whenever the power goes."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from models.errors import MisconfiguredError


def write_atomic(path: Path, data: bytes) -> None:
    """Write, fsync, rename, fsync the folder. MisconfiguredError when the disk is full or not writable."""
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _explained(error, path) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Drop parts that an interrupted build left behind."""
    for part in folder.glob(".*.part"):
        part.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explained(error: OSError, path: Path) -> MisconfiguredError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return MisconfiguredError(f"no space left to write {path}: free 50 MB there and build again")
    return MisconfiguredError(f"cannot write {path} ({error.strerror}): make the folder writable")
