"""Virtual shelf labels for the emulated access point: types, memory, and what the glass shows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from hardware.labels.base import RGB, Colour
from hardware.labels.image import nearest

BLOCK_BYTES = 4096
BLANK_HASH = "0" * 16


@dataclass(frozen=True, slots=True)
class TagKind:
    """A hardware type: number, pixels, and the colours of its glass, white first."""

    number: int
    name: str
    width: int
    height: int
    colours: tuple[Colour, ...]

    def as_json(self) -> dict[str, object]:
        """What /tagtypes/XX.json says."""
        return {
            "version": 1,
            "name": self.name,
            "width": self.width,
            "height": self.height,
            "rotatebuffer": 0,
            "bpp": 1 if len(self.colours) == 2 else 2,
            "colortable": {name: RGB[name] for name in self.colours},
            "shortlut": 2,
            "options": ["led"],
            "contentids": [22, 23, 24, 25, 26],
            "usetemplate": self.number,
        }


_BW: tuple[Colour, ...] = ("white", "black")
_BWR: tuple[Colour, ...] = ("white", "black", "red")
_BWRY: tuple[Colour, ...] = ("white", "black", "red", "yellow")

KINDS: dict[int, TagKind] = {
    kind.number: kind
    for kind in (
        TagKind(0x00, "1.54 inch, three colours", 152, 152, _BWR),
        TagKind(0x01, "2.9 inch, three colours", 296, 128, _BWR),
        TagKind(0x02, "4.2 inch, three colours", 400, 300, _BWR),
        TagKind(0x21, "2.9 inch, black and white", 296, 128, _BW),
        TagKind(0x2B, "3.5 inch, four colours", 384, 168, _BWRY),
        TagKind(0x33, "3.5 inch, three colours", 384, 168, _BWR),
    )
}


def encode(image: Image.Image, kind: TagKind) -> bytes:
    """What travels to the label: one bit plane for two and three colours each, two bits a pixel for four."""
    places = np.asarray(nearest(image, kind.colours), dtype=np.uint8)
    planes = [np.packbits(places == place) for place in range(1, len(kind.colours))]
    if len(kind.colours) == 4:
        planes = [np.packbits(places & 1), np.packbits(places >> 1)]
    return b"".join(plane.tobytes() for plane in planes)


def decode(payload: bytes, kind: TagKind) -> Image.Image:
    """The picture that `encode` made `payload` from."""
    count = kind.width * kind.height
    size = (count + 7) // 8
    bits = [
        np.unpackbits(np.frombuffer(payload[start : start + size], dtype=np.uint8))[:count]
        for start in range(0, len(payload), size)
    ]
    places = sum((bit.astype(np.uint8) * np.uint8(weight + 1) for weight, bit in enumerate(bits)), np.zeros(count))
    table = np.array([RGB[name] for name in kind.colours], dtype=np.uint8)
    pixels = table[np.asarray(places, dtype=np.uint8)].reshape(kind.height, kind.width, 3)
    return Image.fromarray(pixels)


def content_hash(payload: bytes) -> str:
    """First 8 bytes of the MD5 of the payload, as the access point names content."""
    return hashlib.md5(payload, usedforsecurity=False).hexdigest()[:16].upper()


@dataclass(slots=True, eq=False)
class VirtualTag:
    """One label: what the access point knows of it, and what only the label itself knows (glass, faults)."""

    mac: str
    hw_type: int = 0x33
    battery_mv: int = 2950
    alias: str = ""
    rssi: int = -55
    lqi: int = 180
    temperature: int = 21
    # Faults, to be set at any time.
    offline: bool = False
    fail_transfers: int = 0
    """So many transfers from now on break off half way."""

    hash: str = BLANK_HASH
    last_seen: float = 0.0
    next_checkin: float = 0.0
    update_count: int = 0
    update_last: float = 0.0
    content_mode: int = 24
    settings: dict[str, int] = field(default_factory=lambda: {"rotate": 0, "lut": 0, "invert": 0})
    mode_config: str = ""
    waiting: bytes | None = None
    """Queued at the access point, not yet fetched."""
    payload: bytes | None = None
    """On the glass."""
    attempts: int = 0
    commands: list[str] = field(default_factory=list)
    """Waiting for the next check-in."""
    obeyed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mac = self.mac.upper()
        if self.hw_type not in KINDS:
            raise ValueError(f"no virtual label of type {self.hw_type:02X}: {', '.join(f'{n:02X}' for n in KINDS)}")

    @property
    def kind(self) -> TagKind:
        return KINDS[self.hw_type]

    @property
    def pending(self) -> int:
        return int(self.waiting is not None)

    def glass(self) -> Image.Image:
        """What a customer sees now; a label fresh from the factory is white."""
        if self.payload is None:
            return Image.new("RGB", (self.kind.width, self.kind.height), "white")
        return decode(self.payload, self.kind)

    def queue(self, payload: bytes) -> bool:
        """Have the label fetch `payload`; False when it shows the same already, which the firmware ignores."""
        if content_hash(payload) == self.hash:
            return False
        self.waiting, self.attempts = payload, 0
        return True

    def show(self, payload: bytes, now: float) -> None:
        """The glass was refreshed with `payload`."""
        self.payload, self.hash = payload, content_hash(payload)
        self.update_count, self.update_last = self.update_count + 1, now
        if self.waiting is payload:
            self.waiting = None

    def as_json(self) -> dict[str, object]:
        """The label's record as /get_db and the WebSocket tell it."""
        return {
            "mac": self.mac,
            "hash": self.hash,
            "lastseen": int(self.last_seen),
            "nextupdate": 3216153600,
            "nextcheckin": int(self.next_checkin),
            "pending": self.pending,
            "alias": self.alias,
            "contentMode": self.content_mode,
            "LQI": self.lqi,
            "RSSI": self.rssi,
            "temperature": self.temperature,
            "batteryMv": self.battery_mv,
            "hwType": self.hw_type,
            "wakeupReason": 0,
            "capabilities": 4,
            "modecfgjson": self.mode_config,
            "isexternal": False,
            "apip": "0.0.0.0",
            **self.settings,
            "updatecount": self.update_count,
            "updatelast": int(self.update_last),
            "ch": 11,
            "ver": 39,
        }
