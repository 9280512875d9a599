"""Labels in memory. Nothing happens but on tick(); a test calls it, otherwise open() starts a task that does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from contract.clock import Clock
from hardware.errors import PermanentError, TransientError
from hardware.labels.base import LabelInfo, LabelReport, LabelState, Upload
from hardware.labels.image import digest, prepare
from hardware.labels.mailbox import Mailbox
from hardware.labels.options import SimulatedLabelOptions, SimulatedTag

_TICK_S = 0.1


@dataclass(slots=True)
class Misbehaviour:
    """Faults to play; change at any time."""

    away: bool = False
    """The whole system cannot be reached."""
    deaf: frozenset[str] = frozenset()
    """Labels that accept an image and never show it."""
    refuse_uploads: int = 0
    """So many uploads from now on fail for a moment."""
    fail_after_s: float = 60.0
    """When a label that shows nothing is reported FAILED."""


@dataclass(frozen=True, slots=True)
class _Coming:
    upload: Upload
    picture: Image.Image


class SimulatedLabels:
    """Shows an image `confirm_s` after it was accepted."""

    def __init__(
        self,
        tags: Sequence[SimulatedTag],
        clock: Clock,
        *,
        confirm_s: float = 1.0,
        low_battery_mv: int = 2400,
        self_ticking: bool = False,
    ) -> None:
        self._clock = clock
        self._confirm_s = confirm_s
        self._low_battery_mv = low_battery_mv
        self._self_ticking = self_ticking
        self._infos = {tag.address.upper(): _info(tag) for tag in tags}
        self._coming: dict[str, _Coming] = {}
        self._digests: dict[str, str] = {}
        self._mail = Mailbox()
        self._task: asyncio.Task[None] | None = None
        self.misbehave = Misbehaviour()
        self.glass: dict[str, Image.Image] = {}
        self.flashes: list[tuple[str, float]] = []
        self.uploads = 0

    @property
    def online(self) -> bool:
        return not self.misbehave.away

    async def open(self) -> None:
        for info in self._infos.values():
            self._report(info.address, LabelState.SEEN)
            if info.battery_mv is not None and info.battery_mv < self._low_battery_mv:
                self._report(info.address, LabelState.LOW_BATTERY)
        if self._self_ticking:
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._mail.close()

    async def tags(self) -> list[LabelInfo]:
        self._check_reachable()
        return list(self._infos.values())

    async def upload(self, address: str, image: Image.Image) -> Upload:
        self._check_reachable()
        if self.misbehave.refuse_uploads > 0:
            self.misbehave.refuse_uploads -= 1
            raise TransientError("The simulated access point is busy")
        info = self._known(address)
        picture = prepare(image, info)
        name = digest(picture)
        coming = self._coming.get(info.address)
        if coming is not None and coming.upload.image_digest == name:
            return coming.upload
        shown = coming is None and self._digests.get(info.address) == name
        upload = Upload(info.address, name, info.content_hash, shown, self._clock.monotonic())
        if shown:
            self._report(info.address, LabelState.SHOWN, name)
            return upload
        self.uploads += 1
        self._coming[info.address] = _Coming(upload, picture)
        self._infos[info.address] = replace(info, pending=1)
        self._report(info.address, LabelState.PENDING, name)
        return upload

    def reports(self) -> AsyncIterator[LabelReport]:
        return self._mail.reports()

    async def flash_led(self, address: str, seconds: float = 3.0) -> None:
        self._check_reachable()
        self.flashes.append((self._known(address).address, seconds))

    def tick(self) -> None:
        """Let labels show what is due by the clock."""
        now = self._clock.monotonic()
        for address, coming in list(self._coming.items()):
            age_s = now - coming.upload.at
            if address in self.misbehave.deaf:
                if age_s >= self.misbehave.fail_after_s:
                    self._settle(address, coming, LabelState.FAILED)
            elif age_s >= self._confirm_s and not self.misbehave.away:
                self.glass[address] = coming.picture.convert("RGB")
                self._digests[address] = coming.upload.image_digest
                self._infos[address] = replace(self._infos[address], content_hash=coming.upload.image_digest[:16])
                self._settle(address, coming, LabelState.SHOWN)

    def _settle(self, address: str, coming: _Coming, state: LabelState) -> None:
        del self._coming[address]
        self._infos[address] = replace(self._infos[address], pending=0)
        self._report(address, state, coming.upload.image_digest)

    async def _run(self) -> None:
        while True:
            self.tick()
            await asyncio.sleep(_TICK_S)

    def _known(self, address: str) -> LabelInfo:
        info = self._infos.get(address.upper())
        if info is None:
            raise PermanentError(f"There is no simulated label {address}", "Add it to `tags`")
        return info

    def _check_reachable(self) -> None:
        if self.misbehave.away:
            raise TransientError("The simulated access point is away")

    def _report(self, address: str, state: LabelState, image_digest: str = "") -> None:
        info = self._infos[address]
        now = self._clock.monotonic()
        self._mail.put(LabelReport(address, state, info.content_hash, info.battery_mv, image_digest, now))


def _info(tag: SimulatedTag) -> LabelInfo:
    return LabelInfo(
        address=tag.address.upper(),
        width=tag.width,
        height=tag.height,
        colours=tag.colours,
        model="simulated",
        battery_mv=tag.battery_mv,
        rssi=-50,
        lqi=200,
        last_seen=None,
        temperature_c=21,
        pending=0,
        content_hash="0" * 16,
    )


def from_options(options: SimulatedLabelOptions, clock: Clock) -> SimulatedLabels:
    """Labels that tick by themselves."""
    return SimulatedLabels(
        options.tags,
        clock,
        confirm_s=options.confirm_s,
        low_battery_mv=options.low_battery_mv,
        self_ticking=True,
    )
