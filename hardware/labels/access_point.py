"""The emulated access point without its network: database, queue, and the labels' lives."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, UnidentifiedImageError

from contract.clock import Clock
from hardware.labels.base import Colour, LabelInfo
from hardware.labels.image import prepare
from hardware.labels.options import Dither
from hardware.labels.virtual import BLANK_HASH, BLOCK_BYTES, TagKind, VirtualTag, encode

PAGE_BYTES = 5000
MOST_ATTEMPTS = 20

_DITHERS: dict[str, Dither] = {"0": "none", "1": "burkes", "2": "ordered"}


@dataclass(slots=True)
class Faults:
    """Faults of the access point itself; set at any time (those of one label are on its VirtualTag)."""

    busy: int = 0
    """So many uploads are answered 409."""
    fail: int = 0
    """So many requests are answered 500."""
    lose: int = 0
    """So many uploads are answered 200 and forgotten."""
    slow_s: float = 0.0
    """Every answer waits this long."""
    mute: bool = False
    """The WebSocket stays open and says nothing."""
    garbage: int = 0
    """So many WebSocket messages come with a damaged one before them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    text: str


OK = Answer(200, "Ok, saved")
INCOMPLETE = Answer(400, "parameters incomplete")
NO_MAC = Answer(400, "mac not found")
BUSY = Answer(409, "Come back later")


