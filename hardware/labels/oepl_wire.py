"""Messages of an OpenEPaperLink access point as typed values. Pure; unknown fields are ignored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from hardware.labels.base import RGB, Colour, LabelInfo


class TagRecord(BaseModel):
    """A label in the access point's database; `hash` is 16 hex digits of what the glass shows, times epoch seconds."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    mac: str
    hash: str = ""
    lastseen: int = 0
    pending: int = 0
    batteryMv: int = 0  # noqa: N815 - the wire's spelling
    hwType: int = 0  # noqa: N815
    RSSI: int = 0
    LQI: int = 0
    temperature: int = 0
    alias: str = ""

    def merged(self, newer: TagRecord) -> TagRecord:
        """This record with the fields that `newer` really carried."""
        return self.model_copy(update={name: getattr(newer, name) for name in newer.model_fields_set})


class TagType(BaseModel):
    """/tagtypes/XX.json: what a hardware type can show."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    width: int
    height: int
    bpp: int = 1
    colortable: dict[str, tuple[int, int, int]] = {}

    def colours(self) -> tuple[Colour, ...]:
        """The colours we know by name; black and white when the table names fewer than two."""
        known = tuple(name for name in self.colortable if name in RGB)
        return known if len(known) >= 2 else ("white", "black")


@dataclass(frozen=True, slots=True)
class Message:
    """One WebSocket message; most carry one of these. `damaged`: not JSON of the known shape."""

    tags: tuple[TagRecord, ...] = ()
    rebooting: bool = False
    error: str = ""
    damaged: bool = False


class Page(BaseModel):
    """One page of /get_db; `continu` is where the next begins."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    tags: tuple[TagRecord, ...] = ()
    continu: int | None = None


def parse_message(raw: str | bytes) -> Message:
    """Understand a WebSocket message; system, upload and log messages say nothing about labels and come out empty."""
    try:
        body = json.loads(raw)
        if not isinstance(body, dict):
            return Message(damaged=True)
        tags = Page.model_validate({"tags": body.get("tags", ())}).tags
    except (ValueError, RecursionError):  # ValidationError and JSONDecodeError are ValueErrors
        return Message(damaged=True)
    error = str(body.get("errMsg", ""))
    return Message(tags, rebooting=error == "REBOOTING", error=error)


def parse_page(raw: bytes) -> Page | None:
    """A page of the database, or None when it is damaged."""
    try:
        return Page.model_validate_json(raw)
    except ValidationError:
        return None


def label_info(record: TagRecord, kind: TagType) -> LabelInfo:
    """A record and its type in our terms; zeroes, the access point's "not known", become None."""
    return LabelInfo(
        address=record.mac.upper(),
        width=kind.width,
        height=kind.height,
        colours=kind.colours(),
        model=kind.name,
        battery_mv=record.batteryMv or None,
        rssi=record.RSSI or None,
        lqi=record.LQI or None,
        last_seen=datetime.fromtimestamp(record.lastseen, UTC) if record.lastseen > 0 else None,
        temperature_c=record.temperature or None,
        pending=record.pending,
        content_hash=record.hash,
    )


_FLASH_MS, _GAP_TENS_MS, _FLASHES, _REST_S = 2, 3, 5, 1
_GREEN_RGB332 = 0x1C
_CYCLE_S = _FLASHES * (_FLASH_MS + 10 * _GAP_TENS_MS) / 1000 + _REST_S


def led_pattern(seconds: float) -> str:
    """24 hex digits for /led_flash: mode and flash length, three groups (colour, count and gap, rest), repeats, spare.

    2 ms flashes: longer ones are hardly brighter and cost battery (OpenEPaperLink wiki, "Led control").
    """
    repeats = max(1, min(255, round(seconds / _CYCLE_S)))
    group = bytes([_GREEN_RGB332, _FLASHES << 4 | _GAP_TENS_MS, _REST_S])
    return (bytes([_FLASH_MS]) + group + bytes(6) + bytes([repeats, 0])).hex().upper()
