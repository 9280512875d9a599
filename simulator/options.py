"""What a run is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEFAULT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Kill:
    """kill -9 one process at a second of the script."""

    process: str
    at: float


@dataclass(frozen=True, slots=True)
class Options:
    """`seconds` None: the day never ends. `web_port` 0: any free one."""

    folder: Path
    seconds: float | None = None
    seed: int = 1
    video: str | None = None
    fast_labels: bool = False
    web_port: int = 0
    kills: tuple[Kill, ...] = ()
    fps: float = 10.0


KILLABLE = ("broker", "central", "edge")


def parse_kill(text: str) -> Kill:
    """`edge@20` to a Kill; ValueError with what is wrong."""
    process, _, second = text.partition("@")
    if process not in KILLABLE:
        raise ValueError(f"{text!r}: the process must be one of {', '.join(KILLABLE)}, as in edge@20")
    try:
        return Kill(process, float(second))
    except ValueError:
        raise ValueError(f"{text!r}: the second after @ must be a number, as in edge@20") from None
