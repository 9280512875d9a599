"""Keeps the memory of this process to itself."""

from __future__ import annotations

import ctypes
import resource

_PR_SET_DUMPABLE = 4


def harden_process() -> tuple[str, ...]:
    """No core dumps, no reading by other processes of this user (Linux). Answers what could not be done."""
    failed = []
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError) as error:
        failed.append(f"core dumps stay possible: {error}")
    try:
        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
            failed.append(f"memory stays readable for this user: error {ctypes.get_errno()}")
    except (OSError, AttributeError) as error:
        failed.append(f"memory stays readable for this user: {error}")
    return tuple(failed)