class EmulatedAccessPoint:
    """State of the access point and its labels. `tell` gets every message for the WebSocket."""

    def __init__(
        self,
        tags: Sequence[VirtualTag],
        clock: Clock,
        tell: Callable[[dict[str, object]], None],
        *,
        checkin_s: float,
        refresh_s: float,
        prepare_s: float,
    ) -> None:
        self.tags = {tag.mac: tag for tag in tags}
        self.faults = Faults()
        self.down = False
        self.blocks_sent = 0
        self._clock = clock
        self._tell = tell
        self._checkin_s = checkin_s
        self._refresh_s = refresh_s
        self._prepare_s = prepare_s
        self._preparing: set[asyncio.Task[None]] = set()

    def find(self, mac: str) -> VirtualTag | None:
        """A label by 12 or 16 hex digits, in any case."""
        return self.tags.get(mac.upper().rjust(16, "0"))

    def now(self) -> float:
        """Seconds since 1970, as the access point counts."""
        return self._clock.now().timestamp()

    # Database

    def page(self, position: int) -> dict[str, object]:
        """Labels from `position` on, as many as fit PAGE_BYTES (at least one)."""
        records: list[dict[str, object]] = []
        tags = list(self.tags.values())
        size = 0
        for index in range(position, len(tags)):
            record = tags[index].as_json()
            size += len(json.dumps(record))
            if records and size > PAGE_BYTES:
                return {"tags": records, "continu": index}
            records.append(record)
        return {"tags": records}

    # Uploads

    def upload(self, fields: Mapping[str, str], file: bytes | None) -> Answer:
        """/imgupload: what the firmware says at once; the image is prepared afterwards."""
        if self.faults.busy > 0:
            self.faults.busy -= 1
            return BUSY
        if "mac" not in fields or file is None:
            return INCOMPLETE
        tag = self.find(fields["mac"])
        if tag is None:
            return NO_MAC
        if self.faults.lose > 0:
            self.faults.lose -= 1
            return OK
        self._later(self._prepare_image(tag, file, fields.get("dither", "1")))
        return OK

    def draw_json(self, fields: Mapping[str, str]) -> Answer:
        """/jsonupload: draws "text" and "box" elements; the firmware knows more."""
        if "mac" not in fields or "json" not in fields:
            return INCOMPLETE
        tag = self.find(fields["mac"])
        if tag is None:
            return NO_MAC
        try:
            picture = _draw(json.loads(fields["json"]), tag.kind)
        except (ValueError, TypeError, AttributeError):
            return Answer(400, "json is damaged")
        self._later(self._queue(tag, encode(picture, tag.kind)))
        return OK

    async def _prepare_image(self, tag: VirtualTag, file: bytes, dither: str) -> None:
        try:
            picture = Image.open(io.BytesIO(file)).convert("RGB")
        except (UnidentifiedImageError, OSError):
            self._tell({"logMsg": f"{tag.mac}: the image cannot be decoded"})
            return
        sheet = Image.new("RGB", (tag.kind.width, tag.kind.height), "white")
        sheet.paste(picture)  # never scaled: too large is cut off, too small leaves a white border
        await self._queue(tag, encode(prepare(sheet, _as_info(tag), _DITHERS.get(dither, "burkes")), tag.kind))

    async def _queue(self, tag: VirtualTag, payload: bytes) -> None:
        await asyncio.sleep(self._prepare_s)
        if self.down:
            return
        if tag.queue(payload):
            self.announce(tag)
        else:
            self._tell({"logMsg": f"{tag.mac}: same image as on display, not updating"})

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._preparing.add(task)
        task.add_done_callback(self._preparing.discard)

    # Lives

    def announce(self, tag: VirtualTag) -> None:
        """Tell what is known of one label."""
        self._tell({"tags": [tag.as_json()]})

    async def live(self, tag: VirtualTag, first_after_s: float) -> None:
        """One label for ever: sleep, check in, fetch, refresh."""
        await asyncio.sleep(first_after_s)
        while tag.mac in self.tags:
            if not tag.offline and not self.down:
                await self._check_in(tag)
            await asyncio.sleep(self._checkin_s)

    async def _check_in(self, tag: VirtualTag) -> None:
        tag.last_seen = self.now()
        tag.next_checkin = tag.last_seen + self._checkin_s
        tag.obeyed.extend(tag.commands)
        tag.commands.clear()
        self.announce(tag)
        payload = tag.waiting
        if payload is None or not await self._fetch(tag, payload):
            return
        await asyncio.sleep(self._refresh_s)
        tag.show(payload, self.now())
        self.announce(tag)

    async def _fetch(self, tag: VirtualTag, payload: bytes) -> bool:
        breaks_off = tag.fail_transfers > 0
        blocks = range(0, len(payload), BLOCK_BYTES)
        for number, _start in enumerate(blocks, start=1):
            if self.down or tag.offline or (breaks_off and number > len(blocks) // 2):
                return self._transfer_failed(tag)
            self.blocks_sent += 1
            self._tell({"upload": {"src": tag.mac, "current": number, "total": len(blocks)}})
            await asyncio.sleep(0)
        return True

    def _transfer_failed(self, tag: VirtualTag) -> bool:
        tag.fail_transfers = max(0, tag.fail_transfers - 1)
        tag.attempts += 1
        if tag.attempts >= MOST_ATTEMPTS:
            tag.waiting = None
            self._tell({"logMsg": f"{tag.mac}: transfer given up"})
            self.announce(tag)
        return False

    def forget_queue(self) -> None:
        """What a restart loses: everything queued. The labels keep their glass, the database its hashes."""
        for tag in self.tags.values():
            tag.waiting = None
            tag.commands.clear()

    # Commands

    def command(self, mac: str, name: str) -> Answer:
        """/tag_cmd."""
        tag = self.find(mac)
        if tag is None:
            return Answer(200, "Error: mac not found")
        match name:
            case "del":
                del self.tags[tag.mac]
            case "purge":
                self.tags = {key: each for key, each in self.tags.items() if not each.offline}
            case "clear":
                tag.waiting = None
                self.announce(tag)
            case "refresh":
                tag.waiting, tag.hash = tag.waiting or tag.payload, BLANK_HASH
                self.announce(tag)
            case "reboot" | "scan" | "reset" | "deepsleep" | "ledflash" | "ledflash_long" | "ledflash_stop":
                tag.commands.append(name)
            case _:
                return Answer(400, "Error: unknown command")
        return Answer(200, "Ok, command sent")

    def led(self, mac: str, pattern: str) -> Answer:
        """/led_flash."""
        tag = self.find(mac)
        if tag is None:
            return Answer(400, "Error: mac not found")
        tag.commands.append(f"led:{pattern}")
        return Answer(200, "ok, request transmitted")

    def save(self, fields: Mapping[str, str]) -> Answer:
        """/save_cfg; an unknown label is answered 200 with an error text, as the firmware does."""
        tag = self.find(fields.get("mac", ""))
        if tag is None:
            return Answer(200, "Error while saving: mac not found")
        tag.alias = fields.get("alias", tag.alias)
        tag.mode_config = fields.get("modecfgjson", tag.mode_config)
        if fields.get("contentmode", "").isdigit():
            tag.content_mode = int(fields["contentmode"])
        for name in tag.settings:
            if fields.get(name, "").isdigit():
                tag.settings[name] = int(fields[name])
        self.announce(tag)
        return Answer(200, "Ok, saved")


def _as_info(tag: VirtualTag) -> LabelInfo:
    kind = tag.kind
    return LabelInfo(
        tag.mac, kind.width, kind.height, kind.colours, kind.name, None, None, None, None, None, tag.pending, tag.hash
    )


def _draw(elements: list[dict[str, list[object]]], kind: TagKind) -> Image.Image:
    sheet = Image.new("RGB", (kind.width, kind.height), "white")
    pen = ImageDraw.Draw(sheet)
    inks: dict[object, Colour] = {0: "white", 1: "black", 2: "red", 3: "yellow"}
    for element in elements:
        for name, values in element.items():
            ink = inks.get(values[4] if len(values) > 4 else 1, "black")
            x, y = float(str(values[0])), float(str(values[1]))
            if name == "text":
                pen.text((x, y), str(values[2]), fill=ink)
            elif name == "box":
                pen.rectangle((x, y, x + float(str(values[2])) - 1, y + float(str(values[3])) - 1), fill=ink)
    return sheet
