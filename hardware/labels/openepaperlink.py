"""Labels of an OpenEPaperLink access point: HTTP to send, a WebSocket to hear what became of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from PIL import Image
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from contract.clock import Clock
from hardware.backoff import Backoff, BackoffPolicy
from hardware.errors import HardwareError, PermanentError, TransientError
from hardware.labels.base import LabelInfo, LabelReport, LabelState, Upload
from hardware.labels.confirm import Job, Rules, Verdict
from hardware.labels.image import digest, nudged, prepare, to_jpeg
from hardware.labels.mailbox import Mailbox
from hardware.labels.oepl_http import AccessPoint, TagCommand
from hardware.labels.oepl_wire import TagRecord, TagType, label_info, led_pattern, parse_message
from hardware.labels.options import OpenEpaperLinkOptions

log = logging.getLogger(__name__)

_POLICY = BackoffPolicy(first_s=0.5, limit_s=15.0)
_RESYNC_S = 60.0
_BATTERY_HYSTERESIS_MV = 100


@dataclass(frozen=True, slots=True)
class _OnGlass:
    """What a label is known to show: ours, as long as its hash stays this one."""

    image_digest: str
    content_hash: str
    nudged: bool


@dataclass(frozen=True, slots=True)
class _Active:
    """An upload under way and the picture, kept for a repeat."""

    upload: Upload
    job: Job
    picture: Image.Image
    nudged: bool


class OpenEpaperLink:
    """One access point. Uploads are confirmed through the WebSocket; after a break the database is read anew."""

    def __init__(self, options: OpenEpaperLinkOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._rules = Rules(options.settle_s, options.give_up_s, options.max_resends)
        self._http = AccessPoint(options.url, options.request_timeout_s)
        self._backoff = Backoff(_POLICY, clock)
        self._records: dict[str, TagRecord] = {}
        self._kinds: dict[int, TagType | None] = {}
        self._active: dict[str, _Active] = {}
        self._glass: dict[str, _OnGlass] = {}
        self._uploading: dict[str, asyncio.Lock] = {}
        self._low: set[str] = set()
        self._mail = Mailbox()
        self._tasks: list[asyncio.Task[None]] = []
        self._synced = asyncio.Event()
        self._lost: HardwareError | None = None
        self.damaged_messages = 0

    @property
    def online(self) -> bool:
        return self._synced.is_set()

    async def open(self) -> None:
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._watch())]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.close()
        self._mail.close()

    def reports(self) -> AsyncIterator[LabelReport]:
        return self._mail.reports()

    async def tags(self) -> list[LabelInfo]:
        await self._reachable()
        infos = [await self._info(record) for record in list(self._records.values())]
        return [info for info in infos if info is not None]

    async def upload(self, address: str, image: Image.Image) -> Upload:
        await self._reachable()
        record = await self._record(address.upper())
        info = await self._info(record)
        if info is None:
            raise PermanentError(
                f"Label {record.mac} is of a type the access point does not know", "Update its firmware"
            )
        picture = prepare(image, info, self._options.dither)
        # One upload a label at a time: whether it overtakes another must be known when it is sent.
        async with self._uploading.setdefault(info.address, asyncio.Lock()):
            return await self._show(self._records[info.address], picture, digest(picture))

    async def flash_led(self, address: str, seconds: float = 3.0) -> None:
        await self._http.led((await self._record(address.upper())).mac, led_pattern(seconds))

    async def stop_led(self, address: str) -> None:
        """End a flash that is still running."""
        await self._http.led(address.upper(), "")

    async def command(self, address: str, command: TagCommand) -> None:
        """A command of the access point: refresh, reboot, scan, deepsleep ..."""
        await self._http.command((await self._record(address.upper())).mac, command)

    # Sending

    async def _show(self, record: TagRecord, picture: Image.Image, image_digest: str) -> Upload:
        address, now = record.mac.upper(), self._clock.monotonic()
        active, glass = self._active.get(address), self._glass.get(address)
        if active is not None and active.upload.image_digest == image_digest:
            return active.upload
        same = glass is not None and glass.image_digest == image_digest and glass.content_hash == record.hash
        upload = Upload(address, image_digest, record.hash, same and active is None and not record.pending, now)
        if upload.already_shown:
            self._report(record, LabelState.SHOWN, image_digest, "it was on display already")
            return upload
        # The access point ignores an image equal to the one on the glass, even if another is on its way.
        vary = same and glass is not None and not glass.nudged
        await self._http.upload(record.mac, to_jpeg(nudged(picture) if vary else picture))
        sent = self._clock.monotonic()
        job = Job(self._rules, record.hash, now, sent, overtakes=active is not None or record.pending > 0)
        self._active[address] = _Active(upload, job, picture, vary)
        self._judge(address)
        return upload

    async def _resend(self, address: str, active: _Active) -> None:
        vary, before = not active.nudged, self._records[address].hash
        try:
            await self._http.upload(address, to_jpeg(nudged(active.picture) if vary else active.picture))
        except TransientError:
            return  # the next look at this upload tries again, until it gives up
        except PermanentError as error:
            self._finish(address, LabelState.FAILED, str(error))
            return
        current = self._active.get(address)
        if current is not None and current.upload is active.upload:
            job = current.job.resent(before, self._clock.monotonic())
            self._active[address] = replace(current, job=job, nudged=vary)

    # Judging

    def _judge(self, address: str) -> bool:
        """Look at one upload; True when it should be sent again."""
        active, record = self._active.get(address), self._records.get(address)
        if active is None or record is None:
            return False
        job, verdict = active.job.observe(record.pending, record.hash, self._clock.monotonic())
        self._active[address] = replace(active, job=job)
        match verdict:
            case Verdict.PENDING:
                self._report(record, LabelState.PENDING, active.upload.image_digest)
            case Verdict.SHOWN:
                self._glass[address] = _OnGlass(active.upload.image_digest, record.hash, active.nudged)
                self._finish(address, LabelState.SHOWN, "")
            case Verdict.FAILED:
                waited_s = self._clock.monotonic() - job.begun
                self._finish(address, LabelState.FAILED, f"not shown after {waited_s:.0f} s and {job.resends} repeats")
        return verdict is Verdict.RESEND

    def _finish(self, address: str, state: LabelState, detail: str) -> None:
        active = self._active.pop(address)
        self._report(self._records[address], state, active.upload.image_digest, detail)

    def _report(self, record: TagRecord, state: LabelState, image_digest: str = "", detail: str = "") -> None:
        battery = record.batteryMv or None
        now = self._clock.monotonic()
        self._mail.put(LabelReport(record.mac.upper(), state, record.hash, battery, image_digest, now, detail))

    # Hearing

    async def _listen(self) -> None:
        while True:
            try:
                await self._converse()
            except (TransientError, PermanentError) as error:
                self._away(error)
            except (OSError, TimeoutError, WebSocketException) as error:
                self._away(
                    TransientError(
                        f"The access point {self._options.url} is away ({type(error).__name__})",
                        "Check its power, its Wi-Fi and `url`",
                    )
                )
            await asyncio.sleep(self._backoff.failed())

    async def _converse(self) -> None:
        url = self._options.url.replace("http", "ws", 1) + "/ws"
        # The firmware's small WebSocket server knows no compression; its silence is watched instead of pings.
        async with connect(
            url, open_timeout=self._options.request_timeout_s, compression=None, ping_interval=None, close_timeout=1
        ) as socket:
            await self._resync()
            self._backoff.connected()
            if self._lost is not None:
                log.info("Access point %s: back", self._options.url)
            self._lost = None
            self._synced.set()
            await self._hear(socket)

    async def _hear(self, socket: ClientConnection) -> None:
        synced_at = self._clock.monotonic()
        while True:
            # Not wait_for(): in Python 3.11 it may swallow a cancellation that meets a message.
            async with asyncio.timeout(self._options.silence_s):
                raw = await socket.recv()
            message = parse_message(raw)
            self.damaged_messages += message.damaged
            for record in message.tags:
                self._take(record)
            if message.rebooting:
                raise TransientError(f"The access point {self._options.url} restarts")
            if self._clock.monotonic() - synced_at > _RESYNC_S:
                await self._resync()
                synced_at = self._clock.monotonic()

    async def _resync(self) -> None:
        records = await self._http.database()
        for record in records:
            self._take(record)
        for address in set(self._records) - {record.mac.upper() for record in records}:
            self._forget(address)

    def _forget(self, address: str) -> None:
        """The label is no longer in the access point's database."""
        if address in self._active:
            self._finish(address, LabelState.FAILED, "the label was removed from the access point")
        del self._records[address]
        self._glass.pop(address, None)

    def _take(self, newer: TagRecord) -> None:
        address = newer.mac.upper()
        older = self._records.get(address)
        record = older.merged(newer) if older is not None else newer
        self._records[address] = record
        if older is None or record.lastseen != older.lastseen:
            self._report(record, LabelState.SEEN)
        self._check_battery(record)
        self._judge(address)

    def _check_battery(self, record: TagRecord) -> None:
        address, limit = record.mac.upper(), self._options.low_battery_mv
        if 0 < record.batteryMv < limit and address not in self._low:
            self._low.add(address)
            self._report(record, LabelState.LOW_BATTERY, detail=f"{record.batteryMv} mV, change below {limit} mV")
        elif record.batteryMv >= limit + _BATTERY_HYSTERESIS_MV:
            self._low.discard(address)

    async def _watch(self) -> None:
        """Uploads whose label says nothing: repeat them or give them up."""
        while True:
            await asyncio.sleep(min(1.0, self._options.settle_s / 4))
            for address, active in list(self._active.items()):
                expired = self._clock.monotonic() - active.job.begun >= self._options.give_up_s
                if (self.online or expired) and self._judge(address):
                    await self._resend(address, self._active[address])

    def _away(self, error: HardwareError) -> None:
        self._synced.clear()
        if self._lost is None:
            log.warning("Access point lost: %s", error)
        self._lost = error

    # Knowing

    async def _reachable(self) -> None:
        if self._synced.is_set():
            return
        if self._lost is not None:
            raise TransientError(f"The access point {self._options.url} is away", self._lost.advice)
        try:
            async with asyncio.timeout(self._options.request_timeout_s):
                await self._synced.wait()
        except TimeoutError:
            raise TransientError(f"The access point {self._options.url} does not answer", "Check `url`") from None

    async def _record(self, address: str) -> TagRecord:
        record = self._records.get(address)
        if record is None:
            record = await self._http.tag(address)
            if record is None:
                raise PermanentError(
                    f"The access point {self._options.url} knows no label {address}",
                    "Check the address on the label's back and that the label has joined this access point",
                )
            self._records[address] = record
        return record

    async def _info(self, record: TagRecord) -> LabelInfo | None:
        if record.hwType not in self._kinds:
            self._kinds[record.hwType] = await self._kind(record)
        kind = self._kinds[record.hwType]
        return label_info(record, kind) if kind is not None else None

    async def _kind(self, record: TagRecord) -> TagType | None:
        with contextlib.suppress(PermanentError):
            return await self._http.tag_type(record.hwType)
        log.warning("Label %s has type %02X, unknown to its access point: left out", record.mac, record.hwType)
        return None
