"""What every label system offers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

from PIL import Image

Colour = Literal["black", "white", "red", "yellow"]

RGB: dict[Colour, tuple[int, int, int]] = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "red": (255, 0, 0),
    "yellow": (255, 255, 0),
}


@dataclass(frozen=True, slots=True)
class LabelInfo:
    """One label as its system knows it now. Sizes in pixels; `content_hash` names what the glass shows."""

    address: str
    width: int
    height: int
    colours: tuple[Colour, ...]
    model: str
    battery_mv: int | None
    rssi: int | None
    lqi: int | None
    last_seen: datetime | None
    temperature_c: int | None
    pending: int
    content_hash: str


@dataclass(frozen=True, slots=True)
class Upload:
    """An image was accepted (not: shown). `baseline_hash` is what the label showed before; `at` monotonic seconds."""

    address: str
    image_digest: str
    baseline_hash: str
    already_shown: bool
    at: float


class LabelState(StrEnum):
    """PENDING waits for the label's next check-in; SHOWN is proven; FAILED will not be shown unless sent again."""

    PENDING = "pending"
    SHOWN = "shown"
    FAILED = "failed"
    SEEN = "seen"
    LOW_BATTERY = "low_battery"


@dataclass(frozen=True, slots=True)
class LabelReport:
    """News of one label. `image_digest` is that of the Upload it speaks of, empty for SEEN and LOW_BATTERY."""

    address: str
    state: LabelState
    content_hash: str
    battery_mv: int | None
    image_digest: str
    at: float
    detail: str = ""


class LabelDriver(Protocol):
    """A label system, used from one event loop."""

    @property
    def online(self) -> bool:
        """Whether the system can be reached now."""
        ...

    async def open(self) -> None:
        """Start; returns at once and connects in the background. Reports are kept from now on."""
        ...

    async def tags(self) -> list[LabelInfo]:
        """Every label of the system. Raises TransientError when it cannot be reached."""
        ...

    async def upload(self, address: str, image: Image.Image) -> Upload:
        """Have a label show `image`, which must have the label's exact size. A newer upload supersedes an older.

        Raises TransientError (try again), PermanentError (unknown label, wrong size).
        """
        ...

    def reports(self) -> AsyncIterator[LabelReport]:
        """Reports in order, for one consumer; ends after close()."""
        ...

    async def flash_led(self, address: str, seconds: float = 3.0) -> None:
        """Flash the label's light; it begins at the label's next check-in."""
        ...

    async def close(self) -> None:
        """Stop and let go of connections."""
        ...
