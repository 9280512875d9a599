"""One build at a time per weights folder; the kernel frees the lock when its holder dies."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.build.progress import Progress
from models.errors import MisconfiguredError

LOCK_FILE = ".build.lock"


@contextmanager
def build_lock(weights_dir: Path, progress: Progress) -> Iterator[None]:
    """Hold the folder's lock, waiting (and saying so) while another build has it."""
    try:
        weights_dir.mkdir(parents=True, exist_ok=True)
        file = (weights_dir / LOCK_FILE).open("a")
    except OSError as error:
        raise MisconfiguredError(f"cannot write to {weights_dir} ({error.strerror})") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say("another build is running in this folder; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
